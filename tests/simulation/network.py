"""MemoryNetwork: dial and listen without sockets, with faults named after what they are.

It is as honest as a WebSocket over TCP: nothing is lost in the middle of a connection; it slows, or dies, or
dies without a word. `tests/conformance/transport.py` holds it to what the real one does.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from videocli.outside import DialError, Listener, MessageTransport, TransportClosed

BUFFERED_MESSAGES = 64
"""A sender waits once so many of its messages are unread, as with a full TCP window."""

End = Literal["client", "server"]


@dataclass
class Faults:
    """What is wrong now, with the whole network or with one line of it."""

    refuses: bool = False
    """Dialing is refused."""
    stalls: frozenset[End] = frozenset()
    """Nothing arrives at these ends, and dialing hangs; when it is over, all of it arrives, in order."""
    delay_seconds: float = 0.0
    """Each message takes so long."""


class _Direction:
    """One way of a connection. What travels is a text, or the end of it."""

    def __init__(self, end: End, faults: tuple[Faults, ...]) -> None:
        self._goes_to: End = end
        self._faults = faults
        self._travelling: deque[tuple[float, str | TransportClosed]] = deque()
        self._arrived: deque[str] = deque()
        self._end: TransportClosed | None = None
        self._is_dead = False
        self._changed = asyncio.Event()
        self.ended_at: float | None = None
        """When the end that this goes to knew that the connection is over, one way or the other."""

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
        at = loop.time() + sum(faults.delay_seconds for faults in self._faults)
        if self._travelling:
            at = max(at, self._travelling[-1][0])
        self._travelling.append((at, item))
        self.pump()

    def pump(self) -> None:
        """Let arrive what should have by now."""
        loop = asyncio.get_running_loop()
        while self._travelling and not any(self._goes_to in faults.stalls for faults in self._faults):
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
            self.ended_at = asyncio.get_running_loop().time()
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

    def __init__(
        self, incoming: _Direction, outgoing: _Direction, on_send: Callable[[str], None] = lambda text: None
    ) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._on_send = on_send
        self.stale = False
        """The machine's network has changed under this end."""

    def is_stale(self) -> bool:
        return self.stale

    async def send(self, text: str) -> None:
        await self._outgoing.room()
        if self._incoming.end is not None:
            raise TransportClosed(self._incoming.end.code, self._incoming.end.reason)
        self._on_send(text)
        self._outgoing.push(text)

    async def receive(self) -> str:
        return await self._incoming.read()

    async def close(self, code: int, reason: str) -> None:
        if self._incoming.end is None:
            self._outgoing.push(TransportClosed(code, reason))
            self._incoming.finish(TransportClosed(code, reason))
        await asyncio.sleep(0)


@dataclass(frozen=True, eq=False)
class Link:
    """One connection, for those who look on."""

    dialed_in: contextvars.Context
    """The context of the task that dialed."""
    opened_at: float
    to_server: _Direction
    to_client: _Direction

    def pump(self) -> None:
        """Let arrive what should have by now."""
        self.to_server.pump()
        self.to_client.pump()

    def cut(self, client_notices: bool, server_notices: bool) -> None:
        """It dies without a word; a side that does not notice just hears nothing any more."""
        for direction, notices in ((self.to_client, client_notices), (self.to_server, server_notices)):
            direction.die()
            if notices:
                direction.finish(TransportClosed(None))


