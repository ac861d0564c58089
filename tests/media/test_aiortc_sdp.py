"""The descriptions that aiortc's peers write and accept."""

import json
import re
from asyncio import run
from pathlib import Path

import pytest

from tests.conformance.peer_connection import Pair, Watched, pair
from tests.media.aiortc_lab import LAB, in_pair, in_watched
from videocli.errors import MediaError
from videocli.media.frames import Codec
from videocli.media.peer import (
    DataChannelOpened,
    IceState,
    LocalCandidates,
    RemoteTrackEnded,
    RemoteTrackStarted,
    Sender,
)

TRACES = Path(__file__).parent.parent / "traces"


def sections(sdp: str) -> list[str]:
    _, *found = re.split(r"(?m)^(?=m=)", sdp)
    return found


def mid(section: str) -> str:
    (found,) = re.findall(r"(?m)^a=mid:(\S+)", section)
    return str(found)


def shape(sdp: str) -> list[tuple[str, str, str]]:
    """Kind, mid and direction of each section; `refused` for port 0."""
    found = []
    for section in sections(sdp):
        direction = re.search(r"(?m)^a=(sendrecv|sendonly|recvonly|inactive)\r?$", section)
        state = "refused" if section.split()[1] == "0" else direction[1] if direction else ""
        found.append((section.split()[0].removeprefix("m="), mid(section), state))
    return found


def bundle(sdp: str) -> list[str]:
    (found,) = re.findall(r"(?m)^a=group:BUNDLE(.*?)\r?$", sdp)
    return str(found).split()


def recorded_offer(trace: str) -> str:
    """The first offer of the real SDK in Chromium."""
    for line in (TRACES / f"{trace}.jsonl").read_text().splitlines():
        found = re.search(r'"type": ?"offer"', line.replace("\\", ""))
        if found:
            return find_sdp(json.loads(line))
    raise AssertionError(f"no offer in {trace}")


def find_sdp(value: object) -> str:
    match value:
        case {"sdp": str(sdp)}:
            return sdp
        case dict():
            parts: list[object] = list(value.values())
        case list():
            parts = value
        case str() if value.startswith("{"):
            parts = [json.loads(value)]
        case _:
            parts = []
    return next((sdp for part in parts if (sdp := find_sdp(part))), "")


def test_the_first_offer_with_nothing_to_send_is_recvonly() -> None:
    async def check(both: Pair) -> None:
        offer = await both.client.peer.create_offer()
        assert shape(offer) == [("audio", "0", "recvonly"), ("video", "1", "recvonly")]
        assert "a=msid:" not in offer
        assert shape(await both.server.peer.accept_offer(offer)) == [
            ("audio", "0", "inactive"),
            ("video", "1", "inactive"),
        ]

    run(in_pair(check))


def test_the_first_offer_has_both_kinds_and_the_tracks_ids() -> None:
    async def check(both: Pair) -> None:
        both.client.peer.add_sender("video", "c@m/1+2")
        both.client.peer.open_data_channel("chat")
        offer = await both.client.peer.create_offer()
        assert shape(offer) == [
            ("video", "0", "sendrecv"),
            ("audio", "1", "recvonly"),
            ("application", "2", ""),
        ]
        assert re.findall(r"(?m)^a=msid:(.*)\r$", offer) == ["- c@m/1+2"]
        assert bundle(offer) == ["0", "1", "2"]
        assert offer == (await both.client.peer.create_offer()).replace(" 2 IN IP4 127", " 1 IN IP4 127")

    run(in_pair(check))


