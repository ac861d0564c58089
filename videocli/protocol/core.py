"""What every protocol core looks like to the driver that runs it.

A core is pure: the driver hands it what came over the transport and what time it is, then sends what the core
wants sent, delivers the core's events and wakes it when it asks to be woken. A core never raises for what the
network did to it: it goes to its closed state and keeps the reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

EventT_co = TypeVar("EventT_co", covariant=True)


@dataclass(frozen=True, slots=True)
class CloseTransport:
    """An order to close the transport; nothing is sent after it."""

    code: int
    """WebSocket close code (RFC 6455 section 7.4)."""
    reason: str


Output = str | CloseTransport


class Core(Protocol[EventT_co]):
    """A connection's state machine. `now` is in seconds on any clock that never goes back."""

    def receive(self, text: str, now: float) -> None:
        """A text message came."""
        ...

    def receive_close(self, code: int | None, reason: str, now: float) -> None:
        """The transport is gone: the other side closed it with `code`, or it died without a word (None)."""
        ...

    def handle_timer(self, now: float) -> None:
        """The time of `timer()` has come."""
        ...

    def timer(self) -> float | None:
        """When to call `handle_timer`; None: no need."""
        ...

    def outputs(self) -> list[Output]:
        """What to send, in order; each is handed out once."""
        ...

    def events(self) -> Sequence[EventT_co]:
        """What happened, in order; each is handed out once."""
        ...
