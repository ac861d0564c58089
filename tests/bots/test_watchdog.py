import asyncio
import sys
import time
from pathlib import Path
from types import FrameType

import pytest

from videocli.bots import watchdog
from videocli.bots.results import Blocked
from videocli.bots.watchdog import SCRIPT_OF, Watchdog, place_in

SCRIPT = Path(__file__).parent / "bot.py"


def frame_of(source: str, path: Path) -> FrameType:
    """The innermost frame of a source that calls `look`."""
    seen: list[FrameType] = []
    names = {"look": lambda: seen.append(sys._getframe())}
    exec(compile(source, str(path), "exec"), names)
    return seen[0]


def test_the_line_of_the_script_is_found_below_what_it_calls() -> None:
    assert place_in(SCRIPT, frame_of("1\n2\nlook()\n", SCRIPT)) == "bot.py, line 3"


def test_it_is_the_innermost_one() -> None:
    assert place_in(SCRIPT, frame_of("def f():\n    look()\nf()\n", SCRIPT)) == "bot.py, line 2"


def test_what_is_not_of_the_script_has_no_place_in_it() -> None:
    assert place_in(SCRIPT, frame_of("look()\n", SCRIPT.with_name("other.py"))) is None
    assert place_in(None, frame_of("look()\n", SCRIPT)) is None


def test_a_loop_that_stands_still_is_told_of_once_with_the_bot_whose_script_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watchdog, "LOOK_SECONDS", 0.005)
    monkeypatch.setattr(watchdog, "LATE_SECONDS", 0.02)
    said: list[Blocked] = []

    async def block() -> None:
        while not said:
            time.sleep(0.01)  # noqa: ASYNC251  # which is the point
        time.sleep(0.05)  # noqa: ASYNC251  # as above

    async def scene() -> None:
        watching = Watchdog(Path(__file__), said.append)
        try:
            await asyncio.create_task(block(), name=f"{SCRIPT_OF}bot-1")
        finally:
            watching.stop()

    asyncio.run(scene())
    assert [each.identity for each in said] == ["bot-1"]
    assert said[0].place is not None
    assert said[0].place.startswith("test_watchdog.py, line ")
