"""What aiortc's peers count: freezes, retransmissions, requests, loudness, round trips, bandwidth."""

import asyncio
from asyncio import run
from dataclasses import replace

import pytest
from aiortc import rtp
from aiortc.rtcrtpparameters import RTCRtpParameters

from tests.conformance.peer_connection import Pair, packet
from tests.media.aiortc_lab import in_pair
from tests.media.test_aiortc_media import LAYERS, Alone, flowing_sender
from videocli.media.aiortc_inside.codecs import codecs_to_offer, extensions_to_offer
from videocli.media.aiortc_inside.receiver import TrackReceiver
from videocli.media.aiortc_inside.router import Router
from videocli.media.aiortc_inside.sections import RemoteMedia, Section
from videocli.media.aiortc_inside.sender import TrackSender
from videocli.media.aiortc_peer import AiortcPeer
from videocli.media.frames import AudioLevel, Codec, EncodedFrame


def audio_section(level_id: int) -> Section:
    extensions = [
        replace(extension, id=level_id) if "audio-level" in extension.uri else extension
        for extension in extensions_to_offer("audio", ())
    ]
    return Section(
        mid="1",
        kind="audio",
        is_ours=True,
        sends=True,
        receives=True,
        codecs=codecs_to_offer("audio", ()),
        extensions=tuple(extensions),
        remote=RemoteMedia("mic", ()),
    )


