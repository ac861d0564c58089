"""One connection of a session: its core, its driver, and how it ended."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from videocli.driver import Driver
from videocli.errors import TokenError, VideoError, error
from videocli.outside import MessageTransport
from videocli.protocol.tcmp import Closed, TcmpEvent
from videocli.protocol.tcmp_client import TcmpClient
from videocli.urls import shown

_REFUSED = 53000
_NO_ANSWER = 53002
_BUSY = 53006

_LONG_ENOUGH_SECONDS = 1.0
"""An attempt that waited so long for an answer got none."""

IS_BUSY = "the server is busy"


@dataclass(frozen=True, slots=True)
class Fate:
    """How a connection, or the attempt at one, ended."""

    words: str
    answered: bool
    is_cut_short: bool = False
    """The end of the session came too soon for an answer."""
    is_busy: bool = False
    """The server is busy for good."""
    retry_seconds: float | None = None
    """The server is busy: dial again after so long, with the cookie."""
    cookie: str | None = None
    no_token: TokenError | None = None
    """There was nothing valid to say on a connection, and why."""
    remedy: str = ""
    """What to do if it is the first one; "": what the code says."""

    def error(self, url: str) -> VideoError:
        """What it means for the first attempt, at this URL, or for any at a server that is busy for good."""
        if self.is_busy:
            return error(_BUSY)
        return self.no_token or signaling_failed(self.answered, f"{self.words} ({shown(url)})", self.remedy)


def unanswered(words: str, seconds: float) -> Fate:
    """The fate of an attempt that ran out of time after so many."""
    return Fate(words, answered=False, is_cut_short=seconds < _LONG_ENOUGH_SECONDS)


def signaling_failed(answered: bool, words: str, remedy: str = "") -> VideoError:
    """53000 or 53002 (our-rules.md, 1), explained by how the last attempt ended and what to do about it.

    `remedy` "": the code's.
    """
    general = error(_REFUSED if answered else _NO_ANSWER)
    if not words or general.code is None:
        return general
    return error(general.code, explanation=f"{words[0].upper()}{words[1:]}. {remedy or general.explanation}")


def in_words(closed: Closed) -> str:
    """How a connection was closed, for people."""
    if closed.code is None:
        return closed.text or "the connection died"
    return f"closed with {closed.code} {closed.text}".rstrip()


class Conversation:
    """One connection: its core, its driver, its fate, and the time limit for the answer that is due."""

    def __init__(
        self,
        core: TcmpClient,
        transport: MessageTransport,
        on_event: Callable[["Conversation", TcmpEvent], None],
    ) -> None:
        self.core = core
        self.transport = transport
        self.busy_until = -math.inf
        """A server that was busy is asked again then."""
        self.fate: asyncio.Future[Fate] = asyncio.get_running_loop().create_future()
        self._limit = asyncio.timeout(None)
        self._driver: Driver[TcmpEvent] = Driver(core, transport, lambda event: on_event(self, event))
        self.driving = asyncio.create_task(self._driver.run(), name="signaling connection")

    @property
    def is_over(self) -> bool:
        """Whether what still comes is too late."""
        return self.fate.done() or self._limit.expired()

    def limit(self, at: float | None) -> None:
        """The conversation is over at that time; None: no limit."""
        if not self.is_over:
            self._limit.reschedule(at)

    async def until_over(self, limit: float | None) -> None:
        """Wait for the end. Raises `TimeoutError` at the limit, and what the driver raises."""
        async with self._limit:
            self._limit.reschedule(limit)
            ends: set[asyncio.Future[Any]] = {self.fate, self.driving}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not self.fate.done():
            self.driving.result()

    def end(self, fate: Fate) -> None:
        """Say how it ended; the driver may take a moment longer to close the transport."""
        if not self.fate.done():
            self.fate.set_result(fate)

    def run_out(self, began_at: float) -> None:
        """Its time, counted from when it was dialed, is over; a busy server has answered all the same."""
        self.driving.cancel()
        now = asyncio.get_running_loop().time()
        if now - self.busy_until < _LONG_ENOUGH_SECONDS:
            self.end(Fate(IS_BUSY, answered=True))
        else:
            self.end(unanswered("no answer from the server", now - began_at))

    def wake(self) -> None:
        """Send what the core was told."""
        self._driver.wake()
