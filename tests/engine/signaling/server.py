"""A room server that does what the test tells it to, connection by connection."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from videocli.outside import MessageTransport, TransportClosed
from videocli.protocol.tcmp import Busy, Bye, Heartbeat, Hello, Msg, TcmpMessage, Welcome, decode, encode

CONNECTED: dict[str, Any] = {
    "type": "connected",
    "version": 2,
    "sid": "RM1",
    "name": "my-room",
    "session": "s1",
    "options": {"session_timeout": 30},
    "participant": {"sid": "PA0", "identity": "me"},
    "participants": [],
    "peer_connections": [{"id": "pc", "description": {"type": "answer", "revision": 1, "sdp": "answer 1"}}],
}
SYNCED: dict[str, Any] = {"type": "synced", "participants": [], "peer_connections": [{"id": "pc"}]}


class Socket:
    """The server's end of one connection."""

    def __init__(self, transport: MessageTransport) -> None:
        self._transport = transport
        self.heard: list[TcmpMessage] = []

    async def hear(self) -> TcmpMessage:
        """The next message that is not a heartbeat."""
        while True:
            message = decode(await self._transport.receive())
            if not isinstance(message, Heartbeat):
                self.heard.append(message)
                return message

    async def hello(self) -> Hello:
        message = await self.hear()
        assert isinstance(message, Hello)
        return message

    async def body(self) -> Any:
        message = await self.hear()
        assert isinstance(message, Msg)
        return message.body

    async def say(self, body: dict[str, Any]) -> None:
        await self._transport.send(encode(Msg(body)))

    async def welcome(self) -> Any:
        """Welcome the client; the body of its hello."""
        hello = await self.hello()
        await self._transport.send(encode(Welcome(5000)))
        return hello.body

    async def busy(self, retry_after_ms: float, keep_alive: bool, cookie: str | None = None) -> Hello:
        """Turn the client away; its hello."""
        hello = await self.hello()
        await self._transport.send(encode(Busy(retry_after_ms, keep_alive, cookie)))
        return hello

    async def text(self, text: str) -> None:
        await self._transport.send(text)

    async def let_in(self, *ice_servers: dict[str, Any], **members: Any) -> None:
        """The whole way in."""
        assert (await self.welcome())["type"] == "ice"
        await self.say({"type": "iced", "version": 1, "ice_servers": list(ice_servers)})
        assert (await self.body())["type"] == "connect"
        await self.say(CONNECTED | members)

    async def resync(self, **members: Any) -> None:
        assert (await self.welcome())["type"] == "sync"
        await self.say(SYNCED | members)

    async def stay(self) -> None:
        """Live on heartbeats until the client closes."""
        async with self.beating():
            with contextlib.suppress(TransportClosed):
                while True:
                    await self.hear()

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Send heartbeats meanwhile."""
        task = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _beat(self) -> None:
        with contextlib.suppress(TransportClosed):
            while True:
                await asyncio.sleep(4.8)
                await self._transport.send(encode(Heartbeat()))

    async def close(self, code: int, reason: str = "") -> None:
        await self._transport.close(code, reason)

    @property
    def said_goodbye(self) -> bool:
        """Whether the client left as it should: *disconnect*, then bye."""
        disconnect, bye = self.heard[-2:]
        is_disconnect = isinstance(disconnect, Msg) and disconnect.body["type"] == "disconnect"
        return is_disconnect and isinstance(bye, Bye)


Act = Callable[[Socket], Awaitable[None]]


async def let_in_and_stay(socket: Socket) -> None:
    await socket.let_in()
    await socket.stay()


async def resync_and_stay(socket: Socket) -> None:
    await socket.resync()
    await socket.stay()


class Server:
    """Plays one act for each connection; the last one again for all that follow."""

    def __init__(self, *acts: Act) -> None:
        self._acts = acts
        self.sockets: list[Socket] = []
        self.accepted_at: list[float] = []

    async def handle(self, transport: MessageTransport) -> None:
        act = self._acts[min(len(self.sockets), len(self._acts) - 1)]
        socket = Socket(transport)
        self.sockets.append(socket)
        self.accepted_at.append(asyncio.get_running_loop().time())
        with contextlib.suppress(TransportClosed):
            await act(socket)