def test_the_server_sends_on_sections_of_its_own() -> None:
    async def check(both: Pair) -> None:
        both.client.peer.add_sender("audio", "mic")
        await both.client_offers()
        both.server.peer.add_sender("video", "MT1")
        both.server.peer.add_sender("video", "MT2")
        both.server.peer.open_data_channel("speaker")
        offer = await both.server.peer.create_offer()
        assert shape(offer)[2:] == [
            ("video", "video0", "sendonly"),
            ("video", "video1", "sendonly"),
            ("application", "application0", ""),
        ]
        assert re.findall(r"(?m)^a=msid:(.*)\r$", offer) == ["default MT1", "default MT2"]
        answer = await both.client.peer.accept_offer(offer)
        assert shape(answer) == [
            ("audio", "0", "sendonly"),
            ("video", "1", "inactive"),
            ("video", "video0", "recvonly"),
            ("video", "video1", "recvonly"),
            ("application", "application0", ""),
        ]
        await both.server.peer.accept_answer(answer)
        assert {event.receiver.track_id for event in both.client.all(RemoteTrackStarted)} == {"MT1", "MT2"}
        both.client.peer.add_sender("video", "cam")
        again = await both.client.peer.create_offer()
        assert ("video", "1", "sendrecv") in shape(again)
        assert ("video", "video0", "recvonly") in shape(again)

    run(in_pair(check))


def test_a_free_section_is_used_again_and_a_new_mid_only_then() -> None:
    async def check(both: Pair) -> None:
        first = both.client.peer.add_sender("video", "first")
        both.client.peer.add_sender("audio", "mic")
        await both.client_offers()
        both.client.peer.remove_sender(first)
        await both.client_offers()
        both.client.peer.add_sender("video", "second")
        both.client.peer.add_sender("video", "third")
        offer = await both.client.peer.create_offer()
        assert [mid(section) for section in sections(offer)] == ["0", "1", "2"]
        assert re.findall(r"(?m)^a=msid:- (.*)\r$", offer) == ["second", "mic", "third"]

    run(in_pair(check))


def test_chromiums_offer_is_answered_with_its_numbers() -> None:
    async def check(both: Pair) -> None:
        answer = await both.server.peer.accept_offer(recorded_offer("connect_av"))
        assert shape(answer) == [("audio", "0", "recvonly"), ("video", "1", "recvonly")]
        audio, video = sections(answer)
        assert audio.startswith("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n")
        assert "a=fmtp:111 minptime=10;useinbandfec=1\r\n" in audio
        assert video.startswith("m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 109 102 108\r\n")
        assert "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n" in video
        assert "a=setup:active\r\n" in video
        assert "transport-cc" not in answer
        assert [event.receiver.kind for event in both.server.all(RemoteTrackStarted)] == ["audio", "video"]

    run(in_pair(check))


def test_new_sections_take_the_numbers_negotiated_before() -> None:
    """Chromium refuses an offer that gives a codec or an extension another number (aiortc-notes.md, 5.2)."""

    async def check(both: Pair) -> None:
        numbers = {"96": "50", "97": "51", "111": "96", "108": "97"}
        offer = re.sub(
            r"(?m)(?<=[ :=])(96|97|111|108)(?=[ \r])",
            lambda found: numbers[found[1]],
            recorded_offer("connect_av"),
        ).replace("a=extmap:4 ", "a=extmap:9 ")
        await both.server.peer.accept_offer(offer)
        both.server.peer.add_sender("video", "MT1")
        both.server.peer.add_sender("audio", "MT2")
        _, known, video, audio = sections(await both.server.peer.create_offer())
        assert "a=rtpmap:50 VP8/90000\r\n" in known
        for line in (
            "a=rtpmap:50 VP8/90000",
            "a=fmtp:51 apt=50",
            "a=rtpmap:97 H264/90000",
            "a=extmap:9 urn",
        ):
            assert line in video
        assert "a=rtpmap:96 opus/48000/2\r\n" in audio
        assert video.split("\r\n")[0].split()[3:] == ["50", "51", "97", "109", "102", "103"]

    run(in_pair(check))


