"""Pictures on a terminal: shown with the text or alone, taken away whatever ends the show."""

import asyncio
import os
import signal
from collections.abc import Callable

import pytest

from tests.dashboard.bitmaps import stripes
from tests.dashboard.emulator import Emulator
from tests.dashboard.test_terminal import LEAVE, Room, Terminal, play
from tests.dashboard.tmux import PATIENCE
from videocli.dashboard import keys as keys_module
from videocli.dashboard import terminal as terminal_module
from videocli.dashboard.kitty import IMAGE_ID, Kitty
from videocli.dashboard.painting import Painting, Wanted

BLOCK = "▀".encode()
IMAGE, DELETED = b"\x1b_Ga=T", b"\x1b_Ga=d"
ASKED = b"\x1b_Gi=7779"
HAS_KITTY = "\x1b_Gi=7779;OK\x1b\\\x1b[?62;22c"
BEGIN, END = b"\x1b[?2026h", b"\x1b[?2026l"
Task = asyncio.Task[None]


@pytest.fixture(autouse=True)
def _redraws_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal_module, "FRAME_SECONDS", 0.02)


class Camera:
    """A viewer that shows stripes, and others whenever it is told to."""

    def __init__(self) -> None:
        self.wanted: Wanted | None = None
        self.painting: Painting | None = None
        self.shift = 0
        self._on_picture: Callable[[], None] = lambda: None

    def watch(self, wanted: Wanted | None, on_picture: Callable[[], None]) -> None:
        self._on_picture = on_picture
        if wanted != self.wanted:
            self.wanted, self.painting = wanted, None
            if wanted is not None:
                asyncio.get_running_loop().call_soon(self.move)

    def latest(self) -> Painting | None:
        return self.painting

    def move(self) -> None:
        if self.wanted is not None:
            self.shift += 16
            painter = self.wanted.painter
            self.painting = painter.paint(stripes(*painter.box.fitted(640, 360), self.shift))
            self._on_picture()


def screen_of(terminal: Terminal, columns: int = 120, rows: int = 40) -> Emulator:
    """What it shows, up to the last frame that is whole."""
    whole = terminal.output.rindex(max(END, LEAVE, key=terminal.output.rfind))
    emulator = Emulator(columns, rows)
    emulator.feed(terminal.output[:whole].decode())
    return emulator


def image_columns(terminal: Terminal) -> int | None:
    """How wide the image is that it shows."""
    image = screen_of(terminal).images.get(str(IMAGE_ID))
    return None if image is None else int(image.keys["c"])


async def until(terminal: Terminal, condition: Callable[[], bool]) -> None:
    """Wait, looking whenever the terminal shows something."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            terminal._arrived.clear()
            await terminal._arrived.wait()


def test_v_opens_and_closes_the_picture_and_what_was_under_it_comes_back() -> None:
    camera = Camera()

    async def scene(terminal: Terminal, room: Room, task: Task) -> None:
        await terminal.shows(b"CONNECTED")
        assert camera.wanted is None
        terminal.type("v")
        await terminal.shows(BLOCK)
        assert camera.wanted is not None
        assert camera.wanted.track_sid == "MT0001v"
        await until(terminal, lambda: "▀" in screen_of(terminal).line(12))
        terminal.type("v")
        await until(terminal, lambda: "Events" in screen_of(terminal).line(18))
        assert camera.wanted is None
        assert all("▀" not in screen_of(terminal).line(row) for row in range(1, 25))
        terminal.type("q")
        await task

    play(scene, viewer=camera)


def test_a_page_over_the_room_ends_the_decoding() -> None:
    camera = Camera()

    async def scene(terminal: Terminal, room: Room, task: Task) -> None:
        await terminal.shows(b"CONNECTED")
        terminal.type("v")
        await terminal.shows(BLOCK)
        terminal.type("?")
        await until(terminal, lambda: "leave the room" in screen_of(terminal).line(8))
        assert camera.wanted is None
        assert all("▀" not in screen_of(terminal).line(row) for row in range(1, 25))
        terminal.type("q")
        await task

    play(scene, viewer=camera)


def test_pictures_come_whole_without_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    camera = Camera()

    async def scene(terminal: Terminal, room: Room, task: Task) -> None:
        await terminal.shows(b"CONNECTED")
        terminal.type("v")
        await terminal.shows(BLOCK)
        monkeypatch.setattr(terminal_module, "FRAME_SECONDS", 2 * PATIENCE)
        await room.looked_at(room.looks + 1)
        looks, frames = room.looks, terminal.output.count(END)
        for number in range(1, 4):
            camera.move()
            await terminal.shows(END, times=frames + number)
        assert room.looks == looks
        monkeypatch.undo()
        terminal.type("q")
        await task

    output = play(scene, viewer=camera).output
    for piece in output.split(BEGIN)[1:]:
        assert BLOCK not in piece.split(END, 1)[1]


@pytest.mark.parametrize("end", ["q", "cancel", "exception"])
def test_an_image_is_deleted_whatever_ends_the_show(end: str) -> None:
    camera = Camera()

    async def scene(terminal: Terminal, room: Room, task: Task) -> None:
        await terminal.shows(b"CONNECTED")
        terminal.type("v")
        await terminal.shows(ASKED)
        terminal.type(HAS_KITTY)
        await terminal.shows(IMAGE)
        assert camera.wanted is not None
        assert isinstance(camera.wanted.painter, Kitty)
        await until(terminal, lambda: image_columns(terminal) == 46)
        if end == "q":
            terminal.type("q")
        elif end == "cancel":
            task.cancel()
        else:
            room.fail_at = room.looks + 1
        await asyncio.gather(task, return_exceptions=True)

    terminal = play(scene, viewer=camera)
    assert camera.wanted is None
    assert screen_of(terminal).images == {}
    assert terminal.output.rindex(DELETED) < terminal.output.rindex(LEAVE)


def test_a_resized_terminal_gets_the_image_anew() -> None:
    camera = Camera()

    async def scene(terminal: Terminal, room: Room, task: Task) -> None:
        await terminal.shows(b"CONNECTED")
        terminal.type("v")
        await terminal.shows(ASKED)
        terminal.type(HAS_KITTY)
        await terminal.shows(IMAGE)
        await until(terminal, lambda: image_columns(terminal) == 46)
        terminal.resize(120, 40)
        os.kill(os.getpid(), signal.SIGWINCH)
        await until(terminal, lambda: image_columns(terminal) == 85)
        terminal.type("q")
        await task

    play(scene, viewer=camera)


def test_a_reply_whose_bytes_come_apart_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys_module, "ESCAPE_SECONDS", 0.0)
    monkeypatch.setattr(keys_module, "SILENCE_SECONDS", 2 * PATIENCE)

    async def scene(terminal: Terminal, room: Room, task: Task) -> None:
        await terminal.shows(b"CONNECTED")
        terminal.type("v")
        await terminal.shows(ASKED)
        terminal.type("\x1b[?62;4;22")
        await room.looked_at(room.looks + 2)
        terminal.type("c")
        await room.looked_at(room.looks + 1)
        assert room.posted == []
        terminal.type("q")
        await task

    play(scene, viewer=Camera())


def test_without_a_viewer_there_are_no_pictures_and_no_questions() -> None:
    async def scene(terminal: Terminal, room: Room, task: Task) -> None:
        await terminal.shows(b"CONNECTED")
        terminal.type("v")
        await terminal.shows(b"There are no pictures here")
        terminal.type("q")
        await task

    assert ASKED not in play(scene).output
