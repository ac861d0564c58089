"""What the person at the dashboard chose to see."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Literal

from videocli.dashboard.safe_text import clean
from videocli.engine.room.snapshot import ParticipantSnapshot, Snapshot

Sort = Literal["joined", "name", "bitrate"]
SORTS: tuple[Sort, ...] = ("joined", "name", "bitrate")


@dataclass(frozen=True, slots=True)
class View:
    """Everything about the picture that is not the room."""

    timezone: tzinfo | None = None
    """In which times are shown; None: this machine's."""
    chosen: str | None = None
    """SID of the participant that stays in sight."""
    sort: Sort = "joined"
    is_help_open: bool = False
    notice: str = ""
    """What the last key did or could not do; gone with the next key."""


def listed(snapshot: Snapshot, sort: Sort) -> tuple[ParticipantSnapshot, ...]:
    """Everybody in the order shown: we first, then the others."""
    others = sorted(snapshot.participants, key=_ORDERS[sort])
    return (*((snapshot.local,) if snapshot.local is not None else ()), *others)


def bitrate(participant: ParticipantSnapshot) -> float:
    """All its tracks together, in bits a second."""
    return sum(track.bitrate or 0.0 for track in participant.tracks)


_ORDERS: dict[Sort, Callable[[ParticipantSnapshot], Any]] = {
    "joined": lambda participant: 0,
    "name": lambda participant: clean(participant.participant.identity).casefold(),
    "bitrate": lambda participant: -bitrate(participant),
}
