"""WebSockets as transports: dial and listen. The only module that knows the `websockets` package."""

import asyncio
import errno
import ipaddress
import logging
import os
import socket
import ssl
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.uri import WebSocketURI, parse_uri

from videocli import remedies
from videocli.outside import DialError, Listener, MessageTransport, TransportClosed
from videocli.routes import Route
from videocli.tcp import connect_tcp

SIGNALING_PATH = "/signaling"
HEALTH_PATH = "/healthz"

MAX_MESSAGE_BYTES = 1 << 20
OPEN_SECONDS = 5.0
"""For a client to finish its opening handshake with our server."""
CLOSE_SECONDS = 0.8
"""For the other side to answer a close; a leave has a second in all (our-rules.md, 8)."""
ABORT_SECONDS = 0.05
"""For a TCP connection to close by itself after the server's last word (TLS asks the server once more)."""

_MAX_REASON_BYTES = 123
"""RFC 6455 section 5.5: a control frame's 125 bytes, less the code."""

_log = logging.getLogger(__name__)

_silent = logging.getLogger(f"{__name__}.silent")
"""For the library, which logs whole frames (with tokens), and a traceback when a stranger sends garbage."""
_silent.disabled = True

_ANSWERS = (errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE)


class WebSocketTransport:
    """A `MessageTransport`. TCMP looks after liveness, so there are no pings."""

    def __init__(self, connection: Connection, route: Route | None = None) -> None:
        self._connection = connection
        self._route = route

    async def send(self, text: str) -> None:
        """Send a message; waits while the other side does not read. Raises `TransportClosed`."""
        try:
            await self._connection.send(text)
        except ConnectionClosed as closed:
            raise _closed(closed) from closed

    async def receive(self) -> str:
        """The next message; a binary one as text, as far as it goes. Raises `TransportClosed`."""
        try:
            message = await self._connection.recv()
        except ConnectionClosed as closed:
            raise _closed(closed) from closed
        return message if isinstance(message, str) else message.decode(errors="replace")

    def is_stale(self) -> bool:
        """Whether this machine's network has changed under a connection that was dialed."""
        return self._route is not None and self._route.is_gone()

    async def close(self, code: int, reason: str) -> None:
        """Close, and wait `CLOSE_SECONDS` at most for the other side."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._connection.close(code, _shortened(reason))
        except TimeoutError:
            pass
        finally:
            if self._connection.state is not State.CLOSED:
                self._connection.transport.abort()


class _DialedConnection(ClientConnection):
    """Ends with the server's last word, for which the library waits until the server closes TCP too.

    RFC 6455 section 7.1.1: a client should wait for that, but may close at any time.
    """

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.protocol.close_rcvd is not None or self.protocol.parser_exc is not None:
            self.transport.close()
            self.loop.call_later(ABORT_SECONDS, self.transport.abort)


def _closed(closed: ConnectionClosed) -> TransportClosed:
    received = closed.rcvd
    return TransportClosed(received.code, received.reason) if received else TransportClosed(None)


def _shortened(reason: str) -> str:
    return reason.encode(errors="replace")[:_MAX_REASON_BYTES].decode(errors="ignore")


class _Opening(connect):
    """Follows no redirect, as a browser does not."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def dial(url: str) -> MessageTransport:
    """Open a WebSocket. Raises `DialError`; the caller sets the time limit.

    While TCP is not connected it is tried anew every second, so that a path that is back is found soon; all
    of that is one dial. `wss` verifies the server's certificate and name. A proxy from the environment
    (`https_proxy`, `no_proxy` …) is used as the library does by default, but never for this machine's own
    addresses.

    Answered: the connection was refused or reset, TLS failed, the HTTP status was not 101, or the answer was
    no WebSocket's. Also a URL that cannot be dialed at all, since no network is at fault. Not answered: no
    address for the name, no route, no reply.
    """
    try:
        place = parse_uri(url)
        sock = await connect_tcp(place.host, place.port) if _is_direct(place) else None
        connection = await _Opening(
            url,
            sock=sock,
            create_connection=_DialedConnection,
            compression=None,
            open_timeout=None,
            ping_interval=None,
            close_timeout=CLOSE_SECONDS,
            max_size=MAX_MESSAGE_BYTES,
            logger=_silent,
        )
    except InvalidStatus as refused:
        raise DialError(f"HTTP status {refused.response.status_code}", answered=True) from refused
    except InvalidURI as wrong:
        raise DialError("not a WebSocket URL", answered=True) from wrong
    except (WebSocketException, EOFError) as odd:
        raise DialError(f"no WebSocket server there ({type(odd).__name__})", answered=True) from odd
    except ssl.SSLError as refused:
        words = f"TLS failed: {refused.reason or refused}"
        raise DialError(words, answered=True, remedy=remedies.of_tls(refused)) from refused
    except (socket.gaierror, UnicodeError) as unknown:
        why = unknown.strerror if isinstance(unknown, OSError) else "it cannot be a host's name"
        words = f"no address for the host: {why}"
        raise DialError(words, answered=False, remedy=remedies.NO_ADDRESS) from unknown
    except ImportError as missing:
        raise DialError("a SOCKS proxy needs the package python-socks", answered=False) from missing
    except (OSError, ValueError) as failed:
        if isinstance(failed, ConnectionResetError) and url[:4].lower() == "wss:":
            words = "TLS failed: the connection was closed"
            raise DialError(words, answered=True, remedy=remedies.of_tls(failed)) from failed
        raise DialError(_reason(failed), _is_answer(failed)) from failed
    local, remote = connection.local_address, connection.remote_address
    return WebSocketTransport(connection, Route(local, remote) if local and remote else None)