class Line:
    """The connections of one host, or of all; the faults are theirs alone."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.links: list[Link] = []
        """Those that no cut has ended."""

    def cut(self, client_notices: bool = True, server_notices: bool = True) -> None:
        """Every connection dies without a word; a side that does not notice just hears nothing any more."""
        links, self.links = self.links, []
        for link in links:
            link.cut(client_notices, server_notices)

    def stall(self, *ends: End) -> None:
        """Nothing arrives any more at these ends, by default at both, and dialing hangs."""
        self.faults.stalls = frozenset(ends or ("client", "server"))

    def resume(self) -> None:
        """The stall is over; what was held arrives."""
        self.faults.stalls = frozenset()
        for link in self.links:
            link.pump()

    def refuse(self, refuses: bool = True) -> None:
        """Dialing is refused, or not any more."""
        self.faults.refuses = refuses

    def delay(self, seconds: float) -> None:
        """Each message takes so long from now on."""
        self.faults.delay_seconds = seconds


@dataclass(frozen=True)
class _Listener:
    url: str


class HostLine(Line):
    """The line of one host; its `dial` is that of an `Outside`."""

    def __init__(self, network: "MemoryNetwork") -> None:
        super().__init__()
        self._network = network

    def resume(self) -> None:
        super().resume()
        self._network.wake()

    async def dial(self, url: str) -> MessageTransport:
        """Open a connection to a server of this network."""
        return await self._network.dial_over(self, url)


class MemoryNetwork(Line):
    """A network in one process; `dial` and `listen` are those of an `Outside`. Its faults are everybody's."""

    def __init__(self) -> None:
        super().__init__()
        self.dials = 0
        self.history: list[Link] = []
        """Every connection there ever was."""
        self.on_send: Callable[[Link, End, str], None] = lambda link, end, text: None
        """Told of each message: which end sends what."""
        self._resumed = asyncio.Event()
        self._lines: dict[str, HostLine] = {}
        self._nobody = HostLine(self)
        self._servers: dict[str, Callable[[MemoryTransport], None]] = {}
        self._ports = iter(range(40_000, 65_536))

    def line(self, host: str) -> HostLine:
        """The line of a host, which need not be known."""
        return self._lines.setdefault(host, HostLine(self))

    def make_pair(self, line: HostLine | None = None) -> tuple[MemoryTransport, MemoryTransport]:
        """A connection: the client's end and the server's."""
        line = line or self._nobody
        faults = (self.faults, line.faults)
        link = Link(
            contextvars.copy_context(),
            asyncio.get_running_loop().time(),
            _Direction("server", faults),
            _Direction("client", faults),
        )
        for links in (self.links, line.links, self.history):
            links.append(link)
        client = MemoryTransport(
            link.to_client, link.to_server, lambda text: self.on_send(link, "client", text)
        )
        server = MemoryTransport(
            link.to_server, link.to_client, lambda text: self.on_send(link, "server", text)
        )
        return client, server

    def resume(self) -> None:
        super().resume()
        self.wake()

    def wake(self) -> None:
        """A stall is over: dialing that hung for it goes on."""
        self._resumed.set()
        self._resumed = asyncio.Event()

    async def dial(self, url: str) -> MessageTransport:
        """Open a connection to a server of this network, from no host in particular."""
        return await self._nobody.dial(url)

    async def dial_over(self, line: HostLine, url: str) -> MessageTransport:
        """Open a connection over a line."""
        self.dials += 1
        await asyncio.sleep(self.faults.delay_seconds + line.faults.delay_seconds)
        while self.faults.stalls or line.faults.stalls:
            await self._resumed.wait()
        accept = self._servers.get(url)
        if self.faults.refuses or line.faults.refuses or accept is None:
            raise DialError("connection refused", answered=True)
        client, server = self.make_pair(line)
        accept(server)
        return client

    @asynccontextmanager
    async def listen(
        self, host: str, port: int, handler: Callable[[MessageTransport], Awaitable[None]]
    ) -> AsyncIterator[Listener]:
        url = f"ws://{host}:{port or next(self._ports)}/signaling"
        running: dict[asyncio.Task[None], MemoryTransport] = {}
        faults: list[Exception] = []
        context = contextvars.copy_context()

        async def handle(transport: MemoryTransport) -> None:
            try:
                await handler(transport)
            except Exception as fault:
                faults.append(fault)
            finally:
                await transport.close(1000, "")

        def accept(transport: MemoryTransport) -> None:
            # What the server does for a client is no work of the client's.
            task = asyncio.get_running_loop().create_task(handle(transport), context=context.copy())
            running[task] = transport
            task.add_done_callback(running.pop)

        self._servers[url] = accept
        try:
            yield _Listener(url)
        finally:
            if self._servers.get(url) is accept:
                del self._servers[url]
            tasks = list(running)
            for transport in list(running.values()):
                await transport.close(1001, "")
            for task in tasks:
                await task
            if faults:
                raise ExceptionGroup("the server failed", faults)

    def unlisten(self) -> None:
        """From now on nobody listens anywhere, as after a crash."""
        self._servers.clear()