class Clocked:
    """A receiver on a clock that is set by hand, a frame a packet."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self.now)
        self.alone = Alone(RemoteMedia("cam", (11,), {21: 11}))
        self.number = 0

    def frames(self, count: int, *, lost: bool = False, key: bool = False) -> None:
        for _ in range(count):
            self.now += 1 / 30
            self.number += 1
            if not lost:
                self.alone.take(11, self.number, is_key=key or self.number == 1)

    @property
    def freezes(self) -> tuple[int, float]:
        stats = self.alone.receiver.stats()
        return stats.freezes, round(stats.freeze_seconds, 2)


def test_a_picture_that_does_not_come_for_a_while_is_a_freeze(monkeypatch: pytest.MonkeyPatch) -> None:
    async def check() -> None:
        stream = Clocked(monkeypatch)
        stream.frames(40)
        stream.now += 0.4
        stream.frames(10)
        assert stream.freezes == (1, 0.43)
        stream.alone.receiver.end()

    run(check())


def test_while_a_lost_packet_is_not_mended_the_picture_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    async def check() -> None:
        stream = Clocked(monkeypatch)
        stream.frames(40)
        missing = stream.number + 1
        stream.frames(1, lost=True)
        stream.frames(9)
        assert stream.freezes == (0, 0.0)
        stream.alone.take(21, 500, payload_type=97, head=missing.to_bytes(2, "big"))
        stream.frames(1)
        assert stream.freezes == (1, 0.33)
        assert stream.alone.receiver.stats().retransmitted_packets == 1
        stream.alone.receiver.end()

    run(check())


def test_what_is_never_mended_stands_until_a_keyframe(monkeypatch: pytest.MonkeyPatch) -> None:
    async def check() -> None:
        stream = Clocked(monkeypatch)
        stream.frames(40)
        stream.frames(1, lost=True)
        stream.frames(90)
        assert stream.freezes == (0, 0.0)
        stream.frames(1, key=True)
        stream.frames(30)
        assert stream.freezes == (1, 3.07)
        stream.alone.receiver.end()

    run(check())


def test_another_simulcast_layer_is_no_freeze(monkeypatch: pytest.MonkeyPatch) -> None:
    async def check() -> None:
        now = 100.0
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
        alone = Alone(LAYERS)
        for number in range(1, 41):
            now += 1 / 30
            alone.take(12, number, is_key=number == 1)
        now += 0.5
        alone.take(13, 1, is_key=True)
        assert alone.receiver.stats().freezes == 0
        assert alone.receiver.stats().ssrc == 13
        alone.receiver.end()

    run(check())


def test_another_simulcast_layer_takes_the_count_of_losses_on() -> None:
    async def check() -> None:
        alone = Alone(LAYERS)
        receiver = alone.receiver
        for number in (1, 4):
            alone.take(11, number, is_key=True)
        assert receiver.stats().packets_lost == 2
        for number in (100, 200):
            alone.take(13, number, is_key=number == 200)
        assert receiver.stats().packets_lost == 2
        alone.take(13, 202)
        assert receiver.stats().packets_lost == 3
        for late in (201, 150, 151, 152):
            alone.take(13, late)
        assert receiver.stats().packets_lost == 0
        receiver.end()

    run(check())


def test_a_receivers_round_trip_is_that_of_the_path() -> None:
    async def check() -> None:
        assert Alone(LAYERS).receiver.stats().round_trip_time == 0.02

    run(check())


def test_plis_firs_nacks_and_what_was_sent_again_are_counted_apart() -> None:
    async def check() -> None:
        sender = flowing_sender([])
        router = Router()
        router.add_sender(sender, sender.ssrc)
        entry = sender.ssrc.to_bytes(4, "big") + bytes([1, 0, 0, 0])
        router.route_rtcp(bytes(rtp.RtcpPsfbPacket(fmt=rtp.RTCP_PSFB_FIR, ssrc=1, media_ssrc=0, fci=entry)))
        for _ in range(2):
            pli = rtp.RtcpPsfbPacket(fmt=rtp.RTCP_PSFB_PLI, ssrc=1, media_ssrc=sender.ssrc)
            router.route_rtcp(bytes(pli))
        for number in (7, 8, 9):
            sender.forward(packet(7, number, 1, b"", is_key=True))
        newest = sender._next_sequence - 1
        sender.nack_received([newest - 1 & 0xFFFF, newest & 0xFFFF, newest + 100 & 0xFFFF])
        stats = sender.stats()
        assert (stats.firs, stats.plis, stats.nacks, stats.retransmitted_packets) == (1, 2, 1, 2)
        assert (stats.packets, stats.ssrc) == (3, sender.ssrc)

    run(check())


def test_loudness_is_sent_under_the_id_that_each_side_negotiated() -> None:
    async def check() -> None:
        sent: list[bytes] = []

        def send(data: bytes) -> bool:
            sent.append(data)
            return True

        incoming = audio_section(level_id=9)
        router = Router()
        router.learn_extensions(incoming.extensions)
        receiver = TrackReceiver(
            incoming,
            report_ssrc=9,
            send_rtcp=lambda data: True,
            deliver=lambda event: None,
            round_trip_time=lambda: None,
        )
        router.add_receiver(receiver, "1", (), {111})
        sender = TrackSender("audio", "mic", cname="c", send=send)
        sender.configure(audio_section(level_id=12))
        sender.start()
        receiver.on_packet = sender.forward
        header = bytes([0x90, 111, 0, 1, 0, 0, 0, 0, 0, 0, 0, 5])
        router.route_rtp(header + b"\xbe\xde\x00\x01\x90\xa8\0\0" + b"opus")
        router.route_rtp(header[:3] + b"\2" + header[4:] + b"\xbe\xde\x00\x01\x30\xa8\0\0" + b"opus")

        extensions = rtp.HeaderExtensionsMap()
        extensions.configure(RTCRtpParameters(headerExtensions=list(audio_section(12).extensions)))
        levels = [rtp.RtpPacket.parse(data, extensions).extensions.audio_level for data in sent]
        assert levels == [(True, 40), None]
        assert receiver.stats().audio_level == pytest.approx(0.01)
        receiver.end()

    run(check())


def test_without_the_extension_loudness_is_not_sent() -> None:
    async def check() -> None:
        sent: list[bytes] = []

        def send(data: bytes) -> bool:
            sent.append(data)
            return True

        sender = TrackSender("audio", "mic", cname="c", send=send)
        section = audio_section(1)
        sender.configure(replace(section, extensions=()))
        sender.start()
        sender.send_frame(EncodedFrame(b"opus", 0, True, Codec.OPUS, audio_level=AudioLevel(False, 12)))
        assert sent[0][0] == 0x80
        assert sent[0][12:] == b"opus"

    run(check())


@pytest.mark.parametrize("fci", [b"", b"REMB", b"REMB\x01\x04\x00\x00", b"XXXX\x00\x04\x00\x01"])
def test_a_malformed_remb_says_nothing(fci: bytes) -> None:
    router = Router()
    router.route_rtcp(bytes(rtp.RtcpPsfbPacket(fmt=rtp.RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=fci)))
    assert router.allowed_bitrate is None


def test_the_latest_remb_is_the_bandwidth_that_there_is() -> None:
    async def check(both: Pair) -> None:
        peer = both.client.peer
        assert isinstance(peer, AiortcPeer)
        for bitrate in (300_000, 1_250_000):
            fci = rtp.pack_remb_fci(bitrate, [1, 2])
            remb = rtp.RtcpPsfbPacket(fmt=rtp.RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=fci)
            peer._router.route_rtcp(bytes(remb))
        assert peer.stats().available_outgoing_bitrate == pytest.approx(1_250_000, rel=0.01)

    run(in_pair(check))
