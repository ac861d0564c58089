"""A server event as a JSON object (`serve --json`) or as a plain line."""

from datetime import datetime
from typing import Any, assert_never

from videocli.moments import rfc3339
from videocli.server import events as ev

Json = dict[str, Any]


def to_json(event: ev.ServerEvent, now: datetime) -> Json:
    """The object that the contract promises; `listening` is the first one, and has nothing but the URL."""
    name = type(event).__name__
    head: Json = {"event": name[0].lower() + name[1:]}
    if isinstance(event, ev.Listening):
        return head | {"url": event.url}
    head |= {"time": rfc3339(now), "room": {"sid": event.room.sid, "name": event.room.name}}
    return head | _fields(event)


def _fields(event: ev.RoomEvent) -> Json:
    match event:
        case ev.RoomCreated() | ev.RoomEnded():
            return {}
        case ev.ParticipantEvent(_, who):
            return {"participant": {"sid": who.sid, "identity": who.identity, "state": who.state}}
        case ev.TrackEvent(_, who, track):
            return {
                "participant": {"sid": who.sid, "identity": who.identity, "state": who.state},
                "track": {
                    "sid": track.sid,
                    "name": track.name,
                    "kind": track.kind,
                    "enabled": track.enabled,
                    "priority": track.priority,
                },
            }
        case _:
            assert_never(event)


def to_line(event: ev.ServerEvent) -> str:
    """A line for people."""
    match event:
        case ev.Listening(url):
            return f"serving rooms on {url}; join one with: videocli join ROOM --url {url}"
        case ev.RoomCreated(room):
            return f"room {room.name} is open"
        case ev.RoomEnded(room):
            return f"room {room.name} is closed"
        case ev.ParticipantEvent(room, who):
            return f"{who.identity} {_PARTICIPANT_WORDS[type(event)]} {room.name}"
        case ev.TrackEvent(room, who, track):
            return f"{who.identity} {_TRACK_WORDS[type(event)]} {track.kind} {track.name} in {room.name}"
        case _:
            assert_never(event)


_PARTICIPANT_WORDS: dict[type[ev.ParticipantEvent], str] = {
    ev.ParticipantConnected: "has joined",
    ev.ParticipantReconnecting: "is reconnecting to",
    ev.ParticipantReconnected: "is back in",
    ev.ParticipantDisconnected: "has left",
}
_TRACK_WORDS: dict[type[ev.TrackEvent], str] = {
    ev.TrackPublished: "publishes",
    ev.TrackUnpublished: "no longer publishes",
    ev.TrackEnabled: "has enabled",
    ev.TrackDisabled: "has disabled",
}
