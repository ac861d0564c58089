from functools import reduce

import pytest

from videocli.dashboard.prompt import MAX_TYPED, Prompt, typed


def after(*keys: str) -> str:
    return reduce(typed, keys, Prompt("message")).text


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ("hé 李", "hé 李"),
        (["a", "b", "backspace"], "a"),
        (["backspace"], ""),
        ([*"one two ", "ctrl+w"], "one"),
        ([*"one", "ctrl+w"], ""),
        ([*"one two", "ctrl+u", "x"], "x"),
        (["a", "up", "tab", "ctrl+a", "\x9b", "\x1b", "\u202e", "b"], "ab"),
    ],
)
def test_what_is_typed_is_there_and_nothing_else(keys: list[str], text: str) -> None:
    assert after(*keys) == text


def test_no_more_is_taken_than_can_be_sent() -> None:
    assert len(after(*"x" * (MAX_TYPED + 5))) == MAX_TYPED
