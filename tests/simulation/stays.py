"""What a play knows of each participant's stay, and of each life of the server."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.house import Guest
from tests.simulation.invariants import EventModel, ServerModel
from tests.simulation.network import Link
from tests.simulation.script import Host
from videocli.errors import VideoError
from videocli.media.frames import TrackKind


@dataclass(slots=True)
class Track:
    """A track that a stay has asked to be published."""

    name: str
    kind: TrackKind
    enabled: bool = True
    sent: int = 0
    """Data: messages so far."""


@dataclass(eq=False)
class Stay:
    """One participant's time in the room, from joining to the end, and all we know of it."""

    name: str
    host: Host
    joined_at: float
    guest: Guest = field(init=False)
    model: EventModel = field(init=False)
    token_expires_at: float = float("inf")
    left_at: float | None = None
    """When it was told to leave."""
    ended_at: float | None = None
    reason: VideoError | None = None
    lines: list[str] = field(default_factory=list)
    """Its events, for people."""
    reconnecting: list[tuple[float, int]] = field(default_factory=list)
    """When, and with which code."""
    is_media_dead: bool = False
    has_signaling: bool = True
    signaling_changed_at: float = 0.0
    states: list[tuple[float, str]] = field(default_factory=list)
    """The events that changed the room's state, and when."""
    tracks: dict[str, Track] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    sessions: list[tuple[float, Link]] = field(default_factory=list)
    """When the server said `connected` or `synced`, and on which connection."""
    sid: str | None = None
    """Its participant SID, even if it never heard of it."""
    epoch: int | None = None
    """The server that let it in."""
    arrived: dict[str, list[int]] = field(default_factory=dict)
    """Numbers of the messages that came to it, by the name of their track."""
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    check_due: bool = False
    batches: int = 0
    numbers: int = 0

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or is about to."""
        return self.left_at is not None or self.ended_at is not None or self.model.state == "disconnected"


@dataclass(eq=False)
class Epoch:
    """One life of the server."""

    number: int
    model: ServerModel
    began_at: float
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    ended_at: float | None = None
    ending: str = ""
    """`crash` or `shutdown`."""
