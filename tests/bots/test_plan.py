import json

import pytest

from videocli.bots.plan import (
    Orders,
    Ramp,
    end_of_ramp,
    orders_from_json,
    parse_ramp,
    plan_bots,
    share_out,
)


@pytest.mark.parametrize(
    ("text", "arrivals"),
    [
        ("10", [0.0, 5.0, 10.0]),
        ("10s", [0.0, 5.0, 10.0]),
        ("2/s", [0.0, 0.5, 1.0]),
        ("0.5/s", [0.0, 2.0, 4.0]),
        ("0", [0.0, 0.0, 0.0]),
    ],
)
def test_a_ramp_is_seconds_or_bots_a_second(text: str, arrivals: list[float]) -> None:
    ramp = parse_ramp(text)
    assert [ramp.arrival(number, 3) for number in (1, 2, 3)] == arrivals


@pytest.mark.parametrize("text", ["", "soon", "-1", "0/s", "1/m", "nan", "1e3"])
def test_anything_else_is_no_ramp(text: str) -> None:
    with pytest.raises(ValueError, match="bot"):
        parse_ramp(text)


def test_one_bot_comes_at_once() -> None:
    (bot,) = plan_bots("load", 1, 1, Ramp(seconds=10))
    assert (bot.identity, bot.room, bot.comes_at, bot.publishes) == ("bot-1", "load", 0.0, True)


def test_bots_take_turns_between_rooms() -> None:
    bots = plan_bots("load", 5, 2, Ramp(per_second=1), "b")
    assert [(bot.identity, bot.room) for bot in bots] == [
        ("b-1", "load-1"),
        ("b-2", "load-2"),
        ("b-3", "load-1"),
        ("b-4", "load-2"),
        ("b-5", "load-1"),
    ]
    assert end_of_ramp(bots) == 4.0


def test_the_first_of_each_room_publish() -> None:
    bots = plan_bots("load", 6, 2, Ramp(), publishers=1)
    assert [bot.identity for bot in bots if bot.publishes] == ["bot-1", "bot-2"]


def test_publishers_and_the_others_are_spread_evenly_over_processes() -> None:
    shares = share_out(plan_bots("load", 8, 1, Ramp(), publishers=2), 2)
    assert [sum(bot.publishes for bot in share) for share in shares] == [1, 1]
    assert [[bot.number for bot in share] for share in shares] == [[1, 3, 5, 7], [2, 4, 6, 8]]


def test_no_process_is_without_bots() -> None:
    assert len(share_out(plan_bots("load", 3, 1, Ramp()), 8)) == 3


def test_orders_travel_as_json() -> None:
    (share,) = share_out(plan_bots("load", 2, 1, Ramp()), 1)
    orders = Orders("ws://x", share, {"bot-1": "t"}, None, ("testsrc",), ("tone",), "none", 5.0, "/bot.py")
    assert orders_from_json(json.loads(json.dumps(orders.to_json()))) == orders
