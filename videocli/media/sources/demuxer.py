"""Something that can be read only once, for a picture and a sound at the same time: a pipe.

    pipe ──► thread ──┬─► packets of video ──► maker of frames
                      └─► packets of audio ──► maker of frames

What comes faster than it is sent stays in the pipe, so its writer waits. What comes at the pace of life is
sent as it comes: where much has gathered before the first frame is sent, that is late, and sent at once. What
comes in bursts, as Matroska's clusters do, puts off all that follows until nothing comes too late any more.
"""

import threading
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, BinaryIO, Protocol, cast

import av
from av.container.input import InputContainer
from av.packet import Packet
from av.stream import Stream

from videocli.errors import SourceError
from videocli.media.frames import MediaKind
from videocli.media.sources.input import OPENING, choose_streams, translated
from videocli.media.sources.paced import Delay
from videocli.media.sources.piped_head import HeadFirst

AHEAD_SECONDS = 5.0
"""How much is read ahead of what is sent."""

_AHEAD_BYTES = 32 << 20
_MAX_AHEAD_BYTES = 8 * _AHEAD_BYTES
"""Where picture and sound lie far apart, one waits while the other is looked for; up to here."""

_ANALYZE_SECONDS = 2
"""MPEG-TS tells nowhere which streams there are: how much of it is looked at for them."""

_LIVE_PACE = 1.1
_LIVE_BURST_SECONDS = 0.7
"""What comes at the pace of life may begin with a burst (`ffmpeg -re` with one of half a second)."""

_CLUSTER_SECONDS = 1.2
"""What has gathered is not skipped where it may be one cluster: those that FFmpeg pipes last a second."""
_MARGIN_SECONDS = 0.1
"""By how much more than was needed things are put off, so that it need not happen again and again."""

_JOIN_SECONDS = 1.0


class PacketFile(Protocol):
    """Where the bytes come from. `close` may be called from any thread and ends a `read` that waits."""

    @property
    def seconds(self) -> float:
        """How long ago the first bytes came."""
        ...

    def read(self, size: int) -> bytes:
        """Some bytes, as soon as there are any; none: the end."""
        ...

    def close(self) -> None:
        """Nothing more is wanted."""
        ...


@dataclass(slots=True)
class _Lane:
    """What waits to be taken of one kind."""

    stream: Stream
    waiting: "deque[Packet[Any]]" = field(default_factory=deque)
    bytes: int = 0
    newest: float | None = None
    """Seconds, as the file counts them."""
    first: float | None = None
    is_closed: bool = False

    @property
    def seconds(self) -> float:
        oldest = next((at for packet in self.waiting if (at := _position(packet)) is not None), None)
        return 0.0 if oldest is None or self.newest is None else self.newest - oldest


