"""A participant in this process: the real session over real sockets, with an eye on its media."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise

from tests.sdk.history import History
from tests.sdk.programs import CREDENTIALS
from videocli import tokens
from videocli.cli.wiring import real_outside
from videocli.cli.words.event_lines import event_name
from videocli.engine import events as ev
from videocli.engine.commands import Disconnect
from videocli.engine.session import JoinConfig, NamedSource, Session
from videocli.engine.signaling.backend import SignalingConfig
from videocli.errors import VideoError
from videocli.media import peer as mp
from videocli.tokens import Credentials

KEY = Credentials(*CREDENTIALS.values())
"""The key that the servers of `tests.sdk.programs` know."""


@dataclass(frozen=True, slots=True)
class Said:
    """An event of the session; `at` in milliseconds since the epoch."""

    at: float
    name: str
    event: ev.Event

    @property
    def identity(self) -> str | None:
        """Of the participant it is about."""
        participant = getattr(self.event, "participant", None)
        return participant.identity if participant is not None else None

    @property
    def kind(self) -> str | None:
        """Of the track it is about."""
        track = getattr(self.event, "track", None)
        return track.kind if track is not None else None

    @property
    def code(self) -> int | None:
        """Of the error it carries."""
        reason = getattr(self.event, "error", None)
        return reason.code if reason is not None else None


class Guest:
    """What a session said, and when pictures came."""

    def __init__(self, url: str, room: str, identity: str, media: Sequence[NamedSource] = ()) -> None:
        self.events: History[Said] = History()
        self.frames: list[float] = []
        """When each whole video frame came, of anybody, on the loop's clock."""
        self.connections: list[mp.PeerConnection] = []
        token = tokens.mint(KEY, identity, room, 3600, datetime.now(UTC)).token

        async def same() -> str:
            return token

        config = JoinConfig(
            SignalingConfig(url, room, same), media=media, gather=mp.PeerConfig(with_loopback=True)
        )
        outside = real_outside()
        self._make_peer = outside.make_peer
        self.session = Session(config, replace(outside, make_peer=self._make_watched), self._take)

    def _take(self, occurrence: ev.Occurrence) -> None:
        at = occurrence.time.timestamp() * 1000
        self.events.add(Said(at, event_name(occurrence.event), occurrence.event))

    def _make_watched(
        self, config: mp.PeerConfig, deliver: Callable[[mp.PeerEvent], None]
    ) -> mp.PeerConnection:
        def watch(event: mp.PeerEvent) -> None:
            if isinstance(event, mp.RemoteTrackStarted) and event.receiver.kind == "video":
                event.receiver.on_frame = lambda frame: self.frames.append(loop.time())
            deliver(event)

        loop = asyncio.get_running_loop()
        connection = self._make_peer(config, watch)
        self.connections.append(connection)
        return connection

    def gap(self, since: float = 0.0) -> float:
        """The longest time between two frames, seconds; `since` on the loop's clock."""
        times = [at for at in self.frames if at >= since]
        return max(after - before for before, after in pairwise(times))

    def names(self) -> list[str]:
        """Of all events."""
        return [said.name for said in self.events]

    async def wait_event(
        self,
        name: str,
        accept: Callable[[Said], bool] = lambda said: True,
        within: float = 15,
        *,
        after: float = 0,
    ) -> Said:
        """The first such event after `after`, come already or not. Raises `TimeoutError`."""
        try:
            return await self.events.wait(
                lambda said: said.name == name and said.at > after and accept(said), within
            )
        except TimeoutError:
            said = [f"{one.name} {one.identity or ''} {one.kind or ''}" for one in self.events]
            raise TimeoutError(f"no {name} within {within} s. {said}") from None


@asynccontextmanager
async def guest(
    url: str, room: str, identity: str = "guest", media: Sequence[NamedSource] = ()
) -> AsyncIterator[Guest]:
    """A guest in the room, connected; leaves afterwards."""
    one = Guest(url, room, identity, media)
    staying = asyncio.create_task(one.session.run())
    try:
        await one.wait_event("connected")
        yield one
    finally:
        await leave(one, staying)


async def leave(one: Guest, staying: "asyncio.Task[VideoError | None]") -> VideoError | None:
    """Ask it to leave, and wait; why it ended."""
    one.session.post(Disconnect())
    async with asyncio.timeout(5):
        return await staying