def test_a_section_without_a_codec_of_ours_is_refused_alone() -> None:
    async def check(both: Pair) -> None:
        offer = recorded_offer("connect_av")
        session, audio, video = offer[: offer.index("m=")], *sections(offer)
        only_vp9 = re.sub(r"(?m)^(m=video 9 \S+).*$", r"\1 98", video)
        answer = await both.server.peer.accept_offer(session + audio + only_vp9)
        assert shape(answer) == [("audio", "0", "recvonly"), ("video", "1", "refused")]
        assert bundle(answer) == ["0"]
        assert "m=video 0 UDP/TLS/RTP/SAVPF 98\r\n" in answer

    run(in_pair(check))


async def refuse_video(both: Pair) -> Sender:
    """The client offers a video track, and the server refuses that section."""
    sender = both.client.peer.add_sender("video", "cam")
    answer = await both.server.peer.accept_offer(await both.client.peer.create_offer())
    video, audio = sections(answer)
    refused = answer[: answer.index("m=")].replace("BUNDLE 0 1", "BUNDLE 1") + re.sub(
        r"^m=video \d+", "m=video 0", video
    )
    moved = re.sub(r"(?m)^a=candidate.*\r\n", "", refused) + audio
    await both.client.peer.accept_answer(moved)
    return sender


def test_candidates_are_said_to_be_of_a_section_that_is_not_refused() -> None:
    async def check(both: Pair) -> None:
        await refuse_video(both)
        both.client.peer.restart_ice()
        await both.client.peer.create_offer()
        told = both.client.all(LocalCandidates)
        assert {(each.mid, each.mline_index) for each in told[0].candidates} == {(None, 0)}
        assert {(each.mid, each.mline_index) for each in told[-1].candidates} == {("1", 1)}

    run(in_pair(check))


def test_a_refused_track_is_not_offered_for_ever() -> None:
    async def check(both: Pair) -> None:
        sender = await refuse_video(both)
        assert sender.codec is None
        assert not both.client.peer.needs_negotiation
        again = await both.client.peer.create_offer()
        assert shape(again)[0] == ("video", "0", "refused")
        assert bundle(again) == ["1"]

    run(in_pair(check))


def test_a_recycled_section_is_another_one() -> None:
    async def check(both: Pair) -> None:
        both.client.peer.add_sender("video", "old")
        offer = await both.client.peer.create_offer()
        await both.server.peer.accept_offer(offer)
        recycled = (
            offer.replace("a=mid:0\r\n", "a=mid:7\r\n")
            .replace("BUNDLE 0", "BUNDLE 7")
            .replace("- old", "- new")
        )
        answer = await both.server.peer.accept_offer(recycled)
        assert shape(answer)[0] == ("video", "7", "recvonly")
        assert [event.receiver.track_id for event in both.server.all(RemoteTrackEnded)] == ["old"]
        assert both.server.all(RemoteTrackStarted)[-1].receiver.track_id == "new"

    run(in_pair(check))


PRODUCTION_SESSION = """v=0
o=- 3799999999 37999999{version} IN IP4 127.0.0.1
s=VM0123456789abcdef0123456789abcdef
t=0 0
a=group:BUNDLE {bundle}
a=ice-lite
a=msid-semantic:WMS *
"""
PRODUCTION_TRANSPORT = """a=candidate:2 1 UDP 2013266430 192.0.2.7 40000 typ host
a=candidate:2 2 UDP 2013266429 192.0.2.7 40001 typ host
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuv
a=fingerprint:sha-256 {fingerprint}
a=setup:{setup}
"""
FINGERPRINT = ":".join(["AB"] * 32)


def production_section(kind: str, name: str, direction: str, setup: str, more: str = "") -> str:
    payload = {"audio": "111", "video": "96"}[kind]
    codec = {"audio": "opus/48000/2", "video": "VP8/90000"}[kind]
    return (
        f"m={kind} 1 RTP/SAVPF {payload}\nc=IN IP4 0.0.0.0\na=rtcp:9\na={direction}\n"
        f"a=rtpmap:{payload} {codec}\na=rtcp-mux\n"
        + (f"a=rtcp-fb:{payload} nack pli\n" if kind == "video" else "")
        + PRODUCTION_TRANSPORT.format(fingerprint=FINGERPRINT, setup=setup)
        + f"a=mid:{name}\n"
        + more
    )


