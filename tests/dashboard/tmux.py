"""A shell in a real terminal."""

import itertools
import os
import subprocess
import time
from pathlib import Path

PATIENCE = 60


class Tmux:
    """A shell in tmux, 100 by 30, with more environment variables."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self._numbers = itertools.count()
        self._base = ["tmux", "-S", str(folder / "socket"), "-f", "/dev/null"]
        shell = "env PS1='$ ' LC_ALL=C.UTF-8 bash --norc --noprofile"
        self.run("new-session", "-d", "-x", "100", "-y", "30", shell, environment=os.environ | variables)

    def __enter__(self) -> "Tmux":
        return self

    def __exit__(self, *exception: object) -> None:
        self.run("kill-server")

    def run(self, *words: str, environment: dict[str, str] | None = None) -> str:
        """A command of tmux; what it says."""
        command = [*self._base, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout

    def type(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        self.run("send-keys", *keys)

    def resize(self, columns: int, rows: int) -> None:
        """Make the terminal another size."""
        self.run("resize-window", "-x", str(columns), "-y", str(rows))

    def screen(self) -> str:
        """What is on it."""
        return self.run("capture-pane", "-p")

    def coloured_screen(self) -> str:
        """What is on it, with its colours."""
        return self.run("capture-pane", "-p", "-e")

    def shows(self, text: str) -> str:
        """Wait until this is on the screen; the screen."""
        deadline = time.monotonic() + PATIENCE
        while text not in (screen := self.screen()):
            assert time.monotonic() < deadline, f"no {text!r} in\n{screen}"
            time.sleep(0.02)
        return screen

    def mode(self) -> str:
        """What stty says."""
        mark = f"mode-{next(self._numbers)}"
        self.type(f"clear; stty -a; echo {mark}-end", "Enter")
        screen = self.shows(f"\n{mark}-end")
        return screen[: screen.index(f"\n{mark}-end")]
