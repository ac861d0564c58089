from dataclasses import replace

import pytest

from tests.dashboard import rooms
from videocli.dashboard.view import Chosen, View
from videocli.dashboard.watching import Watched, watched
from videocli.engine import events as ev
from videocli.engine.room.snapshot import ParticipantSnapshot, Snapshot, TrackSnapshot


def camera(sid: str, enabled: bool = True, subscribed: bool = True) -> TrackSnapshot:
    return TrackSnapshot(ev.Track(sid, sid, "video", enabled, "standard"), subscribed)


def person(name: str, *tracks: TrackSnapshot, dominant: bool = False) -> ParticipantSnapshot:
    return ParticipantSnapshot(ev.Participant(name, name, "connected"), tracks, is_dominant=dominant)


def room(*others: ParticipantSnapshot) -> Snapshot:
    return replace(rooms.connected(0), participants=others)


def who(snapshot: Snapshot, view: View | None = None) -> tuple[str | None, str | None]:
    """SID of the participant and of the track."""
    participant, track, _ = watched(snapshot, view or View())
    return (
        None if participant is None else participant.participant.sid,
        None if track is None else track.track.sid,
    )


MUTE = camera("mute", enabled=False)
EVERYBODY = room(
    person("bob", rooms.microphone(1)), person("carol", camera("c")), person("dave", MUTE, camera("d"))
)


def test_the_dominant_one_is_seen() -> None:
    carol = person("carol", camera("c"), dominant=True)
    assert who(room(person("bob", camera("b")), carol), View(watched="bob")) == ("carol", "c")


def test_nobody_speaks_so_who_was_seen_before_stays() -> None:
    assert who(EVERYBODY) == ("carol", "c")
    assert who(EVERYBODY, View(watched="dave")) == ("dave", "d")
    assert who(EVERYBODY, View(watched="gone")) == ("carol", "c")


def test_a_dominant_one_without_a_picture_is_heard_only() -> None:
    assert who(room(person("bob", MUTE, dominant=True), person("carol", camera("c")))) == ("carol", "c")


def test_the_chosen_one_is_seen_whoever_speaks() -> None:
    snapshot = room(person("bob", camera("b1"), camera("b2")), person("carol", camera("c"), dominant=True))
    assert who(snapshot, View(chosen=Chosen("bob"))) == ("bob", "b1")
    assert who(snapshot, View(chosen=Chosen("bob", "b2"))) == ("bob", "b2")


def test_choosing_ourselves_follows_who_speaks() -> None:
    assert rooms.local().participant.sid == "PA0000"
    assert who(EVERYBODY, View(chosen=Chosen("PA0000"))) == ("carol", "c")


@pytest.mark.parametrize(
    ("snapshot", "chosen", "why"),
    [
        (room(), None, "Nobody else is here"),
        (room(person("bob", rooms.microphone(1))), None, "Nobody else has a picture"),
        (room(), Chosen("PA0000"), "Our own tracks are not shown; nobody else is here"),
        (
            room(person("bob", rooms.microphone(1))),
            Chosen("PA0000"),
            "Our own tracks are not shown; nobody else has a picture",
        ),
        (room(person("bob", MUTE)), None, "bob has muted the picture"),
        (EVERYBODY, Chosen("bob"), "bob publishes no picture"),
        (EVERYBODY, Chosen("dave", "mute"), "dave has muted the picture"),
        (room(person("bob", camera("b", subscribed=False))), None, "We do not receive the picture of bob"),
        (room(person("\x1b[2J", MUTE)), None, '"\N{REPLACEMENT CHARACTER}[2J" has muted the picture'),
    ],
)
def test_it_says_why_there_is_nothing_to_see(snapshot: Snapshot, chosen: Chosen | None, why: str) -> None:
    seen = watched(snapshot, View(chosen=chosen))
    assert isinstance(seen, Watched)
    assert (seen.track, seen.why) == (None, why)
