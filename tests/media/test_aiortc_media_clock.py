"""What a track's reports say of its timestamps, whenever its packets leave."""

import pytest

from videocli.media.aiortc_inside.media_clock import MediaClock

RATE = 90_000
START = 4_294_900_000
"""Wraps within a second."""


class Track:
    """Thirty pictures a second that are due from 100 s on."""

    def __init__(self) -> None:
        self.clock = MediaClock(RATE)

    def send(self, due: float, now: float | None = None) -> None:
        self.clock.sent(START + round((due - 100) * RATE) & 0xFFFFFFFF, due if now is None else now)

    def send_all(self, since: float, until: float, *, late: float = 0.0) -> None:
        for number in range(round((until - since) * 30)):
            self.send(since + number / 30, since + number / 30 + late)

    def error(self, now: float) -> float:
        """Seconds by which the clock is ahead of what is due."""
        ahead = self.clock.timestamp_at(now) - START - round((now - 100) * RATE)
        return ((ahead + (1 << 31) & 0xFFFFFFFF) - (1 << 31)) / RATE


@pytest.fixture
def track() -> Track:
    return Track()


@pytest.mark.parametrize("stall", [0.1, 1.5, 10.0])
def test_the_one_picture_that_waited_out_a_stall_moves_nothing(track: Track, stall: float) -> None:
    track.send_all(100, 105)
    track.send(105, 105 + stall)
    assert track.error(105 + stall) == pytest.approx(0, abs=0.001)
    track.send_all(105 + stall, 106 + stall)
    assert track.error(106 + stall) == pytest.approx(0, abs=0.001)


def test_pictures_that_leave_in_a_burst_after_a_stall_move_nothing(track: Track) -> None:
    track.send_all(100, 105)
    for number in range(12):
        track.send(105 + number / 30, 107 + number / 1000)
        assert track.error(107.02) == pytest.approx(0, abs=0.005)


def test_a_first_picture_that_is_late_is_made_good_by_those_that_are_not(track: Track) -> None:
    track.send(100, 103)
    track.send_all(103, 104)
    assert track.error(104) == pytest.approx(0, abs=0.001)


def test_the_clock_runs_on_while_a_track_is_muted(track: Track) -> None:
    track.send_all(100, 101)
    assert track.error(3701) == pytest.approx(0, abs=0.001)
    track.send_all(3701, 3702)
    assert track.error(3702) == pytest.approx(0, abs=0.001)


def test_a_source_that_is_behind_for_a_while_moves_it_little(track: Track) -> None:
    track.send_all(100, 105)
    track.send_all(105, 106, late=0.4)
    track.send_all(106.5, 107)
    assert track.error(106.4) == pytest.approx(0, abs=0.05)
    assert track.error(107) == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize("pause", [5.0, 10_000.0])
def test_timestamps_that_stood_still_are_followed_when_they_stay_so(track: Track, pause: float) -> None:
    track.send_all(100, 105)
    track.send_all(105, 106, late=pause)
    assert track.error(106 + pause) == pytest.approx(-pause, abs=0.001)


@pytest.mark.parametrize("leap", [0.3, 60.0])
def test_timestamps_that_leap_ahead_are_followed_at_once(track: Track, leap: float) -> None:
    track.send_all(100, 105)
    track.send(105 + leap, 105)
    assert track.error(105) == pytest.approx(leap, abs=0.001)


def test_timestamps_that_begin_again_are_followed_when_they_stay_so(track: Track) -> None:
    track.send_all(100, 105)
    track.send_all(100, 101, late=5)
    assert track.error(106) == pytest.approx(-5, abs=0.001)


@pytest.mark.parametrize("drift", [0.0001, -0.0001, 0.03, -0.03])
def test_a_clock_that_drifts_is_followed(track: Track, drift: float) -> None:
    for number in range(30 * 60):
        now = 100 + number / 30 * (1 + drift)
        track.send(100 + number / 30, now)
        behind = abs(track.error(now) - (100 + number / 30 - now))
        assert behind <= abs(drift) * 10
