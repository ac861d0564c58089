"""What aiortc's peers do with media: order, loss, simulcast, retransmission, keyframe requests, reports."""

import asyncio
import itertools
from asyncio import run
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from aiortc import rtp
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.peer_connection import (
    PATIENCE,
    VP8_KEYFRAME,
    Collected,
    Pair,
    Talk,
    packet,
)
from tests.media.aiortc_lab import in_pair, until
from tests.media.test_bitstream import encoded
from videocli.media.aiortc_inside.assembler import AssembledFrame, Fragment, FrameAssembler
from videocli.media.aiortc_inside.codecs import MID_URI, codecs_to_offer, extensions_to_offer
from videocli.media.aiortc_inside.receiver import TrackReceiver
from videocli.media.aiortc_inside.router import Router
from videocli.media.aiortc_inside.rtp_packet import RtpPacket
from videocli.media.aiortc_inside.sections import RemoteMedia, Section
from videocli.media.aiortc_inside.sender import TrackSender
from videocli.media.aiortc_inside.sequence import (
    CaptureClock,
    Missing,
    Reception,
    SteadyTimestamps,
    Unwrapper,
    pack_nack,
)
from videocli.media.aiortc_peer import AiortcPeer
from videocli.media.frames import Codec, EncodedFrame
from videocli.media.peer import MediaFlowing, MediaPacket, PeerConnection, PeerEvent

# Numbers that wrap.


@given(st.lists(st.integers(-30_000, 30_000), max_size=50), st.integers(0, 65_535))
def test_unwrapped_numbers_keep_their_distance(steps: list[int], start: int) -> None:
    true = list(itertools.accumulate(steps, initial=start))
    unwrapper = Unwrapper(16)
    assert [unwrapper.unwrap(number & 0xFFFF) for number in true] == true


def test_timestamps_go_on_over_a_change_of_source() -> None:
    steady = SteadyTimestamps()
    assert steady.follow(4_294_967_290, 1.0, 90_000) == 4_294_967_290
    assert steady.follow(4, 1.0, 90_000) == 4_294_967_300
    steady.source_changed()
    assert steady.follow(77, 1.5, 90_000) == 4_294_967_300 + 45_000
    assert steady.follow(80, 1.5, 90_000) == 4_294_967_300 + 45_003


def test_losses_and_jitter_are_counted_as_the_rfc_says() -> None:
    reception = Reception(90_000)
    for index, number in enumerate([65_530, 65_531, 65_533, 65_534, 65_532, 65_538]):
        reception.add(number, number * 3000, index * 0.05)
    assert reception.packets_lost == 3
    assert reception.take_fraction_lost() == 3 * 256 // 9
    assert reception.take_fraction_lost() == 0
    assert reception.highest_sequence == 65_538
    assert 0 < reception.jitter < 0.1
    assert reception.jitter_units == int(reception.jitter * 90_000)


def test_missing_packets_are_asked_for_until_they_come_or_time_is_up() -> None:
    missing = Missing()
    missing.add(10, 0.0)
    missing.add(14, 0.0)
    assert missing.due(0.0) == [11, 12, 13]
    assert missing.due(0.01) == []
    missing.add(12, 0.02)
    again = [missing.due(now / 10) for now in range(1, 20)]
    assert [due for due in again if due] == [[11, 13]] * 4
    assert not missing


def test_a_hole_too_large_to_mend_is_not_asked_for() -> None:
    missing = Missing()
    missing.add(1, 0.0)
    missing.add(1000, 0.0)
    assert missing.due(0.0) == []


def test_more_holes_than_can_be_mended_are_not_asked_for() -> None:
    missing = Missing()
    for number in range(0, 30_000, 100):
        missing.add(number, 0.0)
    assert len(missing.due(0.0)) <= 300
    assert missing.any_since(29_000)


def test_what_an_outage_swallowed_is_not_asked_for() -> None:
    missing = Missing()
    missing.add(10, 0.0)
    missing.add(60, 3.0)
    assert missing.due(3.0) == []
    missing.add(62, 3.02)
    assert missing.due(3.02) == [61]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=100))
