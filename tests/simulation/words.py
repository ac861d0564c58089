"""Events in one line each, the same in every run."""

from videocli.engine import events as ev
from videocli.server.events import ServerEvent


def event_words(event: ev.Event) -> str:
    """An event in one line, the same in every run."""
    match event:
        case ev.Connected(local, participants, _):
            return f"Connected as {local.sid} with {[other.identity for other in participants]}"
        case ev.Reconnecting(error) | ev.Error(error):
            return f"{type(event).__name__} {error}"
        case ev.Disconnected():
            return f"Disconnected {event.error}"
        case ev.Reconnected():
            return f"Reconnected after {event.downtime:.3f} s"
        case ev.TrackMessage(participant, track, data):
            return f"TrackMessage {data!r}"
        case ev.TrackEvent(participant, track):
            return f"{type(event).__name__} {track.name} of {participant.identity} {track.sid}"
        case ev.ParticipantEvent(participant):
            return f"{type(event).__name__} {participant.identity} {participant.sid}"
        case ev.LocalTrackPublished(track):
            return f"LocalTrackPublished {track.name} {track.sid}"
        case ev.LocalTrackUnpublished(track, error):
            return f"LocalTrackUnpublished {track.name} {track.sid} {error}"
        case _:
            return f"{type(event).__name__}"


def server_words(event: ServerEvent) -> str:
    """A server's event in one line."""
    name = type(event).__name__
    participant = getattr(event, "participant", None)
    track = getattr(event, "track", None)
    whom = f" {participant.identity} {participant.sid}" if participant is not None else ""
    return f"{name}{whom}{f' {track.name} {track.sid}' if track is not None else ''}"
