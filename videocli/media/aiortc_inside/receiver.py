"""Receives one remote media track: repairs loss, and hands out packets or whole frames. Decodes nothing."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from aiortc import rtp
from aiortc.codecs import is_rtx
from aiortc.rtcrtpparameters import RTCRtcpFeedback, RTCRtpCodecParameters

from videocli.media.aiortc_inside.assembler import AssembledFrame, Fragment, FrameAssembler
from videocli.media.aiortc_inside.codecs import codec_of
from videocli.media.aiortc_inside.packets import fragment, media_packet
from videocli.media.aiortc_inside.rtp_packet import RtpPacket, extensions_map, unwrap_rtx
from videocli.media.aiortc_inside.sections import RemoteMedia, Section
from videocli.media.aiortc_inside.sequence import (
    CaptureClock,
    Missing,
    Reception,
    SteadyTimestamps,
    Unwrapper,
    pack_nack,
)
from videocli.media.bitstream import payload_dimensions, payload_starts_keyframe
from videocli.media.frames import AudioLevel, Codec, EncodedFrame, MediaKind
from videocli.media.freezes import Freezes
from videocli.media.peer import DimensionsChanged, MediaFlowing, MediaPacket, PeerEvent, TrackStats

_logger = logging.getLogger(__name__)
_T = TypeVar("_T")

_NACK = RTCRtcpFeedback("nack")
_KEYFRAME_REQUEST_INTERVAL = 0.3
_GAP_WAIT: dict[MediaKind, float] = {"video": 0.5, "audio": 0.1}
"""How long to wait for a lost packet, in seconds; lost audio is not asked for, it can only be late."""
_LAYER_SILENT_AFTER = 1.0
_TICK = 0.05


@dataclass(frozen=True, slots=True)
class _Format:
    """What a payload type means, worked out once."""

    parameters: RTCRtpCodecParameters
    codec: Codec | None
    """None: retransmissions, or nothing we know."""
    is_rtx: bool
    is_repaired: bool
    """Lost packets may be asked for."""


@dataclass(slots=True)
class _Stream:
    """What is known of one SSRC."""

    reception: Reception
    sequence: Unwrapper
    missing: Missing
    heard_at: float
    last_report: tuple[int, float] | None = None
    """Middle 32 bits of the sender report's NTP time, and when it came (loop time)."""
    capture_clock: CaptureClock | None = None


