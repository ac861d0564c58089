"""Sends the packets of a file as they are, when they already are of the codec that was negotiated."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from av.bitstream import BitStreamFilterContext
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext

from videocli.errors import SourceError
from videocli.media.bitstream import frame_is_keyframe, nals_of_frame
from videocli.media.frames import MAX_SOUND_BYTES, Codec, EncodedFrame
from videocli.media.sources.bridge import Bridge
from videocli.media.sources.encode import OPUS_SAMPLES
from videocli.media.sources.input import MediaInput, not_media, shown, translated, usual_rate
from videocli.media.sources.opus_packet import opus_duration, single_frames
from videocli.media.sources.timeline import Timeline

_CANONICAL_NAMES = {Codec.VP8: "vp8", Codec.H264: "h264", Codec.OPUS: "opus"}

_H264_PROFILES = frozenset({"Baseline", "Constrained Baseline"})
"""FFmpeg's names of what `profile-level-id` 42001f and 42e01f allow (RFC 6184, section 8.1)."""

_MAX_H264_LEVEL = 31
"""Level 3.1: 1280x720 at 30 a second (ITU-T H.264, table A-1)."""

_MAX_MACROBLOCKS = 3600
"""Of a picture in level 3.1; a level may be set wrong."""

_NEAR_SECONDS = 0.5
"""A keyframe that comes sooner is waited for."""

_MAX_GROUP_BYTES = 16 << 20
"""Of one keyframe and what follows it: a minute and more of 720p."""

_PICTURES_AHEAD, _SOUND_AHEAD = 10, 15
"""Made at once: a third of a second, so that a request for a keyframe need not wait much longer."""

_NAL_PARAMETER_SETS = (7, 8)
"""Of a sequence and of a picture (ITU-T H.264, table 7-1)."""

_START_CODES = (b"\0\0\1", b"\0\0\0\1")

_SOUND_TOLERANCE = Codec.OPUS.clock_rate // 100
"""Units: Matroska rounds to milliseconds, which a receiver would fill with invented sound."""


