"""Lines to stdout by a thread of its own: a reader who does not read holds up nobody but itself."""

import asyncio
import contextlib
import errno
import queue
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from videocli.cli.writing.output import STDOUT
from videocli.cli.writing.slow_reader import STALLED_SECONDS, write_in_pieces
from videocli.tasks import call_on

_GONE = (errno.EPIPE, errno.EIO)
"""The reader has closed the pipe, or the terminal is gone."""


class LineWriter:
    """Writes lines in their order, each as soon as the reader takes it. Waiting lines need memory only."""

    def __init__(self, on_failure: Callable[[], object], fd: int, encoding: str) -> None:
        self._on_failure = on_failure
        self._fd = fd
        self._encoding = encoding
        self._loop = asyncio.get_running_loop()
        self._waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._ended = asyncio.Event()
        self._given = 0
        self._taken = 0
        """Bytes that the reader took; written by the thread only."""
        self.failure: OSError | None = None
        """Why nothing more can be written."""
        # A daemon: a reader who never reads must not keep the process alive.
        threading.Thread(target=self._work, name="line writer", daemon=True).start()

    def write(self, line: str) -> None:
        """Write a line, sooner or later; never blocks."""
        data = f"{line}\n".encode(self._encoding, "backslashreplace")
        self._given += len(data)
        self._waiting.put(data)

    @property
    def unwritten_bytes(self) -> int:
        """What waits for the reader."""
        return self._given - self._taken

    async def close(self) -> None:
        """Wait until all is written, or the reader has taken nothing for `STALLED_SECONDS`.

        Raises what went wrong with writing, unless nobody is there to read.
        """
        self._waiting.put(None)
        taken = -1
        while not self._ended.is_set() and taken != self._taken:
            taken = self._taken
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STALLED_SECONDS):
                    await self._ended.wait()
        if self.failure is not None and self.failure.errno not in _GONE:
            raise OSError(self.failure.errno, self.failure.strerror, STDOUT) from self.failure

    def _work(self) -> None:
        try:
            while (line := self._waiting.get()) is not None:
                for count in write_in_pieces(self._fd, line):
                    self._taken += count
        except OSError as failure:
            self.failure = failure
            call_on(self._loop, self._on_failure)
        finally:
            call_on(self._loop, self._ended.set)


@asynccontextmanager
async def line_writer(on_failure: Callable[[], object]) -> AsyncIterator[LineWriter]:
    """A writer to stdout that has written everything when the context is left.

    `on_failure` is called once when nothing more can be written, because the reader is gone or the disk is
    full. Leaving the context raises `OSError` for all but the former.
    """
    writer = LineWriter(on_failure, sys.stdout.fileno(), sys.stdout.encoding)
    try:
        yield writer
    finally:
        await writer.close()
