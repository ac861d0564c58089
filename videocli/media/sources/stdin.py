"""`-`: standard input as a source, of a picture, a sound, or both."""

import os
import select
import time
from collections.abc import Callable, Collection

from videocli.errors import SourceError
from videocli.media.frames import Codec, MediaKind
from videocli.media.sources.demuxer import Demuxer, PacketFile
from videocli.media.sources.file import make_frames
from videocli.media.sources.maker_thread import FrameMaker
from videocli.media.sources.paced import Clock, PacedSource
from videocli.media.sources.pass_through import codec_as_it_is

STDIN = "-"

_LOOK_UP_SECONDS = 0.2
"""How often a read that waits looks whether it still should."""


class DescriptorFile:
    """`PacketFile` of a file descriptor, which stays open."""

    def __init__(self, fd: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._fd = fd
        self._clock = clock
        self._began_at: float | None = None
        self._is_closed = False

    @property
    def seconds(self) -> float:
        return 0.0 if self._began_at is None else self._clock() - self._began_at

    def read(self, size: int) -> bytes:
        while not self._is_closed:
            ready, _, _ = select.select([self._fd], [], [], _LOOK_UP_SECONDS)
            if ready:
                if self._began_at is None:
                    self._began_at = self._clock()
                return os.read(self._fd, size)
        return b""

    def close(self) -> None:
        self._is_closed = True


class DemuxedSource(PacedSource):
    """`Source` of one kind of what a demuxer reads; it can run once."""

    def __init__(self, demuxer: Demuxer, kind: MediaKind, clock: Clock | None = None) -> None:
        super().__init__(
            kind, self._open, clock, lambda now: demuxer.starts_at(kind, now), lambda: demuxer.delay
        )
        self._input = demuxer.lane(kind)
        self.preferred_codec = codec_as_it_is(self._input.stream)

    def _open(self, codec: Codec) -> FrameMaker:
        return make_frames(self._input, codec, loop=False)


def open_stdin(kinds: Collection[MediaKind], fd: int = 0) -> dict[MediaKind, DemuxedSource]:
    """A source for each of the kinds, all from one reading of stdin.

    Blocks until its beginning has come: Matroska, MPEG-TS, or whatever else can be read without seeking.
    Raises `SourceError`.
    """
    if os.isatty(fd):
        raise SourceError(
            message="stdin is a terminal, and no media comes from there",
            explanation="Pipe some in: ffmpeg -i FILE -f matroska - | videocli join ROOM --video -",
        )
    file: PacketFile = DescriptorFile(fd)
    demuxer = Demuxer("stdin", file, kinds)
    return {kind: DemuxedSource(demuxer, kind) for kind in kinds}
