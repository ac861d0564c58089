"""Shows the dashboard in a terminal: draws a few times a second, reads keys, and leaves all as it was.

The only module of the dashboard that touches the terminal. The engine never waits for it: what the terminal
does not take at once (a slow ssh, a stopped screen) waits here, and pictures are skipped until it is taken.
"""

import asyncio
import base64
import fcntl
import os
import select
import signal
import struct
import termios
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from io import StringIO
from typing import IO

from rich.console import Console

from videocli.dashboard.actions import Copy, press
from videocli.dashboard.canvas import Canvas
from videocli.dashboard.graphics import Graphics, Setting, graphics, learn, painter, questions
from videocli.dashboard.half_blocks import Depth
from videocli.dashboard.keyboard import CONTROLLING_TERMINAL, Keyboard
from videocli.dashboard.keys import REPLY
from videocli.dashboard.lines import Picture
from videocli.dashboard.painting import CellSize, Painting, Viewer, Wanted
from videocli.dashboard.render import render
from videocli.dashboard.view import View
from videocli.engine.commands import Command
from videocli.engine.room.snapshot import Snapshot

FRAME_SECONDS = 0.25
GOODBYE_SECONDS = 0.5
"""How long a terminal that takes nothing may hold up the end."""

# xterm's control sequences (invisible-island.net/xterm/ctlseqs): alternate screen, no wrapping, no cursor.
# A paste comes between two sequences of its own, so that its characters are not taken for keys.
# Without wrapping, a character that the terminal thinks wider than we do cannot push the lines below it.
_ALTERNATE = b"\x1b[?1049h"
_MODES = b"\x1b[?7l\x1b[?25l\x1b[?2004h\x1b[2J"
_BREAK = b"\x18\x1b\\\x1b[?2026l"
"""CAN and ST end a sequence, and then a frame, of which the terminal has had only half."""
_LEAVE = b"\x1b[?2004l\x1b[0m\x1b[2J\x1b[?25h\x1b[?7h\x1b[?1049l"
"""Cleared first: sixels stay else, and in a tmux that has grown meanwhile text does."""
_BEGIN_FRAME, _END_FRAME = "\x1b[?2026h", "\x1b[?2026l"
"""Synchronized output: a terminal that knows it shows the frame at once."""

_DEPTHS: dict[str, Depth] = {"truecolor": "truecolor", "256": "256", "standard": "standard"}


def can_show(stdout: IO[str], environ: Mapping[str, str] = os.environ) -> bool:
    """Whether there is a terminal that can show the dashboard; otherwise print lines."""
    encoding = (getattr(stdout, "encoding", None) or "").lower().replace("-", "")
    return stdout.isatty() and environ.get("TERM", "dumb") not in ("", "dumb") and encoding == "utf8"


async def show(
    get_snapshot: Callable[[], Snapshot],
    post: Callable[[Command], None],
    *,
    view: View | None = None,
    viewer: Viewer | None = None,
    pictures: Setting = "auto",
    stdin: int = 0,
    stdout: int = 1,
    environ: Mapping[str, str] = os.environ,
    controlling_terminal: str = CONTROLLING_TERMINAL,
) -> None:
    """Show the room until it is disconnected, the terminal is gone, or the task is cancelled.

    Keys are read from `stdin`, or where that is a pipe or a file, from the controlling terminal; what they
    ask for goes to `post`. Ctrl-C stays a signal (SIGINT), and Ctrl-Z stops the process with its terminal
    restored, as Ctrl-\\ (SIGQUIT) does before it kills. However this ends, the terminal is as it was.
    Run it in the main thread. `viewer` decodes the pictures of others, which show as `pictures` says.
    """
    screen, keyboard = _Screen(stdout), Keyboard(stdin, controlling_terminal)
    known = graphics(pictures, environ, _depth(environ))
    view = replace(
        view or View(),
        can_show_video=viewer is not None and pictures != "off",
        has_keyboard=keyboard.is_there,
    )
    await _Dashboard(get_snapshot, post, view, screen, keyboard, environ, viewer, known).run()