def _is_direct(place: WebSocketURI) -> bool:
    """Whether no proxy leads there: none is configured, or this place is excepted from it."""
    if not urllib.request.getproxies().keys() - {"no"}:
        return True
    if urllib.request.proxy_bypass(f"{place.host}:{place.port}"):
        return True
    try:
        return place.host == "localhost" or ipaddress.ip_address(place.host).is_loopback
    except ValueError:
        return False


def _reason(failed: Exception) -> str:
    if isinstance(failed, OSError) and failed.errno is not None:
        return os.strerror(failed.errno)
    return str(failed) or type(failed).__name__


def _is_answer(failed: Exception) -> bool:
    if isinstance(failed, ConnectionError):  # asyncio's own, when TLS is cut off, has no errno
        return True
    if isinstance(failed, OSError) and failed.errno is not None:
        return failed.errno in _ANSWERS
    # Several addresses failed: asyncio puts their errors into one OSError's text (base_events.py,
    # create_connection), without an errno.
    return any(f"[Errno {number}]" in str(failed) for number in _ANSWERS)


@dataclass(frozen=True, slots=True)
class _Listener:
    url: str


@asynccontextmanager
async def listen(
    host: str, port: int, handler: Callable[[MessageTransport], Awaitable[None]]
) -> AsyncIterator[Listener]:
    """Listen on host and port (0: any free one) and run the handler for each client on `/signaling`.

    `GET /healthz` answers 200 with `ok`, every other path 404. A message above 1 MiB closes its connection
    with 1009. Leaving the context closes what is open with 1001 and waits for the handlers.
    Raises `OSError` when the address cannot be used.
    """

    async def handle(connection: ServerConnection) -> None:
        try:
            await handler(WebSocketTransport(connection))
        except Exception:
            _log.exception("the handler of a connection failed")
            await connection.close(1011)

    server = await serve(
        handle,
        host,
        port,
        process_request=_route,
        compression=None,
        open_timeout=OPEN_SECONDS,
        ping_interval=None,
        close_timeout=CLOSE_SECONDS,
        max_size=MAX_MESSAGE_BYTES,
        server_header=None,
        logger=_silent,
        start_serving=False,
    )
    try:
        await server.start_serving()
        if not all(server.sockets):  # uvloop keeps to itself what listen(2) says of an address that is taken
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        taken_port = server.sockets[0].getsockname()[1]
        yield _Listener(f"ws://{_dialable(host)}:{taken_port}{SIGNALING_PATH}")
    finally:
        server.close()
        await server.wait_closed()


def _route(connection: ServerConnection, request: Request) -> Response | None:
    path = urlsplit(request.path).path
    if path == SIGNALING_PATH:
        return None
    if path == HEALTH_PATH:
        return connection.respond(HTTPStatus.OK, "ok")
    return connection.respond(HTTPStatus.NOT_FOUND, "Not found.\n")


def _dialable(host: str) -> str:
    """The host as it stands in a URL; one that means every address stands for this machine."""
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]" if ":" in host else host