def test_a_copy_is_told_from_what_was_missing(numbers: list[int]) -> None:
    missing = Missing()
    came: set[int] = set()
    for number in numbers:
        is_copy = number in came and number >= numbers[0]
        assert missing.add(number, 0.0) is not is_copy
        came.add(number)


def test_what_was_given_up_is_no_copy_when_it_comes_after_all() -> None:
    missing = Missing()
    missing.add(1, 0.0)
    missing.add(1000, 0.0)
    assert missing.add(500, 0.0)
    assert not missing.add(1000, 0.0)


@given(st.sets(st.integers(65_000, 66_000), min_size=1, max_size=80))
def test_a_nack_names_just_the_missing_packets(numbers: set[int]) -> None:
    (nack,) = rtp.RtcpPacket.parse(pack_nack(1, 2, sorted(numbers)))
    assert isinstance(nack, rtp.RtcpRtpfbPacket)
    assert (nack.fmt, nack.ssrc, nack.media_ssrc) == (rtp.RTCP_RTPFB_NACK, 1, 2)
    assert [number & 0xFFFF for number in nack.lost] == [number & 0xFFFF for number in sorted(numbers)]


# Frames.


def fragments(frames: int, *, key_every: int, parts: int = 3) -> list[Fragment]:
    made = []
    for frame, part in itertools.product(range(frames), range(parts)):
        made.append(
            Fragment(
                sequence_number=frame * parts + part,
                timestamp=frame * 3000,
                ends_frame=part == parts - 1,
                starts_keyframe=part == 0 and frame % key_every == 0,
                data=f"{frame}.{part} ".encode(),
            )
        )
    return made


def whole(frame: int, *, is_key: bool, parts: int = 3) -> AssembledFrame:
    return AssembledFrame(
        frame * 3000, b"".join(f"{frame}.{part} ".encode() for part in range(parts)), is_key
    )


def assemble(
    parts: Sequence[Fragment], assembler: FrameAssembler, *, interval: float = 0.01
) -> list[AssembledFrame]:
    return [frame for index, part in enumerate(parts) for frame in assembler.add(part, index * interval)]


@given(st.randoms(use_true_random=False), st.integers(1, 12))
def test_packets_a_little_out_of_order_make_the_same_frames(random: Any, reach: int) -> None:
    parts = fragments(10, key_every=5)
    shuffled = sorted(parts, key=lambda part: part.sequence_number + random.uniform(0, reach))
    made = assemble(shuffled, FrameAssembler(needs_keyframes=True, max_wait=10))
    assert made == [whole(frame, is_key=frame % 5 == 0) for frame in range(10)]


def test_a_frame_is_out_as_soon_as_its_marker_is_in() -> None:
    assembler = FrameAssembler(needs_keyframes=True, max_wait=0.5)
    *first, last = fragments(1, key_every=1)
    assert assemble(first, assembler) == []
    assert assembler.add(last, 0.0) == [whole(0, is_key=True)]


