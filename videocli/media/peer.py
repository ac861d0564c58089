"""PeerConnection: one participant's media path (ICE, DTLS, SRTP, SCTP), as both ends see it.

Offers are *uncommitted*: `create_offer` describes what this side wants and changes nothing; `accept_answer`
applies offer and answer together. So an offer that lost against the other side's (glare) is simply dropped,
as twilio-video.js does with Chromium (lib/signaling/v2/peerconnection.js), and a failed one leaves nothing
behind.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from videocli.media.counters import TrackStats as TrackStats
from videocli.media.frames import AudioLevel, Codec, EncodedFrame, MediaKind
from videocli.media.silence import Silence as Silence

MidStyle = Literal["numbers", "kinds"]


class IceState(StrEnum):
    """State of the media path, by the names of RTCIceConnectionState (W3C WebRTC 1.0, section 5.6.4)."""

    NEW = "new"
    CHECKING = "checking"
    CONNECTED = "connected"
    """ICE and DTLS are up: media passes."""
    FAILED = "failed"
    """The path does not answer (consent, RFC 7675), or never came up. It may come back, or be restarted."""
    CLOSED = "closed"


class NotSent(StrEnum):
    """Why a data channel did not take a message."""

    FULL = "full"
    """As much waits already as may (`media/messages.py`): the other side takes too little."""
    TOO_LARGE = "too large"
    """The other side takes no message of that size (`a=max-message-size`, RFC 8841 section 6)."""
    CLOSED = "closed"
    """The channel is closing or closed."""


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None


@dataclass(frozen=True, slots=True)
class IceCandidate:
    """One candidate as signaling carries it."""

    candidate: str
    """`candidate:…`, the SDP attribute (RFC 8839 section 5.1)."""
    mid: str | None = None
    mline_index: int | None = None


@dataclass(frozen=True, slots=True)
class PeerConfig:
    """How to make a peer connection."""

    ice_servers: tuple[IceServer, ...] = ()
    addresses: tuple[str, ...] | None = None
    """Local addresses to gather from, and no others; None: every address but loopback."""
    with_loopback: bool = False
    """Gather 127.0.0.1 too, beside what `addresses` says."""
    mid_style: MidStyle = "numbers"
    """How new sections of ours look.

    "numbers": as a browser's, mids 0, 1, …, sendrecv or recvonly. "kinds": as the media server's, mids
    audio0, video0, application0, sendonly or inactive (production-facts.md, section 1).
    """


@dataclass(frozen=True, slots=True)
class MediaPacket:
    """One RTP packet's payload on its way through, RTX already unwrapped (RFC 4588)."""

    codec: Codec
    ssrc: int
    sequence_number: int
    """16 bits."""
    timestamp: int
    """32 bits."""
    marker: bool
    payload: bytes
    starts_keyframe: bool
    captured_at: float | None = None
    """As in `EncodedFrame`."""
    audio_level: AudioLevel | None = None
    """What the sender says of an audio packet's loudness (RFC 6464)."""


DtlsState = Literal["new", "connecting", "connected", "closed", "failed"]


@dataclass(frozen=True, slots=True)
class PathEnd:
    """One end of a media path: a candidate of RFC 8445."""

    type: str
    """`host`, `srflx`, `prflx` or `relay`."""
    address: str
    port: int
    protocol: str
    """`udp`; of a relay candidate, too: it says how packets leave the relay."""


@dataclass(frozen=True, slots=True)
class ConnectionStats:
    """Counters of one peer connection, since it began. None: not known."""

    ice_state: IceState
    dtls_state: DtlsState
    local: PathEnd | None = None
    """With `remote`, the candidate pair in use."""
    remote: PathEnd | None = None
    round_trip_time: float | None = None
    """Seconds, of the latest consent check (RFC 7675)."""
    bytes_sent: int = 0
    """Of the datagrams of media and data, without those of ICE itself; so for the other three."""
    bytes_received: int = 0
    packets_sent: int = 0
    packets_received: int = 0
    available_outgoing_bitrate: float | None = None
    """Bits a second that the other side's latest REMB allows (draft-alvestrand-rmcat-remb-03)."""
    ice_restarts: int = 0
    """Restarts that both sides agreed to, whoever asked."""
    media_stalls: int = 0
    """Times that the other side heard no more of what we send, though the path answered."""


