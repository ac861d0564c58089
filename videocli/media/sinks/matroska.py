"""Writes Matroska (RFC 9559). Pure: frames go in, bytes and their places in the file come out.

A file grows by whole clusters, so that whatever stands in it can be played at any moment; the length, the
index and the size of the segment, which only the end knows, are put into places kept free for them.
Times are milliseconds from the beginning of the file.
"""

import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from videocli.media.frames import Codec

CLUSTER_MS = 1000
"""How much one cluster holds at most: what is lost when the process is killed."""

_CLUSTER_BYTES = 1 << 20

_EBML, _SEGMENT, _SEEK_HEAD, _INFO, _TRACKS = 0x1A45DFA3, 0x18538067, 0x114D9B74, 0x1549A966, 0x1654AE6B
_CLUSTER, _CUES = 0x1F43B675, 0x1C53BB6B

_UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
_SEEK_HEAD_ROOM = 100
_DURATION_ROOM = 11
_YEAR_2001 = datetime(2001, 1, 1, tzinfo=UTC)

_CODEC_IDS = {Codec.VP8: "V_VP8", Codec.H264: "V_MPEG4/ISO/AVC", Codec.OPUS: "A_OPUS"}
_OPUS_PRE_SKIP = 312
"""Samples that an Opus encoder is behind (RFC 7845, 4.2), of libopus, which browsers have."""
_OPUS_PREROLL_NS = 80_000_000
"""What a decoder needs before a place that is sought (RFC 7845, 4.6)."""


@dataclass(frozen=True, slots=True)
class TrackHeader:
    """What the head of the file says of a track."""

    number: int
    """From 1."""
    codec: Codec
    name: str
    size: tuple[int, int] | None = None
    """Pixels; None: sound."""
    private: bytes = b""
    """H264: the `avcC` record (ISO/IEC 14496-15, 5.3.3.1)."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A piece of the file, to be appended or left out whole."""

    data: bytes
    frames: Counter[int]
    """How many of each track, by number."""
    first_ms: int
    cues: tuple[tuple[int, int, int], ...]
    """Time, track and place within the cluster's payload, of each frame that playing can begin with."""


@dataclass(slots=True)
class _OpenCluster:
    first_ms: int
    blocks: list[bytes] = field(default_factory=list)
    size: int = 0
    cues: list[tuple[int, int, int]] = field(default_factory=list)
    frames: Counter[int] = field(default_factory=Counter)


class MatroskaWriter:
    """One file.

    Write `head`; `add` frames, and whenever a cluster `is_due` before the next one, and at the end, `flush`
    it, append its data and say so with `appended`; then append `tail()`, and write each of `patches()` at its
    place.
    """

    def __init__(self, tracks: Sequence[TrackHeader], began_at: datetime) -> None:
        self._video = {track.number for track in tracks if track.size is not None}
        head = _element(_EBML, _ebml_header())
        self._size_at = len(head) + 4
        self._segment_at = self._size_at + 8
        info = _element(_INFO, _info(began_at))
        self._info_at = _SEEK_HEAD_ROOM
        self._duration_at = self._segment_at + _SEEK_HEAD_ROOM + len(info) - _DURATION_ROOM
        self._tracks_at = self._info_at + len(info)
        head += _id(_SEGMENT) + _UNKNOWN_SIZE + _void(_SEEK_HEAD_ROOM) + info
        self.head = head + _element(_TRACKS, b"".join(_track_entry(track) for track in tracks))
        """The first bytes of the file."""
        self.size = len(self.head)
        """Bytes so far."""
        self.duration_ms = 0
        """Up to the latest frame, those of open clusters too."""
        self._cues: list[tuple[int, int, int, int]] = []
        self._cues_at = 0
        self._open: _OpenCluster | None = None

    def is_due(self, track: int, at_ms: int, is_keyframe: bool) -> bool:
        """Whether to flush the open cluster before this frame: it is long, or the frame should begin one."""
        if self._open is None:
            return False
        since = at_ms - self._open.first_ms
        return (
            abs(since) >= CLUSTER_MS
            or self._open.size >= _CLUSTER_BYTES
            or (is_keyframe and track in self._video and since > 0)
        )

    def add(self, track: int, at_ms: int, is_keyframe: bool, data: bytes) -> None:
        """Take a frame; not earlier than the one before it of the same track, and not before 0."""
        cluster = self._open
        if cluster is None:
            cluster = self._open = _OpenCluster(at_ms)
        self.duration_ms = max(self.duration_ms, at_ms)
        if is_keyframe and (track in self._video or not (self._video or cluster.frames)):
            cluster.cues.append((at_ms, track, cluster.size))
        block = _block(track, at_ms - cluster.first_ms, is_keyframe, data)
        cluster.blocks.append(block)
        cluster.size += len(block)
        cluster.frames[track] += 1

    def flush(self) -> Cluster | None:
        """The open cluster as it is, if there is one."""
        cluster, self._open = self._open, None
        if cluster is None:
            return None
        timestamp = _unsigned(0xE7, cluster.first_ms)
        start = _id(_CLUSTER) + _size(len(timestamp) + cluster.size)
        return Cluster(
            data=b"".join((start, timestamp, *cluster.blocks)),
            frames=cluster.frames,
            first_ms=cluster.first_ms,
            cues=tuple((at, track, len(timestamp) + place) for at, track, place in cluster.cues),
        )

    def appended(self, cluster: Cluster) -> None:
        """The cluster's data has become part of the file."""
        position = self.size - self._segment_at
        self._cues += [(at, track, position, place) for at, track, place in cluster.cues]
        self.size += len(cluster.data)

    def tail(self) -> bytes:
        """The index, to be appended; nothing comes after it."""
        self._cues_at = self.size - self._segment_at
        points = b"".join(
            _element(
                0xBB,
                _unsigned(0xB3, at)
                + _element(0xB7, _unsigned(0xF7, track) + _unsigned(0xF1, position) + _unsigned(0xF0, place)),
            )
            for at, track, position, place in self._cues
        )
        data = _element(_CUES, points) if points else b""
        self.size += len(data)
        return data

    def patches(self) -> list[tuple[int, bytes]]:
        """What to write where, once the tail is in the file."""
        places = [(_INFO, self._info_at), (_TRACKS, self._tracks_at)]
        if self._cues:
            places.append((_CUES, self._cues_at))
        entries = b"".join(
            _element(0x4DBB, _element(0x53AB, _id(name)) + _unsigned(0x53AC, at)) for name, at in places
        )
        seek_head = _element(_SEEK_HEAD, entries)
        return [
            (self._segment_at, seek_head + _void(_SEEK_HEAD_ROOM - len(seek_head))),
            (self._duration_at, _element(0x4489, struct.pack("!d", float(self.duration_ms)))),
            (self._size_at, (1 << 56 | self.size - self._segment_at).to_bytes(8, "big")),
        ]


