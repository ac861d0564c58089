"""What happens on a server, for whoever runs it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from videocli.protocol.rsp import ParticipantState, RemoteParticipant, RemoteTrack


@dataclass(frozen=True, slots=True)
class RoomName:
    """Which room."""

    sid: str
    name: str


@dataclass(frozen=True, slots=True)
class Listening:
    """Clients can connect now."""

    url: str


@dataclass(frozen=True, slots=True)
class RoomCreated:
    """Somebody joins a room that was not there."""

    room: RoomName


@dataclass(frozen=True, slots=True)
class RoomEnded:
    """The last participant has left."""

    room: RoomName


@dataclass(frozen=True, slots=True)
class ParticipantEvent:
    """A participant's state has changed."""

    room: RoomName
    participant: RemoteParticipant


class ParticipantConnected(ParticipantEvent):
    """Somebody has joined."""


class ParticipantReconnecting(ParticipantEvent):
    """Somebody's signaling or media is lost."""


class ParticipantReconnected(ParticipantEvent):
    """Both are back."""


class ParticipantDisconnected(ParticipantEvent):
    """Somebody has left, was away too long, or was ended."""


@dataclass(frozen=True, slots=True)
class TrackEvent:
    """A track has changed."""

    room: RoomName
    participant: RemoteParticipant
    track: RemoteTrack


class TrackPublished(TrackEvent):
    """It can be subscribed to."""


class TrackUnpublished(TrackEvent):
    """It no longer can."""


class TrackEnabled(TrackEvent):
    """Unmuted."""


class TrackDisabled(TrackEvent):
    """Muted."""


RoomEvent = RoomCreated | RoomEnded | ParticipantEvent | TrackEvent
ServerEvent = Listening | RoomEvent

_STATE_EVENTS: dict[ParticipantState, type[ParticipantEvent]] = {
    "connected": ParticipantReconnected,
    "reconnecting": ParticipantReconnecting,
    "disconnected": ParticipantDisconnected,
}


def changes(
    room: RoomName, before: Mapping[str, RemoteParticipant], after: Mapping[str, RemoteParticipant]
) -> Iterator[RoomEvent]:
    """What has happened in a room between two looks at its participants, by SID."""
    for sid, participant in after.items():
        known = before.get(sid)
        if known is None:
            yield ParticipantConnected(room, participant)
        if (known.state if known else "connected") != participant.state:
            yield _STATE_EVENTS[participant.state](room, participant)
        yield from _track_changes(room, known.tracks if known else (), participant)
    for sid, participant in before.items():
        if sid not in after:
            yield ParticipantDisconnected(room, replace(participant, state="disconnected"))


def _track_changes(
    room: RoomName, before: tuple[RemoteTrack, ...], participant: RemoteParticipant
) -> Iterator[TrackEvent]:
    known = {track.sid: track for track in before}
    now = {track.sid for track in participant.tracks}
    for track in before:
        if track.sid not in now:
            yield TrackUnpublished(room, participant, track)
    for track in participant.tracks:
        was = known.get(track.sid)
        if was is None:
            yield TrackPublished(room, participant, track)
        elif was.enabled != track.enabled:
            yield (TrackEnabled if track.enabled else TrackDisabled)(room, participant, track)
