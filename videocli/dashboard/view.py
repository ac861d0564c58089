"""What the person at the dashboard chose to see."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Literal, NamedTuple

from videocli.dashboard.prompt import Prompt
from videocli.dashboard.safe_text import clean
from videocli.engine.events import Occurrence
from videocli.engine.room.snapshot import ParticipantSnapshot, Snapshot, TrackSnapshot

Page = Literal["room", "outages", "help"]
Sort = Literal["joined", "name", "bitrate", "loudness", "trouble"]
SORTS: tuple[Sort, ...] = ("joined", "name", "bitrate", "loudness", "trouble")
NOTICE_SECONDS = 5.0


class Chosen(NamedTuple):
    """A line of the panel of participants, by what stays when the lines move."""

    participant: str
    """SID."""
    track: str | None = None
    """SID, or its name as long as it has none; None: the participant's own line."""


@dataclass(frozen=True, slots=True)
class View:
    """Everything about the picture that is not the room."""

    timezone: tzinfo | None = None
    """In which times are shown; None: this machine's."""
    page: Page = "room"
    help_top: int = 0
    """The line of the help that is shown first."""
    chosen: Chosen | None = None
    """The line that stays in sight."""
    sort: Sort = "joined"
    are_tracks_folded: bool = False
    """One line a participant, with its tracks added up."""
    participant_filter: str = ""
    event_filter: str = ""
    """Only what holds all of these words."""
    paused_at: datetime | None = None
    """Events that came later are held back; None: none are."""
    prompt: Prompt | None = None
    """What is being asked on the last line, which then takes the keys."""
    is_pasting: bool = False
    """What comes was not typed: no key, but text, and only where text is asked for."""
    is_host: bool = False
    """The server of this room is this process, and ends with it."""
    has_keyboard: bool = True
    """Somebody can press a key."""
    can_show_video: bool = False
    """Somebody is there to decode it."""
    is_video_open: bool = False
    watched: str | None = None
    """SID of the participant whose picture was shown last."""
    notice: str = ""
    """What the last key did or could not do; gone with the next key, or after `NOTICE_SECONDS`."""
    noticed_at: datetime | None = None
    """Since when it is shown."""


class Row(NamedTuple):
    """A line of the panel of participants."""

    participant: ParticipantSnapshot
    track: TrackSnapshot | None

    @property
    def key(self) -> Chosen:
        """What chooses it."""
        track = self.track.track if self.track is not None else None
        return Chosen(self.participant.participant.sid, None if track is None else track.sid or track.name)


def listed(snapshot: Snapshot, view: View) -> list[ParticipantSnapshot]:
    """Everybody who passes the filter, in the order shown: we first, then the others."""
    words = view.participant_filter.casefold().split()
    others = sorted(snapshot.participants, key=_ORDERS[view.sort])
    everybody = (*((snapshot.local,) if snapshot.local is not None else ()), *others)
    return [each for each in everybody if not words or _holds(_words_of(each), words)]


def rows(snapshot: Snapshot, view: View) -> list[Row]:
    """Every line that the panel of participants could show."""
    return [
        Row(each, track)
        for each in listed(snapshot, view)
        for track in (None, *(() if view.are_tracks_folded else each.tracks))
    ]


def chosen_row(snapshot: Snapshot, view: View) -> Row | None:
    """The line that is chosen; None: none is, or it is gone."""
    return next((row for row in rows(snapshot, view) if row.key == view.chosen), None)


def passing_events(snapshot: Snapshot, view: View, describe: Callable[[Any], str]) -> list[Occurrence]:
    """The events that pass the filter, oldest first, those held back included."""
    words = view.event_filter.casefold().split()
    return [
        occurrence
        for occurrence in snapshot.recent
        if not words or _holds(describe(occurrence.event).casefold(), words)
    ]


def bitrate(participant: ParticipantSnapshot) -> float:
    """All its tracks together, in bits a second."""
    return sum(track.bitrate or 0.0 for track in participant.tracks)


def worst_loss(participant: ParticipantSnapshot) -> float | None:
    """Of its tracks, the share of packets lost, 0 to 1; None: not known of any."""
    return max((track.loss for track in participant.tracks if track.loss is not None), default=None)


def _trouble(participant: ParticipantSnapshot) -> tuple[bool, int, float]:
    """Sorts those in the worst state first: away, then by network quality, then by loss."""
    quality = participant.network_quality
    is_fine = participant.participant.state == "connected"
    return is_fine, 5 if quality is None else quality, -(worst_loss(participant) or 0.0)


def _words_of(each: ParticipantSnapshot) -> str:
    participant, tracks = each.participant, [track.track for track in each.tracks]
    texts = [participant.identity, participant.sid, participant.state]
    texts += [text for track in tracks for text in (track.kind, track.name, track.sid or "")]
    return " ".join(clean(text) for text in texts).casefold()


def _holds(text: str, words: list[str]) -> bool:
    return all(word in text for word in words)


_ORDERS: dict[Sort, Callable[[ParticipantSnapshot], Any]] = {
    "joined": lambda participant: 0,
    "name": lambda participant: clean(participant.participant.identity).casefold(),
    "bitrate": lambda participant: -bitrate(participant),
    "loudness": lambda participant: (not participant.is_dominant, -(participant.audio_level or 0.0)),
    "trouble": _trouble,
}
