"""One bot's life: it comes, does what it has to, and leaves, whatever happens to the others."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress

from videocli.api.connect import connect
from videocli.api.room import Room
from videocli.bots.meter import Meter
from videocli.bots.plan import Bot, Orders
from videocli.bots.results import Arrival, Failure, Result, Stage
from videocli.bots.script import Script, ScriptExited
from videocli.bots.shortage import shortage
from videocli.bots.sources import Sources
from videocli.bots.watchdog import SCRIPT_OF
from videocli.cli.token.command import run_token_command
from videocli.cli.writing.redaction import one_line
from videocli.engine import events as ev
from videocli.errors import VideoError
from videocli.outside import Outside
from videocli.tasks import stop

_log = logging.getLogger(__name__)

STATS_SECONDS = 1.0
MAX_MESSAGE = 300
"""Characters of a failure's message, which others may have written."""
FAREWELL_SECONDS = 1.0
"""How long a script may go on once its room is left, and how long the last counters may take."""


class Life:
    """One bot. `meter` and `is_here` say how it stands."""

    def __init__(
        self,
        bot: Bot,
        orders: Orders,
        script: Script | None,
        sources: Sources,
        outside: Outside,
        leave: asyncio.Event,
        began_at: float,
        on_arrival: Callable[[Arrival], None],
    ) -> None:
        """`leave` tells all bots to go; `began_at` is the start, on the loop's clock.

        `on_arrival` is called when it has come into its room.
        """
        self.result = Result(bot.number, bot.identity, bot.room)
        self.meter = Meter()
        self.is_here = False
        self._bot = bot
        self._orders = orders
        self._script = script
        self._sources = sources
        self._outside = outside
        self._leave = leave
        self._began_at = began_at
        self._on_arrival = on_arrival
        self._stage: Stage = "joining"

    async def live(self) -> Result | None:
        """All of it. Never raises; None: it was told to leave before it came."""
        try:
            if await self._is_told_to_leave(self._began_at + self._bot.comes_at):
                return None
            await self._come_and_stay()
        except VideoError as reason:
            self._fail(reason.code, reason.name, str(reason.message), reason.explanation)
        except Exception as fault:
            _log.debug("%s failed", self._bot.identity, exc_info=fault)
            self._fail(None, type(fault).__name__, str(fault))
        except asyncio.CancelledError:  # by a script, which can reach every task of its process
            self._fail(None, "CancelledError", "the bot's task was cancelled")
        finally:
            self.is_here = False
        result, meter = self.result, self.meter
        result.received = meter.received()
        result.messages, result.reconnections = meter.messages, meter.reconnections
        result.downtime, result.media_gap = meter.downtime, meter.media_gap
        result.is_away = meter.is_away
        return result

    async def _come_and_stay(self) -> None:
        orders, bot, clock = self._orders, self._bot, asyncio.get_running_loop().time
        token = orders.tokens.get(bot.identity) or await self._ask_for_token()
        video = [await self._sources.open("video", spec, bot.identity) for spec in self._specs(orders.video)]
        audio = [await self._sources.open("audio", spec, bot.identity) for spec in self._specs(orders.audio)]
        asked_at = clock()
        async with connect(
            token,
            bot.room,
            url=orders.url,
            video=video,
            audio=audio,
            subscribe=orders.subscribe,
            stats_seconds=STATS_SECONDS,
            # Only a script would look at it, and by the hundred it costs something.
            network_quality=self._script is not None,
            outside=self._outside,
        ) as room:
            connected_at = clock()
            self.result.connect_seconds = connected_at - asked_at
            self._on_arrival(Arrival(bot.number, self.result.connect_seconds))
            self.is_here = True
            self._stage = "staying"

            def first_media(event: ev.TrackStarted) -> None:
                if self.result.media_seconds is None:
                    self.result.media_seconds = clock() - asked_at

            room.on(ev.TrackStarted, first_media)
            room.on(object, self.meter.take)
            try:
                await self._stay(room)
            finally:
                self.result.stay_seconds = clock() - connected_at

    async def _stay(self, room: Room) -> None:
        """Until told to leave, until the script ends, or until the room does. Raises why it failed."""
        leaves_at = self._orders.leaves_at
        told = asyncio.create_task(
            self._is_told_to_leave(None if leaves_at is None else self._began_at + leaves_at)
        )
        ended = asyncio.create_task(room.wait_ended())
        script = (
            None
            if self._script is None
            else asyncio.create_task(_run(self._script, room), name=f"{SCRIPT_OF}{self._bot.identity}")
        )
        waiting: set[asyncio.Task[object]] = {told, ended} | ({script} if script is not None else set())
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                with suppress(TimeoutError, EOFError):
                    async with asyncio.timeout(FAREWELL_SECONDS):
                        await room.stats()
            if script is not None:
                await self._end_script(script, room)
            if ended.done():
                ended.result()
                if script is None and not told.done():
                    raise EOFError("the room ended")
        finally:
            for task in (told, ended):
                with suppress(VideoError):
                    await stop(task)
            if script is not None:
                await self._dismiss(script)

    async def _end_script(self, script: asyncio.Task[object], room: Room) -> None:
        """What the script raised while it had a room; what it makes of losing it, is nobody's business."""
        if script.done():
            self._stage = "script"
            if script.cancelled():
                self._fail(None, "CancelledError", "the script was cancelled, and not by us")
            else:
                script.result()
            self._stage = "staying"
        else:
            room.leave()
            await asyncio.wait({script}, timeout=FAREWELL_SECONDS)

    async def _dismiss(self, script: asyncio.Task[object]) -> None:
        """End the script; one that will not end is left to itself, and ends with its process."""
        script.cancel()
        await asyncio.wait({script}, timeout=FAREWELL_SECONDS)
        if not script.done():
            self._stage = "script"
            self._fail(None, "ScriptDoesNotEnd", "the script does not end when it is cancelled")
        elif not script.cancelled():
            script.exception()  # which asyncio would complain that nobody had looked at

    async def _is_told_to_leave(self, at: float | None) -> bool:
        """Wait until told to leave, or until `at` on the loop's clock; whether it was the former."""
        try:
            async with asyncio.timeout_at(at):
                await self._leave.wait()
        except TimeoutError:
            return False
        return True

    def _ask_for_token(self) -> Awaitable[str]:
        assert self._orders.token_command is not None, "there is a token for each bot, or a command"
        variables = {"VIDEOCLI_IDENTITY": self._bot.identity, "VIDEOCLI_ROOM": self._bot.room}
        return run_token_command(self._orders.token_command, {**os.environ, **variables})

    def _specs(self, specs: tuple[str, ...]) -> tuple[str, ...]:
        return specs if self._bot.publishes else ()

    def _fail(self, code: int | None, name: str, message: str, explanation: str = "") -> None:
        """Only the first failure counts."""
        if self.result.failure is None:
            self.result.failure = shortage(self._stage, f"{message} {explanation}") or Failure(
                self._stage, code, one_line(name), one_line(message)[:MAX_MESSAGE]
            )


async def _run(script: Script, room: Room) -> None:
    """A script that wants to end the process ends itself, and has failed unless it says 0."""
    try:
        await script(room)
    except SystemExit as wish:
        if wish.code not in (None, 0):
            raise ScriptExited(wish) from None
