"""Runs a session until it is over, leaves when asked to, and says how it went."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from videocli.cli.exit_codes import ExitCode, exit_code_for
from videocli.cli.joining.until import Until
from videocli.cli.leaving import Departure
from videocli.cli.writing import output
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.engine.session import JoinConfig, Session
from videocli.errors import VideoError
from videocli.outside import Outside


@dataclass(frozen=True, slots=True)
class Limits:
    """When to leave by ourselves. Times are in seconds."""

    until: Until | None = None
    timeout: float | None = None
    """How long `until` may take, from the start."""
    duration: float | None = None
    """How long to stay, from `connected`."""
    sources: frozenset[str] = frozenset()
    """Names of tracks: leave when none of them is published any more. None: stay."""


class Stay:
    """One stay in a room, from before joining until after leaving."""

    def __init__(
        self,
        config: JoinConfig,
        outside: Outside,
        limits: Limits,
        began_at: float,
        show: Callable[[ev.Occurrence], None],
        explain: Callable[[VideoError], str],
    ) -> None:
        """`began_at` is the start, on the loop's clock; `explain` says what to do about an error."""
        self._limits = limits
        self._began_at = began_at
        self._show = show
        self._explain = explain
        self._until_met = False
        self._timed_out = False
        self._was_told_to_leave = False
        self._unfinished = set(limits.sources)
        self._failure: VideoError | None = None
        """Why a source could not be published to its end, the first of them."""
        self.session = Session(config, outside, self._on_event)

    async def run(self, departure: Departure) -> ExitCode:
        """Join and stay, until the signals or anything else say to leave; the exit code.

        Says on stderr what went wrong.
        """
        if self._limits.timeout is not None:
            asyncio.get_running_loop().call_at(self._began_at + self._limits.timeout, self._time_out)
        departure.leave = self.leave
        error = await self.session.run()
        if self._until_met:
            return ExitCode.OK
        if error is None and self._limits.sources and not self._unfinished:
            error = self._failure
        if error is not None:
            output.complain(str(error), self._explain(error))
            return exit_code_for(error)
        if self._limits.until is None or self._was_told_to_leave:
            return ExitCode.OK
        complain_of_until(self._limits, self._timed_out)
        return ExitCode.UNTIL_TIMED_OUT

    def leave(self) -> None:
        """Somebody asked to leave."""
        self.post(cmd.Disconnect())

    def post(self, command: cmd.Command) -> None:
        """Somebody asked for something."""
        if isinstance(command, cmd.Disconnect):
            self._was_told_to_leave = True
        self.session.post(command)

    def _on_event(self, occurrence: ev.Occurrence) -> None:
        self._show(occurrence)
        event, limits = occurrence.event, self._limits
        if isinstance(event, ev.Connected) and limits.duration is not None:
            asyncio.get_running_loop().call_later(limits.duration, self.leave)
        if limits.until is not None and not self._timed_out and limits.until.is_met_by(event):
            self._until_met = True
            self.session.post(cmd.Disconnect())
        if isinstance(event, ev.LocalTrackUnpublished | ev.LocalTrackPublicationFailed):
            self._track_ended(event)

    def _track_ended(self, event: ev.LocalTrackUnpublished | ev.LocalTrackPublicationFailed) -> None:
        if event.track.name in self._unfinished:
            self._unfinished.remove(event.track.name)
            self._failure = self._failure or event.error
            if not self._unfinished:
                self.session.post(cmd.Disconnect())

    def _time_out(self) -> None:
        if not self._until_met:
            self._timed_out = True
            self.session.post(cmd.Disconnect())


def complain_of_until(limits: Limits, timed_out: bool) -> None:
    """Say on stderr that what was waited for did not happen."""
    if timed_out:
        output.complain(
            f"no {limits.until} within {limits.timeout:g} s",
            "Raise --timeout, or leave out --until to see what does happen.",
        )
    else:
        output.complain(
            f"the room ended, and there was no {limits.until}", "Join again once the room is there again."
        )
