import asyncio
import base64
import fcntl
import os
import signal
import sys
import termios
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, timedelta
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from tests.dashboard import rooms
from tests.dashboard.tmux import PATIENCE, Tmux
from videocli.cli.wiring import run
from videocli.dashboard import keys as keys_module
from videocli.dashboard.painting import Viewer
from videocli.dashboard.render import render
from videocli.dashboard.terminal import can_show, frame_lines, show
from videocli.dashboard.view import View
from videocli.engine.commands import Command, Disconnect, SetEnabled
from videocli.engine.room.snapshot import Snapshot

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"
CURSOR_ON, WRAP_ON = b"\x1b[?25h", b"\x1b[?7h"


class Terminal:
    """A pseudo terminal, with somebody in front of it."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        os.set_blocking(self.master, False)
        self.resize(80, 24)
        self.before = self._mode()
        self.output = b""
        self._arrived = asyncio.Event()

    def resize(self, columns: int, rows: int) -> None:
        termios.tcsetwinsize(self.slave, (rows, columns))

    def watch(self) -> None:
        """Take what it shows, as it comes."""
        asyncio.get_running_loop().add_reader(self.master, self._read)

    def _read(self) -> None:
        with suppress(OSError):
            self.output += os.read(self.master, 65536)
        self._arrived.set()

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    async def shows(self, text: bytes, times: int = 1) -> None:
        """Wait until it has shown this so many times."""
        async with asyncio.timeout(PATIENCE):
            while self.output.count(text) < times:
                self._arrived.clear()
                await self._arrived.wait()

    def is_as_before(self) -> bool:
        return self._mode() == self.before

    def _mode(self) -> tuple[list[object], int]:
        return termios.tcgetattr(self.slave), fcntl.fcntl(self.slave, fcntl.F_GETFL)

    def hang_up(self) -> None:
        asyncio.get_running_loop().remove_reader(self.master)
        os.close(self.master)
        self.master = -1

    def close(self) -> None:
        if self.master >= 0:
            asyncio.get_running_loop().remove_reader(self.master)
            os.close(self.master)
        os.close(self.slave)


class Room:
    """A room whose clock ticks with each look, so that each picture differs."""

    def __init__(self) -> None:
        self.snapshot = rooms.connected(3)
        self.posted: list[Command] = []
        self.looks = 0
        self.fail_at: int | None = None
        self._looked = asyncio.Event()

    def look(self) -> Snapshot:
        self.looks += 1
        self._looked.set()
        if self.looks == self.fail_at:
            raise ZeroDivisionError
        return replace(self.snapshot, time=rooms.NOW + timedelta(seconds=self.looks))

    def post(self, command: Command) -> None:
        self.posted.append(command)
        if command == Disconnect():
            self.snapshot = replace(self.snapshot, room=replace(self.snapshot.room, state="disconnected"))

    async def looked_at(self, times: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.looks < times:
                self._looked.clear()
                await self._looked.wait()


Scene = Callable[[Terminal, Room, "asyncio.Task[None]"], Awaitable[None]]


def play(
    scene: Scene,
    *,
    is_watched: bool = True,
    stdin: int | None = None,
    viewer: Viewer | None = None,
    is_controlled: bool = False,
) -> Terminal:
    """Show a room on a new terminal, let the scene happen, and see how the terminal is left."""

    async def show_room() -> Terminal:
        terminal, room = Terminal(), Room()
        if is_watched:
            terminal.watch()
        environ = {"TERM": "xterm-256color"}
        keyboard = terminal.slave if stdin is None else stdin
        task = asyncio.create_task(
            show(
                room.look,
                room.post,
                view=View(timezone=UTC),
                viewer=viewer,
                stdin=keyboard,
                stdout=terminal.slave,
                environ=environ,
                controlling_terminal=os.ttyname(terminal.slave) if is_controlled else "/nowhere",
            )
        )
        try:
            async with asyncio.timeout(PATIENCE):
                await scene(terminal, room, task)
                assert task.done()
            if terminal.master >= 0:
                terminal.watch()
                await terminal.shows(LEAVE)
                assert terminal.is_as_before()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            terminal.close()
        return terminal

    return run(show_room())


def test_q_leaves_and_everything_is_as_before() -> None:
    async def scene(terminal: Terminal, room: Room, task: "asyncio.Task[None]") -> None:
        await terminal.shows(b"CONNECTED")
        assert not terminal.is_as_before()
        terminal.type("q")
        await task
        assert room.posted == [Disconnect()]

    terminal = play(scene)
    assert terminal.output.startswith(ENTER)
    restored = terminal.output[terminal.output.index(LEAVE) - 40 :]
    assert CURSOR_ON in restored
    assert WRAP_ON in restored
    assert terminal.output.endswith(LEAVE)
    for number in (signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH):
        assert signal.getsignal(number) == signal.SIG_DFL


def test_an_exception_restores_the_terminal_and_is_raised() -> None:
    async def scene(terminal: Terminal, room: Room, task: "asyncio.Task[None]") -> None:
        await terminal.shows(b"CONNECTED")
        room.fail_at = room.looks + 2
        with pytest.raises(ZeroDivisionError):
            await task

    assert play(scene).output.endswith(LEAVE)


def test_cancellation_restores_the_terminal() -> None:
    async def scene(terminal: Terminal, room: Room, task: "asyncio.Task[None]") -> None:
        await terminal.shows(b"CONNECTED")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert play(scene).output.endswith(LEAVE)


def test_a_key_whose_bytes_come_apart_is_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys_module, "ESCAPE_SECONDS", 2 * PATIENCE)

    async def scene(terminal: Terminal, room: Room, task: "asyncio.Task[None]") -> None:
        await terminal.shows(b"CONNECTED")
        terminal.type("a\x1b")
        await room.looked_at(room.looks + 1)
        terminal.type("[B")
        await terminal.shows("▸".encode())
        assert room.posted == [SetEnabled("audio", False)]
        terminal.type("q")
        await task

    play(scene)


def test_a_lone_escape_is_the_escape_key() -> None:
    async def scene(terminal: Terminal, room: Room, task: "asyncio.Task[None]") -> None:
        await terminal.shows(b"codec")
        terminal.type("?")
        await terminal.shows(b"leave the room")
        terminal.type("\x1b")
        await terminal.shows(b"codec", times=2)
        terminal.type("q")
        await task

    play(scene)


def test_a_resized_terminal_is_filled_at_once() -> None:
    async def scene(terminal: Terminal, room: Room, task: "asyncio.Task[None]") -> None:
        await terminal.shows(b"\x1b[24;1H")
        assert b"\x1b[40;1H" not in terminal.output
        terminal.resize(120, 40)
        os.kill(os.getpid(), signal.SIGWINCH)
        await terminal.shows(b"\x1b[40;1H")
        terminal.type("q")
        await task

    play(scene)


def test_only_lines_that_changed_are_drawn_until_ctrl_l() -> None:
    async def scene(terminal: Terminal, room: Room, task: "asyncio.Task[None]") -> None:
        await room.looked_at(3)
        await terminal.shows(b"\x1b[1;1H", times=2)
        assert terminal.output.count(b"\x1b[24;1H") == 1
        terminal.type("\x0c")
        await terminal.shows(b"\x1b[24;1H", times=2)
        terminal.type("q")
        await task

    play(scene)


def test_a_sid_is_copied_as_the_terminal_takes_it_and_can_hold_no_sequence() -> None:
    hostile = "PA\x1b]0;gotcha\x07"

    async def scene(terminal: Terminal, room: Room, task: "asyncio.Task[None]") -> None:
        local = rooms.local()
        local = replace(local, participant=replace(local.participant, sid=hostile))
        room.snapshot = replace(room.snapshot, local=local)
        await terminal.shows(b"CONNECTED")
        terminal.type("jy")
        await terminal.shows(b"\x1b]52;c;" + base64.b64encode(hostile.encode()) + b"\x07")
        terminal.type("q")
        await task

    assert b"gotcha\x07" not in play(scene).output


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Its ends for reading and for writing."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_where_there_is_no_terminal_for_input_the_footer_offers_no_keys(pipe: tuple[int, int]) -> None:
    async def scene(terminal: Terminal, room: Room, task: "asyncio.Task[None]") -> None:
        os.write(pipe[1], b"q")
        await terminal.shows(b"No keys here")
        await room.looked_at(3)
        assert room.posted == []
        assert b"leave" not in terminal.output
        room.post(Disconnect())
        await task

    play(scene, stdin=pipe[0])


def test_where_stdin_is_a_pipe_the_controlling_terminal_gives_the_keys(pipe: tuple[int, int]) -> None:
    async def scene(terminal: Terminal, room: Room, task: "asyncio.Task[None]") -> None:
        os.write(pipe[1], b"q")
        await terminal.shows(b"mute audio")
        assert not terminal.is_as_before()
        terminal.type("aq")
        await task
        assert room.posted == [SetEnabled("audio", False), Disconnect()]
        assert os.read(pipe[0], 2) == b"q"

    play(scene, stdin=pipe[0], is_controlled=True)


def test_a_terminal_that_takes_nothing_holds_nobody_up() -> None:
    async def scene(terminal: Terminal, room: Room, task: "asyncio.Task[None]") -> None:
        terminal.resize(500, 300)
        await room.looked_at(4)
        terminal.watch()
        await terminal.shows(b"\x1b[300;1H")
        assert terminal.output.count(b"\x1b[2J") == 2
        terminal.type("q")
        await task

    play(scene, is_watched=False)


def test_a_terminal_that_never_takes_anything_does_not_hold_up_the_end() -> None:
    async def scene(terminal: Terminal, room: Room, task: "asyncio.Task[None]") -> None:
        terminal.resize(500, 300)
        await room.looked_at(2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert terminal.is_as_before()
        terminal.hang_up()

    play(scene, is_watched=False)


def test_a_closed_terminal_ends_the_show() -> None:
    async def scene(terminal: Terminal, room: Room, task: "asyncio.Task[None]") -> None:
        await terminal.shows(b"CONNECTED")
        terminal.hang_up()
        await task

    play(scene)


def test_colours_are_those_the_terminal_has() -> None:
    size = (80, 24)
    picture = render(rooms.connected(3), View(timezone=UTC), size)

    def codes(**environ: str) -> str:
        return "".join(frame_lines(picture, size, {"TERM": "xterm-256color", **environ}))

    assert "\x1b[1;7;32m" in codes()
    assert "32m" not in codes(NO_COLOR="1")
    assert "CONNECTED" in codes(NO_COLOR="1")
    assert len(frame_lines(picture, size, {"TERM": "xterm"})) == 24


@pytest.mark.parametrize(
    ("is_terminal", "term", "encoding", "shown"),
    [
        (True, "xterm", "utf-8", True),
        (True, "xterm", "UTF8", True),
        (False, "xterm", "utf-8", False),
        (True, "dumb", "utf-8", False),
        (True, "", "utf-8", False),
        (True, None, "utf-8", False),
        (True, "xterm", "ascii", False),
    ],
)
def test_where_the_dashboard_can_show(
    is_terminal: bool, term: str | None, encoding: str, shown: bool
) -> None:
    class Stream(TextIOWrapper):
        def isatty(self) -> bool:
            return is_terminal

    stream = Stream(BytesIO(), encoding=encoding)
    assert can_show(stream, {} if term is None else {"TERM": term}) is shown


@pytest.mark.tmux
@pytest.mark.parametrize("before_it", ["", "printf q | "], ids=["stdin is the terminal", "stdin is a pipe"])
def test_ctrl_z_and_fg_in_a_real_shell(tmp_path: Path, before_it: str) -> None:
    with Tmux(tmp_path) as tmux:
        before = tmux.mode()
        tmux.type(f"{before_it}{sys.executable} -m tests.dashboard.show_room", "Enter")
        tmux.shows("joined 12:34 ago")
        tmux.type("C-z")
        tmux.shows("Stopped")
        assert tmux.mode() == before
        tmux.type("fg", "Enter")
        tmux.shows("joined 12:34 ago")
        tmux.type("j")
        tmux.shows("▸ alice")
        tmux.type("q")
        tmux.shows("$ ")
        assert tmux.mode() == before


@pytest.mark.tmux
def test_programs_that_share_the_terminal_do_not_find_it_non_blocking(tmp_path: Path) -> None:
    flags = "grep flags /proc/self/fdinfo/0"
    with Tmux(tmp_path) as tmux:
        tmux.type(f"clear; {flags}; {sys.executable} -m tests.dashboard.show_room; {flags}", "Enter")
        tmux.shows("joined 12:34 ago")
        tmux.type("q")
        screen = tmux.shows("\n$")
        before, after = (line for line in screen.splitlines() if line.startswith("flags:"))
        assert after == before