@dataclass(slots=True)
class _Dashboard:
    """The loop that takes keys and draws."""

    get_snapshot: Callable[[], Snapshot]
    post: Callable[[Command], None]
    view: View
    screen: "_Screen"
    keyboard: Keyboard
    environ: Mapping[str, str]
    viewer: Viewer | None
    known: Graphics
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    wants_redraw: bool = False
    """Not only a new picture came."""
    was_asked: bool = False
    """The terminal, about its graphics."""
    pressed: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Show the room until the end."""
        loop = asyncio.get_running_loop()
        try:
            loop.add_signal_handler(signal.SIGTSTP, self._stop)
            loop.add_signal_handler(signal.SIGQUIT, self._quit)
            loop.add_signal_handler(signal.SIGCONT, self._enter)
            loop.add_signal_handler(signal.SIGWINCH, self._redraw_soon)
            while not self.screen.is_gone:
                snapshot = self.get_snapshot()
                if snapshot.room.state == "disconnected":
                    return
                self._follow_the_shell()
                self._take_keys(snapshot)
                self._draw(snapshot)
                with suppress(TimeoutError):
                    async with asyncio.timeout(FRAME_SECONDS):
                        await self._show_pictures()
        finally:
            for number in (signal.SIGTSTP, signal.SIGQUIT, signal.SIGCONT, signal.SIGWINCH):
                loop.remove_signal_handler(number)
            self._leave()
            self.screen.close()
            self.keyboard.close()

    async def _show_pictures(self) -> None:
        """Show pictures as they come, until everything has to be drawn anew."""
        while not self.wants_redraw:
            await self.wake.wait()
            self.wake.clear()
            if self.viewer is not None and self.screen.is_ready():
                self.screen.draw_picture(self.viewer.latest())
        self.wants_redraw = False

    def _redraw_soon(self) -> None:
        self.wants_redraw = True
        self.wake.set()

    def _draw(self, snapshot: Snapshot) -> None:
        size = self.screen.size()
        picture = render(snapshot, self.view, size)
        self.view = replace(self.view, help_top=picture.help_top)
        self._watch(picture)
        if self.screen.is_ready():
            painting = self.viewer.latest() if self.viewer is not None else None
            self.screen.draw(frame_lines(picture, size, self.environ), size, painting)

    def _watch(self, picture: Picture) -> None:
        """Have decoded what is seen, and only that."""
        wanted = None
        if picture.screening is not None and self.screen.is_entered:
            if not self.was_asked:
                self.was_asked = True
                self.screen.ask(questions(self.known))
            sid, track_sid, place = picture.screening
            self.view = replace(self.view, watched=sid)
            wanted = Wanted(track_sid, painter(self.known, place, self.screen.cell_size()))
        if self.viewer is not None:
            self.viewer.watch(wanted, self.wake.set)

    def _take_keys(self, snapshot: Snapshot) -> None:
        for key in self.pressed:
            if key.startswith(REPLY):
                self.known = learn(self.known, key)
                continue
            if key == "ctrl+l":
                self.screen.forget()
            self.view, effect = press(self.view, key, snapshot)
            if isinstance(effect, Copy):
                self.screen.copy(effect.text)
            elif effect is not None:
                self.post(effect)
        self.pressed.clear()

    def _keys_pressed(self, keys: Sequence[str]) -> None:
        self.pressed += keys
        self._redraw_soon()

    def _follow_the_shell(self) -> None:
        """Take the terminal when we come to the foreground, and let go of it in the background.

        Asked each time: bash's `fg` sends no SIGCONT to a job that runs.
        """
        if self.screen.is_entered and not self.screen.is_foreground():
            self._leave()
        elif not self.screen.is_entered:
            self._enter()

    def _enter(self) -> None:
        """Take the terminal, unless we run in the background and it is not ours to take."""
        if self.screen.is_foreground():
            self.keyboard.enter(self._keys_pressed)
            self.screen.enter()
            self._redraw_soon()

    def _leave(self) -> None:
        if self.viewer is not None:
            self.viewer.watch(None, self.wake.set)
        self.screen.leave()
        self.keyboard.leave(give_back=self.screen.is_foreground())

    def _stop(self) -> None:
        """Ctrl-Z: give the terminal back and stop, until SIGCONT.

        By the signal's own default, which does not stop a process that no shell could continue (POSIX.1-2017,
        section 2.4.3: an orphaned process group); then we go on at once.
        """
        loop = asyncio.get_running_loop()
        self._leave()
        loop.remove_signal_handler(signal.SIGTSTP)
        os.kill(os.getpid(), signal.SIGTSTP)
        loop.add_signal_handler(signal.SIGTSTP, self._stop)
        self._enter()

    def _quit(self) -> None:
        """Ctrl-\\: give the terminal back and end at once, by the signal's own default."""
        self._leave()
        asyncio.get_running_loop().remove_signal_handler(signal.SIGQUIT)
        os.kill(os.getpid(), signal.SIGQUIT)


def frame_lines(picture: Picture, size: tuple[int, int], environ: Mapping[str, str]) -> list[str]:
    """The lines of a picture with their colours, as many as this terminal has (TERM, COLORTERM, NO_COLOR)."""
    columns, rows = size
    file = StringIO()
    console = Console(
        file=file,
        force_terminal=True,
        width=columns,
        height=rows,
        legacy_windows=False,
        _environ=dict(environ),
    )
    console.print(picture, end="", crop=False)
    return file.getvalue().split("\n")


def _depth(environ: Mapping[str, str]) -> Depth | None:
    """How many colours the terminal has."""
    console = Console(file=StringIO(), force_terminal=True, legacy_windows=False, _environ=dict(environ))
    return None if console.no_color else _DEPTHS.get(console.color_system or "")


