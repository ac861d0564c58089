import json
from dataclasses import replace

import pytest

from tests.bots.figures import FULL, LOAD, result
from videocli.bots.results import Arrival, Blocked, Message, Standing, from_json, to_json

STANDING = Standing(1, 2, 3, 4, 5, 6, 7, 8, 0.5)


@pytest.mark.parametrize(
    "message",
    [
        result(1),
        result(2, None, failure=FULL),
        LOAD,
        STANDING,
        Arrival(3, 0.25),
        Blocked("bot-1", "b.py, line 2"),
    ],
    ids=lambda m: type(m).__name__,
)
def test_what_a_process_says_travels_as_json(message: Message) -> None:
    assert from_json(json.loads(json.dumps(to_json(message)))) == message


@pytest.mark.parametrize(
    ("blocked", "words"),
    [
        (Blocked("bot-1", "b.py, line 2"), "the script of bot-1 blocked the event loop (b.py, line 2)"),
        (Blocked(None, "b.py, line 2"), "the script blocked the event loop (b.py, line 2)"),
        (Blocked(None, None), "something other than a script blocked the event loop"),
    ],
)
def test_it_is_said_whose_script_blocks_where_that_is_known(blocked: Blocked, words: str) -> None:
    assert blocked.words == words


def test_standings_add_up_and_the_worst_lag_counts() -> None:
    assert STANDING + Standing(lag=0.2) + STANDING == Standing(2, 4, 6, 8, 10, 12, 14, 16, 0.5)


def test_the_longest_silence_counts_and_what_is_known_of_it() -> None:
    assert STANDING + Standing(silence=4.0, held_up="a script") + Standing(silence=5.0) == replace(
        STANDING, silence=5.0, held_up="a script"
    )
