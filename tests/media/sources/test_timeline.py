from fractions import Fraction

import pytest

from videocli.media.sources.timeline import Timeline


def timestamps(timeline: Timeline, positions: list[int | None], duration: int | None = 40) -> list[int]:
    return [timeline.place(position, duration) for position in positions]


def test_the_first_frame_is_at_0_wherever_it_lies_in_the_file() -> None:
    assert timestamps(Timeline(1000, 40), [7000, 7040, 7100]) == [0, 40, 100]


def test_a_new_pass_follows_when_the_last_frame_has_lasted() -> None:
    timeline = Timeline(1000, 40)
    timestamps(timeline, [0, 100, 200], duration=50)
    timeline.end_pass()
    assert timestamps(timeline, [0, 100]) == [250, 350]


def test_a_pass_of_a_single_frame_lasts_a_fifth_of_a_second() -> None:
    timeline = Timeline(1000, 40)
    seen = []
    for _ in range(3):
        seen += timestamps(timeline, [0])
        timeline.end_pass()
    assert seen == [0, 200, 400]


def test_frames_without_positions_come_at_the_usual_distance() -> None:
    assert timestamps(Timeline(1000, 40), [None, None, None], duration=None) == [0, 40, 80]


def test_frames_that_all_claim_the_same_position_do_not_come_faster_than_twice_as_fast() -> None:
    seen = timestamps(Timeline(1000, 40), [0] * 200)
    assert seen == sorted(set(seen))
    assert seen[-1] >= 199 * 20


def test_a_frame_a_little_behind_does_not_move_those_after_it() -> None:
    assert timestamps(Timeline(1000, 40), [0, 40, 40, 80, 120]) == [0, 40, 60, 80, 120]


@pytest.mark.parametrize("leap", [-50_000, 3_600_000])
def test_a_leap_in_the_files_timestamps_is_closed(leap: int) -> None:
    start = 60_000
    seen = timestamps(Timeline(1000, 40), [start, start + 40, start + 80 + leap, start + 120 + leap])
    assert seen == [0, 40, 80, 120]


def test_frames_within_the_tolerance_follow_without_a_gap_and_do_not_run_away() -> None:
    seen = timestamps(Timeline(1000, 20, tolerance=10), [0, 21, 41, 62, 82, 103, 200], duration=20)
    assert seen == [0, 20, 40, 60, 80, 100, 200]


def test_a_pause_within_the_file_is_kept() -> None:
    assert timestamps(Timeline(1000, 40), [0, 20_000]) == [0, 20_000]


def test_picture_and_sound_begin_again_together_for_ever() -> None:
    picture, sound = Timeline(90_000, 3_600), Timeline(48_000, 960, tolerance=480)
    for number in range(1000):
        seen = timestamps(picture, [0, 3_600], duration=3_600), timestamps(sound, [0, 960], duration=960)
        assert [first[0] for first in seen] == [number * 270_090, number * 144_048]
        for each in (picture, sound):
            each.end_pass(Fraction(3_001, 1_000))


def test_a_pass_that_is_longer_than_it_should_be_does_not_go_back_and_is_caught_up() -> None:
    timeline = Timeline(1000, 40)
    assert timestamps(timeline, [0, 40, 80, 120]) == [0, 40, 80, 120]
    timeline.end_pass(Fraction(1, 10))
    assert timestamps(timeline, [0, 40]) == [121, 161]
    timeline.end_pass(Fraction(1, 10))
    assert timestamps(timeline, [0]) == [200]
