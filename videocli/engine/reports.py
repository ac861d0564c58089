"""What signaling and media say.

No report repeats what an earlier one has said: stale revisions are dropped below, by whoever reads the wire.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from videocli.errors import VideoError
from videocli.media.frames import TrackKind
from videocli.media.peer import IceCandidate, IceServer, Silence

Priority = Literal["low", "standard", "high"]
ParticipantStateName = Literal["connected", "reconnecting", "disconnected"]
DescriptionType = Literal["offer", "answer", "create-offer", "close"]


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """A remote track as its publisher describes it."""

    sid: str
    name: str
    kind: TrackKind
    enabled: bool = True
    priority: Priority = "standard"


@dataclass(frozen=True, slots=True)
class ParticipantInfo:
    """A remote participant, whole."""

    sid: str
    identity: str
    state: ParticipantStateName
    tracks: tuple[TrackInfo, ...] = ()


@dataclass(frozen=True, slots=True)
class LocalTrackInfo:
    """A track that we want published."""

    id: str
    """Media: the msid's second word; data: the channel's label."""
    name: str
    kind: TrackKind
    enabled: bool = True
    priority: Priority = "standard"


@dataclass(frozen=True, slots=True)
class IceServersGiven:
    """The ICE servers to use; the session answers with `SignalingBackend.connect`."""

    servers: tuple[IceServer, ...]


@dataclass(frozen=True, slots=True)
class IceServersRenewed:
    """The ICE servers to use from the next ICE restart on."""

    servers: tuple[IceServer, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """The server let us in. Its answer to our offer follows as `DescriptionReceived`."""

    room_sid: str
    room_name: str
    participant_sid: str
    identity: str
    participants: tuple[ParticipantInfo, ...]
    session_timeout: float
    """Seconds that a lost session may take to resume."""
    media_region: str | None = None
    signaling_region: str | None = None
    is_recording: bool = False
    takes_rules: bool = False
    """The server sends what the rules say; False: all, or nothing if the rules include nothing."""


@dataclass(frozen=True, slots=True)
class ParticipantsChanged:
    """News of some participants; the others are as before."""

    participants: tuple[ParticipantInfo, ...]


@dataclass(frozen=True, slots=True)
class PublicationReady:
    """One of our tracks is published."""

    track_id: str
    track_sid: str


@dataclass(frozen=True, slots=True)
class PublicationFailed:
    """One of our tracks is refused."""

    track_id: str
    error: VideoError


@dataclass(frozen=True, slots=True)
class SubscriptionsChanged:
    """All remote tracks we are subscribed to: track SID → msid's second word, or data channel's label."""

    media_ids: dict[str, str]
    unwanted: frozenset[str] = frozenset()
    """Media ids of what the server sends and we do not want."""


@dataclass(frozen=True, slots=True)
class SubscriptionFailed:
    """A remote track cannot be delivered to us."""

    track_sid: str
    error: VideoError


@dataclass(frozen=True, slots=True)
class DescriptionReceived:
    """A session description for a peer connection; an unknown id asks for a new one."""

    peer_id: str
    type: DescriptionType
    revision: int
    sdp: str | None = None


@dataclass(frozen=True, slots=True)
class CandidatesReceived:
    """The server's candidates that are new under this ufrag."""

    peer_id: str
    ufrag: str
    candidates: tuple[IceCandidate, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class RecordingChanged:
    """The room's recording started or stopped."""

    is_recording: bool


@dataclass(frozen=True, slots=True)
class NetworkQualityGranted:
    """The server judges networks, and says so on a data channel that it opens."""

    label: str


@dataclass(frozen=True, slots=True)
class SignalingLost:
    """The connection is gone; the backend is already trying to resume the session."""

    cause: str
    """In words, for people."""


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """An attempt to resume begins; the first of an outage is 1."""

    number: int


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """It failed."""

    number: int
    fate: str
    """In words, for people."""
    answered: bool
    """Somebody was there and refused, rather than nobody answering."""


@dataclass(frozen=True, slots=True)
class Resynced:
    """The session is resumed."""

    participants: tuple[ParticipantInfo, ...]
    """All of them; who is missing has left."""
    peer_ids: frozenset[str]
    """All peer connections that the server knows; ours that are missing are dead."""


@dataclass(frozen=True, slots=True)
class SignalingEnded:
    """The last report: we left or were sent away without an error (None), or the error that ended it."""

    error: VideoError | None


SignalingReport = (
    IceServersGiven
    | IceServersRenewed
    | Joined
    | ParticipantsChanged
    | PublicationReady
    | PublicationFailed
    | SubscriptionsChanged
    | SubscriptionFailed
    | DescriptionReceived
    | CandidatesReceived
    | RecordingChanged
    | NetworkQualityGranted
    | SignalingLost
    | AttemptStarted
    | AttemptFailed
    | Resynced
    | SignalingEnded
)


@dataclass(frozen=True, slots=True)
class MediaConnected:
    """The media path is up (again)."""


@dataclass(frozen=True, slots=True)
class MediaFailed:
    """The media path does not answer, or never came up."""

    silent_since: float | None = None
    """Since when nothing came that should have, on the loop's clock; None: not known."""


@dataclass(frozen=True, slots=True)
class MediaVerified:
    """The media path has answered since the session was resumed, or there is none that could."""

    silence: Silence | None = None
    """The latest time that nothing came over it, on the loop's clock."""


@dataclass(frozen=True, slots=True)
class IceRestarting:
    """An ICE restart begins."""


@dataclass(frozen=True, slots=True)
class DtlsHandshakeFailed:
    """The media path came up but its encryption did not."""


@dataclass(frozen=True, slots=True)
class MediaArrived:
    """Media, or an open data channel, is there under this id; the track it belongs to may be known later."""

    media_id: str


@dataclass(frozen=True, slots=True)
class MediaStarted:
    """The first media came."""

    media_id: str


@dataclass(frozen=True, slots=True)
class MediaResized:
    """The picture's size, in pixels."""

    media_id: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class MediaLeft:
    """Nothing comes under this id any more."""

    media_id: str


@dataclass(frozen=True, slots=True)
class LoudnessMeasured:
    """How loud everybody is whose sound says so."""

    levels: Mapping[str, float]
    """By participant SID, ours too: 0 to 1 of the greatest."""


@dataclass(frozen=True, slots=True)
class NetworkJudged:
    """The server's verdict on networks: 0 (broken) to 5. Who is missing is as before."""

    local: int | None
    """Ours; None: it does not say."""
    remotes: Mapping[str, int]
    """By participant SID."""


@dataclass(frozen=True, slots=True)
class NetworkUnjudged:
    """The server judges networks no more, and what it said no longer counts."""


@dataclass(frozen=True, slots=True)
class MessageArrived:
    """A message on the data channel of this label."""

    label: str
    data: str | bytes


MediaReport = (
    MediaConnected
    | MediaFailed
    | MediaVerified
    | IceRestarting
    | DtlsHandshakeFailed
    | MediaArrived
    | MediaStarted
    | MediaResized
    | MediaLeft
    | LoudnessMeasured
    | NetworkJudged
    | NetworkUnjudged
    | MessageArrived
)