class _Screen:
    """The output side of a terminal."""

    def __init__(self, fd: int) -> None:
        self._is_ours, self._fd = _own_description(fd)
        self.is_entered = False
        """The alternate screen is up, and ours."""
        self._drawn: list[str] = []
        self._drawn_size: tuple[int, int] | None = None
        self._canvas = Canvas()
        self._backlog = b""
        self.is_gone = False
        """The terminal was closed."""

    def size(self) -> tuple[int, int]:
        """Columns and rows; 80x24 where the terminal does not know."""
        try:
            columns, rows = os.get_terminal_size(self._fd)
        except OSError:
            return 80, 24
        return (columns, rows) if columns > 0 and rows > 0 else (80, 24)

    def cell_size(self) -> CellSize | None:
        """The pixels of a cell; None: the terminal does not know."""
        try:
            packed = fcntl.ioctl(self._fd, termios.TIOCGWINSZ, bytes(8))
        except OSError:
            return None
        rows, columns, width, height = struct.unpack("4H", packed)
        if not (rows and columns and width >= columns and height >= rows):
            return None
        return CellSize(width // columns, height // rows)

    def is_foreground(self) -> bool:
        """Whether we may use the terminal; one that does not control us is always ours."""
        try:
            return os.tcgetpgrp(self._fd) == os.getpgrp()
        except OSError:
            return True

    def enter(self) -> None:
        """Switch to the alternate screen, or if we are there, put it in order again."""
        self.forget()
        # Only once: a second switch would save the cursor of the alternate screen over the shell's.
        self._write(_MODES if self.is_entered else _ALTERNATE + _MODES)
        self.is_entered = True

    def is_ready(self) -> bool:
        """Whether the screen is ours and has taken the last picture."""
        return self.is_entered and not self._backlog

    def draw(self, lines: list[str], size: tuple[int, int], painting: Painting | None) -> None:
        """Draw the lines that differ from what is there, and the picture over them, in one write."""
        is_fresh = size != self._drawn_size or len(lines) != len(self._drawn)
        removal, uncovered = self._canvas.clear(painting)
        if is_fresh:
            removal += self._canvas.forget() + "\x1b[2J"
        changes = {
            # Erase first: at the right edge, erasing afterwards would take the last character with it.
            row: f"\x1b[{row};1H\x1b[2K{text}"
            for row, text in enumerate(lines, start=1)
            if is_fresh or row in uncovered or self._drawn[row - 1] != text
        }
        self._drawn, self._drawn_size = lines, size
        self._write_frame(removal + "".join(changes.values()) + self._canvas.show(painting, changes.keys()))

    def draw_picture(self, painting: Painting | None) -> None:
        """Draw only the next picture, where the last one is."""
        if painting is not None and self._canvas.is_followed_by(painting):
            self._write_frame(self._canvas.show(painting, frozenset()))

    def ask(self, questions: str) -> None:
        """Send what the terminal answers like keys."""
        self._write(questions.encode())

    def copy(self, text: str) -> None:
        """Ask the terminal to put a text into the clipboard of its user, be it at the far end of an ssh."""
        if self.is_entered:
            encoded = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
            self._write(f"\x1b]52;c;{encoded}\x07".encode())

    def forget(self) -> None:
        """Draw everything the next time: somebody else may have written over it."""
        self._drawn, self._drawn_size = [], None

    def leave(self) -> None:
        """Back to the normal screen; waits `GOODBYE_SECONDS` at most for a terminal that takes nothing."""
        if not self.is_entered:
            return
        self.is_entered = False
        data = (_BREAK if self._backlog else b"") + self._canvas.forget().encode() + _LEAVE
        self._set_backlog(b"")
        with suppress(OSError):
            while data and select.select([], [self._fd], [], GOODBYE_SECONDS)[1]:
                data = data[os.write(self._fd, data) :]

    def close(self) -> None:
        """Close what this object opened."""
        if self._is_ours:
            os.close(self._fd)

    def _write_frame(self, changes: str) -> None:
        if changes:
            self._write((_BEGIN_FRAME + changes + _END_FRAME).encode())

    def _write(self, data: bytes) -> None:
        self._set_backlog(self._backlog + data)
        self._flush()

    def _flush(self) -> None:
        try:
            while self._backlog:
                self._set_backlog(self._backlog[os.write(self._fd, self._backlog) :])
        except BlockingIOError:
            asyncio.get_running_loop().add_writer(self._fd, self._flush)
        except OSError:
            self._set_backlog(b"")
            self.is_gone = True

    def _set_backlog(self, data: bytes) -> None:
        self._backlog = data
        if not data:
            asyncio.get_running_loop().remove_writer(self._fd)


def _own_description(fd: int) -> tuple[bool, int]:
    """Whether the terminal could be opened anew, and the descriptor to write to.

    Only then may it be made non-blocking: flags belong to the open file, which the shell and stdin share.
    """
    try:
        return True, os.open(os.ttyname(fd), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return False, fd
