"""The processes that the bots live in, as whoever started them sees them."""

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from videocli.bots.plan import Orders
from videocli.bots.results import Arrival, Failure, Load, Message, Result, Stage, Standing, from_json

MAX_LINE_BYTES = 1 << 20
EXIT_SECONDS = 2.0
"""How long a process may take to end once it has said its last word; a script can keep it."""


@dataclass(eq=False)
class _Process:
    orders: Orders
    handle: asyncio.subprocess.Process
    is_ready: asyncio.Event = field(default_factory=asyncio.Event)
    standing: Standing = field(default_factory=Standing)
    arrivals: dict[int, float] = field(default_factory=dict)
    """How long each bot took to connect."""
    results: list[Result] = field(default_factory=list)
    load: Load | None = None

    def tell(self, line: str) -> None:
        assert self.handle.stdin is not None
        with suppress(ConnectionError, RuntimeError):
            self.handle.stdin.write(f"{line}\n".encode())


class Crew:
    """Starts the processes, sends the bots away when told to, and gathers what they say."""

    def __init__(self, shares: Sequence[Orders]) -> None:
        self._shares = shares
        self._processes: list[_Process] = []
        self._is_told_to_leave = False
        self._has_begun = False

    @property
    def process_count(self) -> int:
        """How many processes there are, or were."""
        return len(self._processes)

    @property
    def standing(self) -> Standing:
        """All bots together, at the moment."""
        total = Standing()
        for process in self._processes:
            total += process.standing
        return total

    @property
    def results(self) -> list[Result]:
        """Of the bots that have left, or never got in."""
        return [result for process in self._processes for result in process.results]

    @property
    def loads(self) -> list[Load]:
        """Of the processes that have ended."""
        return [process.load for process in self._processes if process.load is not None]

    async def run(self, on_begin: Callable[[], None] = lambda: None) -> None:
        """Until the last bot has left. `on_begin` is called when the first one may come.

        A process that dies takes its own bots with it, each of which has failed then.
        """
        try:
            for orders in self._shares:
                self._processes.append(_Process(orders, await self._start()))
                self._processes[-1].tell(json.dumps(orders.to_json()))
            async with asyncio.TaskGroup() as reading:
                for process in self._processes:
                    reading.create_task(self._follow(process))
                for process in self._processes:
                    await process.is_ready.wait()
                for process in self._processes:
                    process.tell("go")
                    if self._is_told_to_leave:
                        process.tell("leave")
                self._has_begun = True
                on_begin()
        finally:
            self.kill()
            for process in self._processes:
                await process.handle.wait()

    def leave(self) -> None:
        """Send all bots away; `run` returns when they have left."""
        self._is_told_to_leave = True
        if self._has_begun:
            for process in self._processes:
                process.tell("leave")

    def kill(self) -> None:
        """End all processes that still run, at once."""
        for process in self._processes:
            if process.handle.returncode is None:
                with suppress(ProcessLookupError):
                    process.handle.kill()

    async def _start(self) -> asyncio.subprocess.Process:
        # In a session of its own: Ctrl-C is for us, and we tell the bots.
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "videocli.bots.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=MAX_LINE_BYTES,
            start_new_session=True,
        )

    async def _follow(self, process: _Process) -> None:
        assert process.handle.stdout is not None
        async for line in process.handle.stdout:
            said = json.loads(line)
            if said == "ready":
                process.is_ready.set()
            else:
                self._take(process, from_json(said))
            if process.load is not None:
                break
        process.is_ready.set()
        code = await self._end_of(process)
        if process.load is None:
            self._mourn(process, code)

    async def _end_of(self, process: _Process) -> int:
        with suppress(TimeoutError):
            async with asyncio.timeout(EXIT_SECONDS):
                return await process.handle.wait()
        with suppress(ProcessLookupError):
            process.handle.kill()
        return await process.handle.wait()

    def _take(self, process: _Process, message: Message) -> None:
        match message:
            case Standing():
                process.standing = message
            case Arrival(number, seconds):
                process.arrivals[number] = seconds
            case Result():
                process.results.append(message)
            case Load():
                process.load = message

    def _mourn(self, process: _Process, code: int) -> None:
        known = {result.number for result in process.results}
        for bot in process.orders.bots:
            if bot.number not in known:
                seconds = process.arrivals.get(bot.number)
                stage: Stage = "joining" if seconds is None else "staying"
                failure = Failure(stage, None, "ProcessDied", f"its process ended with {code}")
                process.results.append(
                    Result(bot.number, bot.identity, bot.room, connect_seconds=seconds, failure=failure)
                )
