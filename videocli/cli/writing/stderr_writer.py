"""Words to stderr by a thread of its own: where nobody reads them, some are lost, and nothing waits.

For commands that run for long; `line_writer` does the same for stdout, where no line may be lost.
"""

import threading
from collections import deque

from videocli.cli.writing.slow_reader import STALLED_SECONDS, write_in_pieces

MAX_WAITING_BYTES = 1 << 20
"""What waits for a slow reader at most; lines more are left out, until half of it is taken."""


class StderrWriter:
    """Writes texts in their order, each as soon as the reader takes it."""

    def __init__(self, fd: int, encoding: str) -> None:
        self._fd = fd
        self._encoding = encoding
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._left_out = 0
        self._taken = 0
        """Bytes that the reader took."""
        self._is_gone = False
        # A daemon: a reader who never reads must not keep the process alive.
        threading.Thread(target=self._work, name="stderr writer", daemon=True).start()

    def write(self, text: str) -> None:
        """Write a text, sooner or later or, where too many wait, never; never blocks."""
        data = text.encode(self._encoding, "backslashreplace")
        with self._changed:
            if self._left_out or self._waiting_bytes + len(data) > MAX_WAITING_BYTES:
                self._left_out += 1
            else:
                self._put(data)

    def flush(self) -> None:
        """Wait until all is written, or the reader has taken nothing for `STALLED_SECONDS`, or is gone."""
        with self._changed:
            taken = -1
            while self._waiting_bytes and not self._is_gone and taken != self._taken:
                taken = self._taken
                self._changed.wait_for(self._is_done, STALLED_SECONDS)

    def _is_done(self) -> bool:
        return not self._waiting_bytes or self._is_gone

    def _put(self, data: bytes) -> None:
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        self._changed.notify_all()

    def _work(self) -> None:
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._waiting)
                    data = self._waiting[0]
                for count in write_in_pieces(self._fd, data):
                    self._taken += count
                with self._changed:
                    self._waiting.popleft()
                    self._waiting_bytes -= len(data)
                    if self._left_out and self._waiting_bytes <= MAX_WAITING_BYTES // 2:
                        self._put(f"(lines left out, since nobody read them: {self._left_out})\n".encode())
                        self._left_out = 0
                    self._changed.notify_all()
        except OSError:  # the reader has closed the pipe, or the terminal is gone: nobody to tell
            with self._changed:
                self._is_gone = True
                self._changed.notify_all()
