"""What a `FakePeer` sends and receives: tracks, where each frame is one packet, and data channels."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from videocli.media.bitstream import frame_dimensions
from videocli.media.frames import Codec, EncodedFrame, MediaKind
from videocli.media.freezes import Freezes
from videocli.media.messages import UnsentMessages, size_of
from videocli.media.peer import (
    DataChannelClosed,
    DataMessage,
    DimensionsChanged,
    MediaFlowing,
    MediaPacket,
    NotSent,
    PeerEvent,
    TrackStats,
    is_reliable,
)

KEYFRAME_REQUEST_SECONDS = 0.3
MAX_MESSAGE_BYTES = 65_536
"""What a peer takes that names no `a=max-message-size` (RFC 8841 section 6.1)."""
ROUND_TRIP_SECONDS = 0.02
"""What the fake path is said to take."""

_TIMESTAMP_MASK = 0xFFFFFFFF
_HALF = 1 << 31


class End(Protocol):
    """What tracks and channels need of their peer."""

    is_up: bool

    def report(self, event: PeerEvent) -> None:
        """Say that something happened."""

    def transmit(self, mid: str, packet: MediaPacket) -> None:
        """Send a packet to the other side."""

    def ask_keyframe(self, mid: str) -> None:
        """Send a PLI for what the other side sends on a section."""

    def forget_channel(self, channel: "FakeDataChannel") -> None:
        """A channel of ours is closed."""


@dataclass(slots=True)
class _Counted:
    """What has flowed so far."""

    packets: int = 0
    bytes: int = 0
    keyframes: int = 0
    codec: Codec | None = None
    audio_level: float | None = None
    audio_energy: float = 0.0

    def count(self, packet: MediaPacket) -> None:
        """Another packet."""
        self.packets += 1
        self.bytes += len(packet.payload)
        self.keyframes += packet.starts_keyframe and packet.codec is not Codec.OPUS
        self.codec = packet.codec
        if packet.audio_level is not None:
            self.audio_level = packet.audio_level.amplitude
            self.audio_energy += self.audio_level**2

    def stats(self) -> TrackStats:
        """As the interface shows it; each frame is one packet."""
        return TrackStats(
            packets=self.packets,
            bytes=self.bytes,
            frames=self.packets,
            keyframes=self.keyframes,
            codec=self.codec,
            audio_level=self.audio_level,
            audio_energy=self.audio_energy,
        )


@dataclass(slots=True, eq=False)
class FakeReceiver:
    """The `Receiver` of a `FakePeer`."""

    peer: End
    kind: MediaKind
    mid: str
    track_id: str
    on_frame: Callable[[EncodedFrame], None] | None = None
    on_packet: Callable[[MediaPacket], None] | None = None
    is_flowing: bool = False
    counted: _Counted = field(default_factory=_Counted)
    plis: int = 0
    size: tuple[int, int] | None = None
    asked_at: float = float("-inf")
    ssrc: int | None = None
    freezes: Freezes = field(default_factory=Freezes)
    timestamp: int | None = None
    """Of the latest packet, without wrapping."""

    def request_keyframe(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self.asked_at < KEYFRAME_REQUEST_SECONDS:
            return
        self.asked_at = now
        self.plis += 1
        self.peer.ask_keyframe(self.mid)

    def stats(self) -> TrackStats:
        width, height = self.size or (None, None)
        return replace(
            self.counted.stats(),
            plis=self.plis,
            width=width,
            height=height,
            round_trip_time=ROUND_TRIP_SECONDS if self.peer.is_up else None,
            ssrc=self.ssrc,
            freezes=self.freezes.count,
            freeze_seconds=self.freezes.seconds,
        )

    def take(self, packet: MediaPacket) -> None:
        """A packet came."""
        self.counted.count(packet)
        self.ssrc = packet.ssrc
        if self.kind == "video":
            self.freezes.frame(asyncio.get_running_loop().time())
        before = packet.timestamp if self.timestamp is None else self.timestamp
        self.timestamp = before + ((packet.timestamp - before + _HALF) & _TIMESTAMP_MASK) - _HALF
        if not self.is_flowing and (self.kind == "audio" or packet.starts_keyframe):
            self.is_flowing = True
            self.peer.report(MediaFlowing(self))
        self._look_for_size(packet)
        if self.on_packet is not None:
            self.on_packet(packet)
        if self.on_frame is not None and self.is_flowing:
            is_keyframe = packet.starts_keyframe
            self.on_frame(
                EncodedFrame(packet.payload, self.timestamp, is_keyframe, packet.codec, packet.captured_at)
            )

    def _look_for_size(self, packet: MediaPacket) -> None:
        size = frame_dimensions(packet.codec, packet.payload) if packet.starts_keyframe else None
        if size is not None and size != self.size:
            self.size = size
            self.peer.report(DimensionsChanged(self, *size))


@dataclass(slots=True, eq=False)
class FakeSender:
    """The `Sender` of a `FakePeer`."""

    peer: End
    kind: MediaKind
    track_id: str
    ssrc: int
    on_keyframe_request: Callable[[], None] | None = None
    codec: Codec | None = None
    mid: str | None = None
    is_removed: bool = False
    counted: _Counted = field(default_factory=_Counted)
    source: int | None = None
    timestamp: int = 0
    """Of the latest packet."""
    timestamp_offset: int = 0
    has_keyframe: bool = False
    plis: int = 0
    is_possible: bool = False

    @property
    def codecs(self) -> tuple[Codec, ...]:
        return () if self.codec is None else (self.codec,)

    def send_frame(self, frame: EncodedFrame) -> None:
        timestamp = frame.timestamp & _TIMESTAMP_MASK
        now = asyncio.get_running_loop().time()
        is_key, level = frame.is_keyframe, frame.audio_level
        self._send(MediaPacket(frame.codec, 0, 0, timestamp, True, frame.data, is_key, now, level))

    def forward(self, packet: MediaPacket) -> None:
        if packet.ssrc != self.source:
            self.timestamp_offset = 0 if self.source is None else self.timestamp + 1 - packet.timestamp
            self.source, self.has_keyframe = packet.ssrc, False
        self._send(packet)

    def stats(self) -> TrackStats:
        return replace(self.counted.stats(), codec=self.codec, ssrc=self.ssrc, plis=self.plis)

    def _send(self, packet: MediaPacket) -> None:
        if self.codec is None or self.mid is None or not self.peer.is_up:
            return
        self.has_keyframe |= packet.starts_keyframe
        if self.kind == "video" and not self.has_keyframe:
            return
        self.counted.count(packet)
        self.timestamp = (packet.timestamp + self.timestamp_offset) & _TIMESTAMP_MASK
        number = self.counted.packets & 0xFFFF
        rewritten = replace(packet, ssrc=self.ssrc, sequence_number=number, timestamp=self.timestamp)
        self.peer.transmit(self.mid, rewritten)


@dataclass(slots=True, eq=False)
class FakeDataChannel:
    """One end of a data channel; `twin` is the other, once open."""

    peer: End
    label: str
    ordered: bool
    max_retransmits: int | None
    max_packet_life_time: int | None
    twin: "FakeDataChannel | None" = None
    is_closed: bool = False
    queue: UnsentMessages = field(default_factory=UnsentMessages)

    @property
    def is_open(self) -> bool:
        return self.twin is not None and not self.is_closed

    @property
    def unsent_bytes(self) -> int:
        return self.queue.size

    def send(self, data: str | bytes) -> NotSent | None:
        if self.is_closed:
            return NotSent.CLOSED
        if size_of(data) > MAX_MESSAGE_BYTES and self.twin is not None:
            return NotSent.TOO_LARGE
        if (self.peer.is_up or is_reliable(self) or self.twin is None) and not self.queue.add(data):
            return NotSent.FULL
        self.flush()
        return None

    def flush(self) -> None:
        """Send what waits, if the path is up."""
        if self.twin is None or not self.peer.is_up or not self.twin.peer.is_up:
            return
        for data in self.queue.take():
            self.twin.peer.report(DataMessage(self.twin, data))

    def close(self) -> None:
        for end in (self, self.twin):
            if end is not None and not end.is_closed:
                end.is_closed = True
                end.peer.forget_channel(end)
                end.peer.report(DataChannelClosed(end))
