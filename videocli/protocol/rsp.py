"""RSP v2, the Room Signaling Protocol: the messages.

A message is the `body` of a TCMP `msg` or `hello`. Each piece of state is sent whole with a revision.
Names are those of twilio-video.js (lib/signaling/v2/twilioconnectiontransport.js and neighbours); how they
stand on the wire is the business of `rsp_codec`.
"""

from dataclasses import dataclass
from typing import Literal

from videocli.protocol.subscribe_rules import SubscribeRules

TrackKind = Literal["audio", "video", "data"]
Priority = Literal["low", "standard", "high"]
ParticipantState = Literal["connected", "reconnecting", "disconnected"]
DescriptionType = Literal["offer", "answer", "pranswer", "create-offer", "close"]


@dataclass(frozen=True, slots=True)
class LocalTrack:
    """A track that the client wants published now."""

    id: str
    """Media: the second word of `a=msid`; data: the channel's label."""
    kind: TrackKind
    name: str
    enabled: bool = True
    priority: Priority = "standard"


@dataclass(frozen=True, slots=True)
class LocalParticipant:
    """The client's own state; a track that is missing is unpublished."""

    revision: int
    tracks: tuple[LocalTrack, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An ICE candidate."""

    candidate: str
    sdp_mid: str | None = None
    sdp_mline_index: int | None = None


@dataclass(frozen=True, slots=True)
class Ice:
    """All candidates gathered so far for one ufrag; `complete`: there will be no more."""

    ufrag: str
    revision: int
    candidates: tuple[Candidate, ...] = ()
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Description:
    """A session description and the revision it belongs to; `create-offer` and `close` carry no SDP."""

    type: DescriptionType
    revision: int
    sdp: str | None = None


@dataclass(frozen=True, slots=True)
class PeerConnectionState:
    """News of one peer connection."""

    id: str
    description: Description | None = None
    ice: Ice | None = None


@dataclass(frozen=True, slots=True)
class WireError:
    """An error as it stands in a message."""

    code: int
    message: str


@dataclass(frozen=True, slots=True)
class RemoteTrack:
    """A track that somebody else publishes."""

    sid: str
    kind: TrackKind
    name: str
    enabled: bool = True
    priority: Priority = "standard"


@dataclass(frozen=True, slots=True)
class RemoteParticipant:
    """Somebody else's state."""

    sid: str
    identity: str
    state: ParticipantState
    revision: int
    tracks: tuple[RemoteTrack, ...] = ()


@dataclass(frozen=True, slots=True)
class PublishedTrack:
    """What the server made of one of the client's tracks: `created`, then `ready` with a SID, or `failed`."""

    id: str
    state: str
    sid: str | None = None
    error: WireError | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """The state of the client's own tracks."""

    revision: int
    tracks: tuple[PublishedTrack, ...] = ()


@dataclass(frozen=True, slots=True)
class SubscribedTrack:
    """Where a remote track's media comes: `id` is an msid's second word or a channel's label; or why not."""

    sid: str
    id: str | None = None
    error: WireError | None = None


@dataclass(frozen=True, slots=True)
class Subscribed:
    """All remote tracks that the client is subscribed to."""

    revision: int
    tracks: tuple[SubscribedTrack, ...] = ()


@dataclass(frozen=True, slots=True)
class Recording:
    """Whether the room is being recorded."""

    enabled: bool
    is_recording: bool
    revision: int


@dataclass(frozen=True, slots=True)
class Options:
    """What the server settles at `connected`."""

    session_timeout: float
    """Seconds a lost client may take to resume."""
    media_region: str | None = None
    signaling_region: str | None = None
    subscribe_rules: bool = False
    """The server decides by the client's `subscribe_rules`, an extension of ours."""


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server; on the wire `urls` is a string or a list."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None


@dataclass(frozen=True, slots=True)
class IceRequest:
    """Client: `ice`, which ICE servers shall I use?"""

    token: str
    edge: str | None = "roaming"
    preflight: bool = False


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who is speaking: the client's name and version."""

    name: str
    sdk_version: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Connect:
    """Client: `connect`, let me in."""

    name: str | None
    token: str
    participant: LocalParticipant
    peer_connections: tuple[PeerConnectionState, ...]
    publisher: Publisher | None = None
    ice_servers: Literal["acquire", "overrode"] = "acquire"
    subscribe_all: bool = True
    """The rule `include all` (or `exclude all`)."""
    media_signaling: tuple[str, ...] = ()
    """Names of the channels the client can use."""
    subscribe_rules: SubscribeRules | None = None
    """None: `subscribe_all` says it all."""


@dataclass(frozen=True, slots=True)
class ClientUpdate:
    """Client: `update`; the participant is always whole, each peer connection only its news."""

    session: str
    participant: LocalParticipant
    peer_connections: tuple[PeerConnectionState, ...] = ()
    subscribe_rules: SubscribeRules | None = None
    """Always whole, once there are any."""


@dataclass(frozen=True, slots=True)
class Sync:
    """Client: `sync`, the first word on a new connection after a drop."""

    name: str | None
    token: str
    session: str
    participant: LocalParticipant
    peer_connections: tuple[PeerConnectionState, ...] = ()
    subscribe_rules: SubscribeRules | None = None


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Client: `disconnect`; no session if it never got one."""

    session: str | None


ClientMessage = IceRequest | Connect | ClientUpdate | Sync | Disconnect


@dataclass(frozen=True, slots=True)
class Iced:
    """Server: `iced`, the ICE servers."""

    ice_servers: tuple[IceServer, ...] = ()


@dataclass(frozen=True, slots=True)
class RoomState:
    """What `connected`, `synced` and `update` have in common; None: nothing said about it."""

    participants: tuple[RemoteParticipant, ...] | None = None
    published: Published | None = None
    subscribed: Subscribed | None = None
    peer_connections: tuple[PeerConnectionState, ...] | None = None
    recording: Recording | None = None
    media_signaling: tuple[tuple[str, str], ...] = ()
    """Channel name and the label of its data channel, for each channel granted."""


@dataclass(frozen=True, slots=True)
class Connected:
    """Server: `connected`, you are in."""

    sid: str
    name: str
    session: str
    options: Options
    participant_sid: str
    participant_identity: str
    state: RoomState


@dataclass(frozen=True, slots=True)
class Synced:
    """Server: `synced`; whoever is missing from the participants has left."""

    state: RoomState
    participant_sid: str | None = None
    participant_identity: str | None = None


@dataclass(frozen=True, slots=True)
class ServerUpdate:
    """Server: `update`, what has changed; whoever is missing is as before."""

    state: RoomState


@dataclass(frozen=True, slots=True)
class RecordingWarning:
    """Server: `warning`, whether the client's tracks reach the recorder (True: no media comes)."""

    revision: int
    no_media: tuple[tuple[str, bool], ...]
    """Own track SID, and whether its media is missing."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """Server: `disconnected`, your session is over."""

    status: str | None = None


@dataclass(frozen=True, slots=True)
class ServerError:
    """Server: `error`; always the end."""

    code: int
    message: str


ServerMessage = Iced | Connected | Synced | ServerUpdate | RecordingWarning | Disconnected | ServerError