class Receiver(Protocol):
    """One remote media track: lives from `RemoteTrackStarted` to `RemoteTrackEnded`."""

    on_frame: Callable[[EncodedFrame], None] | None
    """Called for each whole frame, in order; frames are put together only while it is set."""
    on_packet: Callable[[MediaPacket], None] | None
    """Called for each packet as it comes, lost ones repaired late and so out of order."""

    @property
    def kind(self) -> MediaKind: ...
    @property
    def mid(self) -> str: ...
    @property
    def track_id(self) -> str:
        """The second word of the section's `a=msid` (RFC 8830)."""
        ...

    def request_keyframe(self) -> None:
        """Ask the sender for a keyframe (PLI, RFC 4585), at most once in 0.3 s."""
        ...

    def stats(self) -> TrackStats: ...


class Sender(Protocol):
    """One local media track. Feed it either whole frames or packets of a `Receiver`, not both."""

    on_keyframe_request: Callable[[], None] | None
    """Called on PLI or FIR, and once when sending becomes possible."""

    @property
    def kind(self) -> MediaKind: ...
    @property
    def track_id(self) -> str: ...
    @property
    def codec(self) -> Codec | None:
        """The negotiated codec that both sides like best; None until an answer accepted this track."""
        ...

    @property
    def codecs(self) -> tuple[Codec, ...]:
        """All codecs that were negotiated, the best first."""
        ...

    def send_frame(self, frame: EncodedFrame) -> None:
        """Send a frame of a negotiated codec; video begins with a keyframe. Dropped while nothing flows."""
        ...

    def forward(self, packet: MediaPacket) -> None:
        """Send a packet under this sender's SSRC, sequence numbers and timestamps.

        A change of `packet.ssrc` is a change of source: video then waits for a keyframe.
        """
        ...

    def stats(self) -> TrackStats: ...


class DataChannel(Protocol):
    """An SCTP data channel (RFC 8831), opened in-band (RFC 8832)."""

    @property
    def label(self) -> str: ...
    @property
    def is_open(self) -> bool: ...
    @property
    def ordered(self) -> bool: ...
    @property
    def max_retransmits(self) -> int | None: ...
    @property
    def max_packet_life_time(self) -> int | None:
        """Milliseconds."""
        ...

    @property
    def unsent_bytes(self) -> int:
        """What is queued and was never sent."""
        ...

    def send(self, data: str | bytes) -> NotSent | None:
        """Queue a message, in order; None: it is queued. What is not queued leaves nothing behind."""
        ...

    def close(self) -> None: ...


def is_reliable(channel: DataChannel) -> bool:
    """Whether no message may be lost (RFC 8831 section 6.1)."""
    return channel.max_retransmits is None and channel.max_packet_life_time is None