def test_after_a_loss_video_goes_on_with_a_keyframe() -> None:
    parts = [part for part in fragments(40, key_every=10) if part.sequence_number != 4]
    assembler = FrameAssembler(needs_keyframes=True, max_wait=0.5)
    made = assemble(parts, assembler)
    assert [frame.timestamp // 3000 for frame in made] == [0, *range(10, 40)]
    assert made[1].is_keyframe
    assert [frame.timestamp // 3000 for frame in made if frame.is_after_loss] == [10]


def test_while_a_keyframe_is_awaited_the_assembler_says_so() -> None:
    parts = [part for part in fragments(30, key_every=100) if part.sequence_number != 4]
    assembler = FrameAssembler(needs_keyframes=True, max_wait=0.2)
    assert assembler.awaits_keyframe
    assert len(assemble(parts[:3], assembler)) == 1
    assert not assembler.awaits_keyframe
    assemble(parts[3:6], assembler)
    assert assembler.has_gap
    assert assembler.expire(10.0) == []
    assert assembler.awaits_keyframe


def test_a_packet_that_comes_after_its_gap_was_given_up_makes_no_frame() -> None:
    parts = fragments(6, key_every=100)
    assembler = FrameAssembler(needs_keyframes=True, max_wait=0.2)
    assert len(assemble([*parts[:4], *parts[5:9]], assembler)) == 1
    assert assembler.expire(1.0) == []
    assert assembler.add(parts[4], 1.1) == []
    assert assembler.expire(2.0) == []
    assert assembler.awaits_keyframe


def test_what_comes_before_a_keyframes_beginning_is_put_before_it_however_late() -> None:
    sps, idr, rest = (replace(part, starts_keyframe=True) for part in fragments(1, key_every=1))
    before = replace(sps, sequence_number=-1, timestamp=-3000)
    assembler = FrameAssembler(needs_keyframes=True, max_wait=0.5)
    assert assemble([idr, before, sps, sps], assembler) == []
    assert assembler.add(rest, 0.1) == [whole(0, is_key=True)]


def test_a_frame_that_never_ends_is_dropped() -> None:
    def part(number: int, *, ends: bool = False) -> Fragment:
        return Fragment(number, 0, ends, number in (0, 10_001), b"x")

    assembler = FrameAssembler(needs_keyframes=True, max_wait=0.2)
    assert [assembler.add(part(number), 0.0) for number in range(10_000)] == [[]] * 10_000
    assert assembler.add(part(10_000, ends=True), 0.0) == []
    assert assembler.awaits_keyframe
    assert assembler.add(part(10_001, ends=True), 0.0) == [AssembledFrame(0, b"x", True, True)]


def test_sequence_numbers_that_run_backwards_are_not_hoarded() -> None:
    assembler = FrameAssembler(needs_keyframes=True, max_wait=0.2)
    for number in range(0, -10_000, -1):
        assert assembler.add(Fragment(number, 0, False, False, b"x"), 0.0) == []
    (frame,) = assembler.add(Fragment(-10_000, 0, True, True, b"y"), 0.0)
    assert frame.data == b"y"
    assert assembler.add(Fragment(-9_999, 1, True, False, b"z"), 0.0) == [
        AssembledFrame(1, b"z", False, False)
    ]


def test_a_late_packet_within_the_wait_mends_the_gap() -> None:
    parts = fragments(5, key_every=5)
    late = [*parts[:4], *parts[5:], parts[4]]
    made = assemble(late, FrameAssembler(needs_keyframes=True, max_wait=0.5))
    assert [frame.timestamp // 3000 for frame in made] == [0, 1, 2, 3, 4]


def test_lost_audio_is_skipped() -> None:
    parts = [part for part in fragments(20, key_every=1, parts=1) if part.sequence_number not in (3, 4)]
    made = assemble(parts, FrameAssembler(needs_keyframes=False, max_wait=0.1), interval=0.02)
    assert [frame.timestamp // 3000 for frame in made] == [0, 1, 2, *range(5, 20)]
    assert [frame.timestamp // 3000 for frame in made if frame.is_after_loss] == [5]


def test_padding_makes_no_frame_and_no_gap() -> None:
    parts = fragments(3, key_every=3)
    parts[4] = replace(parts[4], data=b"")
    made = assemble(parts, FrameAssembler(needs_keyframes=True, max_wait=0.1))
    assert [frame.data for frame in made] == [b"0.0 0.1 0.2 ", b"1.0 1.2 ", b"2.0 2.1 2.2 "]


# A receiver and a sender alone.


def video_section(remote: RemoteMedia | None = None, *, sends: bool = False) -> Section:
    return Section(
        mid="1",
        kind="video",
        is_ours=True,
        sends=sends,
        receives=remote is not None,
        codecs=codecs_to_offer("video", ()),
        extensions=extensions_to_offer("video", ()),
        remote=remote,
    )


class Alone:
    """A receiver whose feedback and events are collected."""

    def __init__(self, remote: RemoteMedia) -> None:
        self.feedback: list[object] = []
        self.events: list[PeerEvent] = []
        self.packets: list[MediaPacket] = []
        self.receiver = TrackReceiver(
            video_section(remote),
            report_ssrc=9,
            send_rtcp=lambda data: self.feedback.extend(rtp.RtcpPacket.parse(data)),
            deliver=self.events.append,
            round_trip_time=lambda: 0.02,
        )
        self.receiver.on_packet = self.packets.append

    def take(
        self, ssrc: int, number: int, *, is_key: bool = False, payload_type: int = 96, head: bytes = b""
    ) -> None:
        body = packet(ssrc, number, number * 3000, b"", is_key=is_key).payload
        self.receiver.rtp_received(
            RtpPacket(
                payload_type=payload_type,
                marker=True,
                sequence_number=number,
                timestamp=number * 3000,
                ssrc=ssrc,
                payload=head + body,
            )
        )

    def plis(self) -> list[int]:
        return [p.media_ssrc for p in self.feedback if isinstance(p, rtp.RtcpPsfbPacket)]

    def nacks(self) -> list[tuple[int, list[int]]]:
        return [(p.media_ssrc, p.lost) for p in self.feedback if isinstance(p, rtp.RtcpRtpfbPacket)]


LAYERS = RemoteMedia("cam", (11, 12, 13), {21: 11, 22: 12, 23: 13})


def test_the_highest_simulcast_layer_is_taken_from_its_keyframe_on() -> None:
    async def check() -> None:
        alone = Alone(LAYERS)
        alone.take(11, 1, is_key=True)
        alone.take(13, 70)
        alone.take(12, 40)
        alone.take(11, 2)
        assert {p.ssrc for p in alone.packets} == {11}
        assert alone.plis() == [13]
        alone.take(13, 71, is_key=True)
        alone.take(11, 3, is_key=True)
        alone.take(12, 41, is_key=True)
        alone.take(13, 72)
        assert [p.ssrc for p in alone.packets] == [11, 11, 13, 13]
        assert alone.events.count(MediaFlowing(alone.receiver)) == 1
        alone.receiver.end()

    run(check())


def test_a_lower_layer_takes_over_when_the_highest_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def check() -> None:
        alone = Alone(LAYERS)
        now = 100.0
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
        alone.take(13, 1, is_key=True)
        now = 100.9
        alone.take(12, 1, is_key=True)
        now = 101.1
        alone.take(12, 2, is_key=True)
        alone.take(12, 3)
        assert [(p.ssrc, p.sequence_number) for p in alone.packets] == [(13, 1), (12, 2), (12, 3)]
        alone.receiver.end()

    run(check())


def test_a_gap_is_asked_for_and_a_retransmission_fills_it() -> None:
    async def check() -> None:
        alone = Alone(LAYERS)
        alone.take(11, 65534, is_key=True)
        alone.take(11, 2)
        assert alone.nacks() == [(11, [65535, 65536, 65537])]
        alone.take(21, 500, payload_type=97, head=b"\xff\xff")
        assert [p.sequence_number for p in alone.packets] == [65534, 2, 65535]
        assert {p.ssrc for p in alone.packets} == {11}
        assert alone.receiver.stats().packets_lost == 2
        alone.receiver.end()

    run(check())


def test_a_packet_that_comes_twice_is_counted_and_handed_out_once() -> None:
    async def check() -> None:
        alone = Alone(LAYERS)
        alone.take(11, 1, is_key=True)
        alone.take(11, 3)
        alone.take(11, 2)
        alone.take(21, 500, payload_type=97, head=b"\0\2")
        alone.take(11, 3)
        assert [p.sequence_number for p in alone.packets] == [1, 3, 2]
        assert alone.receiver.stats().packets == 3
        alone.receiver.end()

    run(check())


def test_a_keyframe_is_asked_for_at_most_every_300_ms_and_never_forgotten() -> None:
    async def check() -> None:
        alone = Alone(RemoteMedia("cam", (11,)))
        loop = asyncio.get_running_loop()
        alone.take(11, 1)
        first = loop.time()
        assert alone.plis() == [11]
        for _ in range(5):
            alone.receiver.request_keyframe()
        assert alone.plis() == [11]
        await until(lambda: len(alone.plis()) == 2)
        assert loop.time() - first >= 0.29
        alone.receiver.end()

    run(check())


def test_packets_after_the_end_are_dropped() -> None:
    async def check() -> None:
        alone = Alone(RemoteMedia("cam", (11,)))
        alone.receiver.end()
        alone.take(11, 1, is_key=True)
        assert alone.packets == []
        assert alone.events == []

    run(check())


def sent_packets(sent: list[bytes]) -> list[rtp.RtpPacket]:
    extensions = rtp.HeaderExtensionsMap()
    extensions.configure(RTCRtpParameters(headerExtensions=list(extensions_to_offer("video", ()))))
    return [rtp.RtpPacket.parse(data, extensions) for data in sent if not rtp.is_rtcp(data)]


def flowing_sender(sent: list[bytes]) -> TrackSender:
    def send(data: bytes) -> bool:
        sent.append(data)
        return True

    sender = TrackSender("video", "cam", cname="c", send=send)
    sender.configure(replace(video_section(sends=True), track=sender))
    sender.start()
    return sender


def test_sent_packets_carry_mid_and_send_time() -> None:
    async def check() -> None:
        sent: list[bytes] = []
        sender = flowing_sender(sent)
        sender.send_frame(EncodedFrame(VP8_KEYFRAME, 0, True, Codec.VP8))
        packets = sent_packets(sent)
        assert {p.extensions.mid for p in packets} == {"1"}
        assert all(p.extensions.abs_send_time is not None for p in packets)
        assert [p.marker for p in packets] == [0, 0, 1]
        assert {p.payload_type for p in packets} == {96}

    run(check())


def test_lost_packets_are_sent_again_as_rtx() -> None:
    async def check() -> None:
        sent: list[bytes] = []
        sender = flowing_sender(sent)
        sender.send_frame(EncodedFrame(VP8_KEYFRAME, 0, True, Codec.VP8))
        original = sent_packets(sent)[1]
        sent.clear()
        sender.nack_received([original.sequence_number, (original.sequence_number + 1000) & 0xFFFF])
        (again,) = sent_packets(sent)
        assert (again.ssrc, again.payload_type) == (sender.rtx_ssrc, 97)
        unwrapped = rtp.unwrap_rtx(again, 96, sender.ssrc)
        assert (unwrapped.sequence_number, unwrapped.payload) == (original.sequence_number, original.payload)
        assert unwrapped.timestamp == original.timestamp

    run(check())


def test_only_so_many_packets_are_sent_again_in_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    async def check() -> None:
        sent: list[bytes] = []
        now = 100.0
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
        sender = flowing_sender(sent)
        for number in range(100):
            sender.forward(packet(7, number, 3000 * number, b"", is_key=number == 0))
        numbers = [p.sequence_number for p in sent_packets(sent)]
        sent.clear()
        sender.nack_received([numbers[3]] * 1000)
        assert len(sent) == 1
        for _ in range(100):
            sender.nack_received(numbers)
        assert len(sent) == 512
        now = 101.5
        sender.nack_received(numbers)
        assert len(sent) == 612
        assert sender.stats().retransmitted_packets == 612

    run(check())


def test_without_rtx_the_very_packet_is_sent_again() -> None:
    async def check() -> None:
        sent: list[bytes] = []
        sender = flowing_sender(sent)
        section = video_section(sends=True)
        sender.configure(replace(section, codecs=section.codecs[:1], track=sender))
        sender.send_frame(EncodedFrame(VP8_KEYFRAME, 0, True, Codec.VP8))
        original = sent_packets(sent)[0]
        sent.clear()
        sender.nack_received([original.sequence_number])
        (again,) = sent_packets(sent)
        assert (again.ssrc, again.sequence_number) == (sender.ssrc, original.sequence_number)

    run(check())


def test_forwarded_late_packets_keep_their_place() -> None:
    async def check() -> None:
        sent: list[bytes] = []
        sender = flowing_sender(sent)
        for number in (65534, 0, 65535, 1):
            sender.forward(packet(7, number, 3000 * number, b"", is_key=number == 65534))
        numbers = [p.sequence_number for p in sent_packets(sent)]
        assert [(number - numbers[0]) & 0xFFFF for number in numbers] == [0, 2, 1, 3]

    run(check())


def test_codecs_that_were_not_negotiated_are_not_sent() -> None:
    async def check() -> None:
        sent: list[bytes] = []
        sender = flowing_sender(sent)
        section = video_section(sends=True)
        sender.configure(replace(section, codecs=section.codecs[:2], track=sender))
        sender.send_frame(EncodedFrame(b"\0\0\1\x67\x42", 0, True, Codec.H264))
        sender.forward(replace(packet(7, 1, 1, b"", is_key=True), codec=Codec.H264))
        assert sent == []
        assert sender.codec is Codec.VP8

    run(check())


def test_round_trip_time_comes_from_receiver_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    async def check() -> None:
        sender = flowing_sender([])
        monkeypatch.setattr("aiortc.clock.current_ntp_time", lambda: 1000 << 32)
        half_second, quarter = 1 << 15, 1 << 14
        last_report = (1000 << 16) - half_second
        sender.reception_reported(rtp.RtcpReceiverInfo(sender.ssrc, 0, 4, 0, 900, last_report, quarter))
        stats = sender.stats()
        assert (stats.round_trip_time, stats.packets_lost, stats.jitter) == (0.25, 4, 0.01)

    run(check())


def test_frames_tell_when_they_were_captured_once_a_sender_report_came() -> None:
    async def check() -> None:
        alone = Alone(RemoteMedia("cam", (1,)))
        frames: list[EncodedFrame] = []
        alone.receiver.on_frame = frames.append
        alone.take(1, 0, is_key=True)
        ten_seconds_after_1970 = (2_208_988_800 + 10) << 32
        report = rtp.RtcpSenderInfo(ten_seconds_after_1970, (2 * 3000 - 45_000) & 0xFFFFFFFF, 0, 0)
        alone.receiver.sender_report_received(rtp.RtcpSrPacket(ssrc=1, sender_info=report))
        alone.take(1, 1)
        alone.take(1, 2)
        told = [frame.captured_at for frame in frames]
        assert told == [None, pytest.approx(10.5 - 1 / 30), pytest.approx(10.5)]
        assert alone.packets[-1].captured_at == told[-1]

    run(check())


@pytest.mark.parametrize("clock_error", [-3000.0, 0.0, 3000.0])
def test_reports_of_what_is_forwarded_keep_the_publishers_time(
    monkeypatch: pytest.MonkeyPatch, clock_error: float
) -> None:
    async def check() -> None:
        sent: list[bytes] = []
        sender = flowing_sender(sent)
        monkeypatch.setattr("aiortc.clock.current_ntp_time", lambda: (2_208_988_800 + 5000) << 32)
        captured_at = 5000 - 0.25 + clock_error
        sender.forward(replace(packet(7, 1, 3000, b"a", is_key=True), captured_at=captured_at))
        timestamp = sent_packets(sent)[0].timestamp
        report = rtp.RtcpPacket.parse(sender.report())[0]
        assert isinstance(report, rtp.RtcpSrPacket)
        clock = CaptureClock(report.sender_info.ntp_timestamp, report.sender_info.rtp_timestamp)
        assert clock.captured_at(timestamp, 90_000) == pytest.approx(captured_at, abs=1e-4)

    run(check())


def test_a_publishers_clock_that_is_hours_away_is_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def check() -> None:
        sent: list[bytes] = []
        sender = flowing_sender(sent)
        monkeypatch.setattr("aiortc.clock.current_ntp_time", lambda: (2_208_988_800 + 50_000) << 32)
        sender.forward(replace(packet(7, 1, 3000, b"a", is_key=True), captured_at=10.0))
        report = rtp.RtcpPacket.parse(sender.report())[0]
        assert isinstance(report, rtp.RtcpSrPacket)
        ahead = (report.sender_info.rtp_timestamp - sent_packets(sent)[0].timestamp) & 0xFFFFFFFF
        assert ahead < 90_000

    run(check())


def reported_timestamp(sender: TrackSender) -> int:
    """The RTP timestamp of a sender report that is made now."""
    report = rtp.RtcpPacket.parse(sender.report())[0]
    assert isinstance(report, rtp.RtcpSrPacket)
    return report.sender_info.rtp_timestamp


@pytest.mark.parametrize("how", ["frames", "packets of a publisher whose clock is not known"])
def test_reports_after_a_stall_do_not_go_by_when_the_late_picture_left(
    monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async def check() -> None:
        sent: list[bytes] = []
        sender = flowing_sender(sent)
        now = 0.0
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
        for number in range(60):
            now = number / 30 + (2.0 if number == 59 else 0.0)
            if how == "frames":
                sender.send_frame(EncodedFrame(VP8_KEYFRAME, number * 3000, True, Codec.VP8))
            else:
                sender.forward(packet(7, number, number * 3000, b"", is_key=True))
        first, now = sent_packets(sent)[0].timestamp, now + 10
        ahead = reported_timestamp(sender) - first & 0xFFFFFFFF
        assert ahead / 90_000 == pytest.approx(now, abs=0.01)

    run(check())


def test_what_is_forwarded_is_not_reported_by_our_clock_before_the_publisher_told_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def check() -> None:
        sender = flowing_sender([])
        now = 100.0
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
        sender.forward(packet(7, 1, 3000, b"a", is_key=True))
        now = 107.9
        assert sender.report() == b""
        now = 108.1
        assert sender.report() != b""
        now = 100.0
        sender.forward(replace(packet(7, 2, 6000, b"a", is_key=True), captured_at=10.0))
        assert sender.report() != b""

    run(check())


def test_reports_keep_the_publishers_time_until_another_stream_of_it_has_told_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def check() -> None:
        sent: list[bytes] = []
        sender = flowing_sender(sent)
        monkeypatch.setattr("aiortc.clock.current_ntp_time", lambda: (2_208_988_800 + 5000) << 32)
        sender.forward(replace(packet(7, 1, 3000, b"a", is_key=True), captured_at=4800.0))
        before = reported_timestamp(sender)
        sender.forward(packet(8, 1, 777_000, b"a", is_key=True))
        assert reported_timestamp(sender) == before

    run(check())


def test_the_router_prefers_ssrc_then_mid_then_payload_type() -> None:
    class Taker:
        def __init__(self) -> None:
            self.got: list[int] = []

        def rtp_received(self, packet: RtpPacket) -> None:
            self.got.append(packet.ssrc)

        def sender_report_received(self, report: rtp.RtcpSrPacket) -> None:
            self.got.append(-report.ssrc)

    router, known, by_mid, by_type = Router(), Taker(), Taker(), Taker()
    router.learn_extensions((RTCRtpHeaderExtensionParameters(4, MID_URI),))
    router.add_receiver(known, "0", (1,), {96})
    router.add_receiver(by_mid, "1", (), {96})
    router.add_receiver(by_type, "2", (), {111})

    def arrive(ssrc: int, payload_type: int, mid: bytes = b"") -> None:
        extension = b"\xbe\xde\x00\x01\x40" + mid + b"\0\0" if mid else b""
        header = bytes([0x90 if mid else 0x80, payload_type, 0, 0, 0, 0, 0, 0]) + ssrc.to_bytes(4, "big")
        router.route_rtp(header + extension + b"x")

    arrive(1, 96, b"1")
    arrive(2, 96, b"1")
    arrive(2, 96)
    arrive(3, 111)
    arrive(4, 96, b"0")
    arrive(5, 50)
    router.route_rtp(b"\x80")
    router.route_rtcp(b"\x80\xc8")
    info = rtp.RtcpSenderInfo(0, 0, 0, 0)
    router.route_rtcp(bytes(rtp.RtcpSrPacket(ssrc=1, sender_info=info)))
    assert (known.got, by_mid.got, by_type.got) == ([1, -1], [2, 2], [3])


def test_fir_reaches_the_sender_it_names() -> None:
    async def check() -> None:
        sender = flowing_sender([])
        router, asked = Router(), []
        router.add_sender(sender, sender.ssrc)
        sender.on_keyframe_request = lambda: asked.append("now")
        entry = sender.ssrc.to_bytes(4, "big") + bytes([1, 0, 0, 0])
        router.route_rtcp(bytes(rtp.RtcpPsfbPacket(fmt=rtp.RTCP_PSFB_FIR, ssrc=1, media_ssrc=0, fci=entry)))
        assert asked == ["now"]

    run(check())


# Over a real path.


def losing(peer: PeerConnection, is_lost: Callable[[int], bool]) -> None:
    """Lose some of the RTP packets that the peer sends."""
    assert isinstance(peer, AiortcPeer)
    ice = peer._ice
    send, counter = ice.send_now, itertools.count()

    def lossy(data: bytes) -> None:
        if 127 < data[0] < 192 and not rtp.is_rtcp(data) and is_lost(next(counter)):
            return
        send(data)

    ice.send_now = lossy  # type: ignore[method-assign]  # a bad network


def test_every_frame_arrives_though_packets_are_lost() -> None:
    async def check(both: Pair) -> None:
        sender = both.client.peer.add_sender("video", "cam")
        await both.client_offers()
        receiver = await both.server.receiver("cam")
        pictures = Collected(receiver)
        async with Talk(sender):
            await pictures.more(40)  # whoever comes late has asked for a keyframe, 0.3 s after the last
            asked = receiver.stats().plis
            losing(both.client.peer, lambda count: count % 7 == 3)
            frames = await pictures.more(80)
        steps = {after.timestamp - before.timestamp for before, after in itertools.pairwise(frames)}
        assert steps == {900}
        assert receiver.stats().plis == asked
        assert sender.stats().nacks > 0

    run(in_pair(check))


def test_after_an_outage_a_keyframe_is_asked_for() -> None:
    async def check(both: Pair) -> None:
        sender = both.client.peer.add_sender("video", "cam")
        await both.client_offers()
        pictures = Collected(await both.server.receiver("cam"))
        async with Talk(sender) as talk:
            await pictures.more(1)
            before = talk.keyframes
            losing(both.client.peer, lambda count: (count < 400 and count % 2 == 0) or count < 20)
            async with asyncio.timeout(PATIENCE):
                while not (await pictures.more(1))[0].is_keyframe:
                    pass
            assert talk.keyframes > before

    run(in_pair(check))


def test_h264_frames_arrive_as_they_were_sent() -> None:
    async def check(both: Pair) -> None:
        sender = both.client.peer.add_sender("video", "cam")
        await both.client_offers()
        ready = asyncio.Event()
        sender.on_keyframe_request = ready.set
        receiver = await both.server.receiver("cam")
        pictures = Collected(receiver)
        frames = list(encoded(Codec.H264, 320, 240, 5))
        async with asyncio.timeout(PATIENCE):
            await ready.wait()
        waiting = asyncio.create_task(pictures.more(5))
        await asyncio.sleep(0)
        for index, data in enumerate(frames):
            sender.send_frame(EncodedFrame(data, index * 3000, index == 0, Codec.H264))
        arrived = await waiting
        assert [frame.is_keyframe for frame in arrived] == [True, False, False, False, False]
        normal = [data.replace(b"\0\0\0\1", b"\0\0\1").replace(b"\0\0\1", b"\0\0\0\1") for data in frames]
        assert [frame.data for frame in arrived] == normal
        assert receiver.stats().codec is Codec.H264
        assert (receiver.stats().width, receiver.stats().height) == (320, 240)

    run(in_pair(check))


def test_both_sides_learn_of_each_other_by_reports() -> None:
    async def check(both: Pair) -> None:
        sender = both.client.peer.add_sender("video", "cam")
        await both.client_offers()
        await both.server.receiver("cam")
        async with Talk(sender):
            await until(lambda: sender.stats().round_trip_time is not None)
        round_trip = sender.stats().round_trip_time
        assert round_trip is not None
        assert round_trip < 0.2

    run(in_pair(check))
