"""What one may ask of a session; it answers with events."""

from dataclasses import dataclass
from typing import Literal

from videocli.engine.events import FileFinished, FileStarted
from videocli.engine.reports import Priority
from videocli.errors import VideoError
from videocli.media.frames import Source
from videocli.protocol.subscribe_rules import SubscribeRule


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Leave the room gracefully."""


@dataclass(frozen=True, slots=True)
class PublishMedia:
    """Publish what a source makes."""

    source: Source
    name: str | None = None


@dataclass(frozen=True, slots=True)
class PublishData:
    """Publish a data track."""

    name: str
    ordered: bool = True
    max_retransmits: int | None = None
    max_packet_life_time: int | None = None
    """Milliseconds."""


@dataclass(frozen=True, slots=True)
class Unpublish:
    """Stop publishing a track."""

    track: str
    """SID, name, or kind."""


@dataclass(frozen=True, slots=True)
class SetEnabled:
    """Mute or unmute tracks of ours."""

    track: str
    """SID, name, or kind (then all of that kind)."""
    enabled: bool


@dataclass(frozen=True, slots=True)
class SetPriority:
    """Change the publish priority of a track of ours."""

    track: str
    """SID, name, or kind."""
    priority: Priority


@dataclass(frozen=True, slots=True)
class SendMessage:
    """Send on a data track of ours, published on the spot if there is none."""

    data: str | bytes
    track: str | None = None
    """SID or name; None: the first one."""


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Receive, or no longer receive, the tracks that a rule matches, whatever the rules before it say."""

    rule: SubscribeRule


@dataclass(frozen=True, slots=True)
class ReportStats:
    """Say a `Stats` event now."""


@dataclass(frozen=True, slots=True)
class Practise:
    """Lose a connection on purpose for some seconds, to see how the room comes back; nothing if it is not up.

    What is lost is lost for real: the other side sees it as a network that failed.
    """

    leg: Literal["signaling", "media"]


@dataclass(frozen=True, slots=True)
class Complain:
    """Say an `Error` event: what was asked for could not even be put as a command."""

    error: VideoError


@dataclass(frozen=True, slots=True)
class Announce:
    """Say what became of a file that the room is recorded into."""

    event: FileStarted | FileFinished


Command = (
    Disconnect
    | PublishMedia
    | PublishData
    | Unpublish
    | SetEnabled
    | SetPriority
    | SendMessage
    | Subscribe
    | ReportStats
    | Practise
    | Complain
    | Announce
)