def passes_through(stream: Stream, codec: Codec) -> bool:
    """Whether the stream's packets are what a receiver of the codec expects.

    Not H264 of another profile than the negotiated Baseline, or beyond its level, or that reorders pictures,
    since RTP timestamps would go back and forth; nor Opus with more than two channels (RFC 7587).
    """
    context: Any = stream.codec_context
    if context.codec.canonical_name != _CANONICAL_NAMES[codec]:
        return False
    match codec:
        case Codec.VP8:
            return True
        case Codec.H264:
            assert isinstance(context, VideoCodecContext)
            blocks = -(-context.width // 16) * -(-context.height // 16)
            return (
                not context.has_b_frames
                and context.profile in _H264_PROFILES
                and context.level <= _MAX_H264_LEVEL
                and context.pix_fmt in ("yuv420p", "yuvj420p")
                and blocks <= _MAX_MACROBLOCKS
            )
        case Codec.OPUS:
            return bool(context.channels <= 2)


def codec_as_it_is(stream: Stream) -> Codec | None:
    """The codec for which the stream passes through; None: it has to be encoded anew."""
    return next((codec for codec in Codec if passes_through(stream, codec)), None)


@dataclass(frozen=True, slots=True)
class _Unit:
    data: bytes
    position: int | None
    """In units of the codec's clock rate."""
    duration: int | None
    is_keyframe: bool
    timestamp: int | None = None
    """Where it was placed, if it was made before."""


@dataclass(frozen=True, slots=True)
class _PassEnd:
    """The file ends here and begins again."""

    seconds: Fraction | None
    """After how long it does, for picture and sound to keep step."""


class PassThrough:
    """`FrameMaker` of an input for which `passes_through` holds; owns it from now on.

    A request for a keyframe is answered by the input's next one if that is known to be near, and otherwise by
    encoding what lies before it: so sound and picture keep step, and nothing is left out.
    """

    def __init__(self, opened: MediaInput, codec: Codec, loop: bool) -> None:
        self._input = opened
        self._codec = codec
        self._loop = loop and opened.can_rewind
        rate = usual_rate(opened.stream)
        is_sound = codec is Codec.OPUS
        self._ahead_count = (_SOUND_AHEAD if is_sound else _PICTURES_AHEAD) if opened.can_rewind else 1
        self._frame_rate = max(round(rate), 1)
        self._step = OPUS_SAMPLES if is_sound else max(round(codec.clock_rate / rate), 1)
        self._timeline = Timeline(codec.clock_rate, self._step, _SOUND_TOLERANCE if is_sound else 0)
        self._ahead: deque[_Unit | _PassEnd] = deque()
        self._made: deque[_Unit] = deque(maxlen=self._ahead_count)
        self._needs_keyframe = True
        self._group = _Group()
        self._bridge: Bridge | None = None
        self._begin_pass()

    @property
    def ahead(self) -> int:
        """Few while somebody may ask for a keyframe; of what comes at the pace of life, nothing."""
        return 1 if self._bridge is not None else self._ahead_count

    def next(self, elapsed: float, wants_keyframe: bool) -> EncodedFrame | None:
        if wants_keyframe and self._bridge is None and self._group.frames and not self._is_keyframe_near():
            self._bridge = Bridge(self._codec, self._group.frames, self._frame_rate)
        while (unit := self._ahead.popleft() if self._ahead else self._read()) is not None:
            if isinstance(unit, _PassEnd):
                self._timeline.end_pass(unit.seconds)
                self._needs_keyframe = True
            elif unit.is_keyframe or not self._needs_keyframe:
                frame = self._frame(unit, wants_keyframe)
                if frame is not None:
                    return frame
        return None

    def _frame(self, unit: _Unit, wants_keyframe: bool) -> EncodedFrame | None:
        self._needs_keyframe = False
        timestamp = unit.timestamp
        if timestamp is None:
            timestamp = self._timeline.place(unit.position, unit.duration)
        if self._codec is not Codec.OPUS:
            self._group.add(unit)
            self._made.append(replace(unit, timestamp=timestamp))
        if unit.is_keyframe:
            self._bridge = None
        if self._bridge is None:
            return EncodedFrame(unit.data, timestamp, unit.is_keyframe, self._codec)
        with translated(self._input.spec, "cannot be encoded"):
            return self._bridge.encode(unit.data, timestamp, wants_keyframe)

    def take_back(self, count: int) -> None:
        """As `FrameTaker` says, of pictures."""
        self._group.remove(count)
        for _ in range(count):
            self._ahead.appendleft(self._made.pop())

    def close(self) -> None:
        self._input.close()

    def _is_keyframe_near(self) -> bool:
        """Whether it is worth waiting for; of what comes at the pace of life nobody knows."""
        limit = _NEAR_SECONDS * self._codec.clock_rate
        index = spent = 0
        while spent <= limit:
            if index == len(self._ahead):
                unit = self._read() if self._input.can_rewind else None
                if unit is None:
                    return False
                self._ahead.append(unit)
            unit = self._ahead[index]
            if isinstance(unit, _PassEnd) or unit.is_keyframe:
                return True
            spent += unit.duration or self._step
            index += 1
        return False

    def _read(self) -> _Unit | _PassEnd | None:
        while not self._units:
            packet = self._input.read()
            if packet is None:
                if not self._has_keyframe:
                    raise not_media(self._input.spec)
                if not self._loop:
                    return None
                end = _PassEnd(self._input.pass_seconds)
                self._input.rewind()
                if not passes_through(self._input.stream, self._codec):
                    raise _replaced(self._input.spec)
                self._begin_pass()
                return end
            if packet.size:
                self._units.extend(self._units_of(packet))
        unit = self._units.popleft()
        self._has_keyframe |= unit.is_keyframe
        return unit

    def _begin_pass(self) -> None:
        self._has_keyframe = False
        self._units: deque[_Unit] = deque()
        stream = self._input.stream
        extradata = stream.codec_context.extradata or b""
        self._parameter_sets = _parameter_sets(extradata) if extradata.startswith(_START_CODES) else {}
        with translated(self._input.spec, "cannot be sent as it is"):
            self._filter = (
                BitStreamFilterContext("h264_mp4toannexb", stream) if self._codec is Codec.H264 else None
            )

    def _units_of(self, packet: "Packet[Any]") -> Iterator[_Unit]:
        for whole in self._annex_b(packet):
            unit = self._unit(whole)
            if self._codec is Codec.OPUS and len(unit.data) > MAX_SOUND_BYTES:
                yield from _parts(unit)
            else:
                yield unit

    def _annex_b(self, packet: "Packet[Any]") -> "Sequence[Packet[Any]]":
        if self._filter is None:
            return (packet,)
        with translated(self._input.spec, "cannot be read any further"):
            return self._filter.filter(packet)

    def _with_parameter_sets(self, data: bytes) -> bytes:
        """H264: whoever comes later needs them with each keyframe; an input may say them but once."""
        if self._codec is not Codec.H264:
            return data
        sets = _parameter_sets(data)
        self._parameter_sets |= sets
        if len(sets) == len(_NAL_PARAMETER_SETS) or not frame_is_keyframe(Codec.H264, data):
            return data
        return b"".join(self._parameter_sets.get(kind, b"") for kind in _NAL_PARAMETER_SETS) + data

    def _unit(self, packet: "Packet[Any]") -> _Unit:
        ticks = packet.time_base * self._codec.clock_rate
        position = packet.pts if packet.pts is not None else packet.dts
        data = self._with_parameter_sets(bytes(packet))
        if self._codec is Codec.OPUS:
            duration: int | None = opus_duration(data)
        else:
            duration = round(packet.duration * ticks) if packet.duration else None
        return _Unit(
            data,
            None if position is None else round(position * ticks),
            duration,
            frame_is_keyframe(self._codec, data),
        )


def _replaced(spec: str) -> SourceError:
    return SourceError(
        message=f"'{shown(spec)}' was replaced by something else while it played",
        explanation="What came in its place cannot be sent as it is, as the file was. Publish it anew.",
    )


def _parts(unit: _Unit) -> Iterator[_Unit]:
    """Of sound that is too large for a packet, a frame each; nothing of what is damaged."""
    at = unit.position
    for data in single_frames(unit.data):
        duration = opus_duration(data) or 0
        yield replace(unit, data=data, position=at, duration=duration)
        at = None if at is None else at + duration


class _Group:
    """What was sent since the last keyframe, and with it."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        """Empty: too much to keep."""
        self._bytes = 0

    def add(self, unit: _Unit) -> None:
        if unit.is_keyframe:
            self.frames, self._bytes = [], 0
        elif not self.frames:
            return
        self.frames.append(unit.data)
        self._bytes += len(unit.data)
        if self._bytes > _MAX_GROUP_BYTES:
            self.frames = []

    def remove(self, count: int) -> None:
        """The last so many, none of which is the keyframe."""
        removed, self.frames = self.frames[-count:], self.frames[:-count]
        self._bytes -= sum(map(len, removed))


def _parameter_sets(data: bytes) -> dict[int, bytes]:
    """Those of a frame in Annex B, by type."""
    sets: dict[int, bytes] = {}
    for nal in nals_of_frame(data):
        kind = nal[0] & 31
        if kind in _NAL_PARAMETER_SETS:
            sets[kind] = sets.get(kind, b"") + b"\0\0\0\1" + nal
    return sets
