import json

import pytest

from tests.bots.figures import FULL, LOAD, result
from videocli.bots.results import Arrival, Message, Standing, from_json, to_json

STANDING = Standing(1, 2, 3, 4, 5, 6, 7, 8, 0.5)


@pytest.mark.parametrize(
    "message",
    [result(1), result(2, None, failure=FULL), LOAD, STANDING, Arrival(3, 0.25)],
    ids=lambda m: type(m).__name__,
)
def test_what_a_process_says_travels_as_json(message: Message) -> None:
    assert from_json(json.loads(json.dumps(to_json(message)))) == message


def test_standings_add_up_and_the_worst_lag_counts() -> None:
    assert STANDING + Standing(lag=0.2) + STANDING == Standing(2, 4, 6, 8, 10, 12, 14, 16, 0.5)