class Demuxer:
    """Reads a file once, from its beginning to its end, for the wanted kinds. Any thread may use it."""

    def __init__(self, spec: str, file: PacketFile, kinds: Collection[MediaKind]) -> None:
        """Waits for the beginning of the file. Raises `SourceError`; `spec` is what to call it then."""
        self.spec = spec
        self._file = file
        head_first = HeadFirst(spec, file)
        with translated(spec, OPENING):
            self._container: InputContainer = av.open(
                cast(BinaryIO, head_first),
                mode="r",
                metadata_errors="replace",
                options={"analyzeduration": str(_ANALYZE_SECONDS * 1_000_000)},
            )
        try:
            streams = choose_streams(spec, kinds, self._container)
        except BaseException:
            self._container.close()
            raise
        self._lanes: dict[MediaKind, _Lane] = {
            kind: _Lane(stream) for kind, stream in zip(kinds, streams, strict=True)
        }
        self._changed = threading.Condition()
        self._is_over = False
        self._failure: SourceError | None = None
        self._origin: float | None = None
        self._due_from: float | None = None
        """When position 0 is due, in seconds after the first bytes came."""
        self.delay = Delay()
        """Of all that is sent from now on, beyond what `starts_at` said."""
        self._thread = threading.Thread(target=self._work, name="demuxer", daemon=True)
        self._thread.start()

    def lane(self, kind: MediaKind) -> "DemuxedInput":
        """The packets of one of the wanted kinds, for one reader."""
        return DemuxedInput(self, kind, self._lanes[kind].stream)

    def starts_at(self, kind: MediaKind, now: float) -> float:
        """When the first packet of a kind is due, so that picture and sound keep step; `now` in seconds.

        The first to ask decides: the newest packet is due now if the file comes at the pace of life and more
        than a cluster has gathered, else the asker's first one.
        """
        with self._changed:
            first = self._lanes[kind].first or 0.0
            if self._origin is None:
                newest = max((lane.newest or first for lane in self._lanes.values()), default=first)
                gathered, passed = newest - first, self._file.seconds
                is_live = not self._is_over and gathered <= passed * _LIVE_PACE + _LIVE_BURST_SECONDS
                begins_at = newest if is_live and gathered > _CLUSTER_SECONDS else first
                self._origin, self._due_from = now - begins_at, passed - begins_at
            return self._origin + first

    def read(self, kind: MediaKind) -> "Packet[Any] | None":
        """As `MediaInput.read`."""
        lane = self._lanes[kind]
        with self._changed:
            while not lane.waiting and not self._is_over and not lane.is_closed:
                self._changed.wait()
            if lane.is_closed or not lane.waiting:
                if self._failure is not None:
                    raise self._failure
                return None
            packet = lane.waiting.popleft()
            lane.bytes -= packet.size
            self._changed.notify_all()
            return packet

    def close(self, kind: MediaKind) -> None:
        """Nothing more is wanted of a kind; when nothing is wanted at all, the file is closed."""
        with self._changed:
            lane = self._lanes[kind]
            lane.is_closed = True
            lane.waiting.clear()
            lane.bytes = 0
            self._changed.notify_all()
            self._release()
        if self._is_unwanted():
            self._file.close()
            self._thread.join(_JOIN_SECONDS)

    def _work(self) -> None:
        try:
            with translated(self.spec, "cannot be read any further"):
                for packet in self._container.demux([lane.stream for lane in self._lanes.values()]):
                    if not self._keep(packet):
                        break
        except SourceError as failure:
            self._failure = failure
        finally:
            with self._changed:
                self._is_over = True
                self._changed.notify_all()
                self._release()

    def _keep(self, packet: "Packet[Any]") -> bool:
        """Put a packet where it is wanted, when there is room; whether anything is wanted still."""
        arrived, position = self._file.seconds, _position(packet)
        with self._changed:
            if self._due_from is not None and position is not None:
                late = arrived - self._due_from - position
                if late > self.delay.seconds:
                    self.delay.at_least(late + _MARGIN_SECONDS)
            lane = next(lane for lane in self._lanes.values() if lane.stream is packet.stream)
            while self._is_full() and not lane.is_closed:
                self._changed.wait()
            if not lane.is_closed and self._begins(lane, packet):
                lane.waiting.append(packet)
                lane.bytes += packet.size
                lane.newest = max(filter(None, (lane.newest, position)), default=None)
                self._changed.notify_all()
            return not self._is_unwanted()

    def _is_unwanted(self) -> bool:
        return all(lane.is_closed for lane in self._lanes.values())

    def _release(self) -> None:
        """Close the container when nobody reads it and nobody uses its streams, which go with it."""
        if self._is_over and self._is_unwanted():
            self._container.close()

    def _begins(self, lane: _Lane, packet: "Packet[Any]") -> bool:
        """Whether the lane has begun: a stream that was joined in its middle does so with a keyframe."""
        if lane.first is None and packet.size and packet.is_keyframe:
            lane.first = _position(packet) or 0.0
        return lane.first is not None or not packet.size

    def _is_full(self) -> bool:
        lanes = [lane for lane in self._lanes.values() if not lane.is_closed]
        total = sum(lane.bytes for lane in lanes)
        if total > _MAX_AHEAD_BYTES:
            raise SourceError(
                message=f"'{self.spec}' has picture and sound too far apart",
                explanation="Interleave them, as FFmpeg's Matroska and MPEG-TS do by default.",
            )
        is_ahead = total > _AHEAD_BYTES or any(lane.seconds > AHEAD_SECONDS for lane in lanes)
        return is_ahead and all(lane.waiting for lane in lanes)


class DemuxedInput:
    """`MediaInput`: one kind of what a `Demuxer` reads."""

    can_rewind = False
    exact_seconds: Fraction | None = None
    pass_seconds: Fraction | None = None

    def __init__(self, demuxer: Demuxer, kind: MediaKind, stream: Stream) -> None:
        self.spec = demuxer.spec
        self.stream = stream
        self._demuxer = demuxer
        self._kind = kind

    def read(self) -> "Packet[Any] | None":
        return self._demuxer.read(self._kind)

    def rewind(self) -> None:
        raise NotImplementedError("it can be read only once")

    def close(self) -> None:
        self._demuxer.close(self._kind)


def _position(packet: "Packet[Any]") -> float | None:
    at = packet.pts if packet.pts is not None else packet.dts
    return None if at is None or packet.time_base is None else float(at * packet.time_base)
