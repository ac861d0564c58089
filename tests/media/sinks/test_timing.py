"""Tracks of a publisher fall into step, however they arrive."""

import itertools
from dataclasses import replace

import pytest

from videocli.media.frames import Codec, EncodedFrame
from videocli.media.sinks.timing import PublisherTime, TrackTime

PUBLISHER = 5_000.0
"""The publisher's clock when ours says 0."""


def sound(number: int, captured_at: float | None = None, stalled: int = 0) -> EncodedFrame:
    return EncodedFrame(b"", (number - stalled) * 960, True, Codec.OPUS, captured_at)


def picture(number: int, captured_at: float | None = None) -> EncodedFrame:
    return EncodedFrame(b"", 77 + number * 3000, True, Codec.VP8, captured_at)


class TestInStep:
    def test_a_publishers_clock_counts_more_than_arrival(self) -> None:
        publisher = PublisherTime()
        heard, seen = TrackTime(publisher), TrackTime(publisher)
        assert heard.place(sound(0, PUBLISHER), 0.02) == pytest.approx(0.02)
        assert seen.place(picture(0, PUBLISHER), 0.3) == pytest.approx(0.02, abs=0.001)

    def test_a_track_is_moved_gently_once_the_clock_is_known(self) -> None:
        publisher = PublisherTime()
        heard, seen = TrackTime(publisher), TrackTime(publisher)
        assert seen.place(picture(0), 0.12) == pytest.approx(0.12)
        heard.place(sound(0, PUBLISHER), 0.02)
        placed = [seen.place(picture(n, PUBLISHER + n / 30), 0.12 + n / 30) for n in range(1, 60)]
        assert all(
            step >= 0.9 / 30 - 1e-9
            for step in (later - earlier for earlier, later in itertools.pairwise(placed))
        )
        assert placed[-1] == pytest.approx(59 / 30 + 0.02, abs=0.002)

    def test_what_is_far_off_is_moved_at_once_but_never_back_in_time(self) -> None:
        publisher = PublisherTime()
        heard, seen = TrackTime(publisher), TrackTime(publisher)
        seen.place(picture(0), 1.0)
        heard.place(sound(0, PUBLISHER), 0.0)
        placed = [seen.place(picture(n, PUBLISHER + n / 30), 1.0 + n / 30) for n in range(1, 60)]
        assert all(later > earlier for earlier, later in itertools.pairwise([1.0, *placed]))
        assert placed[-1] == pytest.approx(59 / 30, abs=0.02)

    def test_clocks_that_drift_stay_together(self) -> None:
        publisher = PublisherTime()
        heard = TrackTime(publisher)
        hour = range(0, 180_000, 10)
        for n in hour:
            at = heard.place(sound(n, PUBLISHER + n / 50), n / 50 * 1.0001)
        assert at == pytest.approx(hour[-1] / 50 * 1.0001, abs=0.15)


class TestAstray:
    def test_a_clock_that_leaps_is_believed_only_when_it_stays_so(self) -> None:
        publisher = PublisherTime()
        track = TrackTime(publisher)
        placed = [
            track.place(sound(n, PUBLISHER + n / 50 + (3600 if n >= 50 else 0)), n / 50) for n in range(300)
        ]
        assert placed == pytest.approx([n / 50 for n in range(300)], abs=0.01)

    def test_a_clock_that_is_set_back_is_believed_when_it_stays_so(self) -> None:
        publisher = PublisherTime()
        track = TrackTime(publisher)
        placed = [
            track.place(sound(n, PUBLISHER + n / 50 - (3600 if n >= 50 else 0)), n / 50) for n in range(600)
        ]
        assert placed == pytest.approx([n / 50 for n in range(600)], abs=0.01)
        assert publisher.to_ours(PUBLISHER + 12 - 3600, 12.1) == pytest.approx(12.0, abs=0.01)

    def test_timestamps_that_stood_still_follow_our_clock_when_they_stay_late(self) -> None:
        track = TrackTime(PublisherTime())
        track.place(sound(0), 0.0)
        placed = [track.place(sound(n, stalled=250), n / 50) for n in range(300, 500)]
        assert placed[0] == pytest.approx(1.0)
        assert placed[-1] == pytest.approx(499 / 50)

    @pytest.mark.parametrize("leap", [-500, 500])
    def test_timestamps_that_leap_follow_our_clock(self, leap: int) -> None:
        track = TrackTime(PublisherTime())
        for n in range(500):
            track.place(sound(n), n / 50)
        placed = [track.place(sound(n, stalled=-leap), n / 50) for n in range(500, 510)]
        assert placed == pytest.approx([n / 50 for n in range(500, 510)])

    def test_jitter_without_a_publishers_clock_moves_nothing(self) -> None:
        track = TrackTime(PublisherTime())
        placed = [track.place(sound(n), n / 50 + (0.3 if n % 2 else 0)) for n in range(10)]
        assert placed == pytest.approx([n / 50 for n in range(10)])


class TestHeldUp:
    @pytest.mark.parametrize("is_clock_known", [True, False])
    @pytest.mark.parametrize("stall", [0.5, 1.5, 1.9, 2.5, 4.0, 6.0, 30.0])
    def test_what_a_path_held_up_lies_where_it_was_captured(self, stall: float, is_clock_known: bool) -> None:
        publisher = PublisherTime()
        heard, seen = TrackTime(publisher), TrackTime(publisher)
        captured = [(n / 50, heard, sound(n)) for n in range(2000)]
        captured += [(n / 30, seen, picture(n)) for n in range(1200)]
        for at, track, sent in sorted(captured, key=lambda each: each[0]):
            frame = replace(sent, captured_at=PUBLISHER + at if is_clock_known and at > 1 else None)
            now = 5 + stall + (at - 5) / 100 if 5 <= at < 5 + stall else at
            assert track.place(frame, now) == pytest.approx(at, abs=0.02)

    def test_what_is_lost_on_a_path_that_stalled_moves_nothing_else(self) -> None:
        track = TrackTime(PublisherTime())
        numbers = [*range(350), *range(550, 600)]
        placed = [track.place(sound(n), 11.0 if 250 <= n < 350 else n / 50) for n in numbers]
        assert placed == pytest.approx([n / 50 for n in numbers])
