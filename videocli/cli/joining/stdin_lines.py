"""Lines of standard input, without ever holding the interpreter up at exit."""

import asyncio
import os
import select
import threading
from collections.abc import AsyncIterator, Callable

MAX_LINE_BYTES = 1 << 20
"""What is kept of a longer line, which is more than any command may have; the rest of it is dropped."""


def read_line(fd: int = 0) -> str:
    """One line, without its end, byte by byte: what follows stays for the next reader. "" at the end."""
    line = bytearray()
    while (byte := _read(fd, 1)) and byte != b"\n":
        _add(line, byte, MAX_LINE_BYTES)
    return _text(line)


def may_read() -> bool:
    """Whether reading is harmless: a terminal stops a background job that reads (SIGTTIN, POSIX 11.1.4)."""
    try:
        return not os.isatty(0) or os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


async def lines(
    fd: int = 0, max_bytes: int = MAX_LINE_BYTES, at_end: Callable[[], object] = lambda: None
) -> AsyncIterator[str]:
    """The lines as they come, each without what is beyond `max_bytes` of it, until the end of input.

    Then the reading thread calls `at_end`, also while something blocks the event loop.

    A file, a pipe and a terminal all work, which no event loop offers, so a thread reads. It is a daemon and
    holds no lock of the interpreter while it waits, so a process can end under it.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str | None] = asyncio.Queue()

    def hand_over(line: str | None) -> bool:
        try:
            loop.call_soon_threadsafe(queue.put_nowait, line)
        except RuntimeError:
            return False
        return True

    def read() -> None:
        line = bytearray()
        while chunk := _read_some(fd):
            *ends, rest = chunk.split(b"\n")
            for end in ends:
                _add(line, end, max_bytes)
                if not hand_over(_text(line)):
                    return
                line.clear()
            _add(line, rest, max_bytes)
        if line:
            hand_over(_text(line))
        hand_over(None)
        at_end()

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while (line := await queue.get()) is not None:
        yield line


def _add(line: bytearray, piece: bytes, max_bytes: int) -> None:
    line += piece[: max_bytes - len(line)]


def _text(line: bytearray) -> str:
    return line.decode(errors="replace").rstrip("\r")


def _read_some(fd: int) -> bytes:
    try:
        return _read(fd, 65536)
    except OSError:
        return b""


def _read(fd: int, size: int) -> bytes:
    while True:
        try:
            return os.read(fd, size)
        except BlockingIOError:  # somebody who shares the pipe or the terminal made it non-blocking
            select.select([fd], [], [])
