"""What we need from the world, as interfaces.

`cli/wiring.py` fills them with the real things, tests with fakes.

Time is the event loop's (`loop.time()`, `asyncio.sleep`, `asyncio.timeout`); only tokens need the wall clock.
"""

import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from videocli.media.peer import MakePeer


class TransportClosed(Exception):
    """The transport is gone: closed by the other side with `code`, or dead without a word (None)."""

    def __init__(self, code: int | None, reason: str = "") -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"closed with {code} {reason}".rstrip())


class MessageTransport(Protocol):
    """Carries text messages in order, as a WebSocket does: it loses none in the middle; it slows, or dies."""

    async def send(self, text: str) -> None:
        """Send a message. Raises `TransportClosed`."""
        ...

    async def receive(self) -> str:
        """The next message. Raises `TransportClosed`."""
        ...

    def is_stale(self) -> bool:
        """Whether this machine's network has changed under the transport, which then is as good as dead."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Close, waiting a moment at most for the other side. Never raises; may be called twice."""
        ...


class DialError(Exception):
    """No transport could be opened. `answered`: somebody was there and refused.

    `remedy` is a sentence about what to do if it is the first try; "": nothing special.
    """

    def __init__(self, reason: str, answered: bool, remedy: str = "") -> None:
        self.reason = reason
        self.answered = answered
        self.remedy = remedy
        super().__init__(reason)


Dial = Callable[[str], Awaitable[MessageTransport]]
"""Opens a transport to a URL. Raises `DialError`; the caller sets the time limit."""


class Listener(Protocol):
    """An open server socket."""

    @property
    def url(self) -> str:
        """Where clients dial: `ws://host:port/signaling`."""
        ...


Listen = Callable[
    [str, int, Callable[[MessageTransport], Awaitable[None]]], AbstractAsyncContextManager[Listener]
]
"""Listens on host and port (0: any free one) and runs the function for each client.

Leaving the context stops listening, closes what is still open with 1001 and waits for the functions.
Raises `OSError` when the address cannot be used.
"""


@dataclass(frozen=True, slots=True)
class Outside:
    """The world."""

    dial: Dial
    listen: Listen
    make_peer: MakePeer
    utcnow: Callable[[], datetime]
    """The wall clock, aware, UTC."""
    random: random.Random
    """The only source of chance: jitter, ids, SIDs."""
