"""What happened, in words: one sentence an event, for the log pane, plain lines and screen readers.

Words, not symbols; every name from the network is made safe (`safe_text`). Imports no rich, so that plain
lines do not pay for the dashboard.
"""

from typing import Literal, assert_never

from videocli.dashboard.safe_text import clean, name
from videocli.engine import events as ev
from videocli.errors import VideoError

_PARTICIPANT: dict[type[ev.ParticipantEvent], str] = {
    ev.ParticipantConnected: "{who} joined",
    ev.ParticipantReconnecting: "{who} lost the connection and is reconnecting",
    ev.ParticipantReconnected: "{who} is back",
    ev.ParticipantDisconnected: "{who} left",
    ev.LocalParticipantReconnecting: "We, {who}, lost the connection and are reconnecting",
    ev.LocalParticipantReconnected: "We, {who}, are back",
}

_TRACK: dict[type[ev.TrackEvent], str] = {
    ev.TrackPublished: "{who} published {what}",
    ev.TrackUnpublished: "{who} stopped publishing {what}",
    ev.TrackSubscribed: "Subscribed to {what} of {who}",
    ev.TrackUnsubscribed: "No longer subscribed to {what} of {who}",
    ev.TrackStarted: "{what} of {who} started",
    ev.TrackEnabled: "{who} unmuted {what}",
    ev.TrackDisabled: "{who} muted {what}",
    ev.TrackSwitchedOff: "The server switched off {what} of {who}",
    ev.TrackSwitchedOn: "The server switched on {what} of {who}",
    ev.TrackPublishPriorityChanged: "{who} gave {what} {priority} priority",
}


Tone = Literal["bad", "worrying", "good", "spoken", "plain"]

_TONES: tuple[tuple[Tone, tuple[type[ev.Event], ...]], ...] = (
    ("bad", (ev.Error, ev.TrackSubscriptionFailed, ev.LocalTrackPublicationFailed)),
    ("worrying", (ev.Reconnecting, ev.ParticipantReconnecting, ev.LocalParticipantReconnecting)),
    ("good", (ev.Connected, ev.Reconnected, ev.ParticipantReconnected, ev.LocalParticipantReconnected)),
    ("spoken", (ev.TrackMessage,)),
)


def tone(event: ev.Event) -> Tone:
    """What an event means for whoever watches: what colour tells, and words tell as well."""
    if isinstance(event, ev.Disconnected):
        return "plain" if event.error is None else "bad"
    return next((tone for tone, kinds in _TONES if isinstance(event, kinds)), "plain")


