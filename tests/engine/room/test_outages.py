"""The record of an outage."""

from videocli.engine import events as ev
from videocli.engine import reports as rp
from videocli.engine.room.outages import KEPT, OutageLog
from videocli.engine.room.room import Report, Room
from videocli.media.peer import Silence

JOINED = rp.Joined("RM1", "my-room", "PA1", "alice", (), 30.0)
SYNCED = rp.Resynced((), frozenset())


def play(*reports: tuple[float, Report]) -> tuple[Room, list[ev.Event]]:
    room = Room("my-room")
    room.apply(JOINED, 0.0)
    return room, [event for now, report in reports for event in room.apply(report, now)]


def test_each_attempt_has_its_fate_and_its_time() -> None:
    room, events = play(
        (10.0, rp.SignalingLost("socket closed")),
        (10.1, rp.AttemptStarted(1)),
        (10.2, rp.AttemptFailed(1, "connection refused", answered=True)),
        (11.0, rp.AttemptStarted(2)),
        (11.5, SYNCED),
        (11.75, rp.MediaVerified()),
    )
    assert events[-1] == ev.Reconnected(1.75, attempts=2, media_gap=0.0)
    (outage,) = room.outages.outages
    assert outage.code == 53001
    assert [(attempt.fate, attempt.began_at, attempt.ended_at) for attempt in outage.attempts] == [
        ("connection refused", 10.1, 10.2),
        ("resumed", 11.0, 11.5),
    ]


def test_media_is_silent_from_its_last_datagram_not_from_when_it_was_noticed() -> None:
    _, events = play(
        (12.5, rp.MediaFailed(silent_since=10.0)),
        (12.5, rp.IceRestarting()),
        (13.0, rp.MediaConnected()),
    )
    assert events[-1] == ev.Reconnected(0.5, attempts=1, media_gap=3.0)


def test_a_silence_that_nobody_missed_counts_once_media_has_answered() -> None:
    _, events = play(
        (10.0, rp.SignalingLost("socket closed")),
        (11.25, SYNCED),
        (11.5, rp.MediaVerified(Silence(since=9.75, until=11.0))),
    )
    assert events[-1] == ev.Reconnected(1.5, attempts=0, media_gap=1.25)


def test_what_was_slept_through_counts_though_media_was_back_before_the_loss_was_noticed() -> None:
    _, events = play(
        (30.0, rp.SignalingLost("socket closed")),
        (30.25, SYNCED),
        (30.5, rp.MediaVerified(Silence(since=10.0, until=29.75))),
    )
    assert events[-1] == ev.Reconnected(0.5, attempts=0, media_gap=19.75)


def test_a_silence_of_long_ago_does_not_count() -> None:
    _, events = play(
        (30.0, rp.SignalingLost("socket closed")),
        (30.25, SYNCED),
        (30.5, rp.MediaVerified(Silence(since=10.0, until=12.0))),
    )
    assert events[-1] == ev.Reconnected(0.5, attempts=0, media_gap=0.0)


def test_a_silence_that_was_missed_counts_once() -> None:
    _, events = play(
        (10.0, rp.SignalingLost("socket closed")),
        (12.5, rp.MediaFailed(silent_since=10.0)),
        (14.0, rp.MediaConnected()),
        (15.0, SYNCED),
        (15.5, rp.MediaVerified(Silence(since=10.0, until=13.75))),
    )
    assert events[-1] == ev.Reconnected(5.5, attempts=0, media_gap=4.0)


def test_a_restart_that_did_not_help_ends_when_the_next_begins() -> None:
    room, _ = play(
        (10.0, rp.MediaFailed()),
        (10.0, rp.IceRestarting()),
        (12.0, rp.IceRestarting()),
        (13.0, rp.MediaConnected()),
    )
    fates = [(attempt.fate, attempt.ended_at) for attempt in room.outages.outages[0].attempts]
    assert fates == [("no answer", 12.0), ("connected", 13.0)]


def test_the_gaps_of_one_outage_add_up() -> None:
    _, events = play(
        (10.0, rp.SignalingLost("socket closed")),
        (11.0, rp.MediaFailed(silent_since=10.0)),
        (12.0, rp.MediaConnected()),
        (15.0, rp.MediaFailed(silent_since=14.0)),
        (16.0, SYNCED),
        (17.0, rp.MediaConnected()),
    )
    assert events[-1] == ev.Reconnected(7.0, attempts=0, media_gap=5.0)


def test_an_outage_that_ends_the_room_says_how_long_it_took() -> None:
    room, _ = play((10.0, rp.MediaFailed(silent_since=8.0)))
    (ended,) = room.handle_timer(40.0)
    assert isinstance(ended, ev.Disconnected)
    assert (ended.downtime, ended.attempts, ended.media_gap) == (30.0, 0, 32.0)


def test_leaving_without_an_outage_says_nothing_of_one() -> None:
    room, _ = play()
    assert room.end(None, 5.0) == [ev.Disconnected(None, None, None, None)]


def test_the_log_is_bounded() -> None:
    log = OutageLog()
    for at in range(2 * KEPT):
        log.begin(53001, at)
        for _ in range(2 * KEPT):
            log.attempt("signaling", at)
        log.end(at)
    assert len(log.outages) == KEPT
    assert len(log.outages[-1].attempts) == KEPT
    assert log.outages[-1].attempt_count == 2 * KEPT
    assert log.current is None
