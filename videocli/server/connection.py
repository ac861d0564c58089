"""One socket of one client: TCMP below, RSP messages above."""

import asyncio
import logging
from collections.abc import Callable

from videocli.driver import Driver
from videocli.errors import error
from videocli.outside import MessageTransport
from videocli.protocol.fields import ProtocolError
from videocli.protocol.rsp import ClientMessage, Disconnected, ServerError, ServerMessage
from videocli.protocol.rsp_codec import encode, parse_client_message
from videocli.protocol.tcmp import (
    CLOSE_GOING_AWAY,
    CLOSE_SERVER_FAULT,
    Body,
    BodyReceived,
    ByeReceived,
    Closed,
    Opened,
    TcmpEvent,
)
from videocli.protocol.tcmp_server import TcmpServer

_log = logging.getLogger(__name__)

JOIN_SECONDS = 30.0
"""A socket that nobody has joined or resumed a room on by then is closed."""
LINGER_SECONDS = 2.0
"""How long a client that was sent away may take to close the socket itself."""
BUSY_SECONDS = 5.0
"""When a client that found the server full may try again."""


class Connection:
    """Lives as long as its socket. Nothing that a client sends makes it raise."""

    def __init__(
        self,
        transport: MessageTransport,
        on_message: Callable[["Connection", ClientMessage], None],
        on_offence: Callable[["Connection"], None],
        is_busy: bool = False,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._core = TcmpServer(self._loop.time())
        self._is_busy = is_busy
        if is_busy:
            self._core.busy(BUSY_SECONDS)
        self._driver = Driver(self._core, transport, self._deliver)
        self._on_message = on_message
        self._on_offence = on_offence
        self._is_ending = False
        self._timer = self._loop.call_later(JOIN_SECONDS, self.close, CLOSE_SERVER_FAULT, "nobody joined")

    async def run(self) -> None:
        """Talk until either side closes."""
        try:
            await self._driver.run()
        finally:
            self._is_ending = True
            self._timer.cancel()

    def joined(self) -> None:
        """A session speaks here, so it may stay."""
        if not self._is_ending:
            self._timer.cancel()

    def send(self, message: ServerMessage) -> None:
        """Send a message, unless the socket is gone or the client was sent away."""
        if not self._is_ending:
            self._core.send(encode(message), self._loop.time())
            self._driver.wake()

    def end(self, message: ServerError | Disconnected) -> None:
        """Send the client away; it is to close the socket, or we will."""
        if not self._is_ending:
            self.send(message)
            self._is_ending = True
            self._timer.cancel()
            self._timer = self._loop.call_later(LINGER_SECONDS, self.close, CLOSE_SERVER_FAULT, "sent away")

    def close(self, code: int = CLOSE_GOING_AWAY, reason: str = "") -> None:
        """Close the socket after what is left to send."""
        self._is_ending = True
        self._core.close(code, reason, self._loop.time())
        self._driver.wake()

    def _deliver(self, event: TcmpEvent) -> None:
        match event:
            case Opened() if self._is_busy:
                self.close(CLOSE_SERVER_FAULT, "still busy")
            case BodyReceived(body):
                if not self._is_ending:
                    self._read(body)
            case ByeReceived():
                # The SDK says it before every close of its own, also before one that it resumes after; who
                # leaves has said `disconnect`.
                _log.debug("bye")
            case Closed(reason, code, text):
                _log.debug("closed: %s %s %s", reason.value, code, text)
            case _:
                _log.debug("%s", type(event).__name__)

    def _read(self, body: Body) -> None:
        try:
            message = parse_client_message(body)
        except ProtocolError as fault:
            _log.info("a client broke the protocol: %s", fault)
            self._on_offence(self)
            self.refuse(53004)
            return
        try:
            self._on_message(self, message)
        except Exception:
            _log.exception("a %s could not be handled", type(message).__name__)
            self._on_offence(self)
            self.refuse(53000)

    def refuse(self, code: int) -> None:
        """Send the client away with an error."""
        fault = error(code)
        self.end(ServerError(code, fault.message))
