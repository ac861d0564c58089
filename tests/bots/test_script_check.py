import pytest

from videocli.bots.script_check import problem_of


@pytest.mark.parametrize(
    "source",
    [
        "async def bot(room): ...",
        "async def bot(room, /): ...",
        "async def bot(room):\n    def count():\n        yield 1\n    return lambda: (yield)",
        "from elsewhere import bot",
        "from elsewhere import robot as bot",
    ],
)
def test_what_has_a_coroutine_bot_may_be_a_script(source: str) -> None:
    assert problem_of(source) is None


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "it has no 'async def bot(room)'"),
        ("def bot(room): ...", "it has no 'async def bot(room)'"),
        ("async def bot(): ...", "its 'bot' takes no room"),
        (
            "async def bot(room):\n    while True:\n        x = yield 1",
            "its 'bot' has a 'yield' in it, which makes it no coroutine function",
        ),
        ("x = 1\nasync def bot(room)", "line 2 is no Python: expected ':'"),
        ("\0", "it is no Python: source code string cannot contain null bytes"),
    ],
)
def test_what_has_none_is_said(source: str, words: str) -> None:
    assert problem_of(source) == words