@dataclass(frozen=True, slots=True)
class LocalCandidates:
    """All candidates gathered so far under `ufrag`; the list only grows."""

    ufrag: str
    candidates: tuple[IceCandidate, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class IceStateChanged:
    """The media path changed its state."""

    state: IceState
    silent_since: float | None = None
    """Since when nothing comes that should, on the loop's clock; None: not known."""


@dataclass(frozen=True, slots=True)
class PathFound:
    """ICE has found the first path, and the DTLS handshake begins over it. Told once."""


@dataclass(frozen=True, slots=True)
class PathVerified:
    """The other side has answered since `verify_path` was called."""

    silence: Silence | None = None
    """The latest time that nothing came over the path; None: there was none worth telling."""


@dataclass(frozen=True, slots=True)
class DtlsConnected:
    """The DTLS handshake is done: media may flow."""


@dataclass(frozen=True, slots=True)
class DtlsFailed:
    """The DTLS handshake failed: wrong fingerprint or a broken peer. Nothing to restart."""


@dataclass(frozen=True, slots=True)
class RemoteTrackStarted:
    """A section of the remote description began to send."""

    receiver: Receiver


@dataclass(frozen=True, slots=True)
class RemoteTrackEnded:
    """That section stopped sending, was recycled or got another msid."""

    receiver: Receiver


@dataclass(frozen=True, slots=True)
class MediaFlowing:
    """The first packet of a receiver has come; for video, the first keyframe began."""

    receiver: Receiver


@dataclass(frozen=True, slots=True)
class DimensionsChanged:
    """A keyframe announced another picture size (pixels)."""

    receiver: Receiver
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class DataChannelOpened:
    """A channel of either side is open."""

    channel: DataChannel
    is_local: bool
    """True: we opened it."""


@dataclass(frozen=True, slots=True)
class DataMessage:
    """A message came."""

    channel: DataChannel
    data: str | bytes


@dataclass(frozen=True, slots=True)
class DataChannelClosed:
    """A channel of either side is closed."""

    channel: DataChannel


PeerEvent = (
    LocalCandidates
    | IceStateChanged
    | PathFound
    | PathVerified
    | DtlsConnected
    | DtlsFailed
    | RemoteTrackStarted
    | RemoteTrackEnded
    | MediaFlowing
    | DimensionsChanged
    | DataChannelOpened
    | DataMessage
    | DataChannelClosed
)


class PeerConnection(Protocol):
    """One participant's media path.

    Every method is called on the loop's thread, negotiations one at a time.
    """

    @property
    def ice_state(self) -> IceState: ...

    @property
    def needs_negotiation(self) -> bool:
        """Whether there is something the other side has not agreed to.

        A sender, a removal, a data section or a restart.
        """
        ...

    async def create_offer(self) -> str:
        """The SDP of an offer of all that is wanted now; uncommitted.

        The very first one, with nothing to send, has recvonly audio and video sections. Raises `MediaError`
        53400 where no socket can be opened; then the connection is as before.
        """
        ...

    async def accept_answer(self, sdp: str) -> None:
        """Apply the last offer and its answer.

        Raises `MediaError` 53402; then the connection is as before.
        """
        ...

    async def accept_offer(self, sdp: str) -> str:
        """Apply the other side's offer, forgetting an uncommitted one of ours; the SDP of our answer.

        Raises `MediaError` 53402, also where no socket can be opened; then the connection is as before.
        """
        ...

    async def add_candidates(self, ufrag: str, candidates: Sequence[IceCandidate], complete: bool) -> None:
        """Add the other side's candidates; bad ones are left out.

        Those of a ufrag that no description has brought yet wait for it.
        """
        ...

    def restart_ice(self, ice_servers: Sequence[IceServer] | None = None) -> None:
        """Make the next offer an ICE restart (RFC 8445 section 9), with new servers if given.

        DTLS goes on.
        """
        ...

    def verify_path(self) -> None:
        """Ask the other side for consent at once (RFC 7675); `PathVerified` comes with its answer.

        Only an answer to a request made from now on counts, over whichever path is in use by then, and not
        before DTLS is up. A path that does not answer becomes `FAILED`.
        """
        ...

    def drop_path(self, seconds: float) -> None:
        """Lose the path in use on purpose, and for good: nothing comes or goes until ICE is restarted.

        What restarts agree on before `seconds` have passed is lost as well.
        """
        ...

    def add_sender(self, kind: MediaKind, track_id: str) -> Sender:
        """A track to send; negotiate afterwards. Never put on a section that the other side offered."""
        ...

    def remove_sender(self, sender: Sender) -> None:
        """Stop sending; negotiate afterwards."""
        ...

    def refuse(self, track_ids: Collection[str]) -> None:
        """Receive nothing under these ids of the other side's `a=msid`, and what it sends else.

        A section that would bring one is answered, and offered, without receiving; what comes already ends
        with the next negotiation.
        """
        ...

    def open_data_channel(
        self,
        label: str,
        ordered: bool = True,
        max_retransmits: int | None = None,
        max_packet_life_time: int | None = None,
    ) -> DataChannel:
        """Open a channel as soon as SCTP is up; the first one needs a negotiation.

        `max_packet_life_time` is in milliseconds. On a closed connection the channel is closed as well.
        """
        ...

    def stats(self) -> ConnectionStats: ...

    async def close(self) -> None:
        """Close everything; no event comes after it. May be called twice."""
        ...


MakePeer = Callable[[PeerConfig, Callable[[PeerEvent], None]], PeerConnection]
"""Makes a peer connection whose events go to the given function, on the loop's thread."""
