"""Sends one local media track: whole frames, or the packets of a receiver under its own SSRC."""

import asyncio
import logging
import math
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass

from aiortc import clock, rtp
from aiortc.codecs import is_rtx
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import PACKET_MAX, VpxPayloadDescriptor

from videocli.media.aiortc_inside.codecs import (
    ABS_SEND_TIME_URI,
    AUDIO_LEVEL_URI,
    MID_URI,
    codec_of,
)
from videocli.media.aiortc_inside.hearing import Hearing
from videocli.media.aiortc_inside.media_clock import MediaClock
from videocli.media.aiortc_inside.sections import Section
from videocli.media.aiortc_inside.sequence import CaptureClock
from videocli.media.bitstream import (
    frame_dimensions,
    nals_of_frame,
    payload_dimensions,
)
from videocli.media.frames import AudioLevel, Codec, EncodedFrame, MediaKind
from videocli.media.peer import MediaPacket, TrackStats

_logger = logging.getLogger(__name__)

_HISTORY = 512
"""Packets kept to be sent again: some 3 s of 720p."""

_AGAIN_SECONDS = 1.0
"""In this time as many are sent again as are kept, whatever is asked for: one packet can name thousands."""

_BURST_SECONDS = 0.001
"""Packets sent within this carry one time: reading the clock and writing it costs as much as encrypting."""

_ASK_AGAIN_AFTER = 1.0
"""Seconds without the keyframe that was asked for; the request may have been lost."""

_BELIEVED_CLOCK_ERROR = 3600.0
"""Seconds; the distance of a publisher's clock from ours is told in 32 bits of RTP timestamp."""

_TOLD_WITHIN = 8.0
"""Seconds in which a publisher tells its clock: a browser reports sound every 2.5 to 7.5 (RFC 3550, 6.2)."""

_SDES_CNAME = 1
_SEQUENCE_MASK = 0xFFFF
_TIMESTAMP_MASK = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class _Sent:
    sequence_number: int
    timestamp: int
    marker: bool
    payload_type: int
    payload: bytes
    audio_level: AudioLevel | None


@dataclass(slots=True)
class _Source:
    """How the numbers of the present source become ours."""

    ssrc: int | None
    """None: frames."""
    sequence_offset: int
    timestamp_offset: int


