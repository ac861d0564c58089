import pytest

from videocli.bots.progress import to_line
from videocli.bots.results import Standing


def test_the_line_of_a_run_that_goes_well() -> None:
    before, now = Standing(packets=100, bytes=0), Standing(3, 0, 3, 250_000, 1100, lag=0.002)
    assert to_line(now, before, 1.0, 5, 12.0) == (
        "  12 s; 3 of 5 joined, 3 here; 2.00 Mbit/s in; loss 0.00%; loop late 2 ms"
    )


@pytest.mark.parametrize(
    ("held_up", "reason"),
    [
        ("the script of bot-1 blocked the event loop (b.py, line 2)",) * 2,
        ("", "a process is silent"),
    ],
)
def test_it_says_why_a_loop_is_late_that_is_not_heard_of(held_up: str, reason: str) -> None:
    now = Standing(5, lag=8.0, silence=8.0, held_up=held_up)
    assert to_line(now, Standing(), 1.0, 5, 9.0).endswith(f"; loop late 8.00 s or more: {reason}")


def test_the_line_of_one_that_does_not() -> None:
    now = Standing(5, 2, 3, 0, 90, 10, 4, 1, 0.3)
    assert to_line(now, Standing(), 1.0, 5, 1.0) == (
        "   1 s; 5 of 5 joined, 3 here, 1 of them reconnecting; 2 failed; 0.00 Mbit/s in; "
        "loss 10.00%; 4 reconnections; loop late 300 ms"
    )
