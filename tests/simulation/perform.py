"""Performs a script in a loop of its own, and tells what came of it."""

import asyncio
import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from tests.simulation import faults as ft
from tests.simulation.clock import DeadlockError, LivelockError, VirtualClockLoop
from tests.simulation.play import Play
from tests.simulation.script import Script


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a play went."""

    script: Script
    log: tuple[str, ...]
    violations: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([*self.violations[:5], str(self.script), *self.log])


class _Complaints(logging.Handler):
    """What the code logs that it must not in a play."""

    def __init__(self, complain: Any) -> None:
        super().__init__(logging.INFO)
        self._complain = complain
        self.missing: list[ImportError] = []
        """What this Python lacks says nothing about the code."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and isinstance(record.exc_info[1], ImportError):
            self.missing.append(record.exc_info[1])
        words = record.getMessage()
        if record.levelno >= logging.WARNING or "broke the protocol" in words:
            trouble = f": {record.exc_info[1]!r}" if record.exc_info else ""
            self._complain("log", f"{record.name}: {words}{trouble}")


@contextmanager
def _listening(complain: Any) -> Iterator[None]:
    """Raises the `ImportError` that was logged meanwhile."""
    handler = _Complaints(complain)
    loggers = [logging.getLogger(name) for name in ("videocli", "asyncio")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
    if handler.missing:
        raise handler.missing[0]


async def _a_second() -> None:
    await asyncio.sleep(1.0)


def _end_all(loop: VirtualClockLoop) -> None:
    """End what a play that broke off has left."""
    for _ in range(3):
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        with suppress(DeadlockError, LivelockError):
            loop.run_until_complete(_a_second())
    loop.close()


def perform(script: Script) -> Outcome:
    """Perform a script. Raises `ImportError` where this Python lacks what the code needs."""
    plays: list[Play] = []

    def complain(whom: str, what: str) -> None:
        if plays:
            plays[0].complain(whom, what)

    def mishap(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        complain("loop", f"{context['message']}: {context.get('exception')!r}")

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(mishap)
        plays.append(Play(script))
        try:
            await plays[0].perform()
        finally:
            ft.server_is_busy(False)

    trouble: list[str] = []
    with _listening(complain):
        loop = VirtualClockLoop(alone=True)
        if not gc.get_freeze_count():
            gc.collect()
            gc.freeze()
        gc.disable()
        try:
            loop.run_until_complete(run())
        except (DeadlockError, LivelockError) as hang:
            trouble.append(f"the play hangs: {type(hang).__name__}")
        finally:
            gc.collect()
            gc.enable()
            _end_all(loop)
    play = plays[0]
    return Outcome(script, tuple(play.log), (*trouble, *play.violations))