class TrackSender:
    """`Sender` of the peer interface."""

    def __init__(self, kind: MediaKind, track_id: str, *, cname: str, send: Callable[[bytes], bool]) -> None:
        self.on_keyframe_request: Callable[[], None] | None = None
        self.ssrc = random.getrandbits(32)
        self.rtx_ssrc = random.getrandbits(32)
        self._kind: MediaKind = kind
        self._track_id = track_id
        self._cname = cname
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._payload_types: dict[Codec, int] = {}
        self._rtx_payload_types: dict[int, int] = {}
        self._codec: Codec | None = None
        self._carried: Codec | None = None
        """Of the latest frame or packet."""
        self._mid = b""
        self._mid_extension: int | None = None
        self._time_extension: int | None = None
        self._extended = b""
        self._extended_at = -math.inf
        self._level_extension: int | None = None
        self._is_flowing = False
        self._needs_keyframe = kind == "video"
        self._keyframe_asked_at = 0.0
        self._source: _Source | None = None
        self._next_sequence = random.getrandbits(15)
        self._next_rtx_sequence = random.getrandbits(15)
        self._picture_id = random.getrandbits(15)
        self._history: list[_Sent | None] = [None] * _HISTORY
        self._again_since = -math.inf
        self._again_left = 0
        self._last_timestamp: int | None = None
        self._begun_at = self._last_sent_at = 0.0
        self._last_captured: tuple[int, float] | None = None
        self._clock_rate = 90_000 if kind == "video" else 48_000
        self._media_clock = MediaClock(self._clock_rate)
        self.reports = 0
        """How many the other side has made of what we send."""
        self._packets = self._bytes = self._frames = self._keyframes = self._nacks = self._plis = 0
        self._hearing = Hearing()
        self._firs = self._retransmitted = self._lost = 0
        self._audio_level: AudioLevel | None = None
        self._audio_energy = 0.0
        self._jitter: float | None = None
        self._round_trip_time: float | None = None
        self._dimensions: tuple[int, int] | None = None

    @property
    def kind(self) -> MediaKind:
        return self._kind

    @property
    def track_id(self) -> str:
        return self._track_id

    @property
    def codec(self) -> Codec | None:
        return self._codec

    @property
    def codecs(self) -> tuple[Codec, ...]:
        return () if self._codec is None else tuple(self._payload_types)

    def configure(self, section: Section) -> None:
        """Take over what was negotiated; a section that does not send stops the flow."""
        if not section.sends:
            self.stop()
            return
        self._payload_types, self._rtx_payload_types = {}, {}
        for parameters in section.codecs:
            payload_type = parameters.payloadType
            assert payload_type is not None
            codec = codec_of(parameters)
            apt = parameters.parameters.get("apt")
            if codec is not None:
                self._payload_types.setdefault(codec, payload_type)
            elif is_rtx(parameters) and isinstance(apt, int):
                self._rtx_payload_types[apt] = payload_type
        self._codec = next(iter(self._payload_types), None)
        self._mid = section.mid.encode()[:16]
        ids = {extension.uri: extension.id for extension in section.extensions if 0 < extension.id < 15}
        self._mid_extension = ids.get(MID_URI)
        self._time_extension = ids.get(ABS_SEND_TIME_URI)
        self._extended_at = -math.inf
        self._level_extension = ids.get(AUDIO_LEVEL_URI)

    def start(self) -> None:
        """Packets can flow now; ask for a keyframe to begin with."""
        if not self._is_flowing:
            self._is_flowing = True
            self._needs_keyframe = self._kind == "video"
            self._ask_for_keyframe()

    def stop(self) -> None:
        """Drop everything until `configure` and `start`."""
        self._is_flowing = False
        self._codec = None

    def send_frame(self, frame: EncodedFrame) -> None:
        payload_type = self._payload_types.get(frame.codec)
        if not self._is_flowing or payload_type is None or not frame.data:
            return
        if self._kind == "video" and not self._may_pass(None, frame.is_keyframe):
            return
        self._carried = frame.codec
        source = self._follow(None, self._next_sequence, frame.timestamp)
        timestamp = (frame.timestamp + source.timestamp_offset) & _TIMESTAMP_MASK
        if frame.is_keyframe and self._kind == "video":
            self._dimensions = frame_dimensions(frame.codec, frame.data) or self._dimensions
        payloads = self._packetize(frame)
        for index, payload in enumerate(payloads):
            is_last = index == len(payloads) - 1
            self._transmit(
                _Sent(
                    self._next_sequence,
                    timestamp,
                    is_last and self._kind == "video",
                    payload_type,
                    payload,
                    frame.audio_level,
                )
            )
        self._frames += 1
        self._keyframes += frame.is_keyframe and self._kind == "video"

    def forward(self, packet: MediaPacket) -> None:
        payload_type = self._payload_types.get(packet.codec)
        if not self._is_flowing or payload_type is None:
            return
        if self._kind == "video" and not self._may_pass(packet.ssrc, packet.starts_keyframe):
            return
        self._carried = packet.codec
        source = self._follow(packet.ssrc, packet.sequence_number, packet.timestamp)
        if packet.starts_keyframe and self._kind == "video":
            self._keyframes += 1
            self._dimensions = payload_dimensions(packet.codec, packet.payload) or self._dimensions
        self._frames += packet.marker or self._kind == "audio"
        timestamp = (packet.timestamp + source.timestamp_offset) & _TIMESTAMP_MASK
        if packet.captured_at is not None:
            self._last_captured = timestamp, packet.captured_at
        self._transmit(
            _Sent(
                (packet.sequence_number + source.sequence_offset) & _SEQUENCE_MASK,
                timestamp,
                packet.marker,
                payload_type,
                packet.payload,
                packet.audio_level,
            )
        )

    def stats(self) -> TrackStats:
        width, height = self._dimensions or (None, None)
        return TrackStats(
            packets=self._packets,
            bytes=self._bytes,
            packets_lost=self._lost,
            frames=self._frames,
            keyframes=self._keyframes,
            jitter=self._jitter,
            round_trip_time=self._round_trip_time,
            width=width,
            height=height,
            nacks=self._nacks,
            plis=self._plis,
            codec=self._carried or self._codec,
            firs=self._firs,
            ssrc=self.ssrc,
            retransmitted_packets=self._retransmitted,
            audio_level=self._audio_level.amplitude if self._audio_level else None,
            audio_energy=self._audio_energy,
        )

    def report(self) -> bytes:
        """A sender report with our name (RFC 3550, 6.4.1 and 6.5); empty while there is nothing to say.

        What is forwarded keeps the publisher's own mapping of timestamps to time, so that receivers find its
        tracks in step, whatever happened to the packets on their way here; also while another of its streams
        has taken over and not told its own yet. The time itself is ours, as the round-trip time is measured
        by it. Before the publisher has told its clock we say nothing: ours would be another one.
        """
        if not self._is_flowing or self._source is None or self._last_timestamp is None:
            return b""
        is_untold = self._source.ssrc is not None and self._last_captured is None
        if is_untold and self._loop.time() - self._begun_at < _TOLD_WITHIN:
            return b""
        ntp = clock.current_ntp_time()
        timestamp = self._media_clock.timestamp_at(self._loop.time())
        if self._last_captured is not None:
            captured, captured_at = self._last_captured
            since = CaptureClock(ntp, 0).captured_at(0, 1) - captured_at
            if abs(since) < _BELIEVED_CLOCK_ERROR:
                timestamp = captured + int(since * self._clock_rate)
        info = rtp.RtcpSenderInfo(
            ntp_timestamp=ntp,
            rtp_timestamp=timestamp & _TIMESTAMP_MASK,
            packet_count=self._packets & 0xFFFFFFFF,
            octet_count=self._bytes & 0xFFFFFFFF,
        )
        name = rtp.RtcpSourceInfo(ssrc=self.ssrc, items=[(_SDES_CNAME, self._cname.encode())])
        return bytes(rtp.RtcpSrPacket(ssrc=self.ssrc, sender_info=info)) + bytes(rtp.RtcpSdesPacket([name]))

    # What the router calls.

    @property
    def is_unheard(self) -> bool:
        """Whether the other side says that nothing of late has come."""
        return self._is_flowing and self._hearing.is_deaf

    @property
    def packets(self) -> int:
        """Sent so far."""
        return self._packets

    def reception_reported(self, report: rtp.RtcpReceiverInfo) -> None:
        self.reports += 1
        self._hearing.reported(report.highest_sequence, self._packets)
        self._lost = max(report.packets_lost, 0)
        self._jitter = report.jitter / self._clock_rate
        if report.lsr:
            now = clock.current_ntp_time() >> 16 & 0xFFFFFFFF
            round_trip = (now - report.lsr - report.dlsr) & 0xFFFFFFFF
            if round_trip < 1 << 31:
                self._round_trip_time = round_trip / 65536

    def nack_received(self, sequence_numbers: list[int]) -> None:
        self._nacks += 1
        now = self._loop.time()
        if now - self._again_since >= _AGAIN_SECONDS:
            self._again_since, self._again_left = now, _HISTORY
        for number in dict.fromkeys(sequence_numbers):
            sent = self._history[number % _HISTORY]
            if sent is not None and sent.sequence_number == number and self._again_left:
                self._again_left -= 1
                self._transmit_again(sent)

    def keyframe_requested(self, by_fir: bool) -> None:
        self._firs += by_fir
        self._plis += not by_fir
        self._ask_for_keyframe()

    def _ask_for_keyframe(self) -> None:
        self._keyframe_asked_at = self._loop.time()
        if self.on_keyframe_request is None:
            return
        try:
            self.on_keyframe_request()
        except Exception:
            _logger.exception("The source of track %s failed", self._track_id)

    def _may_pass(self, ssrc: int | None, is_keyframe: bool) -> bool:
        """Video begins, and goes on from another source, with a keyframe."""
        if self._source is not None and self._source.ssrc != ssrc:
            self._needs_keyframe = True
        if self._needs_keyframe and not is_keyframe:
            if self._loop.time() - self._keyframe_asked_at > _ASK_AGAIN_AFTER:
                self._ask_for_keyframe()
            return False
        self._needs_keyframe = False
        return True

    def _follow(self, ssrc: int | None, sequence_number: int, timestamp: int) -> _Source:
        """The offsets for a source; a new one goes on where the last stopped, after the time that passed."""
        if self._source is None or self._source.ssrc != ssrc:
            if self._last_timestamp is None:
                ours = random.getrandbits(32)
                self._begun_at = self._loop.time()
            else:
                elapsed = int((self._loop.time() - self._last_sent_at) * self._clock_rate)
                ours = self._last_timestamp + max(elapsed, 1)
            self._source = _Source(ssrc, self._next_sequence - sequence_number, ours - timestamp)
        return self._source

    def _packetize(self, frame: EncodedFrame) -> list[bytes]:
        match frame.codec:
            case Codec.VP8:
                return self._packetize_vp8(frame.data)
            case Codec.H264:
                return H264Encoder._packetize(nals_of_frame(frame.data))
            case Codec.OPUS:
                return [frame.data]

    def _packetize_vp8(self, data: bytes) -> list[bytes]:
        """RFC 7741, 4.2: a descriptor with a picture id before each part, and the first part marked."""
        first = bytes(VpxPayloadDescriptor(1, 0, self._picture_id))
        other = bytes(VpxPayloadDescriptor(0, 0, self._picture_id))
        self._picture_id = (self._picture_id + 1) & 0x7FFF
        size = PACKET_MAX - len(first)
        return [
            (other if start else first) + data[start : start + size] for start in range(0, len(data), size)
        ]

    def _transmit(self, sent: _Sent) -> None:
        self._history[sent.sequence_number % _HISTORY] = sent
        ahead = (sent.sequence_number - self._next_sequence) & _SEQUENCE_MASK
        if ahead < 0x8000:
            self._next_sequence = (sent.sequence_number + 1) & _SEQUENCE_MASK
            now = self._loop.time()
            if sent.timestamp != self._last_timestamp:
                self._media_clock.sent(sent.timestamp, now)
            self._last_timestamp, self._last_sent_at = sent.timestamp, now
        self._write(self.ssrc, sent.sequence_number, sent.payload_type, sent, sent.payload)
        self._packets += 1
        self._bytes += len(sent.payload)
        if sent.audio_level is not None:
            self._audio_level = sent.audio_level
            self._audio_energy += sent.audio_level.amplitude**2

    def _transmit_again(self, sent: _Sent) -> None:
        """As RTX if that was negotiated (RFC 4588), else the very same packet."""
        self._retransmitted += 1
        rtx = self._rtx_payload_types.get(sent.payload_type)
        if rtx is None:
            self._write(self.ssrc, sent.sequence_number, sent.payload_type, sent, sent.payload)
            return
        number = self._next_rtx_sequence
        self._next_rtx_sequence = (number + 1) & _SEQUENCE_MASK
        payload = struct.pack("!H", sent.sequence_number) + sent.payload
        self._write(self.rtx_ssrc, number, rtx, sent, payload)

    def _write(self, ssrc: int, number: int, payload_type: int, sent: _Sent, payload: bytes) -> None:
        extensions = self._extensions(sent.audio_level)
        header = struct.pack(
            "!BBHLL",
            0x90 if extensions else 0x80,
            sent.marker << 7 | payload_type,
            number,
            sent.timestamp,
            ssrc,
        )
        self._send(header + extensions + payload)

    def _extensions(self, level: AudioLevel | None) -> bytes:
        """One-byte header extensions (RFC 8285, 4.2); the time is that of the burst."""
        if level is not None and self._level_extension is not None:
            return self._extensions_now(level)
        now = self._loop.time()
        if now - self._extended_at > _BURST_SECONDS:
            self._extended_at, self._extended = now, self._extensions_now(None)
        return self._extended

    def _extensions_now(self, level: AudioLevel | None) -> bytes:
        values = b""
        if self._mid_extension is not None:
            values += bytes([self._mid_extension << 4 | len(self._mid) - 1]) + self._mid
        if self._time_extension is not None:
            now = clock.current_ntp_time() >> 14 & 0xFFFFFF
            values += bytes([self._time_extension << 4 | 2]) + now.to_bytes(3, "big")
        if level is not None and self._level_extension is not None:
            voice_and_level = level.has_voice << 7 | level.attenuation & 0x7F
            values += bytes([self._level_extension << 4, voice_and_level])
        if not values:
            return b""
        values += bytes(-len(values) % 4)
        return struct.pack("!HH", 0xBEDE, len(values) // 4) + values
