"""A room server and its participants in one process, in virtual time, over fake networks."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tests.simulation.network import MemoryNetwork
from tests.simulation.peer import FakeMediaNetwork
from videocli import tokens
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.engine.session import JoinConfig, Session
from videocli.engine.signaling.backend import SignalingConfig
from videocli.errors import VideoError
from videocli.outside import Outside
from videocli.server.events import ServerEvent
from videocli.server.serve import ServeConfig, serve

KEY = tokens.Credentials("AC" + "0" * 32, "SK" + "0" * 32, "a secret that only this house knows")
URL = "ws://127.0.0.1:7780/signaling"
START = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass
class Guest:
    """A participant: its session, and everything it was told."""

    session: Session
    staying: asyncio.Task[VideoError | None]
    told: list[ev.Occurrence]
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def events(self) -> list[ev.Event]:
        """What happened, in order."""
        return [occurrence.event for occurrence in self.told]

    @property
    def names(self) -> list[str]:
        """The events' names, in order."""
        return [type(event).__name__ for event in self.events]

    async def sees(self, kind: type[ev.Event], test: Callable[..., bool] = lambda event: True) -> ev.Event:
        """The first event of that kind that passes the test; waits a minute of virtual time at most."""
        async with asyncio.timeout(60.0):
            while True:
                for event in self.events:
                    if isinstance(event, kind) and test(event):
                        return event
                self.news.clear()
                await self.news.wait()

    async def leave(self) -> VideoError | None:
        """Leave the room; why it ended."""
        self.session.post(cmd.Disconnect())
        return await self.staying


class House:
    """Where they all live. `signaling` and `media` take the faults."""

    def __init__(self, seed: int = 1) -> None:
        self.signaling = MemoryNetwork()
        self.media = FakeMediaNetwork()
        self.server_events: list[ServerEvent] = []
        self.outside = Outside(
            dial=self.signaling.dial,
            listen=self.signaling.listen,
            make_peer=self.media.make_peer,
            utcnow=lambda: START + timedelta(seconds=asyncio.get_running_loop().time()),
            random=random.Random(seed),
        )

    def outside_of(self, host: str) -> Outside:
        """The world as one host sees it, with a line and datagrams of its own for faults to hit."""
        dial = self.signaling.line(host).dial
        return replace(self.outside, dial=dial, make_peer=self.media.make_peers_of(host))

    @asynccontextmanager
    async def open(self, config: ServeConfig | None = None) -> AsyncIterator[None]:
        """The server runs until the context is left; then nothing may be left of it or its guests."""
        async with serve(
            config or ServeConfig(), self.outside, {KEY.api_key: KEY}, self.server_events.append
        ):
            yield
        await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, left

    def token(self, identity: str, room: str | None = "my-room", ttl: int = 86_400) -> str:
        """An access token of this house."""
        return tokens.mint(KEY, identity, room, ttl, self.outside.utcnow()).token

    def join(
        self,
        identity: str,
        room: str = "my-room",
        token: str | None = None,
        config: Callable[[JoinConfig], JoinConfig] = lambda config: config,
        on_event: Callable[[ev.Occurrence], None] = lambda occurrence: None,
    ) -> Guest:
        """Somebody comes to the door, from a host of the same name; `on_event` is told at once."""
        held = token or self.token(identity, room)

        async def give() -> str:
            return held

        told: list[ev.Occurrence] = []
        news = asyncio.Event()

        def tell(occurrence: ev.Occurrence) -> None:
            told.append(occurrence)
            news.set()
            on_event(occurrence)

        wanted = config(JoinConfig(SignalingConfig(URL, room, give)))
        session = Session(wanted, self.outside_of(identity), tell)
        return Guest(session, asyncio.create_task(session.run(), name=identity), told, news)
