"""Our side of one TCMP connection, as the client.

                   busy, keepAlive
       ┌──────────┐ ─────────────► ┌─────────┐
hello  │CONNECTING│                │ WAITING │
─────► └──────────┘ ◄───────────── └─────────┘
         │      │    hello again     │     │
 welcome │      │ three hellos,      │     │ busy without
         ▼      │ busy, bad          │     │ keepAlive
       ┌──────┐ │    welcome         │     │
       │ OPEN │ ◄────────────────────┘     │
       └──────┘ │                          │
         │      ▼                          │
         │    ┌────────┐                   │
         └──► │ CLOSED │ ◄─────────────────┘
              └────────┘
"""

from collections.abc import Callable
from enum import Enum

from videocli.protocol.core import CloseTransport, Output
from videocli.protocol.fields import ProtocolError
from videocli.protocol.tcmp import (
    CLOSE_BUSY_WAIT,
    CLOSE_HEARTBEATS_MISSED,
    CLOSE_HELLO_FAILED,
    CLOSE_NETWORK_CHANGED,
    CLOSE_NORMAL,
    CLOSE_OPEN_TIMEOUT,
    CLOSE_SEND_FAILED,
    CLOSE_SERVER_BUSY,
    CLOSE_WELCOME_TIMEOUT,
    EARLY_SECONDS,
    HEARTBEAT_SECONDS,
    MISSED_HEARTBEATS,
    Bad,
    Body,
    BodyReceived,
    Busy,
    BusyReceived,
    Bye,
    Closed,
    CloseReason,
    Heartbeat,
    Hello,
    Ignored,
    Msg,
    Opened,
    TcmpEvent,
    TcmpMessage,
    Welcome,
    decode,
    encode,
)

WELCOME_SECONDS = 5.0
HELLOS = 3
MIN_HEARTBEAT_SECONDS = 1.0
"""Below 0.2 s the SDK floods the socket; we do not follow it there."""

_REASONS = {
    CLOSE_WELCOME_TIMEOUT: CloseReason.TIMEOUT,
    CLOSE_HEARTBEATS_MISSED: CloseReason.TIMEOUT,
    CLOSE_NETWORK_CHANGED: CloseReason.TIMEOUT,
    CLOSE_OPEN_TIMEOUT: CloseReason.TIMEOUT,
    CLOSE_HELLO_FAILED: CloseReason.FAILED,
    CLOSE_SEND_FAILED: CloseReason.FAILED,
    CLOSE_SERVER_BUSY: CloseReason.BUSY,
}


class _State(Enum):
    CONNECTING = "connecting"
    WAITING = "waiting"
    OPEN = "open"
    CLOSED = "closed"


