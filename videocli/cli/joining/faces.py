"""The three faces of a stay in a room: JSON lines, plain lines, and the dashboard."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal, Protocol

from videocli.cli.joining import stdin_commands, stdin_lines
from videocli.cli.joining.stay import Stay
from videocli.cli.leaving import stop_at_once
from videocli.cli.tracks.open_sources import open_named
from videocli.cli.words import event_lines
from videocli.cli.writing.colour import wants_colour
from videocli.cli.writing.line_writer import LineWriter, line_writer
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.errors import VideoError
from videocli.outside import Outside
from videocli.tasks import stop

LEAVING_SECONDS = 1.0
"""How long who leaves waits for a source to open."""

FaceName = Literal["json", "plain", "dashboard"]


class Face(Protocol):
    """Shows a stay, and lets somebody steer it."""

    def show(self, occurrence: ev.Occurrence) -> None:
        """An event happened; never blocks."""
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


def make_face(name: FaceName, *, is_host: bool = False) -> Face:
    """The face of that name; `is_host`: the server of the room ends with us."""
    match name:
        case "json":
            return JsonFace()
        case "plain":
            return PlainFace()
        case "dashboard":
            from videocli.cli.joining.dashboard_face import DashboardFace

            return DashboardFace(is_host)


class PlainFace:
    """One readable line an event. Leaves when nobody reads them any more."""

    def __init__(self) -> None:
        self._writer: LineWriter | None = None
        self._is_coloured = wants_colour(sys.stdout, os.environ)

    def show(self, occurrence: ev.Occurrence) -> None:
        """Write it."""
        if self._writer is not None:
            self._writer.write(self._line(occurrence))

    @asynccontextmanager
    async def around(self, stay: Stay, outside: Outside) -> AsyncIterator[None]:
        """Writes lines."""
        async with line_writer(stay.leave) as self._writer:
            yield

    def abandon(self) -> None:
        """Nothing has to be restored."""
        stop_at_once()

    def _line(self, occurrence: ev.Occurrence) -> str:
        return event_lines.to_line(occurrence, is_coloured=self._is_coloured)


class JsonFace(PlainFace):
    """One JSON object an event; commands come as JSON lines on stdin."""

    @asynccontextmanager
    async def around(self, stay: Stay, outside: Outside) -> AsyncIterator[None]:
        """Writes lines, and takes commands from stdin, whose end is not the end of the stay."""
        async with super().around(stay, outside):
            if not stdin_lines.may_read():
                yield
                return
            commands = asyncio.create_task(_obey(stay, outside), name="stdin commands")
            try:
                yield
            finally:
                await stop(commands)

    def _line(self, occurrence: ev.Occurrence) -> str:
        return json.dumps(event_lines.to_json(occurrence), separators=(",", ":"))


async def _obey(stay: Stay, outside: Outside) -> None:
    """In their order; but to leave, nobody waits for a source that takes long to open."""
    requests: asyncio.Queue[stdin_commands.Request | VideoError] = asyncio.Queue()
    leaves = asyncio.Event()
    obeying = asyncio.create_task(_obey_each(requests, leaves, stay, outside))
    try:
        async for line in stdin_lines.lines():
            if not line.strip():
                continue
            try:
                request = stdin_commands.parse(line)
            except VideoError as reason:
                requests.put_nowait(reason)
            else:
                requests.put_nowait(request)
                if isinstance(request, cmd.Disconnect):
                    leaves.set()
        await obeying
    finally:
        await stop(obeying)


async def _obey_each(
    requests: "asyncio.Queue[stdin_commands.Request | VideoError]",
    leaves: asyncio.Event,
    stay: Stay,
    outside: Outside,
) -> None:
    while True:
        match await requests.get():
            case VideoError() as reason:
                stay.post(cmd.Complain(reason))
            case stdin_commands.PublishRequest() as request:
                opening = asyncio.create_task(_publish(request, stay, outside))
                leaving = asyncio.create_task(leaves.wait())
                try:
                    await asyncio.wait({opening, leaving}, return_when=asyncio.FIRST_COMPLETED)
                    await asyncio.wait({opening}, timeout=LEAVING_SECONDS)
                finally:
                    await stop(leaving)
                    await stop(opening)
            case request:
                stay.post(request)


async def _publish(request: stdin_commands.PublishRequest, stay: Stay, outside: Outside) -> None:
    local = stay.session.snapshot().local
    identity = local.participant.identity if local is not None else ""
    kind, name = request.kind, request.name
    try:
        named = await open_named(kind, request.source, identity, outside, name, loop=request.loop)
    except VideoError as reason:
        stay.post(cmd.Complain(reason))
    else:
        stay.post(cmd.PublishMedia(named.source, named.name))
