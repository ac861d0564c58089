"""What is being done, on a terminal that may go away."""

import os
import pty
import sys

import pytest

from videocli.cli.writing import output
from videocli.cli.writing.progress import Progress


def test_a_terminal_has_one_line_that_is_written_over_until_it_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output.set_up()
    terminal, ours = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(ours, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        progress = Progress()
        progress.say("one", "two")
        progress.say("two", "three")
        progress.clear()
        assert os.read(terminal, 1024) == b"\r\x1b[Ktwo\r\x1b[Kthree\r\x1b[K"
        progress.say("three", "four")
        os.close(terminal)
        progress.say("four", "five")
        progress.clear()
        monkeypatch.undo()
