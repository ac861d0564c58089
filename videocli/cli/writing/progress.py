"""What is being done at the moment, on stderr: one line, written over, on a terminal; else a line each."""

import os
import sys
from contextlib import suppress

from videocli.cli.writing import output
from videocli.cli.writing.redaction import redact

_ERASE = "\r\x1b[K"


class Progress:
    """Says how far something is; nothing with `--quiet`, nor to a terminal that is gone."""

    def __init__(self) -> None:
        self.is_live = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        """On a terminal that can write a line over."""
        self._is_shown = False

    def say(self, done: str, doing: str) -> None:
        """This is done, and that comes next; either is one line, of words of our own."""
        if not self.is_live:
            output.say(done)
        elif output.may_say():
            with suppress(OSError):
                width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
                _write(f"{_ERASE}{redact(doing)[: width - 1]}")
                self._is_shown = True

    def clear(self) -> None:
        """It is done: take away what a terminal shows of it."""
        if self._is_shown:
            with suppress(OSError):
                _write(_ERASE)
            self._is_shown = False


def _write(text: str) -> None:
    """Past Python's buffer, which would try again at the end what a terminal that is gone did not take."""
    os.write(sys.stderr.fileno(), text.encode(sys.stderr.encoding, "backslashreplace"))
