"""MemoryNetwork: dial and listen without sockets, with faults named after what they are.

It is as honest as a WebSocket over TCP: nothing is lost in the middle of a connection; it slows, or dies, or
dies without a word. `tests/conformance/transport.py` holds it to what the real one does.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from videocli.outside import DialError, Listener, MessageTransport, TransportClosed

BUFFERED_MESSAGES = 64
"""A sender waits once so many of its messages are unread, as with a full TCP window."""


@dataclass
class Faults:
    """What is wrong with the network now, for every connection."""

    refuses: bool = False
    """Dialing is refused."""
    stalled: bool = False
    """Nothing arrives, dialing included, until it ends; then all of it, in order."""
    delay_seconds: float = 0.0
    """Each message takes so long."""


class _Direction:
    """One way of a connection. What travels is a text, or the end of it."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._travelling: deque[tuple[float, str | TransportClosed]] = deque()
        self._arrived: deque[str] = deque()
        self._end: TransportClosed | None = None
        self._is_dead = False
        self._changed = asyncio.Event()

    @property
    def end(self) -> TransportClosed | None:
        return self._end

    def die(self) -> None:
        """Nothing gets through any more, and nobody is told."""
        self._is_dead = True
        self._travelling.clear()

    def push(self, item: str | TransportClosed) -> None:
        if self._is_dead:
            return
        loop = asyncio.get_running_loop()
        at = loop.time() + self._faults.delay_seconds
        if self._travelling:
            at = max(at, self._travelling[-1][0])
        self._travelling.append((at, item))
        self.pump()

    def pump(self) -> None:
        """Let arrive what should have by now."""
        loop = asyncio.get_running_loop()
        while self._travelling and not self._faults.stalled:
            at, item = self._travelling[0]
            if loop.time() < at:
                loop.call_at(at, self.pump)
                return
            self._travelling.popleft()
            if isinstance(item, TransportClosed):
                self.finish(item)
            elif self._end is None:
                self._arrived.append(item)
                self._changed.set()

    def finish(self, end: TransportClosed) -> None:
        """Nothing more arrives; what has arrived can still be read."""
        self._travelling.clear()
        if self._end is None:
            self._end = end
        self._changed.set()

    async def read(self) -> str:
        while not self._arrived:
            if self._end is not None:
                raise TransportClosed(self._end.code, self._end.reason)
            await self._wait()
        text = self._arrived.popleft()
        self._changed.set()
        return text

    async def room(self) -> None:
        """Wait until there is room to send."""
        while self._end is None and len(self._travelling) + len(self._arrived) >= BUFFERED_MESSAGES:
            await self._wait()

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()


class MemoryTransport:
    """One end of a connection."""

    def __init__(self, incoming: _Direction, outgoing: _Direction) -> None:
        self._incoming = incoming
        self._outgoing = outgoing

    async def send(self, text: str) -> None:
        await self._outgoing.room()
        if self._incoming.end is not None:
            raise TransportClosed(self._incoming.end.code, self._incoming.end.reason)
        self._outgoing.push(text)

    async def receive(self) -> str:
        return await self._incoming.read()

    async def close(self, code: int, reason: str) -> None:
        if self._incoming.end is None:
            self._outgoing.push(TransportClosed(code, reason))
            self._incoming.finish(TransportClosed(code, reason))
        await asyncio.sleep(0)


@dataclass(frozen=True)
class _Link:
    to_server: _Direction
    to_client: _Direction

    def pump(self) -> None:
        self.to_server.pump()
        self.to_client.pump()


@dataclass(frozen=True)
class _Listener:
    url: str


class MemoryNetwork:
    """A network in one process; `dial` and `listen` are those of an `Outside`."""

    def __init__(self) -> None:
        self.dials = 0
        self._faults = Faults()
        self._stall_over = asyncio.Event()
        self._stall_over.set()
        self._links: list[_Link] = []
        self._servers: dict[str, Callable[[MemoryTransport], None]] = {}
        self._ports = iter(range(40_000, 65_536))

    def make_pair(self) -> tuple[MemoryTransport, MemoryTransport]:
        """A connection: the client's end and the server's."""
        link = _Link(_Direction(self._faults), _Direction(self._faults))
        self._links.append(link)
        client = MemoryTransport(link.to_client, link.to_server)
        return client, MemoryTransport(link.to_server, link.to_client)

    def cut(self, client_notices: bool = True, server_notices: bool = True) -> None:
        """Every connection dies without a word; a side that does not notice just hears nothing any more."""
        links, self._links = self._links, []
        for link in links:
            for direction, notices in ((link.to_client, client_notices), (link.to_server, server_notices)):
                direction.die()
                if notices:
                    direction.finish(TransportClosed(None))

    def stall(self) -> None:
        """Nothing arrives any more, and dialing hangs."""
        self._faults.stalled = True
        self._stall_over.clear()

    def resume(self) -> None:
        """The stall is over; what was held arrives."""
        self._faults.stalled = False
        self._stall_over.set()
        for link in self._links:
            link.pump()

    def refuse(self, refuses: bool = True) -> None:
        """Dialing is refused, or not any more."""
        self._faults.refuses = refuses

    def delay(self, seconds: float) -> None:
        """Each message takes so long from now on."""
        self._faults.delay_seconds = seconds

    async def dial(self, url: str) -> MessageTransport:
        self.dials += 1
        await asyncio.sleep(self._faults.delay_seconds)
        await self._stall_over.wait()
        accept = self._servers.get(url)
        if self._faults.refuses or accept is None:
            raise DialError("connection refused", answered=True)
        client, server = self.make_pair()
        accept(server)
        return client

    @asynccontextmanager
    async def listen(
        self, host: str, port: int, handler: Callable[[MessageTransport], Awaitable[None]]
    ) -> AsyncIterator[Listener]:
        url = f"ws://{host}:{port or next(self._ports)}/signaling"
        running: dict[asyncio.Task[None], MemoryTransport] = {}

        async def handle(transport: MemoryTransport) -> None:
            try:
                await handler(transport)
            finally:
                await transport.close(1000, "")

        def accept(transport: MemoryTransport) -> None:
            task = asyncio.get_running_loop().create_task(handle(transport))
            running[task] = transport
            task.add_done_callback(running.pop)

        self._servers[url] = accept
        try:
            yield _Listener(url)
        finally:
            del self._servers[url]
            tasks = list(running)
            for transport in list(running.values()):
                await transport.close(1001, "")
            for task in tasks:
                with contextlib.suppress(Exception):
                    await task