class TcmpClient:
    """A `Core` for one socket that is already open; it says hello at once.

    Driven by the user (`send`, `close`, `network_changed`), the network and time. It ends with `Closed`, or
    with a `BusyReceived` without `keep_alive`; a new socket needs a new one.

    Received close codes are read as twilio-video.js reads them, but for one: 1000. The SDK takes a 1000 from
    the server for its own leave and ends the room without an error (trace server_close_1000). A server that
    ends a session says so in RSP; a 1000 without that is a restart or a proxy, and the session can be
    resumed: REMOTE.
    """

    def __init__(
        self,
        now: float,
        make_id: Callable[[], str],
        body: Body | None,
        cookie: str | None = None,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._make_id = make_id
        self._body = body
        self._cookie = cookie
        self._requested_seconds = heartbeat_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._state = _State.CONNECTING
        self._outputs: list[Output] = []
        self._events: list[TcmpEvent] = []
        self._queue: list[Body] = []
        self._hellos_left = HELLOS
        self._hello_at = now
        self._heartbeat_at = now
        self._dead_at = now
        self._say_hello(now)

    @property
    def is_open(self) -> bool:
        """Whether `send` goes out at once."""
        return self._state is _State.OPEN

    def send(self, body: Body, now: float) -> None:
        """Send an RSP message; before the welcome it waits for it, after the end it goes nowhere."""
        if self._state is _State.OPEN:
            self._send(Msg(body), now)
        elif self._state is not _State.CLOSED:
            self._queue.append(body)

    def close(self, now: float) -> None:
        """Say bye and close with 1000."""
        if self._state is _State.OPEN:
            self._send(Bye(), now)
        self._close(CloseReason.LOCAL, CLOSE_NORMAL, "Normal")

    def network_changed(self, now: float) -> None:
        """Give this socket up for a fresh one on the network that is there now."""
        self._close(CloseReason.TIMEOUT, CLOSE_NETWORK_CHANGED, "Network changed")

    def receive(self, text: str, now: float) -> None:
        """A text message came."""
        if self._state is _State.CLOSED:
            return
        try:
            message = decode(text)
        except ProtocolError as error:
            self._events.append(Ignored(str(error)))
            return
        match message, self._state:
            case Msg(), _State.OPEN:
                self._dead_at = now + MISSED_HEARTBEATS * self._heartbeat_seconds
                self._events.append(BodyReceived(message.body))
            case Heartbeat(), _State.OPEN:
                self._dead_at = now + MISSED_HEARTBEATS * self._heartbeat_seconds
            case Welcome(), _State.CONNECTING | _State.WAITING:
                self._open(message, now)
            case Busy(), _State.CONNECTING | _State.WAITING:
                self._wait(message, now)
            case Bad(), _State.CONNECTING:
                self._close(CloseReason.FAILED, CLOSE_HELLO_FAILED, message.reason)
            case Bye(), _:
                pass
            case _:
                name = type(message).__name__.lower()
                self._events.append(Ignored(f"{name} while {self._state.value}"))

    def receive_close(self, code: int | None, reason: str, now: float) -> None:
        """The socket is gone."""
        if self._state is not _State.CLOSED:
            self._end(_REASONS.get(code or 0, CloseReason.REMOTE), code, reason, is_received=True)

    def handle_timer(self, now: float) -> None:
        """The time of `timer()` has come."""
        match self._state:
            case _State.CONNECTING if now >= self._hello_at:
                if self._hellos_left:
                    self._say_hello(now)
                else:
                    reason = "All handshake attempts failed"
                    self._close(CloseReason.TIMEOUT, CLOSE_WELCOME_TIMEOUT, reason)
            case _State.WAITING if now >= self._hello_at:
                self._state = _State.CONNECTING
                self._say_hello(now)
            case _State.OPEN if now >= self._dead_at:
                reason = f'Missed {MISSED_HEARTBEATS} "heartbeat" messages'
                self._close(CloseReason.TIMEOUT, CLOSE_HEARTBEATS_MISSED, reason)
            case _State.OPEN if now >= self._heartbeat_at:
                self._send(Heartbeat(), now)

    def timer(self) -> float | None:
        """When to call `handle_timer`; None: no need."""
        match self._state:
            case _State.CONNECTING | _State.WAITING:
                return self._hello_at
            case _State.OPEN:
                return min(self._heartbeat_at, self._dead_at)
            case _State.CLOSED:
                return None

    def outputs(self) -> list[Output]:
        """What to send, in order."""
        outputs, self._outputs = self._outputs, []
        return outputs

    def events(self) -> list[TcmpEvent]:
        """What happened, in order."""
        events, self._events = self._events, []
        return events

    def _say_hello(self, now: float) -> None:
        self._hellos_left -= 1
        self._hello_at = now + WELCOME_SECONDS
        timeout_ms = round(self._requested_seconds * 1000)
        self._send(Hello(self._make_id(), timeout_ms, cookie=self._cookie, body=self._body), now)

    def _open(self, message: Welcome, now: float) -> None:
        self._state = _State.OPEN
        self._heartbeat_seconds = max(message.negotiated_timeout_ms / 1000, MIN_HEARTBEAT_SECONDS)
        self._heartbeat_at = now + self._heartbeat_seconds - EARLY_SECONDS
        self._dead_at = now + MISSED_HEARTBEATS * self._heartbeat_seconds
        self._events.append(Opened(self._heartbeat_seconds))
        for body in self._queue:
            self._send(Msg(body), now)
        self._queue.clear()

    def _wait(self, message: Busy, now: float) -> None:
        if message.retry_after_ms < 0:
            self._close(CloseReason.BUSY, CLOSE_SERVER_BUSY, 'Received terminal "busy" message')
            return
        self._cookie = message.cookie
        self._hellos_left = HELLOS
        seconds = message.retry_after_ms / 1000
        self._events.append(BusyReceived(seconds, message.keep_alive, message.cookie))
        if message.keep_alive:
            self._state = _State.WAITING
            self._hello_at = now + seconds
        else:
            self._state = _State.CLOSED
            reason = f'Received "busy" message, retrying after {message.retry_after_ms:.0f} ms'
            self._outputs.append(CloseTransport(CLOSE_BUSY_WAIT, reason))

    def _send(self, message: TcmpMessage, now: float) -> None:
        self._heartbeat_at = now + self._heartbeat_seconds - EARLY_SECONDS
        self._outputs.append(encode(message))

    def _close(self, reason: CloseReason, code: int, text: str) -> None:
        if self._state is not _State.CLOSED:
            self._outputs.append(CloseTransport(code, text))
            self._end(reason, code, text)

    def _end(self, reason: CloseReason, code: int | None, text: str, is_received: bool = False) -> None:
        self._state = _State.CLOSED
        self._queue.clear()
        self._events.append(Closed(reason, code, text, is_received))
