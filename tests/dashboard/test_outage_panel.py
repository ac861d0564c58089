from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from tests.dashboard import rooms
from videocli.dashboard.outage_panel import current_outage, outage_height, timeline
from videocli.dashboard.view import View
from videocli.engine.room.snapshot import OutageSnapshot, Snapshot


def drawn(outage: OutageSnapshot, snapshot: Snapshot, width: int = 80) -> list[str]:
    lines = timeline(outage, snapshot, View(timezone=UTC), width, outage_height(outage))
    return [line.plain.rstrip() for line in lines]


def test_an_outage_that_goes_on_shows_the_time_that_is_left() -> None:
    title, axis, signaling, media, *attempts = drawn(rooms.SIGNALING_OUTAGE, rooms.signaling_lost())
    assert title.startswith("── Outage 53001: 6.0 s, 3 attempts, 0.0 s without media")
    assert axis.split() == ["20:45:33", "lost", "the", "session", "ends", "20:46:03"]
    assert signaling.startswith(" signaling ✗")
    assert signaling.count("✗") == 2
    assert signaling.index("╸") < signaling.index("╎") < signaling.index("┈")
    assert media == " media     not lost"
    assert [line.split(": ")[-1] for line in attempts] == [
        "connection refused after 0.1 s",
        "no answer to dialing after 1.4 s",
        "under way",
    ]


def test_an_outage_that_is_over_ends_with_what_brought_it_back() -> None:
    snapshot = rooms.outage_over()
    (outage,) = snapshot.outages
    _, axis, signaling, media, *attempts = drawn(outage, snapshot)
    assert axis.endswith("over 20:45:36")
    assert signaling.endswith("✓")
    assert media.endswith("✓")
    assert "media attempt 4: connected after 5.0 s" in attempts[-1]


def test_only_the_latest_attempts_are_listed_by_their_numbers() -> None:
    attempts = rooms.SIGNALING_OUTAGE.attempts * 5
    outage = replace(rooms.SIGNALING_OUTAGE, attempts=attempts, attempt_count=60)
    lines = drawn(outage, rooms.signaling_lost())
    assert [line.split(" attempt ")[1].split(":")[0] for line in lines[4:]] == ["57", "58", "59", "60"]


@pytest.mark.parametrize(("seconds", "is_shown"), [(0.0, True), (14.0, True), (16.0, False)])
def test_an_outage_stays_in_sight_for_a_while(seconds: float, is_shown: bool) -> None:
    snapshot = rooms.outage_over()
    ended_at = snapshot.outages[0].began_at + timedelta(seconds=snapshot.outages[0].downtime)
    later = replace(snapshot, time=ended_at + timedelta(seconds=seconds))
    assert (current_outage(later) is not None) is is_shown


def test_a_room_without_outages_has_none() -> None:
    assert current_outage(rooms.connected(1)) is None
