from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from videocli.media.freezes import Freezes


def freezes_of(intervals: Sequence[float]) -> Freezes:
    freezes, now = Freezes(), 100.0
    freezes.frame(now)
    for interval in intervals:
        now += interval
        freezes.frame(now)
    return freezes


def test_an_even_flow_has_no_freezes() -> None:
    assert freezes_of([1 / 30] * 100).count == 0


def test_at_30_frames_a_second_a_freeze_is_longer_than_the_average_and_150_ms() -> None:
    even = [1 / 30] * 40
    assert freezes_of([*even, 0.180]).count == 0
    assert freezes_of([*even, 0.187]).count == 1


def test_at_5_frames_a_second_a_freeze_is_longer_than_three_averages() -> None:
    even = [0.2] * 40
    assert freezes_of([*even, 0.59]).count == 0
    assert freezes_of([*even, 0.61]).count == 1


def test_a_freeze_lasts_from_the_frame_before_to_the_frame_that_ends_it() -> None:
    even = [1 / 30] * 40
    freezes = freezes_of([*even, 0.5, *even, 1.0, *even])
    assert freezes.count == 2
    assert round(freezes.seconds, 6) == 1.5


def test_the_average_is_that_of_the_last_30_frames() -> None:
    slow, fast = [0.2] * 40, [0.04] * 31
    assert freezes_of([*slow, *fast, 0.2]).count == 1


def test_the_first_few_frames_make_no_average() -> None:
    assert freezes_of([0.033, 0.033, 0.5]).count == 0


def test_a_pause_of_more_than_five_seconds_is_no_freeze() -> None:
    even = [1 / 30] * 40
    freezes = freezes_of([*even, 60.0, *even, 0.5])
    assert (freezes.count, round(freezes.seconds, 6)) == (1, 0.5)


def test_a_change_of_source_is_no_freeze() -> None:
    freezes = freezes_of([1 / 30] * 40)
    freezes.interrupt()
    freezes.frame(200.0)
    assert freezes.count == 0


@given(st.lists(st.floats(0, 10), max_size=100))
def test_it_agrees_with_the_definition_worked_out_anew_for_each_frame(intervals: list[float]) -> None:
    kept: list[float] = []
    frozen: list[float] = []
    times = [100.0]
    for interval in intervals:
        times.append(times[-1] + interval)
        true = times[-1] - times[-2]
        if true > 5:
            continue
        if len(kept) >= 5:
            average = sum(kept[-30:]) / len(kept[-30:])
            if true > max(3 * average, average + 0.150) + 1e-6:
                frozen.append(true)
            elif true > max(3 * average, average + 0.150) - 1e-6:
                return
        kept.append(true)
    freezes = freezes_of(intervals)
    assert freezes.count == len(frozen)
    assert abs(freezes.seconds - sum(frozen)) < 1e-6
