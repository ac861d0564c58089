"""Stands in for stderr while a screen must not be torn, and keeps the end of what is written."""

import io
from collections import deque

MAX_HELD = 256 * 1024
"""Characters that are kept, about 25 s of a busy `-vv`; `--log-file` has all."""


class HeldText(io.TextIOBase):
    """The last `limit` characters written, by whole writes."""

    def __init__(self, limit: int = MAX_HELD) -> None:
        self._limit = limit
        self._texts: deque[str] = deque()
        self._size = 0
        self._lines_left_out = 0

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Keep a text, at the cost of the oldest."""
        self._texts.append(text[-self._limit :])
        self._size += len(self._texts[-1])
        while self._size > self._limit:
            oldest = self._texts.popleft()
            self._size -= len(oldest)
            self._lines_left_out += oldest.count("\n")
        return len(text)

    def all_of_it(self) -> str:
        """What is kept, after a line that says how much is not."""
        left_out = self._lines_left_out
        begin = f"(earlier lines left out: {left_out}; --log-file keeps all)\n" if left_out else ""
        return begin + "".join(self._texts)
