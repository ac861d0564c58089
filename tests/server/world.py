"""A server and its clients in virtual time, over memory transports and fake media."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import wraps

from tests.server.client import KNOWN, NOW, Client, client
from tests.simulation.clock import run_virtually
from tests.simulation.network import MemoryNetwork
from tests.simulation.peer import FakeMediaNetwork, FakePeer
from videocli.media.frames import Codec, EncodedFrame
from videocli.media.peer import MakePeer, PeerConfig, PeerConnection, PeerEvent
from videocli.outside import Outside
from videocli.server.events import ServerEvent
from videocli.server.serve import ServeConfig, serve

KEYFRAME = EncodedFrame(b"keyframe", 0, is_keyframe=True, codec=Codec.VP8)
SOUND = EncodedFrame(b"sound", 0, is_keyframe=False, codec=Codec.OPUS)


def frame(text: bytes, number: int) -> EncodedFrame:
    """A frame that needs the ones before it."""
    return EncodedFrame(text, 3000 * number, is_keyframe=False, codec=Codec.VP8)


@dataclass
class World:
    """What a test of the whole server has at hand."""

    outside: Outside
    network: MemoryNetwork
    media: FakeMediaNetwork
    server: AsyncExitStack
    """Leaving it stops the server."""
    clients: AsyncExitStack
    url: str = ""
    events: list[ServerEvent] = field(default_factory=list)
    later: timedelta = timedelta()
    """How far the wall clock is past `NOW`."""

    async def client(self, identity: str) -> Client:
        """A client that has not said anything yet."""
        return await self.clients.enter_async_context(client(self.outside, identity))

    async def joined(self, identity: str, **options: object) -> Client:
        """A client in the room "room"."""
        one = await self.client(identity)
        await one.connect(self.url, **options)  # type: ignore[arg-type]  # handed through
        return one

    def server_peer(self, one: Client) -> FakePeer:
        """The server's end of a client's peer connection."""
        assert isinstance(one.peer, FakePeer)
        return next(peer for peer in self.media.peers if peer.remote_id == one.peer.id)

    def event_names(self) -> list[str]:
        """What the server has reported, by name."""
        return [type(event).__name__ for event in self.events]


@asynccontextmanager
async def world(config: ServeConfig, make_peer: MakePeer | None = None) -> AsyncIterator[World]:
    """A server that listens. `make_peer` replaces the fake network's."""
    network, media = MemoryNetwork(), FakeMediaNetwork()

    def make(peer_config: PeerConfig, on_event: Callable[[PeerEvent], None]) -> PeerConnection:
        return (make_peer or media.make_peer)(peer_config, on_event)

    def utcnow() -> datetime:
        return NOW + here.later

    outside = Outside(network.dial, network.listen, make, utcnow, random.Random(1))
    async with AsyncExitStack() as server, AsyncExitStack() as clients:
        here = World(outside, network, media, server, clients)
        listener = await server.enter_async_context(serve(config, outside, KNOWN, here.events.append))
        here.url = listener.url
        yield here


def served(
    session_timeout: float = 30.0, max_participants: int = 50
) -> Callable[[Callable[[World], Awaitable[None]]], Callable[[], None]]:
    """Makes a test of a coroutine that takes a `World`."""
    config = ServeConfig(port=0, session_timeout=session_timeout, max_participants=max_participants)

    def decorate(test: Callable[[World], Awaitable[None]]) -> Callable[[], None]:
        async def run() -> None:
            async with world(config) as here:
                await test(here)

        @wraps(test)
        def decorated() -> None:
            run_virtually(run())

        del decorated.__wrapped__  # else pytest takes the parameter for a fixture
        return decorated

    return decorate
