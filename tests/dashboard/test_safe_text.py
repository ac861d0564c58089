import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from videocli.dashboard.safe_text import MAX_NAME, clean, name

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=300)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANY_TEXT)
def test_nothing_that_steers_a_terminal_is_left(text: str) -> None:
    categories = {unicodedata.category(character) for character in clean(text)}
    assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANY_TEXT, st.integers(1, 20))
def test_no_more_characters_than_the_limit(text: str, limit: int) -> None:
    assert len(clean(text, limit)) <= limit


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANY_TEXT)
def test_every_encoding_of_unicode_can_write_it(text: str) -> None:
    assert clean(text).encode("utf-8").decode("utf-8") == clean(text)


@pytest.mark.parametrize("text", ["bob", "Дарья", "李小龍", "two words", "e\u0301te\u0301", "👍", "#1 (a/b)"])
def test_ordinary_text_is_unchanged(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\ufffd[31mred"),
        ("\x9b31m", "\ufffd31m"),
        ("a\r\nb\tc", "a  b c"),
        ("evil\u202etxt", "evil\ufffdtxt"),
        ("ad\u200bmin", "ad\ufffdmin"),
        ("\ud800", "\ufffd"),
        ("\u3164", "\ufffd"),
        ("\u2800 \u115f\u1160\uffa0", "\ufffd \ufffd\ufffd\ufffd"),
        ("안녕 ⠁", "안녕 ⠁"),
        ("👩\u200d👧", "👩👧"),
        ("👍\U0001f3fd", "👍"),
        ("❤\ufe0f", "❤"),
        ("z" + "\u0301" * 50, "z" + "\u0301" * 3),
    ],
)
def test_what_becomes_of_the_rest(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_a_cut_text_says_so() -> None:
    assert clean("abcdef", 4) == "abc…"
    assert clean("abcd", 4) == "abcd"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("bob", "bob"),
        ("bob@example.com", "bob@example.com"),
        ("bob left. mallory", '"bob left. mallory"'),
        ('say "hi"', "\"say 'hi'\""),
        ("", '""'),
        ("x" * 500, '"' + "x" * (MAX_NAME - 1) + '…"'),
    ],
)
def test_a_name_never_reads_as_the_sentence(text: str, shown: str) -> None:
    assert name(text) == shown
