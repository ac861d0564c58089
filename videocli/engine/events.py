"""What happened in the room, by the names of twilio-video.js (lib/room.js).

The name of an event is its class's, with a small first letter: `TrackSubscribed` is `trackSubscribed`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from videocli.engine.reports import ParticipantStateName, Priority
from videocli.errors import VideoError
from videocli.media.frames import TrackKind
from videocli.media.peer import ConnectionStats, TrackStats
from videocli.media.stats import ConnectionRates, TrackRates

RoomState = Literal["connecting", "connected", "reconnecting", "disconnected"]


@dataclass(frozen=True, slots=True)
class Room:
    """The room as it was when the event happened."""

    sid: str | None
    """None: not connected yet."""
    name: str
    state: RoomState


@dataclass(frozen=True, slots=True)
class Participant:
    """A participant as it was when the event happened."""

    sid: str
    identity: str
    state: ParticipantStateName


@dataclass(frozen=True, slots=True)
class Track:
    """A track, local or remote, as it was when the event happened."""

    sid: str | None
    """None: the server has not confirmed it yet."""
    name: str
    kind: TrackKind
    enabled: bool
    priority: Priority


@dataclass(frozen=True, slots=True)
class PresentParticipant(Participant):
    """A participant whom we see for the first time, with all that it publishes by then."""

    tracks: tuple[Track, ...] = ()


@dataclass(frozen=True, slots=True)
class NamedStats:
    """Counters of one track."""

    participant: Participant
    track: Track
    direction: Literal["sent", "received"]
    counters: TrackStats
    rates: TrackRates | None = None
    """Of the latest interval that was measured; None: none was."""


@dataclass(frozen=True, slots=True)
class NamedConnectionStats:
    """Counters of one peer connection."""

    id: str
    """As signaling names it."""
    counters: ConnectionStats
    rates: ConnectionRates | None = None
    """As of a track."""


@dataclass(frozen=True, slots=True)
class Connected:
    """We are in the room."""

    local_participant: Participant
    participants: tuple[PresentParticipant, ...]
    region: str | None


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """Signaling (53001) or media (53405) is lost."""

    error: VideoError


@dataclass(frozen=True, slots=True)
class Reconnected:
    """All is well again."""

    downtime: float
    """Seconds since `Reconnecting`."""
    attempts: int = 0
    """Attempts to resume the session and to restart ICE."""
    media_gap: float = 0.0
    """Seconds without any media."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The end; nothing follows. If it ends an outage: how long that took, as in `Reconnected`."""

    error: VideoError | None
    downtime: float | None = None
    attempts: int | None = None
    media_gap: float | None = None


@dataclass(frozen=True, slots=True)
class ParticipantEvent:
    """Something happened to a remote participant."""

    participant: Participant


class ParticipantConnected(ParticipantEvent):
    """Joined."""

    __slots__ = ()


class ParticipantReconnecting(ParticipantEvent):
    """Lost its signaling or its media."""

    __slots__ = ()


class ParticipantReconnected(ParticipantEvent):
    """Is back."""

    __slots__ = ()


class ParticipantDisconnected(ParticipantEvent):
    """Left, or was lost for good."""

    __slots__ = ()


class LocalParticipantReconnecting(ParticipantEvent):
    """We lost our signaling."""

    __slots__ = ()


class LocalParticipantReconnected(ParticipantEvent):
    """Our signaling is back."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class TrackEvent:
    """Something happened to a remote track."""

    participant: Participant
    track: Track


class TrackPublished(TrackEvent):
    """Published after we came."""

    __slots__ = ()


class TrackUnpublished(TrackEvent):
    """No longer published."""

    __slots__ = ()


class TrackSubscribed(TrackEvent):
    """Its media, or its data channel, is ours to use."""

    __slots__ = ()


class TrackUnsubscribed(TrackEvent):
    """No longer so."""

    __slots__ = ()


class TrackStarted(TrackEvent):
    """The first media came."""

    __slots__ = ()


class TrackEnabled(TrackEvent):
    """Unmuted by its publisher."""

    __slots__ = ()


class TrackDisabled(TrackEvent):
    """Muted by its publisher."""

    __slots__ = ()


class TrackSwitchedOff(TrackEvent):
    """The server stopped sending it to us."""

    __slots__ = ()


class TrackSwitchedOn(TrackEvent):
    """The server sends it again."""

    __slots__ = ()


class TrackPublishPriorityChanged(TrackEvent):
    """Its publisher changed its priority."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class TrackSubscriptionFailed:
    """The server cannot deliver it."""

    participant: Participant
    track: Track
    error: VideoError


@dataclass(frozen=True, slots=True)
class TrackDimensionsChanged:
    """The picture's size, in pixels."""

    participant: Participant
    track: Track
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class TrackMessage:
    """A message on a data track."""

    participant: Participant
    track: Track
    data: str | bytes


@dataclass(frozen=True, slots=True)
class LocalTrackPublished:
    """The server confirmed a track of ours."""

    track: Track


@dataclass(frozen=True, slots=True)
class LocalTrackPublicationFailed:
    """The server refused a track of ours."""

    track: Track
    error: VideoError


@dataclass(frozen=True, slots=True)
class LocalTrackUnpublished:
    """A track of ours is no longer published: its source ended or failed, or we were asked to."""

    track: Track
    error: VideoError | None = None
    """Why the source failed."""


@dataclass(frozen=True, slots=True)
class DominantSpeakerChanged:
    """Who speaks loudest now."""

    participant: Participant | None


@dataclass(frozen=True, slots=True)
class NetworkQualityLevelChanged:
    """The server's verdict on a participant's network, 0 (broken) to 5."""

    participant: Participant
    level: int


@dataclass(frozen=True, slots=True)
class RecordingStarted:
    """The room is being recorded."""


@dataclass(frozen=True, slots=True)
class RecordingStopped:
    """It no longer is."""


@dataclass(frozen=True, slots=True)
class Stats:
    """Counters of every track we send or receive, and of every peer connection."""

    tracks: tuple[NamedStats, ...]
    connections: tuple[NamedConnectionStats, ...] = ()


@dataclass(frozen=True, slots=True)
class FileStarted:
    """We record a participant into a file."""

    participant: Participant
    path: str


@dataclass(frozen=True, slots=True)
class FileFinished:
    """Nothing more is recorded into a file."""

    participant: Participant
    path: str
    duration: float
    """Seconds."""
    reason: str
    """In words, for people."""


@dataclass(frozen=True, slots=True)
class Error:
    """A command or a source failed; the room goes on."""

    error: VideoError


Event = (
    Connected
    | Reconnecting
    | Reconnected
    | Disconnected
    | ParticipantEvent
    | TrackEvent
    | TrackSubscriptionFailed
    | TrackDimensionsChanged
    | TrackMessage
    | LocalTrackPublished
    | LocalTrackPublicationFailed
    | LocalTrackUnpublished
    | DominantSpeakerChanged
    | NetworkQualityLevelChanged
    | RecordingStarted
    | RecordingStopped
    | Stats
    | FileStarted
    | FileFinished
    | Error
)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An event, when it happened and how the room stood just after."""

    time: datetime
    """UTC."""
    room: Room
    event: Event
