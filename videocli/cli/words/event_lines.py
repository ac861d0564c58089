"""A room event as a JSON object (`--json`) or as a plain line (`--plain`), by the command-line contract."""

import base64
from datetime import tzinfo
from typing import Any, assert_never

from videocli.dashboard.words import Tone, describe, tone
from videocli.engine import events as ev
from videocli.errors import VideoError
from videocli.media.peer import PathEnd
from videocli.moments import rfc3339

Json = dict[str, Any]

_STYLES: dict[Tone, str] = {"bad": "31", "worrying": "33", "good": "32", "spoken": "1", "plain": ""}
"""Select Graphic Rendition (ECMA-48 section 8.3.117)."""


def to_json(occurrence: ev.Occurrence) -> Json:
    """The object that the contract's table promises.

    Every string can be encoded: lone surrogates, which JSON may not carry (RFC 7493 section 2.1), are U+FFFD.
    """
    event = occurrence.event
    return {
        "event": event_name(event),
        "time": rfc3339(occurrence.time),
        "room": _room(occurrence.room),
        **_fields(event),
    }


def to_line(occurrence: ev.Occurrence, timezone: tzinfo | None = None, is_coloured: bool = False) -> str:
    """One line with the local time, safe to print whatever it holds; None: this machine's time zone.

    Colour, if wanted, says nothing that the words do not say.
    """
    at, words = f"{occurrence.time.astimezone(timezone):%H:%M:%S}", describe(occurrence.event)
    if not is_coloured:
        return f"{at} {words}"
    style = _STYLES[tone(occurrence.event)]
    return f"\x1b[2m{at}\x1b[0m " + (f"\x1b[{style}m{words}\x1b[0m" if style else words)


def event_name(event: ev.Event) -> str:
    """`trackSubscribed` for `TrackSubscribed`."""
    words = type(event).__name__
    return words[0].lower() + words[1:]


def _fields(event: ev.Event) -> Json:
    """What this event has beside the fields of every event."""
    match event:
        case ev.Connected(local, participants, region):
            return {
                "localParticipant": _participant(local),
                "participants": [_participant(each) for each in participants],
                "region": _text(region),
            }
        case ev.Reconnecting(error) | ev.Error(error):
            return {"error": _error(error)}
        case ev.Reconnected(downtime, attempts, gap):
            return _outage(downtime, attempts, gap)
        case ev.Disconnected(reason, downtime, attempts, gap):
            return {"error": None if reason is None else _error(reason)} | _outage(downtime, attempts, gap)
        case ev.ParticipantEvent(participant):
            return {"participant": _participant(participant)}
        case ev.TrackEvent(participant, track):
            return {"participant": _participant(participant), "track": _track(track)}
        case ev.TrackSubscriptionFailed(participant, track, error):
            return {"participant": _participant(participant), "track": _track(track), "error": _error(error)}
        case ev.TrackDimensionsChanged(participant, track, width, height):
            return {
                "participant": _participant(participant),
                "track": _track(track),
                "dimensions": _dimensions(width, height),
            }
        case ev.TrackMessage(participant, track, data):
            return {"participant": _participant(participant), "track": _track(track), **_data(data)}
        case ev.LocalTrackPublished(track):
            return {"track": _track(track)}
        case ev.LocalTrackPublicationFailed(track, error):
            return {"track": _track(track), "error": _error(error)}
        case ev.LocalTrackUnpublished(track, reason):
            return {"track": _track(track), "error": None if reason is None else _error(reason)}
        case ev.DominantSpeakerChanged(speaker):
            return {"participant": None if speaker is None else _participant(speaker)}
        case ev.NetworkQualityLevelChanged(participant, level):
            return {"participant": _participant(participant), "level": level}
        case ev.RecordingStarted() | ev.RecordingStopped():
            return {}
        case ev.FileStarted(participant, path):
            return {"participant": _participant(participant), "path": _text(path)}
        case ev.FileFinished(participant, path, duration, why):
            return {
                "participant": _participant(participant),
                "path": _text(path),
                "duration": round(duration, 3),
                "reason": why,
            }
        case ev.Stats(tracks, connections):
            return {
                "stats": [_stats(row) for row in tracks],
                "peerConnections": [_connection(row) for row in connections],
            }
        case _:
            assert_never(event)