class TrackReceiver:
    """`Receiver` of the peer interface."""

    def __init__(
        self,
        section: Section,
        *,
        report_ssrc: int,
        send_rtcp: Callable[[bytes], object],
        deliver: Callable[[PeerEvent], None],
        round_trip_time: Callable[[], float | None],
    ) -> None:
        assert section.remote is not None
        assert section.kind != "application"
        self.on_packet: Callable[[MediaPacket], None] | None = None
        self._on_frame: Callable[[EncodedFrame], None] | None = None
        self._kind: MediaKind = section.kind
        self._mid = section.mid
        self._track_id = section.remote.track_id
        self._report_ssrc = report_ssrc
        self._send_rtcp = send_rtcp
        self._deliver = deliver
        self._round_trip_time = round_trip_time
        self._loop = asyncio.get_running_loop()
        self._formats: dict[int, _Format] = {}
        self._remote: RemoteMedia = section.remote
        self._streams: dict[int, _Stream] = {}
        self._active: int | None = None
        self._assembler: FrameAssembler | None = None
        self._clock = SteadyTimestamps()
        self._tick: asyncio.TimerHandle | None = None
        self._keyframe_requested_at = -_KEYFRAME_REQUEST_INTERVAL
        self._keyframe_timer: asyncio.TimerHandle | None = None
        self._keyframe_timestamp: int | None = None
        self._flowing = False
        self._ended = False
        self._codec: Codec | None = None
        self._packets = self._bytes = self._frames = self._keyframes = self._nacks = self._plis = 0
        self._retransmitted = self._lost_before = 0
        self._keyframe_sequence = 0
        """Unwrapped, of the packet that began the latest keyframe."""
        self._freezes = Freezes()
        self._audio_level: AudioLevel | None = None
        self._audio_energy = 0.0
        self._dimensions: tuple[int, int] | None = None
        self.configure(section)

    @property
    def on_frame(self) -> Callable[[EncodedFrame], None] | None:
        return self._on_frame

    @on_frame.setter
    def on_frame(self, callback: Callable[[EncodedFrame], None] | None) -> None:
        if callback is not None and self._on_frame is None:
            self._assembler = None
            self.request_keyframe()
        self._on_frame = callback

    @property
    def kind(self) -> MediaKind:
        return self._kind

    @property
    def mid(self) -> str:
        return self._mid

    @property
    def track_id(self) -> str:
        return self._track_id

    def configure(self, section: Section) -> None:
        """Take over what was negotiated anew for the same track."""
        self._extensions = extensions_map(section.extensions)
        self._formats = {
            parameters.payloadType: _Format(
                parameters, codec_of(parameters), is_rtx(parameters), _NACK in parameters.rtcpFeedback
            )
            for parameters in section.codecs
            if parameters.payloadType is not None
        }
        if section.remote is not None:
            self._remote = section.remote

    def request_keyframe(self) -> None:
        if self._kind == "video" and self._active is not None:
            self._request_keyframe_of(self._active)

    def path_changed(self) -> None:
        """The ICE path is another: what was in flight is lost, so begin anew with a keyframe."""
        self._assembler = None
        for stream in self._streams.values():
            stream.missing = Missing()
        self.request_keyframe()

    def stats(self) -> TrackStats:
        active = self._streams.get(self._active) if self._active is not None else None
        width, height = self._dimensions or (None, None)
        return TrackStats(
            packets=self._packets,
            bytes=self._bytes,
            packets_lost=max(self._lost_before + active.reception.packets_lost, 0) if active else 0,
            frames=self._frames,
            keyframes=self._keyframes,
            jitter=active.reception.jitter if active else None,
            round_trip_time=self._round_trip_time(),
            width=width,
            height=height,
            nacks=self._nacks,
            plis=self._plis,
            codec=self._codec,
            ssrc=self._active,
            retransmitted_packets=self._retransmitted,
            freezes=self._freezes.count,
            freeze_seconds=self._freezes.seconds,
            audio_level=self._audio_level.amplitude if self._audio_level else None,
            audio_energy=self._audio_energy,
        )

    def end(self) -> None:
        """Hand out nothing any more."""
        self._ended = True
        for timer in (self._tick, self._keyframe_timer):
            if timer is not None:
                timer.cancel()

    def reports(self) -> list[rtp.RtcpReceiverInfo]:
        """Reception reports for the SSRCs heard (RFC 3550, 6.4.2)."""
        now = self._loop.time()
        reports = []
        for ssrc, stream in self._streams.items():
            last_report, delay = 0, 0
            if stream.last_report is not None:
                last_report = stream.last_report[0]
                delay = int((now - stream.last_report[1]) * 65536) & 0xFFFFFFFF
            reports.append(
                rtp.RtcpReceiverInfo(
                    ssrc=ssrc,
                    fraction_lost=stream.reception.take_fraction_lost(),
                    packets_lost=min(stream.reception.packets_lost, rtp.PACKETS_LOST_MAX),
                    highest_sequence=stream.reception.highest_sequence,
                    jitter=stream.reception.jitter_units,
                    lsr=last_report,
                    dlsr=delay,
                )
            )
        return reports

    # What the router calls.

    def sender_report_received(self, report: rtp.RtcpSrPacket) -> None:
        if (stream := self._streams.get(report.ssrc)) is not None:
            sent = report.sender_info
            stream.last_report = (sent.ntp_timestamp >> 16 & 0xFFFFFFFF, self._loop.time())
            stream.capture_clock = CaptureClock(sent.ntp_timestamp, sent.rtp_timestamp)

    def rtp_received(self, packet: RtpPacket) -> None:
        if self._ended:
            return
        known = self._formats.get(packet.payload_type)
        if known is None:
            return
        if known.is_rtx:
            original = self._unwrap_rtx(packet, known.parameters)
            if original is None:
                return
            packet, known = original
            self._retransmitted += 1
        codec = known.codec
        if codec is None:
            return
        now = self._loop.time()
        stream = self._streams.get(packet.ssrc)
        if stream is None:
            stream = _Stream(Reception(codec.clock_rate), Unwrapper(16), Missing(), now)
            self._streams[packet.ssrc] = stream
        stream.heard_at = now
        sequence_number = stream.sequence.unwrap(packet.sequence_number)
        stream.reception.add(sequence_number, packet.timestamp, now)
        starts_keyframe = payload_starts_keyframe(codec, packet.payload)
        if not self._is_chosen(packet.ssrc, starts_keyframe, now):
            return
        if known.is_repaired and not self._repair(stream, sequence_number, now):
            return
        self._count(codec, packet, starts_keyframe)
        level = None
        if self._kind == "audio":
            level = self._hear(packet)
        elif starts_keyframe or packet.marker:
            self._watch(stream, sequence_number, packet, starts_keyframe, now)
        if self.on_packet is not None:
            captured_at = self._captured_at(packet.timestamp, codec)
            whole = media_packet(codec, packet, starts_keyframe, captured_at, level)
            self._hand_out(self.on_packet, whole)
        if self._on_frame is not None:
            self._assemble(codec, fragment(packet, sequence_number, known.parameters, starts_keyframe), now)

    def _unwrap_rtx(
        self, packet: RtpPacket, parameters: RTCRtpCodecParameters
    ) -> tuple[RtpPacket, _Format] | None:
        """The packet that was sent again (RFC 4588, 4); None for padding and what nothing tells apart."""
        payload_type = parameters.parameters.get("apt")
        ssrc = self._remote.rtx.get(packet.ssrc)
        if ssrc is None and len(self._remote.ssrcs) < 2:
            ssrc = self._active
        if ssrc is None or not isinstance(payload_type, int):
            return None
        original, unwrapped = self._formats.get(payload_type), unwrap_rtx(packet, payload_type, ssrc)
        return None if original is None or unwrapped is None else (unwrapped, original)

    def _is_chosen(self, ssrc: int, starts_keyframe: bool, now: float) -> bool:
        """Whether this is the simulcast layer we listen to: the highest that delivers.

        Another layer takes over at a keyframe only, if it is higher or the present one is silent.
        """
        if self._active is None:
            self._active = ssrc
            return True
        if ssrc == self._active:
            return True
        is_silent = now - self._streams[self._active].heard_at > _LAYER_SILENT_AFTER
        if self._remote.rank(ssrc) <= self._remote.rank(self._active) and not is_silent:
            return False
        if not starts_keyframe:
            self._request_keyframe_of(ssrc)
            return False
        # What the layer lost while nobody listened to it is no loss of ours.
        self._lost_before += self._streams[self._active].reception.packets_lost
        self._lost_before -= self._streams[ssrc].reception.packets_lost
        self._active = ssrc
        self._assembler = None
        self._clock.source_changed()
        self._freezes.interrupt()
        return True

    def _repair(self, stream: _Stream, sequence_number: int, now: float) -> bool:
        """Ask for what is missing; False: the packet came before, and was sent again for nothing."""
        is_new = stream.missing.add(sequence_number, now)
        if stream.missing:
            self._ask_for_missing(now)
        return is_new

    def _ask_for_missing(self, now: float) -> None:
        if self._active is None:
            return
        due = self._streams[self._active].missing.due(now)
        if due:
            self._nacks += 1
            self._send_rtcp(pack_nack(self._report_ssrc, self._active, due))
        self._schedule_tick()

    def _schedule_tick(self) -> None:
        if self._tick is None and not self._ended:
            self._tick = self._loop.call_later(_TICK, self._on_tick)

    def _on_tick(self) -> None:
        """While packets are missing: ask again, and give up a gap in time."""
        self._tick = None
        if self._active is None or self._ended:
            return
        now = self._loop.time()
        if self._streams[self._active].missing:
            self._ask_for_missing(now)
        if self._assembler is not None and self._codec is not None:
            self._emit(self._codec, self._assembler.expire(now), now)
            if self._assembler.has_gap:
                self._schedule_tick()

    def _request_keyframe_of(self, ssrc: int) -> None:
        """Ask at once, or when the interval allows: what was asked for before may be out already."""
        if self._keyframe_timer is not None or self._ended:
            return
        wait = self._keyframe_requested_at + _KEYFRAME_REQUEST_INTERVAL - self._loop.time()
        if wait > 0:
            self._keyframe_timer = self._loop.call_later(wait, self._send_pli, ssrc)
        else:
            self._send_pli(ssrc)

    def _send_pli(self, ssrc: int) -> None:
        self._keyframe_timer = None
        self._keyframe_requested_at = self._loop.time()
        self._plis += 1
        pli = rtp.RtcpPsfbPacket(fmt=rtp.RTCP_PSFB_PLI, ssrc=self._report_ssrc, media_ssrc=ssrc)
        self._send_rtcp(bytes(pli))

    def _count(self, codec: Codec, packet: RtpPacket, starts_keyframe: bool) -> None:
        self._codec = codec
        self._packets += 1
        self._bytes += len(packet.payload)
        if codec.kind == "audio" or packet.marker:
            self._frames += 1
        if starts_keyframe and codec.kind == "video":
            if packet.timestamp != self._keyframe_timestamp:
                self._keyframe_timestamp = packet.timestamp
                self._keyframes += 1
            dimensions = payload_dimensions(codec, packet.payload)
            if dimensions is not None and dimensions != self._dimensions:
                self._dimensions = dimensions
                self._deliver(DimensionsChanged(self, *dimensions))
        if self._flowing:
            return
        if starts_keyframe:
            self._flowing = True
            self._deliver(MediaFlowing(self))
        else:
            self.request_keyframe()

    def _hear(self, packet: RtpPacket) -> AudioLevel | None:
        """What the packet says of its loudness, which is counted."""
        told = packet.extensions(self._extensions).audio_level
        if told is None:
            return None
        level = self._audio_level = AudioLevel(*told)
        self._audio_energy += level.amplitude**2
        return level

    def _watch(
        self,
        stream: _Stream,
        sequence_number: int,
        packet: RtpPacket,
        starts_keyframe: bool,
        now: float,
    ) -> None:
        """Look for freezes: a frame can be shown when nothing since its keyframe is missing."""
        if starts_keyframe:
            self._keyframe_sequence = sequence_number
        if packet.marker and not stream.missing.any_since(self._keyframe_sequence):
            self._freezes.frame(now)

    def _assemble(self, codec: Codec, fragment: Fragment, now: float) -> None:
        if self._assembler is None:
            self._assembler = FrameAssembler(
                needs_keyframes=self._kind == "video", max_wait=_GAP_WAIT[self._kind]
            )
        self._emit(codec, self._assembler.add(fragment, now), now)
        if self._assembler is not None and self._assembler.has_gap:
            self._schedule_tick()

    def _emit(self, codec: Codec, frames: list[AssembledFrame], now: float) -> None:
        for frame in frames:
            if self._on_frame is None:
                return
            timestamp = self._clock.follow(frame.timestamp, now, codec.clock_rate)
            captured_at = self._captured_at(frame.timestamp, codec)
            whole = EncodedFrame(
                frame.data,
                timestamp,
                frame.is_keyframe,
                codec,
                captured_at,
                is_after_loss=frame.is_after_loss,
            )
            self._hand_out(self._on_frame, whole)
        if self._assembler is not None and self._assembler.awaits_keyframe:
            self.request_keyframe()

    def _captured_at(self, timestamp: int, codec: Codec) -> float | None:
        stream = self._streams.get(self._active) if self._active is not None else None
        clock = stream.capture_clock if stream is not None else None
        return clock.captured_at(timestamp, codec.clock_rate) if clock is not None else None

    def _hand_out(self, callback: Callable[[_T], None], value: _T) -> None:
        """Call what the application gave us; it cannot break us."""
        try:
            callback(value)
        except Exception:
            _logger.exception("The taker of track %s failed", self._track_id)
