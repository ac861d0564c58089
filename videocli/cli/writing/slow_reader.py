"""Writing to somebody who may read slowly or not at all, from a thread that can wait."""

import os
import select
from collections.abc import Iterator

STALLED_SECONDS = 1.0
"""A reader who takes nothing for so long does not get the rest."""

_PIECE_BYTES = 4096
"""What a pipe with any room for it takes at once (POSIX.1-2017, PIPE_BUF), so that progress shows."""


def write_in_pieces(fd: int, data: bytes) -> Iterator[int]:
    """Write all of it, as the reader takes it; yields how many bytes each piece had. Raises `OSError`."""
    rest = memoryview(data)
    while rest:
        try:
            count = os.write(fd, rest[:_PIECE_BYTES])
        except BlockingIOError:  # somebody who shares the pipe made it non-blocking
            select.select([], [fd], [])
        else:
            rest = rest[count:]
            yield count
