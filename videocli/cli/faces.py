"""The three faces of a stay in a room: JSON lines, plain lines, and the dashboard."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal, Protocol

from videocli.cli import event_lines, output, stdin_commands, stdin_lines
from videocli.cli.open_sources import open_named
from videocli.cli.stay import Stay, stop_at_once
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.errors import VideoError
from videocli.outside import Outside
from videocli.tasks import stop

FaceName = Literal["json", "plain", "dashboard"]


class Face(Protocol):
    """Shows a stay, and lets somebody steer it."""

    def show(self, occurrence: ev.Occurrence) -> None:
        """An event happened."""
        ...

    def around(self, stay: Stay, outside: Outside) -> AbstractAsyncContextManager[None]:
        """What has to run for as long as the stay."""
        ...

    def abandon(self) -> None:
        """Leave everything as it should be left, and end the process at once."""
        ...


def choose_face(json: bool, plain: bool) -> FaceName:
    """JSON or plain lines when asked for, else the dashboard where a terminal can show it."""
    if json:
        return "json"
    if plain or not sys.stdout.isatty():
        return "plain"
    from videocli.dashboard.terminal import can_show

    return "dashboard" if can_show(sys.stdout) else "plain"


def make_face(name: FaceName) -> Face:
    """The face of that name."""
    match name:
        case "json":
            return JsonFace()
        case "plain":
            return PlainFace()
        case "dashboard":
            from videocli.cli.dashboard_face import DashboardFace

            return DashboardFace()


class PlainFace:
    """One readable line an event."""

    def show(self, occurrence: ev.Occurrence) -> None:
        """Print it."""
        output.result(event_lines.to_line(occurrence))

    @asynccontextmanager
    async def around(self, stay: Stay, outside: Outside) -> AsyncIterator[None]:
        """Nothing has to run."""
        yield

    def abandon(self) -> None:
        """Nothing has to be restored."""
        stop_at_once()


class JsonFace:
    """One JSON object an event; commands come as JSON lines on stdin."""

    def show(self, occurrence: ev.Occurrence) -> None:
        """Print it."""
        output.json_result(event_lines.to_json(occurrence))

    @asynccontextmanager
    async def around(self, stay: Stay, outside: Outside) -> AsyncIterator[None]:
        """Takes commands from stdin, whose end is not the end of the stay."""
        if not stdin_lines.may_read():
            yield
            return
        commands = asyncio.create_task(self._obey(stay, outside), name="stdin commands")
        try:
            yield
        finally:
            await stop(commands)

    def abandon(self) -> None:
        """Nothing has to be restored."""
        stop_at_once()

    async def _obey(self, stay: Stay, outside: Outside) -> None:
        async for line in stdin_lines.lines():
            if not line.strip():
                continue
            try:
                stay.session.post(await self._command(stdin_commands.parse(line), stay, outside))
            except VideoError as reason:
                stay.session.post(cmd.Complain(reason))

    async def _command(self, request: stdin_commands.Request, stay: Stay, outside: Outside) -> cmd.Command:
        if not isinstance(request, stdin_commands.PublishRequest):
            return request
        identity = stay.session.snapshot().local
        named = await open_named(
            request.kind,
            request.source,
            identity.participant.identity if identity is not None else "",
            outside,
            request.name,
        )
        return cmd.PublishMedia(named.source, named.name)
