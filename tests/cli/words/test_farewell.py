from datetime import timedelta

import pytest

from videocli.cli.words.farewell import farewell


@pytest.mark.parametrize(
    ("stayed", "words"),
    [
        (timedelta(seconds=-1), "0 s"),
        (timedelta(seconds=8.9), "8 s"),
        (timedelta(minutes=12, seconds=34), "12 min 34 s"),
        (timedelta(days=1, hours=3, minutes=5, seconds=59), "27 h 5 min"),
    ],
    ids=str,
)
def test_how_long_the_stay_was(stayed: timedelta, words: str) -> None:
    assert farewell("my-room", stayed, [], has_failed=False) == f"left my-room after {words}"


def test_outages_are_counted_and_added_up() -> None:
    minute = timedelta(minutes=1)
    assert farewell("a", minute, [7.25], has_failed=False) == "left a after 1 min 0 s; 1 outage, 7.2 s"
    assert farewell("a", minute, [5.1, 2.2], has_failed=False).endswith("; 2 outages, 7.3 s in all")


def test_who_was_thrown_out_did_not_leave() -> None:
    assert (
        farewell("a", timedelta(seconds=9), [30.0], has_failed=True) == "was in a for 9 s; 1 outage, 30.0 s"
    )
