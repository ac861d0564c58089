"""Whose picture is shown: the chosen participant's, or else that of whoever speaks.

Only of others: what we publish ourselves does not come back to us.
"""

from typing import NamedTuple

from videocli.dashboard.safe_text import name
from videocli.dashboard.view import Row, View, chosen_row
from videocli.engine.room.snapshot import ParticipantSnapshot, Snapshot, TrackSnapshot


class Watched(NamedTuple):
    """Who is watched."""

    participant: ParticipantSnapshot | None
    track: TrackSnapshot | None
    """What is shown of them; None: nothing."""
    why: str
    """Why there is nothing to see, or not yet."""


def watched(snapshot: Snapshot, view: View) -> Watched:
    """Who is to be seen, and what of them.

    A chosen other; else the dominant one with a picture, else the one shown before, else the first with one.
    """
    row = chosen_row(snapshot, view)
    if row is not None and row.participant in snapshot.participants:
        return _watch(row.participant, row.track)
    showing = [each for each in snapshot.participants if any(map(_flows, each.tracks))]
    if showing:
        before = view.watched
        best = max(showing, key=lambda each: (each.is_dominant, each.participant.sid == before))
        return _watch(best, None)
    filming = [each for each in snapshot.participants if any(map(_is_video, each.tracks))]
    if filming:
        return _watch(filming[0], None)
    return Watched(None, None, _why_nothing(snapshot, row))


def _why_nothing(snapshot: Snapshot, row: Row | None) -> str:
    """Nobody else has a picture; who has chosen ourselves may wait for our own."""
    others = "nobody else has a picture" if snapshot.participants else "nobody else is here"
    if row is not None and row.participant is snapshot.local:
        return f"Our own tracks are not shown; {others}"
    return others.capitalize()


def _watch(participant: ParticipantSnapshot, chosen: TrackSnapshot | None) -> Watched:
    """The chosen track if it is a picture, else the first that flows."""
    who = name(participant.participant.identity)
    tracks = [track for track in participant.tracks if _is_video(track)]
    if chosen in tracks:
        tracks = [chosen]
    if not tracks:
        return Watched(participant, None, f"{who} publishes no picture")
    track = next(filter(_flows, tracks), tracks[0])
    if not track.track.enabled:
        return Watched(participant, None, f"{who} has muted the picture")
    if not _flows(track):
        return Watched(participant, None, f"We do not receive the picture of {who}")
    return Watched(participant, track, f"Waiting for a picture of {who}")


def _is_video(track: TrackSnapshot) -> bool:
    return track.track.kind == "video"


def _flows(track: TrackSnapshot) -> bool:
    return _is_video(track) and track.track.enabled and track.is_subscribed and track.track.sid is not None
