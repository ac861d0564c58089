"""The real program in a real terminal, from joining to leaving."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.room_server import SERVER_VARIABLES
from tests.dashboard.tmux import PATIENCE, Tmux

pytestmark = pytest.mark.tmux

FAILING_PANEL = """
from unittest.mock import patch
from videocli.cli.app import main
from videocli.dashboard import terminal

def fail_at_the_tenth(*arguments, drawn=[]):
    drawn.append(1)
    if len(drawn) == 10:
        raise ZeroDivisionError("a panel broke")
    return real(*arguments)

real = terminal.render
with patch.object(terminal, "render", fail_at_the_tenth):
    main()
"""


@contextmanager
def bob(url: str, room: str, heard: Path) -> Iterator[None]:
    """Somebody else in the room; what happens there goes to a file."""
    command = [sys.executable, "-m", "videocli", "join", room, "--url", url, "--identity", "bob", "--plain"]
    with (
        heard.open("w") as file,
        subprocess.Popen(command, env=os.environ | SERVER_VARIABLES, stdout=file) as other,
    ):
        try:
            yield
        finally:
            other.terminate()


def hears(heard: Path, words: str) -> None:
    """Wait until he has heard this."""
    deadline = time.monotonic() + PATIENCE
    while words not in (all_of_it := heard.read_text()):
        assert time.monotonic() < deadline, f"no {words!r} in\n{all_of_it}"
        time.sleep(0.02)


def test_a_stay_from_joining_to_leaving(tmp_path: Path, url: str) -> None:
    heard = tmp_path / "heard"
    with bob(url, "stay", heard), Tmux(tmp_path, **SERVER_VARIABLES) as tmux:
        hears(heard, "Connected as bob")
        before = tmux.mode()
        join = f"{sys.executable} -m videocli join stay --url {url} --identity alice --audio tone"
        tmux.type(f"clear; {join}", "Enter")
        tmux.shows("bob no tracks")
        tmux.shows("a mute audio")

        tmux.type("a")
        tmux.shows("audio tone muted")
        hears(heard, "alice muted audio track tone")
        tmux.type("a")
        tmux.shows("a mute audio")

        tmux.type("m", "hello all", "Enter")
        tmux.shows("Sent to all: hello all")
        hears(heard, "alice says on data track data: hello all")

        tmux.type("x")
        tmux.shows("Lose a connection on purpose?")
        tmux.type("s")
        tmux.shows("Outage 53001")
        tmux.shows("RECONNECTING")
        tmux.shows(": practice after")
        tmux.shows(": resumed after")
        tmux.shows("CONNECTED")

        tmux.type("?")
        tmux.shows("leave the room")
        tmux.type("Escape")
        tmux.shows("codec")

        tmux.resize(80, 24)
        small = tmux.shows("Participants 2 ")
        assert [len(line) <= 80 for line in small.splitlines()] == [True] * 24
        tmux.resize(100, 30)
        tmux.shows("since")

        tmux.type("C-z")
        tmux.shows("Stopped")
        assert tmux.mode() == before
        tmux.type("fg; echo code-$?", "Enter")
        tmux.shows("CONNECTED")
        tmux.type("q")
        assert "left stay after" in tmux.shows("\ncode-0")
        assert tmux.mode() == before
        hears(heard, "alice left")


def coloured_blocks(screen: str) -> list[str]:
    """The lines with true colours in them."""
    return [line for line in screen.splitlines() if "\x1b[48;2;" in line]


def picture_moves(tmux: Tmux) -> list[str]:
    """Wait until two looks at the picture differ; the last one."""
    deadline = time.monotonic() + PATIENCE
    first = coloured_blocks(tmux.coloured_screen())
    while (second := coloured_blocks(tmux.coloured_screen())) == first or not first or not second:
        assert time.monotonic() < deadline, "the picture stands still"
        first = first or second
        time.sleep(0.05)
    return second


def test_the_picture_of_a_bot(tmp_path: Path) -> None:
    with Tmux(tmp_path, COLORTERM="truecolor") as tmux:
        before = tmux.mode()
        tmux.type(f"clear; {sys.executable} -m videocli demo; echo code-$?", "Enter")
        tmux.shows("video testsrc")
        tmux.shows("v picture")
        assert not coloured_blocks(tmux.coloured_screen())
        tmux.type("v")
        tmux.shows("Picture of bot")
        large = picture_moves(tmux)
        assert "▀" in "".join(large)

        tmux.resize(80, 24)
        tmux.shows("Participants 2 ──── codec")
        assert 0 < len(picture_moves(tmux)) < len(large)
        assert [len(line) <= 80 for line in tmux.screen().splitlines()] == [True] * 24
        tmux.resize(100, 30)
        tmux.shows("since")

        tmux.type("Tab", "Tab")
        tmux.shows("▸ bot")
        tmux.type("C-z")
        tmux.shows("Stopped")
        assert tmux.mode() == before
        tmux.type("fg; echo code-$?", "Enter")
        tmux.shows("Picture of bot")
        picture_moves(tmux)

        tmux.type("v")
        tmux.shows("── Events")
        assert not coloured_blocks(tmux.coloured_screen())
        tmux.type("v")
        picture_moves(tmux)
        tmux.type("q")
        tmux.shows("\ncode-0")
        assert tmux.mode() == before


def test_pictures_that_nobody_knows_are_a_usage_error(tmp_path: Path) -> None:
    with Tmux(tmp_path, VIDEOCLI_PICTURE="ascii") as tmux:
        tmux.type(
            f"clear; {sys.executable} -m videocli join off --url ws://127.0.0.1:9/; echo code-$?", "Enter"
        )
        tmux.shows("\ncode-2")
        assert "VIDEOCLI_PICTURE is none of auto, kitty, sixel, blocks, off" in tmux.screen()


def test_an_exception_in_a_panel_restores_the_terminal(tmp_path: Path, url: str) -> None:
    program = tmp_path / "failing.py"
    program.write_text(FAILING_PANEL)
    with Tmux(tmp_path, **SERVER_VARIABLES) as tmux:
        before = tmux.mode()
        tmux.type(f"clear; {sys.executable} {program} join broken --url {url}; echo code-$?", "Enter")
        tmux.shows("\ncode-1")
        assert "a panel broke" in tmux.screen()
        assert tmux.mode() == before


@pytest.mark.parametrize("more", [[], ["-vv"]], ids=["few words", "many words"])
def test_a_terminal_that_is_gone_is_no_fault_of_ours(url: str, more: list[str]) -> None:
    join = [sys.executable, "-m", "videocli", "join", "gone", "--url", url, *more]
    master, slave = os.openpty()
    with (
        os.fdopen(master, "rb", buffering=0) as ours,
        os.fdopen(slave, "wb", buffering=0) as theirs,
        subprocess.Popen(
            join,
            env=os.environ | SERVER_VARIABLES | {"TERM": "xterm", "LC_ALL": "C.UTF-8"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        ) as process,
    ):
        theirs.close()
        shown = b""
        while b"CONNECTED" not in shown:
            shown += ours.read(65536)
        ours.close()
        assert process.wait(PATIENCE) == 0
