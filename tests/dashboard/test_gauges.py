import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from videocli.dashboard.gauges import bar, loudness, quality, sparkline


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ((), "     "),
        ((5.0,), "    ▆"),
        ((0.0, 0.0), "   ▁▁"),
        ((9.0, 1.0, 2.0, 4.0, 8.0, 0.0), "▂▂▄▆▁"),
        ((5.0,) * 9, "▆▆▆▆▆"),
    ],
)
def test_the_newest_value_is_at_the_right_and_the_highest_near_the_top(
    values: tuple[float, ...], shown: str
) -> None:
    assert sparkline(values, 5) == shown


@pytest.mark.parametrize(
    ("share", "shown"), [(0.0, "░░░░"), (0.5, "██░░"), (0.53125, "██▏░"), (1.0, "████"), (7.0, "████")]
)
def test_a_bar_counts_in_eighths_of_a_cell(share: float, shown: str) -> None:
    assert bar(share, 4, "░") == shown


@pytest.mark.parametrize(("level", "cells"), [(0.0, 0), (0.0001, 0), (0.001, 0), (0.0316, 4), (1.0, 8)])
def test_loudness_is_judged_by_the_ear(level: float, cells: int) -> None:
    assert loudness(level, 8).count("█") == cells


@pytest.mark.parametrize(
    ("level", "shown"),
    [(None, "     "), (0, "·····"), (3, "▁▂▄··"), (5, "▁▂▄▆█"), (9, "▁▂▄▆█"), (-1, "·····")],
)
def test_quality_is_read_without_colour(level: int | None, shown: str) -> None:
    assert quality(level) == shown


@given(st.lists(st.floats(0, 1e12), max_size=80), st.floats(0, 1), st.integers(0, 30))
def test_gauges_have_their_width(values: list[float], share: float, width: int) -> None:
    assert cell_len(sparkline(values, width)) == width
    assert cell_len(bar(share, width)) == width
    assert cell_len(loudness(share, width)) == width