def describe(event: ev.Event) -> str:
    """One sentence, without a full stop; it begins with a capital letter or a name."""
    match event:
        case ev.Connected(local, participants, region):
            where = f" in region {name(region)}" if region else ""
            return f"Connected as {name(local.identity)}{where}; {_others(participants)}"
        case ev.Reconnecting(error):
            return f"Reconnecting: {explained(error)}"
        case ev.Reconnected(downtime, attempts, gap):
            silence = f", {gap:.1f} seconds without media" if gap else ""
            return f"Reconnected after {downtime:.1f} seconds, attempts: {attempts}{silence}"
        case ev.Disconnected(reason):
            return "Disconnected" if reason is None else f"Disconnected: {clean(str(reason))}"
        case ev.ParticipantEvent(participant):
            sentence = _PARTICIPANT[type(event)].format(who=name(participant.identity))
            return (
                f"{sentence} with {_tracks(published)}"
                if (published := _published(participant))
                else sentence
            )
        case ev.TrackEvent(participant, track):
            sentence = _TRACK[type(event)].format(
                who=name(participant.identity), what=track_words(track), priority=track.priority
            )
            return _capitalised(sentence) if isinstance(event, ev.TrackStarted) else sentence
        case ev.TrackSubscriptionFailed(participant, track, error):
            who = name(participant.identity)
            return f"Cannot subscribe to {track_words(track)} of {who}: {explained(error)}"
        case ev.TrackDimensionsChanged(participant, track, width, height):
            what = _capitalised(track_words(track))
            return f"{what} of {name(participant.identity)} is now {width} by {height} pixels"
        case ev.TrackMessage(participant, track, data):
            who, what = name(participant.identity), track_words(track)
            if isinstance(data, bytes):
                return f"{who} sent {len(data)} bytes on {what}"
            return f"{who} says on {what}: {clean(data)}"
        case ev.LocalTrackPublished(track):
            return f"Published our {track_words(track)}"
        case ev.LocalTrackPublicationFailed(track, error):
            return f"Cannot publish our {track_words(track)}: {explained(error)}"
        case ev.LocalTrackUnpublished(track, reason):
            why = "" if reason is None else f": {clean(str(reason))}"
            return f"No longer publishing our {track_words(track)}{why}"
        case ev.DominantSpeakerChanged(speaker):
            return "Nobody speaks" if speaker is None else f"{name(speaker.identity)} speaks loudest"
        case ev.NetworkQualityLevelChanged(participant, level):
            return f"Network quality of {name(participant.identity)} is now {level} of 5"
        case ev.RecordingStarted():
            return "Recording started"
        case ev.RecordingStopped():
            return "Recording stopped"
        case ev.FileStarted(participant, path):
            return f"Recording {name(participant.identity)} into {clean(path)}"
        case ev.FileFinished(participant, path, duration, why):
            return (
                f"Recorded {duration:.1f} seconds of {name(participant.identity)} into {clean(path)}: {why}"
            )
        case ev.Stats(tracks, connections):
            ways = [way for each in connections if (way := _path(each)) is not None]
            return "Statistics: " + ("; ".join([*map(_counted, tracks), *ways]) or "nothing flows")
        case ev.Error(error):
            return f"Error: {explained(error)}"
        case _:
            assert_never(event)


def track_words(track: ev.Track) -> str:
    """`video track camera`."""
    return f"{track.kind} track {name(track.name)}"


def explained(error: VideoError) -> str:
    """The error on one line: code, name, message, and what to do."""
    first = clean(str(error))
    if not error.explanation:
        return first or clean(error.name)
    return f"{first.rstrip('.')}. {clean(error.explanation).rstrip('.')}"


def _others(participants: tuple[ev.PresentParticipant, ...]) -> str:
    if not participants:
        return "nobody else is here"
    shown = ", ".join(map(_present, participants[:10]))
    more = len(participants) - 10
    return f"also here: {shown}" + (f" and {more} more" if more > 0 else "")


def _present(participant: ev.PresentParticipant) -> str:
    who, tracks = name(participant.identity), participant.tracks
    return f"{who} ({_tracks(tracks)})" if tracks else who


def _published(participant: ev.Participant) -> tuple[ev.Track, ...]:
    return participant.tracks if isinstance(participant, ev.PresentParticipant) else ()


def _tracks(tracks: tuple[ev.Track, ...]) -> str:
    shown = ", ".join(map(track_words, tracks[:10]))
    return shown + (f" and {len(tracks) - 10} more" if len(tracks) > 10 else "")


def _counted(row: ev.NamedStats) -> str:
    counters = row.counters
    text = (
        f"{track_words(row.track)} of {name(row.participant.identity)} {row.direction} "
        f"{counters.packets} packets, {counters.bytes} bytes, {counters.packets_lost} lost"
    )
    if counters.jitter is not None:
        text += f", jitter {counters.jitter * 1000:.0f} ms"
    if counters.round_trip_time is not None:
        text += f", round trip {counters.round_trip_time * 1000:.0f} ms"
    if row.rates is not None and row.rates.frame_rate is not None:
        text += f", {row.rates.frame_rate:.0f} frames a second"
    if counters.freezes:
        text += f", {counters.freezes} freeze{'s' if counters.freezes > 1 else ''}"
    return text


def _path(row: ev.NamedConnectionStats) -> str | None:
    counters = row.counters
    local, remote = counters.local, counters.remote
    if local is None or remote is None:
        return None
    text = f"path {local.type} {clean(local.address)} to {remote.type} {clean(remote.address)}"
    if counters.round_trip_time is not None:
        text += f", round trip {counters.round_trip_time * 1000:.0f} ms"
    return text


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
