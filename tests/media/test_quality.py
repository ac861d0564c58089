import pytest
from hypothesis import given
from hypothesis import strategies as st

from videocli.media.quality import Opinion, level_of, mean_opinion


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


@pytest.mark.parametrize(
    ("opinion", "level"),
    [(1.0, 1), (3.0, 1), (3.1, 2), (3.6, 2), (3.61, 3), (4.01, 4), (4.2, 4), (4.21, 5)],
)
def test_the_levels_have_the_sdk_s_limits(opinion: float, level: int) -> None:
    assert level_of(opinion) == level


@pytest.mark.parametrize(
    ("round_trip_time", "jitter", "loss", "opinion"),
    [
        # Worked by hand from the formula: latency 10, 100, 320, 1010 and over.
        (0.0, 0.0, 0.0, 4.433),
        (0.050, 0.020, 0.0, 4.391),
        (0.300, 0.005, 0.0, 3.812),
        (1.0, 0.0, 0.0, 1.0),
        (0.0, 0.0, 0.01, 4.385),
        (0.0, 0.0, 0.5, 1.0),
    ],
)
def test_an_opinion_is_the_sdk_s_formula_with_milliseconds_and_per_cent(
    round_trip_time: float, jitter: float, loss: float, opinion: float
) -> None:
    assert mean_opinion(round_trip_time, jitter, loss) == pytest.approx(opinion, abs=0.001)


figures = st.tuples(st.floats(0, 5), st.floats(0, 1), st.floats(0, 1))


@given(figures, st.integers(0, 2), st.floats(0, 1))
def test_nothing_gets_better_by_being_worse(
    good: tuple[float, float, float], which: int, more: float
) -> None:
    worse = list(good)
    worse[which] += more
    assert 1 <= mean_opinion(*worse) <= mean_opinion(*good) + 1e-9 <= 4.5
