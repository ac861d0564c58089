"""The processes of the bots, of which most are only played here: they say what they are told to."""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from videocli.bots import crew, vigil
from videocli.bots.crew import Crew
from videocli.bots.plan import Orders, Ramp, plan_bots
from videocli.bots.results import Arrival, Blocked, Message, Standing, to_json

URL = "ws://127.0.0.1:9/signaling"
WHO = Blocked("bot-1", "bot.py, line 2")
WORDS = "the script of bot-1 blocked the event loop (bot.py, line 2)"

PLAYED = r"""
import json, sys, time
sys.stdin.readline()
print('"ready"', flush=True)
sys.stdin.readline()
for pause, message in json.loads(sys.argv[1]):
    time.sleep(pause)
    print(json.dumps(message), flush=True)
time.sleep(3600)
"""


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vigil, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(vigil, "SILENT_SECONDS", 0.06)
    monkeypatch.setattr(vigil, "LEAVE_SECONDS", 0.4)


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let a process say these messages, each after so many seconds, and then nothing for ever."""

    def play(*said: tuple[float, Message]) -> None:
        lines = json.dumps([(pause, to_json(message)) for pause, message in said])
        monkeypatch.setattr(crew, "WORKER", (sys.executable, "-c", PLAYED, lines))

    return play


def orders(leaves_at: float | None = None, script: str | None = None) -> Orders:
    bots = tuple(plan_bots("my-room", 2, 1, Ramp()))
    return Orders(URL, bots, {}, token_command="true", script=script, leaves_at=leaves_at)


def failures(made: Crew) -> list[tuple[str, str, str]]:
    return [
        (each.failure.stage, each.failure.name, each.failure.message)
        for each in made.results
        if each.failure is not None
    ]


async def held_up(made: Crew) -> None:
    """Wait until the crew says what blocks a process."""
    while not made.standing.held_up:  # noqa: ASYNC110  # no event tells of it
        await asyncio.sleep(0.02)


def ran(made: Crew, meanwhile: Callable[[Crew], Coroutine[Any, Any, None]] | None = None) -> Crew:
    async def scene() -> None:
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            tasks.create_task(made.run())
            if meanwhile is not None:
                tasks.create_task(meanwhile(made))

    asyncio.run(scene())
    return made


def test_a_process_that_is_silent_when_its_bots_should_leave_is_killed(play: Callable[..., None]) -> None:
    play((0.0, Arrival(1, 0.25)), (0.0, Standing(joined=1, here=1)), (0.0, WHO))
    made = ran(Crew([orders(leaves_at=0.1)]))
    assert failures(made) == [("script", "EventLoopBlocked", WORDS)] * 2
    assert [result.connect_seconds for result in made.results] == [0.25, None]
    assert made.standing == Standing(joined=1, failed=2)
    assert made.silence is not None
    assert made.silence.words == WORDS


def test_so_is_one_that_does_not_even_say_what_blocks_it(play: Callable[..., None]) -> None:
    play((0.0, Arrival(1, 0.25)))
    made = ran(Crew([orders(leaves_at=0.1)]))
    words = "its process did not answer any more"
    assert failures(made) == [("staying", "EventLoopBlocked", words), ("joining", "EventLoopBlocked", words)]


def test_it_is_missed_for_as_long_as_nobody_should_leave(play: Callable[..., None]) -> None:
    async def wait_and_leave(made: Crew) -> None:
        await held_up(made)
        standing = made.standing
        assert (standing.joined, standing.held_up) == (1, WORDS)
        assert standing.lag == standing.silence
        made.leave()

    play((0.0, Arrival(1, 0.25)), (0.0, WHO))
    made = ran(Crew([orders()]), wait_and_leave)
    assert len(failures(made)) == 2


def test_the_script_that_blocks_a_real_process_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vigil, "LEAVE_SECONDS", 3600)
    script = tmp_path / "bot.py"
    script.write_text("import time\ntime.sleep(3600)\n")

    async def wait_and_leave(made: Crew) -> None:
        await held_up(made)
        monkeypatch.setattr(vigil, "LEAVE_SECONDS", 0.0)
        made.leave()

    made = ran(Crew([orders(script=str(script))]), wait_and_leave)
    words = "the script blocked the event loop (bot.py, line 2)"
    assert failures(made) == [("script", "EventLoopBlocked", words)] * 2