def test_the_media_servers_descriptions_are_accepted() -> None:
    """ICE-lite, port 1, component 2, no mid extension, legacy SCTP (production-facts.md, 1 and 4)."""

    async def check(one: Watched) -> None:
        one.peer.add_sender("audio", "mic")
        await one.peer.create_offer()
        await one.peer.accept_answer(
            PRODUCTION_SESSION.format(version="01", bundle="0 1").replace(
                "WMS *", " WMS\na=msid-semantic:WMS *"
            )
            + production_section("audio", "0", "recvonly", "active")
            + production_section("video", "1", "inactive", "active")
        )
        assert one.peer.ice_state is IceState.CHECKING
        answer = await one.peer.accept_offer(
            PRODUCTION_SESSION.format(version="02", bundle="0 1 application0 video0 audio0")
            + production_section("audio", "0", "recvonly", "actpass")
            + production_section("video", "1", "inactive", "actpass")
            + "m=application 1 DTLS/SCTP 5000\nc=IN IP4 0.0.0.0\na=sctpmap:5000 webrtc-datachannel 16\n"
            + PRODUCTION_TRANSPORT.format(fingerprint=FINGERPRINT, setup="actpass")
            + "a=mid:application0\n"
            + production_section(
                "video", "video0", "sendonly", "actpass", "a=msid:default MT1\na=ssrc:5 cname:user1@host-ab\n"
            )
            + production_section(
                "audio", "audio0", "sendonly", "actpass", "a=msid:default MT2\na=ssrc:6 cname:user1@host-ab\n"
            )
        )
        assert shape(answer) == [
            ("audio", "0", "sendonly"),
            ("video", "1", "inactive"),
            ("application", "application0", ""),
            ("video", "video0", "recvonly"),
            ("audio", "audio0", "recvonly"),
        ]
        assert set(re.findall(r"a=setup:(\w+)", answer)) == {"passive"}
        assert "m=application 9 DTLS/SCTP 5000\r\n" in answer
        assert "a=sctpmap:5000 webrtc-datachannel" in answer
        assert [event.receiver.track_id for event in one.all(RemoteTrackStarted)] == ["MT1", "MT2"]

    run(in_watched(check))


@pytest.mark.parametrize(
    ("lines", "track_id"),
    [
        ("a=msid:- track\n", "track"),
        ("a=msid:stream track extra\n", "track"),
        ("a=ssrc:5 cname:x\na=ssrc:5 msid:stream track\n", "track"),
        ("a=msid:stream\na=ssrc:5\n", "0"),
        ("", "0"),
    ],
)
def test_track_id_is_the_second_word_of_msid(lines: str, track_id: str) -> None:
    async def check(one: Watched) -> None:
        await one.peer.accept_offer(
            PRODUCTION_SESSION.format(version="01", bundle="0").replace("WMS *", " WMS")
            + production_section("video", "0", "sendonly", "actpass", lines)
        )
        assert [event.receiver.track_id for event in one.all(RemoteTrackStarted)] == [track_id]

    run(in_watched(check))


@pytest.mark.parametrize(
    "line",
    [
        "a=candidate:broken",
        "a=candidate:1 1 udp x 192.0.2.1 y typ host",
        "a=fmtp:99 apt=98",
        "a=rtcp-fb:99 nack",
        "a=ssrc:7",
        "a=extmap:3 urn:some:extension with attributes",
        "a=fmtp:96 max-fs=12288; max-fr=60",
        "a=something:we never heard of",
    ],
)
def test_odd_lines_do_not_spoil_a_description(line: str) -> None:
    async def check(one: Watched) -> None:
        answer = await one.peer.accept_offer(
            PRODUCTION_SESSION.format(version="01", bundle="0")
            + production_section("video", "0", "sendonly", "actpass", line + "\n")
        )
        assert shape(answer) == [("video", "0", "recvonly")]

    run(in_watched(check))


