"""The frozen picture of a room that others read: the dashboard, and whoever asks from a script."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from videocli.engine.events import Occurrence, Participant, Room, Track
from videocli.engine.room.outages import LegName, Outage
from videocli.errors import VideoError
from videocli.media.frames import Codec
from videocli.media.peer import ConnectionStats, TrackStats


@dataclass(frozen=True, slots=True)
class TrackSnapshot:
    """One track with what flows on it; None: not known, or nothing flows."""

    track: Track
    is_subscribed: bool = False
    """Remote: its media is ours to use. Local: always True once published."""
    codec: Codec | None = None
    width: int | None = None
    height: int | None = None
    frame_rate: float | None = None
    """Frames a second."""
    bitrate: float | None = None
    """Bits a second of RTP payload."""
    loss: float | None = None
    """Share of packets lost in the last interval, 0 to 1."""
    jitter: float | None = None
    """Seconds."""
    round_trip_time: float | None = None
    """Seconds."""
    messages: int = 0
    """Data tracks: messages that came or went."""
    packet_rate: float | None = None
    """Packets a second."""
    audio_level: float | None = None
    """The mean loudness of the last interval, 0 to 1 of the greatest."""
    bitrates: tuple[float, ...] = ()
    """`bitrate` of the latest intervals, about one a second, the newest last."""
    counters: TrackStats | None = None
    """All that was counted so far: losses, keyframes, requests, freezes."""


@dataclass(frozen=True, slots=True)
class ParticipantSnapshot:
    """One participant and its tracks."""

    participant: Participant
    tracks: tuple[TrackSnapshot, ...] = ()
    speaking: bool = False
    """Loud enough now, or just pausing between words."""
    audio_level: float | None = None
    """How loud now, 0 to 1 of the greatest; None: the sound does not say, or there is none."""
    is_dominant: bool = False
    """Speaks loudest of the others; at most one does."""
    network_quality: int | None = None
    """0 (broken) to 5 (excellent): the server's verdict.

    Where the server gives none: our own, on what comes from it, or of us on what arrives.
    """


@dataclass(frozen=True, slots=True)
class ConnectionSnapshot:
    """One peer connection; None: not known."""

    id: str
    counters: ConnectionStats
    """The path in use, its round trip, REMB, restarts, and all that was counted so far."""
    outgoing_bitrate: float | None = None
    """Bits a second of datagrams."""
    incoming_bitrate: float | None = None


@dataclass(frozen=True, slots=True)
class Leg:
    """One of the two paths to the server, signaling or media."""

    state: str
    """`connecting`, `connected`, `reconnecting` or `disconnected`."""
    since: datetime
    """UTC."""
    error: VideoError | None = None
    cause: str | None = None
    attempts: int = 0
    """Attempts made in this outage."""


@dataclass(frozen=True, slots=True)
class AttemptSnapshot:
    """One attempt to resume the session (signaling) or to restart ICE (media)."""

    leg: LegName
    began_at: datetime
    """UTC."""
    seconds: float | None
    """How long it took; None: it is under way."""
    fate: str


@dataclass(frozen=True, slots=True)
class OutageSnapshot:
    """From the loss of the first leg until both were back, or until the end."""

    code: int
    began_at: datetime
    """UTC."""
    downtime: float
    """Seconds it took, or has taken so far."""
    is_over: bool
    attempt_count: int
    attempts: tuple[AttemptSnapshot, ...]
    """The latest ones."""
    media_gap: float
    """Seconds without any media."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything worth showing, at one moment."""

    time: datetime
    """UTC."""
    room: Room
    url: str
    region: str | None
    signaling: Leg
    media: Leg
    local: ParticipantSnapshot | None
    participants: tuple[ParticipantSnapshot, ...]
    recent: tuple[Occurrence, ...]
    """The latest events, oldest first."""
    connected_at: datetime | None = None
    session_seconds: float = 30.0
    """How long a lost session may take to resume."""
    session_ends_at: datetime | None = None
    """During an outage: when the session can no longer be resumed."""
    token_expires_at: datetime | None = None
    is_token_renewable: bool = False
    """A reconnection fetches a fresh token by itself, so that the expiry of this one does not matter."""
    is_recording: bool = False
    error: VideoError | None = None
    """Why the room is reconnecting or disconnected."""
    outages: tuple[OutageSnapshot, ...] = ()
    """The latest ones, oldest first; the last one may go on."""
    connections: tuple[ConnectionSnapshot, ...] = ()
    """Normally one."""


def outage_snapshot(outage: Outage, now: float, to_utc: Callable[[float], datetime]) -> OutageSnapshot:
    """The record of an outage as others read it; `now` in seconds on the record's clock."""
    return OutageSnapshot(
        code=outage.code,
        began_at=to_utc(outage.began_at),
        downtime=outage.downtime(now),
        is_over=outage.ended_at is not None,
        attempt_count=outage.attempt_count,
        attempts=tuple(
            AttemptSnapshot(
                attempt.leg,
                to_utc(attempt.began_at),
                None if attempt.ended_at is None else attempt.ended_at - attempt.began_at,
                attempt.fate,
            )
            for attempt in outage.attempts
        ),
        media_gap=outage.silence(now),
    )
