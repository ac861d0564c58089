"""Tracks of a publisher fall into step, however they arrive."""

import itertools
from collections.abc import Iterable, Iterator
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


class TestWrongReports:
    """What was recorded of a publisher that was stopped for 2.0 s, and whose next report went by that."""

    STOPPED, WENT_ON, CORRECTED, WRONG_BY = 5.0, 7.0, 8.68, 1.82
    REPORTED = 7.32

    def frames(self, wrong_by: float = WRONG_BY, late: int = 1) -> Iterator[tuple[str, float, float, float]]:
        """Kind, when it was due, came, and was captured by its reports; `late` of each came after all."""
        for kind, rate in (("audio", 50), ("video", 30)):
            for number in range(rate * 30):
                due = number / rate
                is_late = 0 <= number - self.STOPPED * rate < late
                if is_late or not self.STOPPED <= due < self.WENT_ON:
                    came = self.WENT_ON + (due - self.WENT_ON) / 1000 if is_late else due
                    is_wrong = kind == "audio" and self.REPORTED <= came < self.CORRECTED
                    yield kind, due, came, PUBLISHER + due + wrong_by * is_wrong

    def placed(
        self, frames: Iterable[tuple[str, float, float, float]]
    ) -> dict[str, list[tuple[float, float]]]:
        """By kind, where each frame was due and lies."""
        publisher = PublisherTime()
        tracks = {"audio": TrackTime(publisher), "video": TrackTime(publisher)}
        placed: dict[str, list[tuple[float, float]]] = {"audio": [], "video": []}
        for kind, due, came, captured_at in sorted(frames, key=lambda each: each[2]):
            frame = sound(round(due * 50)) if kind == "audio" else picture(round(due * 30))
            at = tracks[kind].place(replace(frame, captured_at=captured_at), came)
            placed[kind].append((due, at))
        return placed

    @pytest.mark.parametrize("wrong_by", [WRONG_BY, -WRONG_BY, 0.4, -0.4, 10.0, -10.0])
    @pytest.mark.parametrize("late", [1, 12])
    def test_a_report_that_is_wrong_once_moves_nothing(self, wrong_by: float, late: int) -> None:
        for of_kind in self.placed(self.frames(wrong_by, late)).values():
            assert all(at == pytest.approx(due, abs=0.02) for due, at in of_kind)

    def test_a_report_that_is_wrong_among_frames_that_catch_up_moves_nothing(self) -> None:
        self.REPORTED = self.WENT_ON - 0.001
        for of_kind in self.placed(self.frames(late=12)).values():
            assert all(at == pytest.approx(due, abs=0.02) for due, at in of_kind)

    @pytest.mark.parametrize("wrong_by", [1.0, -1.0])
    def test_what_is_told_again_and_again_is_believed(self, wrong_by: float) -> None:
        self.CORRECTED = 100.0
        placed = self.placed(self.frames(wrong_by))["audio"]
        assert placed[-1][1] - placed[-1][0] == pytest.approx(wrong_by, abs=0.1)

    def test_a_track_that_is_moved_back_is_hurried_not_piled_up(self) -> None:
        self.CORRECTED = 100.0
        placed = self.placed(self.frames(-1.0))["audio"]
        steps = [later - earlier for (_, earlier), (_, later) in itertools.pairwise(placed)]
        assert min(steps) == pytest.approx(0.01)

    def test_timestamps_that_stood_still_are_moved_as_soon_as_a_report_says_so(self) -> None:
        track = TrackTime(PublisherTime())
        for n in range(250):
            track.place(sound(n, PUBLISHER + n / 50), n / 50)
        placed = []
        for n in range(350, 500):
            told = 2.0 if n < 370 else 0.0
            placed.append(track.place(sound(n, PUBLISHER + n / 50 - told, stalled=100), n / 50))
        assert placed[-100:] == pytest.approx([n / 50 for n in range(400, 500)], abs=0.02)
