"""The first bytes of something that is piped in, looked at before FFmpeg takes them."""

from typing import Protocol

from videocli.errors import SourceError

_HEAD_BYTES = 128
"""Enough for the first boxes of an MP4; any media that can be published is longer."""


class Piped(Protocol):
    """Where the bytes come from."""

    def read(self, size: int) -> bytes:
        """Some bytes, as soon as there are any; none: the end."""
        ...


class HeadFirst:
    """`read` of what is piped in, whose beginning was looked at; as a file that FFmpeg reads."""

    def __init__(self, spec: str, file: Piped) -> None:
        """Waits for the beginning. Raises `SourceError` for what is known not to work; `spec` is its name."""
        self._file = file
        self._head = b""
        while len(self._head) < _HEAD_BYTES and (some := file.read(_HEAD_BYTES - len(self._head))):
            self._head += some
        if not self._head:
            raise SourceError(
                message=f"'{spec}' is empty",
                explanation="Whatever should write to it ended without a word: see what it says by itself.",
            )
        if has_index_last(self._head):
            raise SourceError(
                message=f"'{spec}' is an MP4 whose index comes last, which a pipe cannot go back from",
                explanation="Pipe in Matroska or MPEG-TS (ffmpeg … -f matroska -), or name the file itself.",
            )

    def read(self, size: int) -> bytes:
        """As `Piped` says."""
        if not self._head:
            return self._file.read(size)
        some, self._head = self._head[:size], self._head[size:]
        return some


def has_index_last(head: bytes) -> bool:
    """Whether these are the first bytes of an MP4 or MOV that has its media (`mdat`) before its `moov`.

    ISO/IEC 14496-12 section 4.2: a box is its size, its type and its content.
    """
    position = 0
    while len(box := head[position : position + 8]) == 8:
        size, kind = int.from_bytes(box[:4]), box[4:]
        if position == 0 and kind != b"ftyp":
            return False
        if kind in (b"moov", b"mdat"):
            return kind == b"mdat"
        if size < 8:
            return False
        position += size
    return False
