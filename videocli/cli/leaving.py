"""SIGINT, SIGTERM and SIGHUP, our `beforeunload`: the first one leaves, so that the others know at once.

A second one ends the process at once, with 130. One that comes before `leavable` runs, in the fraction of a
second in which modules load, ends the process by the system's own rule (a shell's 143 for SIGTERM): nothing
is begun then that would have to be left.

SIGHUP stays ignored where it was from the start, by nohup: who goes home leaves a server or a bot running so.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from types import FrameType

from videocli.cli.exit_codes import ExitCode
from videocli.cli.writing import output

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop_at_once() -> None:
    """End the process without another word."""
    os._exit(ExitCode.STOPPED)


class Departure:
    """What the signals do at the moment; whoever has something to leave puts its own way in."""

    def __init__(self, leave: Callable[[], object]) -> None:
        self.leave = leave
        """Called on the first signal."""
        self.abandon: Callable[[], object] = stop_at_once
        """Called on every further one; ends the process."""
        self.was_asked_for = False

    def signaled(self) -> None:
        """A signal has come."""
        if self.was_asked_for:
            self.abandon()
        else:
            self.was_asked_for = True
            self.leave()


async def leavable(work: Callable[[Departure], Awaitable[int]]) -> int:
    """Run the work under the signals; its exit code. Work that knows no way to leave yet is cancelled: 0.

    A reader of stderr who does not read cannot hold it up.
    """
    output.never_block()
    task = asyncio.current_task()
    assert task is not None, "a coroutine runs in a task"
    departure = Departure(task.cancel)
    loop = asyncio.get_running_loop()
    numbers = [number for number in SIGNALS if not _is_disabled(number)]
    for number in numbers:
        loop.add_signal_handler(number, departure.signaled)
    try:
        return await work(departure)
    except asyncio.CancelledError:
        if not departure.was_asked_for:
            raise
        return ExitCode.OK
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
            if departure.was_asked_for:
                signal.signal(number, _stop_at_once)


def _is_disabled(number: signal.Signals) -> bool:
    """Only SIGHUP can be: a shell has SIGINT ignored by all that a script starts with "&", wanted or not."""
    return number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN


def _stop_at_once(number: int, frame: FrameType | None) -> None:
    """For the moment between the work's end and that of the process."""
    stop_at_once()
