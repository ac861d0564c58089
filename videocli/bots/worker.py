"""A process of bots: `python -m videocli.bots.worker`.

Reads its orders as a line of JSON on stdin and says `ready`; begins at the line `go`; sends its bots away at
the line `leave`, at the end of stdin (whoever started it is gone), and on SIGTERM. What it has to say are
lines of JSON on stdout: arrivals, standings, results, what blocks its event loop, and its load at the end. A
script reads nothing from its stdin, and what it prints goes to stderr. Where a script blocks the event loop,
the process outlives whoever started it by `ORPHAN_SECONDS` at most.
"""

import asyncio
import json
import logging
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

from videocli.bots.life import MAX_MESSAGE, Life
from videocli.bots.load import LoadMeter
from videocli.bots.plan import Orders, orders_from_json
from videocli.bots.results import Failure, Message, Result, Standing, to_json
from videocli.bots.script import Script, load_script
from videocli.bots.sources import Sources
from videocli.bots.watchdog import Watchdog
from videocli.cli import wiring
from videocli.cli.joining import stdin_lines
from videocli.cli.writing import output
from videocli.cli.writing.redaction import hide, one_line
from videocli.outside import Outside
from videocli.tasks import stop

STANDING_SECONDS = 1.0
ORPHAN_SECONDS = 10.0
"""For the bots to leave when whoever started the process is gone."""
MAX_ORDERS_BYTES = 1 << 28
"""More than orders for all the bots that there may be: some 500 bytes each, with the longest names 8000."""

_log = logging.getLogger(__name__)

Say = Callable[[Message], None]


async def work(orders: Orders, outside: Outside, leave: asyncio.Event, say: Say) -> None:
    """Let all bots live; what happens is said."""
    load = LoadMeter()
    measuring = asyncio.create_task(load.run(), name="load")
    try:
        script = _load(orders)
    except Exception as fault:
        _log.debug("the script cannot be loaded", exc_info=fault)
        for bot in orders.bots:
            failure = Failure("script", None, type(fault).__name__, one_line(str(fault))[:MAX_MESSAGE])
            say(Result(bot.number, bot.identity, bot.room, failure=failure))
    else:
        began_at = asyncio.get_running_loop().time()
        sources = Sources(outside)
        lives = [Life(bot, orders, script, sources, outside, leave, began_at, say) for bot in orders.bots]
        standing = asyncio.create_task(_report(lives, load, say), name="standing")
        async with asyncio.TaskGroup() as crowd:
            for life in lives:
                crowd.create_task(_live(life, say))
        await stop(standing)
    await stop(measuring)
    say(load.load())


def _load(orders: Orders) -> Script | None:
    return None if orders.script is None else load_script(Path(orders.script))


async def _live(life: Life, say: Say) -> None:
    result = await life.live()
    if result is not None:
        say(result)


async def _report(lives: list[Life], load: LoadMeter, say: Say) -> None:
    while True:
        await asyncio.sleep(STANDING_SECONDS)
        say(_standing(lives, load.recent()))


def _standing(lives: list[Life], lag: float) -> Standing:
    total = Standing(lag=lag)
    for life in lives:
        came = life.meter.received().values()
        joined = life.result.connect_seconds is not None
        total += Standing(
            joined=joined,
            failed=life.result.failure is not None,
            here=life.is_here,
            bytes=sum(each.bytes for each in came),
            packets=sum(each.packets for each in came),
            lost=sum(each.lost for each in came),
            reconnections=life.meter.reconnections,
            away=life.is_here and life.meter.is_away,
        )
    return total


async def _attend() -> None:
    told, said = _own_stdin(), _own_stdout()

    writing = threading.Lock()

    def say_line(line: str) -> None:
        with writing, suppress(BrokenPipeError):
            os.write(said, f"{line}\n".encode())

    def say(message: Message) -> None:
        say_line(json.dumps(to_json(message)))

    lines = stdin_lines.lines(told, MAX_ORDERS_BYTES, _end_at_last)
    orders = orders_from_json(json.loads(await anext(lines)))
    output.set_up(orders.verbosity, orders.is_quiet, Path(orders.log_file) if orders.log_file else None)
    output.never_block()
    for token in orders.tokens.values():
        hide(token)
    leave = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, leave.set)
    outside = wiring.real_outside()
    say_line('"ready"')
    if await anext(lines, "") != "go":
        return
    listening = asyncio.create_task(_listen(lines, leave), name="stdin")
    watchdog = Watchdog(None if orders.script is None else Path(orders.script), say)
    try:
        await work(orders, outside, leave, say)
    finally:
        watchdog.stop()
        await stop(listening)


async def _listen(lines: AsyncIterator[str], leave: asyncio.Event) -> None:
    await anext(lines, "")
    leave.set()


def _end_at_last() -> None:
    """End the process though its event loop may be blocked; on a thread of its own."""
    time.sleep(ORPHAN_SECONDS)
    os._exit(1)


def _own_stdin() -> int:
    """Keep stdin for ourselves; a script that reads it is at its end at once, and takes no orders of ours."""
    told, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return told


def _own_stdout() -> int:
    """Keep stdout for ourselves; what a script prints goes to stderr."""
    said = os.dup(1)
    os.dup2(2, 1)
    return said


def main() -> None:
    """The process."""
    output.set_up()
    try:
        wiring.run(_attend())
    finally:
        output.finish()


if __name__ == "__main__":
    main()