def _text(text: str | None) -> str | None:
    return None if text is None else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _room(room: ev.Room) -> Json:
    """The contract knows no state before `connected`: until then the room is disconnected."""
    state = "disconnected" if room.state == "connecting" else room.state
    return {"sid": _text(room.sid), "name": _text(room.name), "state": state}


def _outage(downtime: float | None, attempts: int | None, media_gap: float | None) -> Json:
    """How long an outage took, in seconds; nothing if there was none."""
    if downtime is None:
        return {}
    return {"downtime": round(downtime, 3), "attempts": attempts, "mediaGap": round(media_gap or 0.0, 3)}


def _participant(participant: ev.Participant) -> Json:
    fields = {
        "sid": _text(participant.sid),
        "identity": _text(participant.identity),
        "state": participant.state,
    }
    if isinstance(participant, ev.PresentParticipant):
        return fields | {"tracks": [_track(track) for track in participant.tracks]}
    return fields


def _track(track: ev.Track) -> Json:
    return {
        "sid": _text(track.sid),
        "name": _text(track.name),
        "kind": track.kind,
        "enabled": track.enabled,
        "priority": track.priority,
    }


def _error(error: VideoError) -> Json:
    return {
        "code": error.code,
        "name": _text(error.name),
        "message": _text(error.message),
        "explanation": _text(error.explanation),
    }


def _data(data: str | bytes) -> Json:
    if isinstance(data, str):
        return {"data": _text(data)}
    return {"data": base64.b64encode(data).decode("ascii"), "encoding": "base64"}


def _dimensions(width: int | None, height: int | None) -> Json | None:
    return None if width is None or height is None else {"width": width, "height": height}


def _stats(row: ev.NamedStats) -> Json:
    counters, rates = row.counters, row.rates
    return {
        "participant": _participant(row.participant),
        "track": _track(row.track),
        "direction": row.direction,
        "codec": None if counters.codec is None else counters.codec.value,
        "ssrc": counters.ssrc,
        "bytes": counters.bytes,
        "packets": counters.packets,
        "packetsLost": counters.packets_lost,
        "packetsRetransmitted": counters.retransmitted_packets,
        "jitter": counters.jitter,
        "roundTripTime": counters.round_trip_time,
        "frames": counters.frames,
        "keyframes": counters.keyframes,
        "dimensions": _dimensions(counters.width, counters.height),
        "nacks": counters.nacks,
        "plis": counters.plis,
        "firs": counters.firs,
        "freezes": counters.freezes,
        "freezeDuration": round(counters.freeze_seconds, 3),
        "audioLevel": _rounded(counters.audio_level, 4),
        "bitrate": _rounded(rates.bitrate if rates else None),
        "packetRate": _rounded(rates.packet_rate if rates else None, 1),
        "frameRate": _rounded(rates.frame_rate if rates else None, 1),
        "loss": _rounded(rates.loss if rates else None, 4),
    }


def _connection(row: ev.NamedConnectionStats) -> Json:
    counters, rates = row.counters, row.rates
    local, remote = counters.local, counters.remote
    pair = None if local is None or remote is None else {"local": _end(local), "remote": _end(remote)}
    return {
        "id": _text(row.id),
        "iceState": counters.ice_state.value,
        "dtlsState": counters.dtls_state,
        "candidatePair": pair,
        "roundTripTime": counters.round_trip_time,
        "availableOutgoingBitrate": _rounded(counters.available_outgoing_bitrate),
        "bytesSent": counters.bytes_sent,
        "bytesReceived": counters.bytes_received,
        "packetsSent": counters.packets_sent,
        "packetsReceived": counters.packets_received,
        "outgoingBitrate": _rounded(rates.outgoing_bitrate if rates else None),
        "incomingBitrate": _rounded(rates.incoming_bitrate if rates else None),
        "iceRestarts": counters.ice_restarts,
        "mediaStalls": counters.media_stalls,
    }


def _end(end: PathEnd) -> Json:
    return {"type": end.type, "address": _text(end.address), "port": end.port, "protocol": end.protocol}


def _rounded(value: float | None, digits: int | None = None) -> float | None:
    return None if value is None else round(value, digits)
