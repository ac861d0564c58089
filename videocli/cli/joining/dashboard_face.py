"""The dashboard as the face of a stay; apart, so that lines never import rich."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stderr

from videocli.cli.exit_codes import UsageError
from videocli.cli.joining.stay import Stay
from videocli.cli.leaving import stop_at_once
from videocli.cli.tracks.viewer import TapViewer
from videocli.cli.words.farewell import farewell
from videocli.cli.writing import output
from videocli.cli.writing.held_text import HeldText
from videocli.dashboard import graphics, terminal
from videocli.dashboard.view import View
from videocli.engine import events as ev
from videocli.outside import Outside
from videocli.tasks import stop


class DashboardFace:
    """The room, live, in the terminal. Raises `UsageError` where `VIDEOCLI_PICTURE` says nothing we know."""

    def __init__(self, is_host: bool) -> None:
        try:
            self._pictures = graphics.setting(os.environ)
        except ValueError as fault:
            raise UsageError(str(fault), "Leave it out to have the best that the terminal can do.") from fault
        self._view = View(is_host=is_host)
        self._drawing: asyncio.Task[None] | None = None

    def show(self, occurrence: ev.Occurrence) -> None:
        """The dashboard looks for itself."""

    @asynccontextmanager
    async def around(self, stay: Stay, outside: Outside) -> AsyncIterator[None]:
        """Draws and reads keys; words that would tear the picture wait until the terminal is itself again."""
        held = HeldText()
        try:
            with redirect_stderr(held):
                viewer = TapViewer(stay.session)
                showing = terminal.show(
                    stay.session.snapshot,
                    stay.post,
                    view=self._view,
                    viewer=viewer,
                    pictures=self._pictures,
                )
                self._drawing = asyncio.create_task(showing, name="dashboard")
                self._drawing.add_done_callback(lambda drawing: _leave_unseen(stay))
                try:
                    yield
                finally:
                    await stop(self._drawing)
                    await viewer.close()
        finally:
            output.catch_up(held.all_of_it())
            _say_farewell(stay)

    def abandon(self) -> None:
        """Restore the terminal, which the dashboard does when it is cancelled, then end the process."""
        if self._drawing is None or self._drawing.done():
            stop_at_once()
        else:
            self._drawing.add_done_callback(lambda drawing: stop_at_once())
            self._drawing.cancel()


def _say_farewell(stay: Stay) -> None:
    """What was on the screen is gone; who was in the room keeps a line of it."""
    snapshot = stay.session.snapshot()
    if snapshot.connected_at is not None:
        downtimes = [outage.downtime for outage in snapshot.outages]
        stayed = snapshot.time - snapshot.connected_at
        output.say(farewell(snapshot.room.name, stayed, downtimes, has_failed=snapshot.error is not None))


def _leave_unseen(stay: Stay) -> None:
    """Leave a room that nobody can see any more, since the terminal is gone or drawing has failed."""
    if stay.session.snapshot().room.state != "disconnected":
        stay.leave()
