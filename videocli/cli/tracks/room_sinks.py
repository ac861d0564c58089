"""What `--record` and `--pipe` ask for, open for as long as the stay in the room."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from videocli.cli.exit_codes import UsageError
from videocli.cli.tracks.tapped import Tapped
from videocli.engine import events as ev
from videocli.outside import Outside

if TYPE_CHECKING:
    from videocli.media.sinks.recording import RecordBy


class RoomSink(Protocol):
    """Takes tracks, as the events of the room tell it which there are."""

    def show(self, occurrence: ev.Occurrence) -> None:
        """Something happened in the room."""
        ...

    async def close(self) -> None:
        """Finish, within a bounded time."""
        ...


class SinkRequest(Protocol):
    """What the user asked for."""

    def open(self, session: Tapped, outside: Outside) -> RoomSink:
        """Begin; nobody is in the room yet."""
        ...


def sink_requests(record: str | None, record_by: "RecordBy", pipes: Sequence[str]) -> tuple[SinkRequest, ...]:
    """What the options ask for; the directory is made. Raises `UsageError`."""
    requests: list[SinkRequest] = []
    if pipes:
        from videocli.cli.tracks.piping import PipeRequest, parse_pipe

        requests.append(PipeRequest(tuple(map(parse_pipe, pipes))))
    if record is not None:
        from videocli.cli.tracks.recording import RecordRequest

        if not record:
            raise UsageError(
                "--record names no directory", "Name one, such as 'talks'; '.' is the one you are in."
            )
        request = RecordRequest(Path(record), record_by)
        request.prepare()
        requests.append(request)
    return tuple(requests)


@asynccontextmanager
async def room_sinks(
    requests: Sequence[SinkRequest], session: Tapped, outside: Outside
) -> AsyncIterator[list[Callable[[ev.Occurrence], None]]]:
    """What to tell the room's events to, one function for each request."""
    sinks = [request.open(session, outside) for request in requests]
    try:
        yield [sink.show for sink in sinks]
    finally:
        await asyncio.gather(*(sink.close() for sink in sinks))