@pytest.mark.parametrize(
    ("remove", "reason"),
    [
        (r"a=ice-ufrag.*\n", "ICE credentials"),
        (r"a=fingerprint.*\n", "DTLS fingerprint"),
        (r"a=mid.*\n", "no mid|refuses every section"),
        (r"m=(?s:.)*", "no sections"),
    ],
)
def test_descriptions_that_cannot_work_say_why(remove: str, reason: str) -> None:
    async def check(one: Watched) -> None:
        offer = PRODUCTION_SESSION.format(version="01", bundle="0") + production_section(
            "video", "0", "sendonly", "actpass"
        )
        with pytest.raises(MediaError) as refused:
            await one.peer.accept_offer(re.sub(remove, "", offer))
        assert refused.value.code == 53402
        assert re.search(reason, refused.value.explanation)
        assert one.peer.ice_state is IceState.NEW

    run(in_watched(check))


def test_another_certificate_is_refused() -> None:
    async def check(one: Watched) -> None:
        offer = PRODUCTION_SESSION.format(version="01", bundle="0") + production_section(
            "video", "0", "sendonly", "actpass"
        )
        await one.peer.accept_offer(offer)
        with pytest.raises(MediaError):
            await one.peer.accept_offer(offer.replace(FINGERPRINT, FINGERPRINT.replace("AB", "CD")))

    run(in_watched(check))


def test_bundle_only_sections_are_not_refused() -> None:
    """Firefox offers with max-bundle give them port 0 (RFC 9143, section 6)."""

    async def check(one: Watched) -> None:
        answer = await one.peer.accept_offer(
            PRODUCTION_SESSION.format(version="01", bundle="0 1")
            + production_section("audio", "0", "sendonly", "actpass")
            + production_section("video", "1", "sendonly", "actpass", "a=bundle-only\n").replace(
                "m=video 1 ", "m=video 0 "
            )
        )
        assert shape(answer) == [("audio", "0", "recvonly"), ("video", "1", "recvonly")]

    run(in_watched(check))


def test_h264_is_agreed_on_with_the_other_sides_profile() -> None:
    async def check(one: Watched) -> None:
        h264 = production_section("video", "0", "recvonly", "actpass").replace("VP8/90000", "H264/90000")
        fmtp = "a=fmtp:96 packetization-mode=1; profile-level-id=42e02a;level-asymmetry-allowed=1\n"
        answer = await one.peer.accept_offer(
            PRODUCTION_SESSION.format(version="01", bundle="0") + h264 + fmtp
        )
        assert "profile-level-id=42e02a" in answer
        sender = one.peer.add_sender("video", "cam")
        again = await one.peer.create_offer()
        await one.peer.accept_answer(
            PRODUCTION_SESSION.format(version="02", bundle="0 1")
            + h264.replace("recvonly", "inactive").replace("actpass", "active")
            + fmtp
            + h264.replace("actpass", "active").replace("a=mid:0", f"a=mid:{mid(sections(again)[1])}")
            + fmtp
        )
        assert sender.codec is Codec.H264

    run(in_watched(check))


def test_data_section_of_the_other_side_opens_channels_of_ours() -> None:
    async def check(both: Pair) -> None:
        await both.client_offers()
        both.server.peer.open_data_channel("speaker")
        await both.server_offers()
        both.client.peer.open_data_channel("chat")
        assert not both.client.peer.needs_negotiation
        await both.server.first(DataChannelOpened, lambda event: event.channel.label == "chat")
        await both.client.first(DataChannelOpened, lambda event: event.channel.label == "speaker")

    run(in_pair(check))


def test_a_flood_of_ssrc_lines_is_cut_off() -> None:
    async def play() -> None:
        async with pair(LAB) as both:
            offer = await both.client.peer.create_offer()
            flood = "".join(f"a=ssrc:{number} cname:x\r\n" for number in range(1, 5000))
            assert len(shape(await both.server.peer.accept_offer(offer + flood))) == len(shape(offer))

    run(play())
