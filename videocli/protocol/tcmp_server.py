"""Our side of one TCMP connection, as the server.

socket   ┌───────────┐  hello: welcome   ┌──────┐
───────► │ EXPECTING │ ────────────────► │ OPEN │ ◄─┐ hello: welcome again
         └───────────┘                   └──────┘ ──┘
           │ ▲     │ no hello in 5 s,       │ silent for three heartbeats,
           └─┘     ▼ no TCMP                │ no TCMP, close()
      hello: busy  ┌────────┐               │
                   │ CLOSED │ ◄─────────────┘
                   └────────┘
"""

from enum import Enum

from videocli.protocol.core import CloseTransport, Output
from videocli.protocol.fields import ProtocolError
from videocli.protocol.tcmp import (
    CLOSE_NORMAL,
    CLOSE_SERVER_FAULT,
    EARLY_SECONDS,
    HEARTBEAT_SECONDS,
    MISSED_HEARTBEATS,
    Bad,
    Body,
    BodyReceived,
    Busy,
    Bye,
    ByeReceived,
    Closed,
    CloseReason,
    Heartbeat,
    Hello,
    Ignored,
    Msg,
    Opened,
    TcmpEvent,
    TcmpMessage,
    UnknownTypeError,
    Welcome,
    decode,
    encode,
)

HELLO_SECONDS = 5.0
MIN_HEARTBEAT_SECONDS = 1.0
MAX_HEARTBEAT_SECONDS = 60.0


class _State(Enum):
    EXPECTING = "expecting hello"
    OPEN = "open"
    CLOSED = "closed"


class TcmpServer:
    """A `Core` for one socket that a client opened.

    Driven by the user (`send`, `busy`, `close`), the network and time. It ends with `Closed`.

    It never closes with 1000: the SDK would take that for its own leave and not resume (our-rules.md, 15).
    """

    def __init__(self, now: float, hello_timeout: float = HELLO_SECONDS) -> None:
        self._hello_timeout = hello_timeout
        self._heartbeat_seconds = HEARTBEAT_SECONDS
        self._state = _State.EXPECTING
        self._busy: Busy | None = None
        self._outputs: list[Output] = []
        self._events: list[TcmpEvent] = []
        self._heartbeat_at = now
        self._dead_at = now + hello_timeout

    @property
    def is_open(self) -> bool:
        """Whether a hello was welcomed and nothing has ended the connection since."""
        return self._state is _State.OPEN

    def busy(self, retry_after: float, keep_alive: bool = False, cookie: str | None = None) -> None:
        """Answer the next hello with `busy`, to be repeated after `retry_after` seconds; negative: never.

        To be called before that hello comes. The hello after it is welcomed, unless this is called again.
        """
        if self._state is _State.EXPECTING:
            self._busy = Busy(round(retry_after * 1000), keep_alive, cookie)

    def send(self, body: Body, now: float) -> None:
        """Send an RSP message; it goes nowhere unless the connection is open."""
        if self._state is _State.OPEN:
            self._send(Msg(body), now)

    def close(self, code: int, reason: str, now: float) -> None:
        """Close the socket with 1001 (the server goes away) or 1011 (the client is to resume, or to go).

        Raises `ValueError` for 1000.
        """
        if code == CLOSE_NORMAL:
            raise ValueError("1000 reads as the client's own leave")
        self._close(CloseReason.LOCAL, code, reason)

    def receive(self, text: str, now: float) -> None:
        """A text message came."""
        if self._state is _State.CLOSED:
            return
        try:
            message = decode(text)
        except UnknownTypeError as error:
            self._events.append(Ignored(str(error)))
            return
        except ProtocolError as error:
            self._refuse(str(error), now)
            return
        if self._state is _State.OPEN:
            self._dead_at = now + MISSED_HEARTBEATS * self._heartbeat_seconds
        match message, self._state:
            case Msg(), _State.OPEN:
                self._events.append(BodyReceived(message.body))
            case Hello(), _State.EXPECTING:
                self._answer(message, now)
            case Hello(), _State.OPEN:
                # Said again because the welcome was slow; its body is the one we have.
                self._welcome(now)
            case Heartbeat(), _:
                pass
            case Bye(), _:
                self._events.append(ByeReceived())
            case _:
                self._refuse(f"{type(message).__name__.lower()} while {self._state.value}", now)

    def receive_close(self, code: int | None, reason: str, now: float) -> None:
        """The socket is gone."""
        if self._state is not _State.CLOSED:
            self._end(CloseReason.REMOTE, code, reason, is_received=True)

    def handle_timer(self, now: float) -> None:
        """The time of `timer()` has come."""
        if self._state is _State.CLOSED:
            return
        if now >= self._dead_at:
            is_open = self._state is _State.OPEN
            reason = f'Missed {MISSED_HEARTBEATS} "heartbeat" messages' if is_open else "No hello in time"
            self._close(CloseReason.TIMEOUT, CLOSE_SERVER_FAULT, reason)
        elif self._state is _State.OPEN and now >= self._heartbeat_at:
            self._send(Heartbeat(), now)

    def timer(self) -> float | None:
        """When to call `handle_timer`; None: no need."""
        match self._state:
            case _State.EXPECTING:
                return self._dead_at
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

    def _answer(self, hello: Hello, now: float) -> None:
        if self._busy is not None:
            busy, self._busy = self._busy, None
            self._send(busy, now)
            wait_seconds = max(busy.retry_after_ms / 1000, 0.0) if busy.keep_alive else 0.0
            self._dead_at = now + wait_seconds + self._hello_timeout
            return
        self._state = _State.OPEN
        self._heartbeat_seconds = min(
            max(hello.timeout_ms / 1000, MIN_HEARTBEAT_SECONDS), MAX_HEARTBEAT_SECONDS
        )
        self._dead_at = now + MISSED_HEARTBEATS * self._heartbeat_seconds
        self._welcome(now)
        self._events.append(Opened(self._heartbeat_seconds, hello.cookie))
        if hello.body is not None:
            self._events.append(BodyReceived(hello.body))

    def _welcome(self, now: float) -> None:
        self._send(Welcome(round(self._heartbeat_seconds * 1000)), now)

    def _refuse(self, reason: str, now: float) -> None:
        self._send(Bad(reason), now)
        self._close(CloseReason.FAILED, CLOSE_SERVER_FAULT, reason)

    def _send(self, message: TcmpMessage, now: float) -> None:
        self._heartbeat_at = now + self._heartbeat_seconds - EARLY_SECONDS
        self._outputs.append(encode(message))

    def _close(self, reason: CloseReason, code: int, text: str) -> None:
        if self._state is not _State.CLOSED:
            self._outputs.append(CloseTransport(code, text))
            self._end(reason, code, text)

    def _end(self, reason: CloseReason, code: int | None, text: str, is_received: bool = False) -> None:
        self._state = _State.CLOSED
        self._events.append(Closed(reason, code, text, is_received))
