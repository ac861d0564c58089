"""TCMP v2, the layer between RSP and the WebSocket: its messages, its codec and its events.

Names are those of twilio-video.js (lib/twilioconnection.js). One JSON object per text message; on the wire
times are milliseconds.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from videocli.protocol.fields import Fields, ProtocolError, loads

HEARTBEAT_SECONDS = 5.0
"""What a client asks for (`hello.timeout`)."""
EARLY_SECONDS = 0.2
"""A heartbeat leaves this long before the other side would begin to miss it."""
MISSED_HEARTBEATS = 3
"""So many heartbeats missed: the other side is gone."""

CLOSE_NORMAL = 1000
CLOSE_GOING_AWAY = 1001
CLOSE_SERVER_FAULT = 1011
CLOSE_WELCOME_TIMEOUT = 3000
CLOSE_HEARTBEATS_MISSED = 3001
CLOSE_HELLO_FAILED = 3002
CLOSE_SEND_FAILED = 3003
CLOSE_NETWORK_CHANGED = 3004
CLOSE_BUSY_WAIT = 3005
CLOSE_SERVER_BUSY = 3006
CLOSE_OPEN_TIMEOUT = 3007

Body = Mapping[str, object]
"""An RSP message as JSON."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Client: opens the connection, with the first RSP message if there is one."""

    id: str
    timeout_ms: float
    """The heartbeat interval asked for."""
    version: int = 2
    cookie: str | None = None
    """Given by a `busy`."""
    body: Body | None = None


@dataclass(frozen=True, slots=True)
class Welcome:
    """Server: the connection is open."""

    negotiated_timeout_ms: float
    """The heartbeat interval of both sides."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Server: say hello again later, or never if `retry_after_ms` is negative."""

    retry_after_ms: float
    keep_alive: bool = False
    """On this socket, or on a new one."""
    cookie: str | None = None


@dataclass(frozen=True, slots=True)
class Bad:
    """Server: the client broke the protocol."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Msg:
    """Carries an RSP message."""

    body: Body


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """I am alive."""


@dataclass(frozen=True, slots=True)
class Bye:
    """I am about to close."""


TcmpMessage = Hello | Welcome | Busy | Bad | Msg | Heartbeat | Bye


class UnknownTypeError(ProtocolError):
    """A JSON object whose `type` is none of ours; later versions may have more."""


def encode(message: TcmpMessage) -> str:
    """The message as text."""
    return json.dumps(_to_json(message), ensure_ascii=False, separators=(",", ":"))


def decode(text: str) -> TcmpMessage:
    """The message in a text. Raises `ProtocolError`; for another `type`, `UnknownTypeError`, which is one."""
    fields = Fields(loads(text))
    match fields.raw("type"):
        case "hello":
            body = fields.raw("body")
            return Hello(
                id=fields.string("id"),
                timeout_ms=fields.number("timeout"),
                # Absent in SDKs from before mid-2020 (production-facts.md, section 2).
                version=fields.revision("version", default=2),
                cookie=fields.string_or_none("cookie"),
                body=None if body is None else _body(body),
            )
        case "welcome":
            return Welcome(fields.number("negotiatedTimeout"))
        case "busy":
            return Busy(
                fields.number("retryAfter"),
                fields.boolean("keepAlive", default=False),
                fields.string_or_none("cookie"),
            )
        case "bad":
            return Bad(fields.string_or_none("reason") or "")
        case "msg":
            return Msg(_body(fields.raw("body")))
        case "heartbeat":
            return Heartbeat()
        case "bye":
            return Bye()
    raise UnknownTypeError("unknown type of message")


def _body(value: object) -> Body:
    if not isinstance(value, dict):
        raise ProtocolError("body must be an object")
    return value


def _to_json(message: TcmpMessage) -> dict[str, object]:
    match message:
        case Hello():
            json_hello: dict[str, object] = {
                "id": message.id,
                "timeout": message.timeout_ms,
                "type": "hello",
                "version": message.version,
            }
            if message.cookie is not None:
                json_hello["cookie"] = message.cookie
            if message.body is not None:
                json_hello["body"] = message.body
            return json_hello
        case Welcome():
            return {"type": "welcome", "negotiatedTimeout": message.negotiated_timeout_ms}
        case Busy():
            json_busy: dict[str, object] = {
                "type": "busy",
                "keepAlive": message.keep_alive,
                "retryAfter": message.retry_after_ms,
            }
            if message.cookie is not None:
                json_busy["cookie"] = message.cookie
            return json_busy
        case Bad():
            return {"type": "bad", "reason": message.reason}
        case Msg():
            return {"body": message.body, "type": "msg"}
        case Heartbeat():
            return {"type": "heartbeat"}
        case Bye():
            return {"type": "bye"}


class CloseReason(Enum):
    """Why a connection is over, as twilio-video.js sorts it."""

    LOCAL = "local"
    """We closed it."""
    TIMEOUT = "timeout"
    """The other side was silent too long, or the network changed."""
    FAILED = "failed"
    """The protocol was broken."""
    BUSY = "busy"
    """The server is busy and wants no further attempt."""
    REMOTE = "remote"
    """The other side closed it, or the socket died."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The handshake is done."""

    heartbeat_seconds: float
    cookie: str | None = None
    """Server side: the one that the client brought."""


@dataclass(frozen=True, slots=True)
class BodyReceived:
    """An RSP message came."""

    body: Body


@dataclass(frozen=True, slots=True)
class BusyReceived:
    """Client side: the server is busy.

    With `keep_alive` this connection says hello again by itself. Without it this is the connection's last
    event: dial again after `retry_after_seconds`, with a new `TcmpClient` and the cookie.
    """

    retry_after_seconds: float
    keep_alive: bool
    cookie: str | None


@dataclass(frozen=True, slots=True)
class ByeReceived:
    """Server side: the client is leaving and will close."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Something came that changes nothing; for logs."""

    reason: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The connection is over; nothing follows."""

    reason: CloseReason
    code: int | None
    """The WebSocket close code, sent or received; None: the socket died without a word."""
    text: str
    is_received: bool = False
    """The other side closed it, or the network; not we."""


TcmpEvent = Opened | BodyReceived | BusyReceived | ByeReceived | Ignored | Closed
