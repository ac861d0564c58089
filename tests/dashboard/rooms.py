"""Snapshots of rooms that the tests of the dashboard draw."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from videocli.engine import events as ev
from videocli.engine.reports import ParticipantStateName
from videocli.engine.room.outages import LegName
from videocli.engine.room.snapshot import (
    AttemptSnapshot,
    Leg,
    OutageSnapshot,
    ParticipantSnapshot,
    Snapshot,
    TrackSnapshot,
)
from videocli.errors import VideoError, error
from videocli.media.frames import Codec

NOW = datetime(2026, 11, 23, 20, 45, 39, 123_000, tzinfo=UTC)
NAMES = ("bob", "carol", "Dr. Дарья Иванова", "李小龍", "👨‍👩‍👧 family", "zoë", "screen share", "gate-7")


LEVELS = (0.001, 0.31, 0.04, 0.0, None)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def bitrates(number: int, peak: float) -> tuple[float, ...]:
    """Half a minute of them, a little different for each."""
    return tuple(peak * (0.6 + 0.4 * math.sin(at / 3 + number)) for at in range(30))


def camera(number: int, enabled: bool = True, subscribed: bool = True) -> TrackSnapshot:
    track = ev.Track(f"MT{number:04}v", "camera", "video", enabled, "standard")
    if not subscribed:
        return TrackSnapshot(track)
    return TrackSnapshot(
        track,
        is_subscribed=True,
        codec=Codec.VP8,
        width=1280,
        height=720,
        frame_rate=29.97,
        bitrate=1_234_567.0 + 1000 * number,
        bitrates=bitrates(number, 1_900_000.0),
        loss=0.002 * number,
        jitter=0.0041,
        round_trip_time=0.024,
    )


def microphone(number: int, enabled: bool = True) -> TrackSnapshot:
    return TrackSnapshot(
        ev.Track(f"MT{number:04}a", "microphone", "audio", enabled, "standard"),
        is_subscribed=True,
        codec=Codec.OPUS,
        bitrate=32_100.0,
        bitrates=bitrates(number + 5, 48_000.0),
        loss=0.06 if number == 2 else 0.0,
        jitter=0.0123,
    )


def chat(number: int, messages: int) -> TrackSnapshot:
    track = ev.Track(f"MT{number:04}d", "chat", "data", True, "standard")
    return TrackSnapshot(track, is_subscribed=True, messages=messages)


def participant(number: int) -> ParticipantSnapshot:
    identity = NAMES[number - 1] if number <= len(NAMES) else f"guest {number}"
    state: ParticipantStateName = "reconnecting" if number == 3 else "connected"
    tracks = [microphone(number, enabled=number != 4), camera(number, subscribed=number != 6)]
    if number == 1:
        tracks.append(chat(1, 12))
    return ParticipantSnapshot(
        ev.Participant(f"PA{number:04}", identity, state),
        () if number == 8 else tuple(tracks),
        audio_level=LEVELS[number % len(LEVELS)],
        speaking=number % len(LEVELS) in (1, 2),
        is_dominant=number == 1,
        network_quality=None if number == 7 else 1 if number == 3 else 5 - number % 3,
    )


def local() -> ParticipantSnapshot:
    return ParticipantSnapshot(
        ev.Participant("PA0000", "alice", "connected"),
        (microphone(0), camera(0, enabled=False), chat(0, 1)),
        audio_level=0.002,
        speaking=False,
        network_quality=4,
    )


def connected(others: int) -> Snapshot:
    """A room where all is well, with so many others."""
    room = ev.Room("RM0001", "demo", "connected")
    people = tuple(participant(number) for number in range(1, others + 1))
    happened: list[ev.Event] = [
        ev.Connected(local().participant, (), "us1"),
        ev.LocalTrackPublished(microphone(0).track),
    ]
    for each in people:
        happened.append(ev.ParticipantConnected(each.participant))
        happened += [ev.TrackSubscribed(each.participant, track.track) for track in each.tracks]
    return Snapshot(
        time=NOW,
        room=room,
        url="ws://127.0.0.1:7780/signaling",
        region="us1",
        signaling=Leg("connected", ago(754)),
        media=Leg("connected", ago(753)),
        local=local(),
        participants=people,
        recent=tuple(
            ev.Occurrence(ago(len(happened) - at), room, event) for at, event in enumerate(happened)
        ),
        connected_at=ago(754),
        token_expires_at=NOW + timedelta(seconds=3492),
        is_recording=others == 8,
    )


def _with_event(snapshot: Snapshot, event: ev.Event) -> Snapshot:
    return replace(snapshot, recent=(*snapshot.recent, ev.Occurrence(ago(0), snapshot.room, event)))


def _in_state(snapshot: Snapshot, state: ev.RoomState, reason: VideoError | None) -> Snapshot:
    return replace(snapshot, room=replace(snapshot.room, state=state), error=reason)


def connecting() -> Snapshot:
    return replace(
        _in_state(connected(0), "connecting", None),
        room=ev.Room(None, "demo", "connecting"),
        region=None,
        signaling=Leg("connecting", ago(2)),
        media=Leg("connecting", ago(2)),
        local=None,
        recent=(),
        connected_at=None,
    )


def _attempts(leg: LegName, *fates: tuple[float, float | None, str]) -> tuple[AttemptSnapshot, ...]:
    """Seconds ago it began, how long it took, what became of it."""
    return tuple(AttemptSnapshot(leg, ago(began), seconds, fate) for began, seconds, fate in fates)


SIGNALING_OUTAGE = OutageSnapshot(
    code=53001,
    began_at=ago(6),
    downtime=6.0,
    is_over=False,
    attempt_count=3,
    attempts=_attempts(
        "signaling",
        (5.8, 0.1, "connection refused"),
        (4.1, 1.4, "no answer to dialing"),
        (0.9, None, "under way"),
    ),
    media_gap=0.0,
)
MEDIA_OUTAGE = OutageSnapshot(
    code=53405,
    began_at=ago(6),
    downtime=6.0,
    is_over=False,
    attempt_count=2,
    attempts=_attempts("media", (6.0, 2.1, "no answer"), (3.9, None, "under way")),
    media_gap=8.4,
)


def outage_over() -> Snapshot:
    """An outage that ended a moment ago."""
    attempts = _attempts(
        "signaling", (30.1, 0.1, "connection refused"), (29.0, 15.0, "no answer"), (12.0, 9.0, "resumed")
    )
    over = OutageSnapshot(
        53001, ago(30.2), 27.2, True, 4, (*attempts, *_attempts("media", (8, 5, "connected"))), 29.0
    )
    return replace(
        _with_event(connected(3), ev.Reconnected(27.2, 4, 29.0)),
        signaling=Leg("connected", ago(3)),
        outages=(over,),
    )


def signaling_lost() -> Snapshot:
    reason = error(53001)
    return replace(
        _with_event(_in_state(connected(3), "reconnecting", reason), ev.Reconnecting(reason)),
        signaling=Leg("reconnecting", ago(6), reason, "connection refused", attempts=3),
        session_ends_at=NOW + timedelta(seconds=24),
        outages=(SIGNALING_OUTAGE,),
    )


def media_lost() -> Snapshot:
    reason = error(53405)
    return replace(
        _with_event(_in_state(connected(3), "reconnecting", reason), ev.Reconnecting(reason)),
        media=Leg("reconnecting", ago(6), reason, attempts=2),
        session_ends_at=NOW + timedelta(seconds=24),
        outages=(MEDIA_OUTAGE,),
    )


def both_lost() -> Snapshot:
    reason = error(53001)
    lost = replace(signaling_lost(), media=Leg("reconnecting", ago(5), error(53405)))
    return replace(lost, signaling=Leg("reconnecting", ago(6), reason, "no answer to dialing", attempts=3))


def server_stopped() -> Snapshot:
    return replace(signaling_lost(), media=Leg("reconnecting", ago(5), error(53405)))


def token_expired_in_outage() -> Snapshot:
    return replace(signaling_lost(), token_expires_at=ago(61))


def token_expires_soon() -> Snapshot:
    return replace(connected(1), token_expires_at=NOW + timedelta(seconds=150))


def lossy() -> Snapshot:
    """Most of what we receive loses packets."""
    room = connected(4)
    worse = [
        replace(each, tracks=tuple(replace(track, loss=0.08) for track in each.tracks))
        for each in room.participants
    ]
    return replace(room, participants=tuple(worse))


def left() -> Snapshot:
    snapshot = _with_event(_in_state(connected(1), "disconnected", None), ev.Disconnected(None))
    return replace(snapshot, signaling=Leg("disconnected", ago(1)), media=Leg("disconnected", ago(1)))


def refused() -> Snapshot:
    reason = error(20104)
    snapshot = _with_event(_in_state(connecting(), "disconnected", reason), ev.Disconnected(reason))
    ended = Leg("disconnected", ago(1), reason)
    return replace(snapshot, signaling=ended, media=Leg("disconnected", ago(1)), token_expires_at=ago(4000))


STATES = {
    "connecting": connecting,
    "signaling-lost": signaling_lost,
    "media-lost": media_lost,
    "both-lost": both_lost,
    "outage-over": outage_over,
    "lossy": lossy,
    "token-expired-in-outage": token_expired_in_outage,
    "token-expires-soon": token_expires_soon,
    "left": left,
    "refused": refused,
}