def _ebml_header() -> bytes:
    return (
        _unsigned(0x4286, 1)
        + _unsigned(0x42F7, 1)
        + _unsigned(0x42F2, 4)
        + _unsigned(0x42F3, 8)
        + _element(0x4282, b"matroska")
        + _unsigned(0x4287, 4)
        + _unsigned(0x4285, 2)
    )


def _info(began_at: datetime) -> bytes:
    """Ends with room for the duration."""
    since_2001 = began_at - _YEAR_2001
    nanoseconds = (since_2001.days * 86_400 + since_2001.seconds) * 10**9 + since_2001.microseconds * 1000
    return (
        _unsigned(0x2AD7B1, 1_000_000)
        + _element(0x4D80, b"videocli")
        + _element(0x5741, b"videocli")
        + _element(0x4461, struct.pack("!q", nanoseconds))
        + _void(_DURATION_ROOM)
    )


def _track_entry(track: TrackHeader) -> bytes:
    entry = (
        _unsigned(0xD7, track.number)
        + _unsigned(0x73C5, track.number)
        + _unsigned(0x83, 2 if track.size is None else 1)
        + _unsigned(0x9C, 0)
        + _element(0x536E, track.name.encode("utf-8", "replace"))
        + _element(0x22B59C, b"und")
        + _element(0x86, _CODEC_IDS[track.codec].encode())
    )
    if track.size is None:
        head = b"OpusHead" + struct.pack("<BBHIhB", 1, 2, _OPUS_PRE_SKIP, 48_000, 0, 0)
        entry += (
            _element(0x63A2, head)
            + _unsigned(0x56AA, _OPUS_PRE_SKIP * 10**9 // 48_000)
            + _unsigned(0x56BB, _OPUS_PREROLL_NS)
            + _element(0xE1, _element(0xB5, struct.pack("!d", 48_000.0)) + _unsigned(0x9F, 2))
        )
    else:
        width, height = track.size
        if track.private:
            entry += _element(0x63A2, track.private)
        entry += _element(0xE0, _unsigned(0xB0, width) + _unsigned(0xBA, height))
    return _element(0xAE, entry)


def _block(track: int, offset_ms: int, is_keyframe: bool, data: bytes) -> bytes:
    """A SimpleBlock (RFC 9559, 10.2); the offset has 16 bits and a sign."""
    head = struct.pack("!BhB", 0x80 | track, offset_ms, 0x80 if is_keyframe else 0)
    return b"".join((b"\xa3", _size(len(head) + len(data)), head, data))


def _id(name: int) -> bytes:
    return name.to_bytes((name.bit_length() + 7) // 8, "big")


def _size(size: int) -> bytes:
    """RFC 8794, 4; all ones would mean unknown."""
    length = 1
    while size >= (1 << 7 * length) - 1:
        length += 1
    return (1 << 7 * length | size).to_bytes(length, "big")


def _element(name: int, payload: bytes) -> bytes:
    return _id(name) + _size(len(payload)) + payload


def _unsigned(name: int, value: int) -> bytes:
    return _element(name, value.to_bytes(max((value.bit_length() + 7) // 8, 1), "big"))


def _void(room: int) -> bytes:
    """An element of exactly so many bytes, from 2 to 128, that means nothing."""
    return b"\xec" + _size(room - 2) + bytes(room - 2)
