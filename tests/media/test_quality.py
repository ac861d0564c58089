import pytest
from hypothesis import given
from hypothesis import strategies as st

from videocli.media.quality import Opinion, mean_opinion


@pytest.mark.parametrize(
    ("round_trip_time", "jitter", "loss", "level"),
    [
        (0.02, 0.002, 0.0, 5),
        (0.1, 0.01, 0.01, 5),
        (0.05, 0.01, 0.04, 4),
        (0.1, 0.02, 0.05, 3),
        (0.25, 0.03, 0.05, 2),
        (0.3, 0.05, 0.08, 1),
        (0.02, 0.0, 0.3, 1),
        (2.0, 0.0, 0.0, 1),
    ],
)
def test_levels_are_those_of_a_listener(
    round_trip_time: float, jitter: float, loss: float, level: int
) -> None:
    opinion = Opinion()
    opinion.add(round_trip_time, jitter, loss)
    assert opinion.level == level


def test_there_is_no_opinion_of_nothing() -> None:
    assert Opinion().level is None


def test_one_bad_second_in_many_good_ones_costs_a_level_for_a_while() -> None:
    opinion, levels = Opinion(), []
    for loss in (0.0, 0.0, 0.12, *[0.0] * 8):
        opinion.add(0.02, 0.0, loss)
        levels.append(opinion.level)
    assert levels[:3] == [5, 5, 4]
    assert levels[-1] == 5


figures = st.tuples(st.floats(0, 5), st.floats(0, 1), st.floats(0, 1))


@given(figures, st.integers(0, 2), st.floats(0, 1))
def test_nothing_gets_better_by_being_worse(
    good: tuple[float, float, float], which: int, more: float
) -> None:
    worse = list(good)
    worse[which] += more
    assert 1 <= mean_opinion(*worse) <= mean_opinion(*good) + 1e-9 <= 4.5
