"""Runs a session until it is over, leaves when asked to, and says how it went.

SIGINT, SIGTERM and SIGHUP are our `beforeunload`: the first one leaves gracefully, so that the others know at
once; a second one stops at once.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from videocli.cli.exit_codes import ExitCode, exit_code_for
from videocli.cli.until import Until
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.engine.session import JoinConfig, Session
from videocli.errors import VideoError
from videocli.outside import Outside

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Limits:
    """When to leave by ourselves. Times are in seconds."""

    until: Until | None = None
    timeout: float | None = None
    """How long `until` may take, from the start."""
    duration: float | None = None
    """How long to stay, from `connected`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went."""

    error: VideoError | None
    exit_code: ExitCode


class Stay:
    """One stay in a room, from before joining until after leaving."""

    def __init__(
        self, config: JoinConfig, outside: Outside, limits: Limits, show: Callable[[ev.Occurrence], None]
    ) -> None:
        self._limits = limits
        self._show = show
        self._until_met = False
        self._timed_out = False
        self._was_told_to_leave = False
        self.session = Session(config, outside, self._on_event)

    async def run(self, stop_at_once: Callable[[], None]) -> Outcome:
        """Join and stay. `stop_at_once` is called on a second signal and must not return."""
        loop = asyncio.get_running_loop()
        if self._limits.timeout is not None:
            loop.call_later(self._limits.timeout, self._time_out)
        with _signals(loop, lambda: stop_at_once() if self._was_told_to_leave else self.leave()):
            error = await self.session.run()
        return Outcome(error, self._exit_code(error))

    def leave(self) -> None:
        """Somebody asked to leave."""
        self._was_told_to_leave = True
        self.session.post(cmd.Disconnect())

    def _exit_code(self, error: VideoError | None) -> ExitCode:
        if self._until_met:
            return ExitCode.OK
        if error is not None:
            return exit_code_for(error)
        if self._limits.until is not None and not self._was_told_to_leave:
            return ExitCode.UNTIL_TIMED_OUT
        return ExitCode.OK

    def _on_event(self, occurrence: ev.Occurrence) -> None:
        self._show(occurrence)
        event, limits = occurrence.event, self._limits
        if isinstance(event, ev.Connected) and limits.duration is not None:
            asyncio.get_running_loop().call_later(limits.duration, self.session.post, cmd.Disconnect())
        if limits.until is not None and not self._timed_out and limits.until.is_met_by(event):
            self._until_met = True
            self.session.post(cmd.Disconnect())

    def _time_out(self) -> None:
        if not self._until_met:
            self._timed_out = True
            self.session.post(cmd.Disconnect())


@contextmanager
def _signals(loop: asyncio.AbstractEventLoop, handler: Callable[[], None]) -> Iterator[None]:
    for number in SIGNALS:
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


def stop_at_once() -> None:
    """End the process without another word."""
    os._exit(ExitCode.STOPPED)
