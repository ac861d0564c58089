"""A TCP proxy before the server, which does to connections what bad networks do.

    async with proxy_to(server.url) as proxy:
        await join(proxy.url)
        proxy.refuse()
        proxy.cut()

What it swallows it keeps, as TCP does while a network is down: `passing` delivers it after all, in order.
"""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import Enum
from urllib.parse import urlsplit, urlunsplit

_LINGER_RESETS = struct.pack("ii", 1, 0)
"""SO_LINGER: close sends RST (socket(7))."""
_BACKLOG = 100


class Way(Enum):
    """Which way data goes."""

    TO_SERVER = "to the server"
    TO_CLIENT = "to the client"

    @property
    def back(self) -> "Way":
        return Way.TO_CLIENT if self is Way.TO_SERVER else Way.TO_SERVER


BOTH = frozenset(Way)


class _End(asyncio.Protocol):
    """One of the two sockets of a link; what it reads goes `way`."""

    def __init__(self, link: "_Link", way: Way) -> None:
        self._link = link
        self._way = way

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._link.opened(self._way, transport)

    def data_received(self, data: bytes) -> None:
        self._link.take(self._way, data)

    def eof_received(self) -> bool:
        self._link.take(self._way, None)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._link.take(self._way, None)


class _Link:
    """A client's connection and the one to the server that belongs to it."""

    def __init__(self, proxy: "Proxy") -> None:
        self._proxy = proxy
        self._writers: dict[Way, asyncio.Transport] = {}
        self._waiting: dict[Way, deque[bytes | None]] = {way: deque() for way in Way}

    def opened(self, reads: Way, transport: asyncio.Transport) -> None:
        self._writers[reads.back] = transport
        self.pass_on()

    def take(self, way: Way, data: bytes | None) -> None:
        """Data or (None) its end; on its way at once, or after the delay."""
        if data is not None:
            self._proxy.seen(way, data)
        if self._proxy.delay_seconds:
            loop = asyncio.get_running_loop()
            loop.call_later(self._proxy.delay_seconds, self._queue, way, data)
        else:
            self._queue(way, data)

    def _queue(self, way: Way, data: bytes | None) -> None:
        self._waiting[way].append(data)
        self.pass_on()

    def pass_on(self) -> None:
        """Write what may pass."""
        for way, waiting in self._waiting.items():
            writer = self._writers.get(way)
            if writer is None or way in self._proxy.swallowed:
                continue
            while waiting:
                data = waiting.popleft()
                if data is None:
                    writer.close()
                elif not writer.is_closing():
                    writer.write(data)

    def cut(self) -> None:
        """RST to both."""
        for writer in self._writers.values():
            raw = writer.get_extra_info("socket")
            if not writer.is_closing() and raw.fileno() >= 0:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESETS)
            writer.abort()

    def close(self) -> None:
        """FIN to both, without a word of WebSocket's."""
        for writer in self._writers.values():
            writer.close()


class Proxy:
    """Passes everything on until told otherwise."""

    def __init__(self, url: str) -> None:
        self._server = urlsplit(url)
        assert self._server.hostname is not None
        assert self._server.port is not None
        self._target = self._server.hostname, self._server.port
        self._address = socket.socket()
        self._address.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._address.bind(("127.0.0.1", 0))
        self._listener: asyncio.Server | None = None
        self._links: list[_Link] = []
        self._dialing: set[asyncio.Task[None]] = set()
        self._triggers: list[tuple[Way, bytes, Callable[[], None]]] = []
        self.swallowed: frozenset[Way] = frozenset()
        self.delay_seconds = 0.0
        """What data takes longer, each way."""
        self.accepted = 0
        """Connections so far."""

    @property
    def url(self) -> str:
        host, port = self._address.getsockname()
        return urlunsplit(self._server._replace(netloc=f"{host}:{port}"))

    async def accept(self) -> None:
        """Take connections again."""
        if self._listener is None:
            listening = socket.socket()
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(self._address.getsockname())
            loop = asyncio.get_running_loop()
            self._listener = await loop.create_server(self._link, sock=listening, backlog=_BACKLOG)

    def refuse(self) -> None:
        """Refuse connections (ECONNREFUSED); the port stays ours."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def cut(self) -> None:
        """Reset every connection there is (RST)."""
        self._end(_Link.cut)

    def close(self) -> None:
        """Close every connection there is (FIN)."""
        self._end(_Link.close)

    def swallow(self, ways: frozenset[Way] = BOTH) -> None:
        """Accept, and pass nothing these ways."""
        self.swallowed = ways

    def passing(self) -> None:
        """Pass everything, what was swallowed first."""
        self.swallowed = frozenset()
        for link in self._links:
            link.pass_on()

    def when(self, way: Way, text: bytes, do: Callable[[], None]) -> None:
        """Once, before data with that text goes on that way. A client's text is masked and never found."""
        self._triggers.append((way, text, do))

    def seen(self, way: Way, data: bytes) -> None:
        """Called by a link before it passes data on."""
        for trigger in list(self._triggers):
            if trigger[0] is way and trigger[1] in data:
                self._triggers.remove(trigger)
                trigger[2]()

    def _end(self, how: Callable[[_Link], None]) -> None:
        links, self._links = self._links, []
        for link in links:
            how(link)

    def _link(self) -> _End:
        link = _Link(self)
        self.accepted += 1
        self._links.append(link)
        task = asyncio.get_running_loop().create_task(self._dial(link))
        self._dialing.add(task)
        task.add_done_callback(self._dialing.discard)
        return _End(link, Way.TO_SERVER)

    async def _dial(self, link: _Link) -> None:
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: _End(link, Way.TO_CLIENT), *self._target
            )
        except OSError:
            link.cut()
        else:
            if link not in self._links:
                link.cut()

    async def end(self) -> None:
        """Cut everything and give the port away."""
        self.refuse()
        self.cut()
        while self._dialing:
            await asyncio.wait(self._dialing)
        self._address.close()


@asynccontextmanager
async def proxy_to(url: str) -> AsyncIterator[Proxy]:
    """A proxy before the server at that URL, on a port of its own."""
    proxy = Proxy(url)
    await proxy.accept()
    try:
        yield proxy
    finally:
        await proxy.end()
