"""The processes that the bots live in, as whoever started them sees them."""

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from videocli.bots import vigil
from videocli.bots.plan import Orders
from videocli.bots.results import (
    Arrival,
    Blocked,
    Failure,
    Load,
    Message,
    Result,
    Silence,
    Stage,
    Standing,
    from_json,
)
from videocli.bots.vigil import Vigil
from videocli.tasks import stop

WORKER = (sys.executable, "-m", "videocli.bots.worker")
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
    vigil: Vigil = field(default_factory=Vigil)
    patience: asyncio.Timeout | None = None
    """While it is listened to; made to end when there is no hope to hear of it."""

    @property
    def current(self) -> Standing:
        """How it stands, as far as it has been heard of."""
        joined = max(self.standing.joined, len(self.arrivals))
        return self.vigil.as_of_now(replace(self.standing, joined=joined))

    def look(self, *, is_to_leave: bool) -> None:
        """See whether it is alive."""
        self.vigil.look(is_to_leave=is_to_leave)
        if self.vigil.is_hopeless and self.patience is not None:
            self.patience.reschedule(asyncio.get_running_loop().time())
            self.patience = None

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
            total += process.current
        return total

    @property
    def silence(self) -> Silence | None:
        """The longest time for which a process was not heard of, if that was too long."""
        silences = [silence for process in self._processes if (silence := process.vigil.longest) is not None]
        return max(silences, key=lambda silence: silence.seconds, default=None)

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

        A process that dies takes its own bots with it, each of which has failed then. So does one that is
        silent when its bots should have left: it is killed.
        """
        watching: asyncio.Task[None] | None = None
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
                watching = asyncio.create_task(self._watch(), name="watch")
                on_begin()
        finally:
            self.kill()
            if watching is not None:
                await stop(watching)
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
            self._kill(process)

    def _kill(self, process: _Process) -> None:
        if process.handle.returncode is None:
            with suppress(ProcessLookupError):
                process.handle.kill()

    async def _start(self) -> asyncio.subprocess.Process:
        # In a session of its own: Ctrl-C is for us, and we tell the bots.
        return await asyncio.create_subprocess_exec(
            *WORKER,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=MAX_LINE_BYTES,
            start_new_session=True,
        )

    async def _follow(self, process: _Process) -> None:
        was_given_up = False
        try:
            async with asyncio.timeout(None) as process.patience:
                await self._listen(process)
        except TimeoutError:
            was_given_up = True
            self._kill(process)
        process.patience = None
        process.is_ready.set()
        code = await self._end_of(process)
        if process.load is None:
            self._mourn(process, *(_fate_of_silent(process) if was_given_up else _fate_of_dead(code)))

    async def _listen(self, process: _Process) -> None:
        assert process.handle.stdout is not None
        async for line in process.handle.stdout:
            said = json.loads(line)
            if said == "ready":
                process.is_ready.set()
            else:
                self._take(process, from_json(said))
            if process.load is not None:
                break

    async def _watch(self) -> None:
        """Look at every process every second, and give up those that are silent when they should leave."""
        clock = asyncio.get_running_loop().time
        began_at = clock()
        while True:
            await asyncio.sleep(vigil.LOOK_SECONDS)
            for process in self._processes:
                if process.load is None and process.handle.returncode is None:
                    leaves_at = process.orders.leaves_at
                    is_over = leaves_at is not None and clock() >= began_at + leaves_at
                    process.look(is_to_leave=is_over or self._is_told_to_leave)

    async def _end_of(self, process: _Process) -> int:
        with suppress(TimeoutError):
            async with asyncio.timeout(EXIT_SECONDS):
                return await process.handle.wait()
        self._kill(process)
        return await process.handle.wait()

    def _take(self, process: _Process, message: Message) -> None:
        if isinstance(message, Blocked):
            process.vigil.blocked = message
            return
        process.vigil.heard()
        match message:
            case Standing():
                process.standing = message
            case Arrival(number, seconds):
                process.arrivals[number] = seconds
            case Result():
                process.results.append(message)
            case Load():
                process.load = message

    def _mourn(self, process: _Process, stage: Stage | None, name: str, words: str) -> None:
        """Its bots have failed, but for those whose result is known; None: in whatever stage each was."""
        known = {result.number for result in process.results}
        for bot in process.orders.bots:
            if bot.number not in known:
                seconds = process.arrivals.get(bot.number)
                failure = Failure(stage or ("joining" if seconds is None else "staying"), None, name, words)
                process.results.append(
                    Result(bot.number, bot.identity, bot.room, connect_seconds=seconds, failure=failure)
                )
        failed = sum(result.failure is not None for result in process.results)
        process.standing = replace(process.standing, failed=failed, here=0, away=0, lag=0.0)
        process.vigil.heard()


def _fate_of_dead(code: int) -> tuple[Stage | None, str, str]:
    return None, "ProcessDied", f"its process ended with {code}"


def _fate_of_silent(process: _Process) -> tuple[Stage | None, str, str]:
    blocked = process.vigil.blocked
    if blocked is None or blocked.place is None:
        return None, "EventLoopBlocked", "its process did not answer any more"
    return "script", "EventLoopBlocked", blocked.words
