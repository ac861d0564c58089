"""The bots of one process, in virtual time, over fake networks."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.clock import run_virtually
from tests.simulation.house import URL, House
from videocli.bots.plan import Orders, Ramp, plan_bots
from videocli.bots.results import Arrival, Load, Message, Result, Standing
from videocli.bots.worker import work
from videocli.server.serve import ServeConfig

COUNT = 3


class Shift:
    """A process of bots at work."""

    def __init__(self, house: House, orders: Orders) -> None:
        self.said: list[Message] = []
        self.leave = asyncio.Event()
        self.task = asyncio.create_task(work(orders, house.outside, self.leave, self.said.append))

    @property
    def results(self) -> list[Result]:
        return sorted((one for one in self.said if isinstance(one, Result)), key=lambda one: one.number)

    @property
    def standing(self) -> Standing:
        return [one for one in self.said if isinstance(one, Standing)][-1]

    @property
    def failures(self) -> dict[str, tuple[str, int | None, str]]:
        return {
            one.identity: (one.failure.stage, one.failure.code, one.failure.name)
            for one in self.results
            if one.failure is not None
        }


def orders(house: House, **changes: Any) -> Orders:
    bots = tuple(plan_bots("my-room", COUNT, 1, Ramp(per_second=1)))
    tokens = {bot.identity: house.token(bot.identity, bot.room) for bot in bots}
    return replace(Orders(URL, bots, tokens), **changes)


def script(folder: Path, text: str) -> str:
    path = folder / "script.py"
    path.write_text(text)
    return str(path)


def scene(play: Callable[[House], Coroutine[Any, Any, None]], config: ServeConfig | None = None) -> None:
    async def run() -> None:
        house = House()
        async with asyncio.timeout(600), house.open(config):
            await play(house)

    run_virtually(run())


def test_bots_come_one_after_another_and_leave_when_told_to() -> None:
    async def play(house: House) -> None:
        shift = Shift(house, orders(house))
        await asyncio.sleep(2.5)
        assert (shift.standing.joined, shift.standing.here) == (2, 2)
        await asyncio.sleep(5)
        assert (shift.standing.joined, shift.standing.here) == (3, 3)
        shift.leave.set()
        await shift.task
        assert [result.identity for result in shift.results] == ["bot-1", "bot-2", "bot-3"]
        assert shift.failures == {}
        assert all(result.connect_seconds is not None for result in shift.results)
        assert isinstance(shift.said[-1], Load)
        arrivals = [(one.number, one.connect_seconds) for one in shift.said if isinstance(one, Arrival)]
        assert arrivals == [(result.number, result.connect_seconds) for result in shift.results]

    scene(play)


def test_they_leave_by_themselves_at_a_given_time() -> None:
    async def play(house: House) -> None:
        shift = Shift(house, orders(house, leaves_at=10.0))
        await shift.task
        assert asyncio.get_running_loop().time() == pytest.approx(10, abs=1)
        assert [round(result.stay_seconds) for result in shift.results] == [10, 9, 8]

    scene(play)


def test_who_was_told_to_leave_before_coming_has_not_failed() -> None:
    async def play(house: House) -> None:
        shift = Shift(house, orders(house))
        await asyncio.sleep(0.5)
        shift.leave.set()
        await shift.task
        assert [result.identity for result in shift.results] == ["bot-1"]

    scene(play)


def test_one_that_fails_ends_none_of_the_others() -> None:
    async def play(house: House) -> None:
        held = orders(house)
        shift = Shift(house, replace(held, tokens={**held.tokens, "bot-2": "nonsense"}, leaves_at=5.0))
        await shift.task
        assert shift.failures == {"bot-2": ("joining", 20101, "AccessTokenInvalid")}
        assert [result.connect_seconds is None for result in shift.results] == [False, True, False]

    scene(play)


def test_a_full_room_is_a_failure_with_its_code() -> None:
    async def play(house: House) -> None:
        shift = Shift(house, orders(house, leaves_at=5.0))
        await shift.task
        assert [code for _, code, _ in shift.failures.values()] == [53105]

    scene(play, ServeConfig(max_participants=2))


def test_one_that_is_sent_away_has_broken_off_its_stay() -> None:
    async def play(house: House) -> None:
        shift = Shift(house, orders(house))
        await asyncio.sleep(4)
        namesake = house.join("bot-1")
        await asyncio.sleep(2)
        assert (shift.standing.failed, shift.standing.here) == (1, 2)
        shift.leave.set()
        await shift.task
        await namesake.leave()
        assert shift.failures == {"bot-1": ("staying", 53205, "ParticipantDuplicateIdentity")}
        assert shift.results[0].connect_seconds is not None

    scene(play)


def test_an_outage_that_goes_on_when_they_leave_is_counted() -> None:
    async def play(house: House) -> None:
        shift = Shift(house, orders(house, leaves_at=20.0))
        await asyncio.sleep(4)
        house.signaling.stall()
        await asyncio.sleep(14)
        assert (shift.standing.here, shift.standing.away) == (3, 3)
        await shift.task
        house.signaling.resume()
        assert shift.failures == {}
        assert [result.is_away for result in shift.results] == [True] * COUNT
        assert all(0 < result.downtime < 16 for result in shift.results)

    scene(play)


def test_a_token_command_is_asked_for_each_bot(tmp_path: Path) -> None:
    async def token(house: House) -> Orders:
        for number in range(1, COUNT + 1):
            (tmp_path / f"bot-{number} my-room").write_text(house.token(f"bot-{number}"))
        return orders(
            house,
            bots=tuple(plan_bots("my-room", COUNT, 1, Ramp())),
            tokens={},
            token_command=f'cat "{tmp_path}/$VIDEOCLI_IDENTITY $VIDEOCLI_ROOM"',
            leaves_at=0.5,
        )

    async def run() -> None:
        house = House()
        async with asyncio.timeout(30), house.open():
            shift = Shift(house, await token(house))
            await shift.task
            assert [result.connect_seconds is None for result in shift.results] == [False] * COUNT

    asyncio.run(run())


class TestScripts:
    def test_a_bot_leaves_when_its_script_returns(self, tmp_path: Path) -> None:
        async def play(house: House) -> None:
            text = (
                "import asyncio\n"
                "from videocli import events\n"
                "async def bot(room):\n"
                "    room.send(room.local_participant.identity)\n"
                "    await asyncio.sleep(5)\n"
            )
            shift = Shift(house, orders(house, script=script(tmp_path, text)))
            await shift.task
            assert shift.failures == {}
            assert [round(result.stay_seconds) for result in shift.results] == [5, 5, 5]
            assert sum(result.messages for result in shift.results) > 0

        scene(play)

    def test_what_a_script_raises_is_its_bots_failure(self, tmp_path: Path) -> None:
        async def play(house: House) -> None:
            text = (
                "async def bot(room):\n"
                "    if room.local_participant.identity == 'bot-2':\n"
                "        raise ValueError('two\\x1b[2J')\n"
            )
            shift = Shift(house, orders(house, script=script(tmp_path, text)))
            await shift.task
            assert shift.failures == {"bot-2": ("script", None, "ValueError")}
            failure = shift.results[1].failure
            assert failure is not None
            assert failure.message == "two [2J"

        scene(play)

    def test_one_that_goes_on_when_told_to_leave_is_given_a_moment(self, tmp_path: Path) -> None:
        async def play(house: House) -> None:
            text = (
                "import asyncio\n"
                "async def bot(room):\n"
                "    async for event in room: pass\n"
                "    await asyncio.sleep(3600)\n"
            )
            shift = Shift(house, orders(house, script=script(tmp_path, text), leaves_at=5.0))
            await shift.task
            assert shift.failures == {}
            assert asyncio.get_running_loop().time() < 10

        scene(play)

    def test_one_that_swallows_its_cancellation_is_left_to_itself(self, tmp_path: Path) -> None:
        async def play(house: House) -> None:
            text = (
                "import asyncio\n"
                "async def bot(room):\n"
                "    try: await asyncio.sleep(3600)\n"
                "    except asyncio.CancelledError: await asyncio.sleep(60)\n"
            )
            shift = Shift(house, orders(house, script=script(tmp_path, text), leaves_at=5.0))
            await shift.task
            assert list(shift.failures.values()) == [("script", None, "ScriptDoesNotEnd")] * COUNT
            assert asyncio.get_running_loop().time() < 15
            await asyncio.sleep(120)

        scene(play)

    def test_so_is_its_callback(self, tmp_path: Path) -> None:
        async def play(house: House) -> None:
            text = (
                "import asyncio\n"
                "async def bot(room):\n"
                "    async def stay(event):\n"
                "        try: await asyncio.sleep(3600)\n"
                "        except asyncio.CancelledError: await asyncio.sleep(60)\n"
                "    room.on(object, stay)\n"
                "    await asyncio.sleep(5)\n"
            )
            shift = Shift(house, orders(house, script=script(tmp_path, text)))
            await shift.task
            assert (len(shift.results), shift.failures) == (COUNT, {})
            assert asyncio.get_running_loop().time() < 15
            await asyncio.sleep(120)

        scene(play)

    @pytest.mark.parametrize(
        ("lines", "failures"),
        [
            ("raise asyncio.CancelledError", {"bot-2": ("script", None, "CancelledError")}),
            ("asyncio.current_task().cancel()", {"bot-2": ("script", None, "CancelledError")}),
            ("sys.exit(3)", {"bot-2": ("script", None, "ScriptExited")}),
            ("sys.exit()", {}),
        ],
    )
    def test_one_that_gives_up_gives_up_for_its_own_bot(
        self, tmp_path: Path, lines: str, failures: dict[str, object]
    ) -> None:
        async def play(house: House) -> None:
            text = (
                "import asyncio, sys\n"
                "async def bot(room):\n"
                f"    if room.local_participant.identity == 'bot-2': {lines}\n"
                "    await asyncio.sleep(5)\n"
            )
            shift = Shift(house, orders(house, script=script(tmp_path, text)))
            await shift.task
            assert shift.failures == failures
            assert [result.connect_seconds is None for result in shift.results] == [False] * COUNT

        scene(play)

    def test_one_that_cancels_every_task_fails_and_no_bot_is_missing(self, tmp_path: Path) -> None:
        async def play(house: House) -> None:
            text = (
                "import asyncio\n"
                "async def bot(room):\n"
                "    for task in asyncio.all_tasks():\n"
                "        if task.get_coro().__name__ == '_live': task.cancel()\n"
                "    await asyncio.sleep(5)\n"
            )
            shift = Shift(house, orders(house, script=script(tmp_path, text)))
            await shift.task
            assert [name for _, _, name in shift.failures.values()] == ["CancelledError"] * COUNT

        scene(play)

    @pytest.mark.parametrize("text", ["bot = None", "import nonexistent", "1 / 0", "raise SystemExit"])
    def test_one_that_cannot_be_loaded_is_every_bots_failure(self, tmp_path: Path, text: str) -> None:
        async def play(house: House) -> None:
            shift = Shift(house, orders(house, script=script(tmp_path, text)))
            await shift.task
            assert {stage for stage, _, _ in shift.failures.values()} == {"script"}
            assert len(shift.failures) == COUNT

        scene(play)


def test_a_process_takes_orders_for_thousands_of_bots() -> None:
    bots = tuple(plan_bots("my-room", 2000, 1, Ramp(per_second=1)))
    many = Orders(URL, bots, {bot.identity: "t" * 500 for bot in bots})
    ran = subprocess.run(
        [sys.executable, "-m", "videocli.bots.worker"],
        input=json.dumps(many.to_json()) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, '"ready"\n'), ran.stderr


def test_a_process_that_a_script_blocks_does_not_outlive_whoever_started_it(tmp_path: Path) -> None:
    blocking = script(tmp_path, "import time\nprint('here', flush=True)\ntime.sleep(3600)\n")
    wanted = Orders(URL, tuple(plan_bots("my-room", 1, 1, Ramp())), {}, script=blocking)
    with subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "from videocli.bots import worker; worker.ORPHAN_SECONDS = 0.1; worker.main()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(f"{json.dumps(wanted.to_json())}\ngo\n")
        process.stdin.flush()
        try:
            assert process.stderr.readline() == "here\n"
            process.stdin.close()
            process.wait(30)
        finally:
            process.kill()
