"""The file of `--log-file`: what is said is appended to it for as long as it takes it."""

import errno
import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path

_NEITHER = "it is neither a file nor a device like /dev/null"


class LogFile(logging.Handler):
    """Appends each line at once. A file that takes no more is given up, with one warning."""

    def __init__(self, path: Path, warn: Callable[[str], object]) -> None:
        """Open the file, and make it if need be. Raises `OSError`, with the reason as `strerror`.

        A pipe is refused: to open one waits for whoever reads it, and so would each line.
        """
        super().__init__()
        self._path = path
        self._warn = warn
        self._fd: int | None = _opened(path)

    def emit(self, record: logging.LogRecord) -> None:
        """Append the record."""
        if self._fd is None:
            return
        try:
            left = f"{self.format(record)}\n".encode(errors="backslashreplace")
            while left:
                left = left[os.write(self._fd, left) :]
        except OSError as fault:
            self._let_go()
            self._warn(f"the log file {self._path} takes no more, so the log ends there: {fault.strerror}")
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Close the file."""
        self.acquire()
        try:
            self._let_go()
        finally:
            self.release()
        super().close()

    def _let_go(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _opened(path: Path) -> int:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        fd = os.open(path, flags, 0o666)
    except OSError as fault:
        # What open(2) says of a pipe that nobody reads, and of a socket.
        raise (OSError(errno.ENXIO, _NEITHER) if fault.errno == errno.ENXIO else fault) from None
    mode = os.fstat(fd).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISCHR(mode)):
        os.close(fd)
        raise OSError(errno.ENXIO, _NEITHER)
    os.set_blocking(fd, True)
    return fd
