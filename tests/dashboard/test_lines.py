import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from videocli.dashboard.lines import beside, exactly, fit, line, rule, wrapped

WORDS = st.text(alphabet="ab 李👍e\u0301", max_size=40)
WIDTHS = st.integers(0, 50)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(WORDS, WIDTHS)
def test_fitted_text_has_exactly_its_width(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(WORDS, WORDS, WIDTHS)
def test_a_line_has_exactly_its_width(left: str, right: str, width: int) -> None:
    assert line(width, [(left, "")], [(right, "bold")]).cell_len == width


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(WORDS, WORDS, WIDTHS)
def test_a_rule_has_exactly_its_width(title: str, right: str, width: int) -> None:
    assert rule(width, [title, title[:3]], right).cell_len == width


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(WORDS, st.integers(1, 30), st.integers(1, 4))
def test_wrapped_text_stays_within_width_and_limit(text: str, width: int, limit: int) -> None:
    lines = wrapped(text, width, limit)
    assert 1 <= len(lines) <= limit
    assert all(cell_len(each) <= width for each in lines)


def test_wrapping_breaks_at_blanks_and_cuts_only_the_last_line() -> None:
    assert wrapped("one two three four", 9, 3) == ["one two", "three", "four"]
    assert wrapped("one two three four", 9, 2) == ["one two", "three fo…"]


def test_the_right_end_goes_when_there_is_no_room_for_both() -> None:
    assert line(12, [("left", "")], [("right", "")]).plain == "left   right"
    assert line(9, [("left", "")], [("right", "")]).plain == "left     "
    assert line(3, [("left", "")], [("right", "")]).plain == "le…"


@pytest.mark.parametrize(("height", "kept"), [(-1, 0), (0, 0), (2, 2), (5, 5)])
def test_exactly_so_many_lines(height: int, kept: int) -> None:
    assert len(exactly(height, [line(4, [("a", "")])] * 3, 4)) == kept


def test_two_columns_have_a_line_between_them() -> None:
    (both,) = beside([line(3, [("a", "")])], [line(3, [("b", "")])])
    assert both.plain == "a   │ b  "


def test_a_heading_is_as_long_as_leaves_room_for_the_right_end() -> None:
    assert rule(24, ["a long title", "title"], "words").plain == "── a long title ── words"
    assert rule(21, ["a long title", "title"], "words").plain == "── title ────── words"
    assert rule(12, ["title", "t"], "many words").plain == "── title ───"
