import itertools
import json
from typing import Any

import pytest

from tests.protocol.tcmp_core import hear, said, tick
from videocli.protocol.core import CloseTransport
from videocli.protocol.tcmp import (
    Bad,
    BodyReceived,
    Busy,
    BusyReceived,
    Bye,
    Closed,
    CloseReason,
    Heartbeat,
    Hello,
    Ignored,
    Msg,
    Opened,
    TcmpMessage,
    Welcome,
    encode,
)
from videocli.protocol.tcmp_client import TcmpClient

ICE = {"type": "ice"}


def client(now: float = 0.0, **options: Any) -> TcmpClient:
    numbers = itertools.count(1)
    return TcmpClient(now, lambda: f"id{next(numbers)}", ICE, **options)


def open_client(now: float = 0.0, negotiated_ms: float = 5000) -> TcmpClient:
    made = client(now)
    hear(made, Welcome(negotiated_ms), now)
    made.outputs()
    made.events()
    return made


def test_says_hello_at_once_with_the_first_body() -> None:
    assert said(client()) == [Hello("id1", 5000, body=ICE)]


def test_says_three_hellos_five_seconds_apart_then_gives_up() -> None:
    made = client()
    assert [tick(made), tick(made), tick(made)] == [5.0, 10.0, 15.0]
    reason = "All handshake attempts failed"
    assert said(made) == [
        Hello("id1", 5000, body=ICE),
        Hello("id2", 5000, body=ICE),
        Hello("id3", 5000, body=ICE),
        CloseTransport(3000, reason),
    ]
    assert made.events() == [Closed(CloseReason.TIMEOUT, 3000, reason)]
    assert made.timer() is None


def test_opens_on_welcome_and_then_sends_what_was_queued_in_order() -> None:
    made = client()
    made.outputs()
    made.send({"n": 1}, 0.1)
    made.send({"n": 2}, 0.2)
    assert said(made) == []
    hear(made, Welcome(5000), 0.3)
    assert said(made) == [Msg({"n": 1}), Msg({"n": 2})]
    assert made.events() == [Opened(5.0)]
    assert made.is_open


def test_a_message_before_the_welcome_is_dropped() -> None:
    made = client()
    hear(made, Msg({"type": "iced"}), 0.1)
    assert made.events() == [Ignored("msg while connecting")]


def test_beats_200_ms_early_counted_from_the_last_message_sent() -> None:
    made = open_client()
    assert made.timer() == 4.8
    made.send({}, 3.0)
    assert made.timer() == 7.8
    made.outputs()
    hear(made, Heartbeat(), 7.0)
    assert tick(made) == 7.8
    assert said(made) == [Heartbeat()]
    assert made.timer() == pytest.approx(12.6)


def test_a_silent_server_is_dead_after_three_negotiated_heartbeats() -> None:
    made = open_client(negotiated_ms=1000)
    hear(made, Heartbeat(), 0.5)
    times = []
    while made.timer() is not None:
        times.append(round(tick(made), 1))
    assert times == [0.8, 1.6, 2.4, 3.2, 3.5]
    assert made.events() == [Closed(CloseReason.TIMEOUT, 3001, 'Missed 3 "heartbeat" messages')]
    assert said(made)[-1] == CloseTransport(3001, 'Missed 3 "heartbeat" messages')


@pytest.mark.parametrize("message", [Welcome(5000), Bye(), Bad("x"), Busy(1)])
def test_only_messages_and_heartbeats_are_signs_of_life(message: TcmpMessage) -> None:
    made = open_client(negotiated_ms=1000)
    hear(made, message, 2.0)
    made.handle_timer(3.0)
    assert made.timer() is None


def test_a_welcome_with_a_tiny_interval_makes_no_flood() -> None:
    made = open_client(negotiated_ms=0)
    assert made.timer() == 0.8


def test_a_timer_that_fires_early_does_nothing() -> None:
    made = open_client()
    made.handle_timer(4.79)
    assert said(made) == []


def test_busy_with_keep_alive_says_hello_again_on_this_socket_with_the_cookie() -> None:
    made = client()
    made.outputs()
    hear(made, Busy(700, keep_alive=True, cookie="c1"), 1.0)
    assert made.events() == [BusyReceived(0.7, keep_alive=True, cookie="c1")]
    assert tick(made) == 1.7
    assert said(made) == [Hello("id2", 5000, cookie="c1", body=ICE)]
    hear(made, Welcome(5000), 1.8)
    assert made.events() == [Opened(5.0)]


def test_the_latest_cookie_replaces_an_older_one_and_its_absence_too() -> None:
    made = client(cookie="old")
    assert said(made) == [Hello("id1", 5000, cookie="old", body=ICE)]
    hear(made, Busy(0, keep_alive=True), 1.0)
    tick(made)
    assert said(made) == [Hello("id2", 5000, body=ICE)]


def test_busy_gives_three_hellos_again() -> None:
    made = client()
    tick(made)
    tick(made)
    hear(made, Busy(1000, keep_alive=True), 11.0)
    assert [tick(made) for _ in range(4)] == [12.0, 17.0, 22.0, 27.0]
    assert made.timer() is None


def test_a_late_welcome_ends_the_busy_wait() -> None:
    made = client()
    hear(made, Busy(60_000, keep_alive=True), 1.0)
    hear(made, Welcome(5000), 2.0)
    assert made.is_open


def test_busy_without_keep_alive_closes_and_leaves_the_rest_to_the_backend() -> None:
    made = client()
    made.outputs()
    hear(made, Busy(900, cookie="c2"), 1.0)
    assert made.events() == [BusyReceived(0.9, keep_alive=False, cookie="c2")]
    assert said(made) == [CloseTransport(3005, 'Received "busy" message, retrying after 900 ms')]
    made.receive_close(3005, "", 1.1)
    assert made.events() == []
    assert made.timer() is None


def test_terminal_busy_closes_for_good() -> None:
    made = client()
    made.outputs()
    hear(made, Busy(-1), 1.0)
    reason = 'Received terminal "busy" message'
    assert said(made) == [CloseTransport(3006, reason)]
    assert made.events() == [Closed(CloseReason.BUSY, 3006, reason)]


def test_bad_as_the_answer_to_hello_closes_with_the_servers_reason() -> None:
    made = client()
    made.outputs()
    hear(made, Bad("no such thing"), 1.0)
    assert said(made) == [CloseTransport(3002, "no such thing")]
    assert made.events() == [Closed(CloseReason.FAILED, 3002, "no such thing")]


@pytest.mark.parametrize(
    "text",
    ["not json", "{}", '{"type":"odd"}', '{"type":"bad","reason":"x"}', '{"type":"busy","retryAfter":-1}'],
)
def test_an_odd_message_while_open_is_noted_and_changes_nothing(text: str) -> None:
    made = open_client()
    made.receive(text, 1.0)
    (event,) = made.events()
    assert isinstance(event, Ignored)
    assert made.is_open
    assert said(made) == []


def test_a_bye_does_not_close() -> None:
    made = open_client()
    hear(made, Bye(), 1.0)
    assert made.is_open
    assert made.events() == []


def test_leaving_says_bye_and_closes_with_1000() -> None:
    made = open_client()
    made.send({"type": "disconnect"}, 1.0)
    made.close(1.0)
    assert said(made) == [Msg({"type": "disconnect"}), Bye(), CloseTransport(1000, "Normal")]
    assert made.events() == [Closed(CloseReason.LOCAL, 1000, "Normal")]


def test_leaving_before_the_welcome_drops_the_queue() -> None:
    made = client()
    made.outputs()
    made.send({"n": 1}, 0.1)
    made.close(0.2)
    assert said(made) == [CloseTransport(1000, "Normal")]


def test_a_changed_network_gives_the_socket_up() -> None:
    made = open_client()
    made.network_changed(1.0)
    assert said(made) == [CloseTransport(3004, "Network changed")]
    assert made.events() == [Closed(CloseReason.TIMEOUT, 3004, "Network changed")]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (None, CloseReason.REMOTE),
        (1000, CloseReason.REMOTE),
        (1001, CloseReason.REMOTE),
        (1006, CloseReason.REMOTE),
        (1011, CloseReason.REMOTE),
        (3000, CloseReason.TIMEOUT),
        (3001, CloseReason.TIMEOUT),
        (3002, CloseReason.FAILED),
        (3003, CloseReason.FAILED),
        (3004, CloseReason.TIMEOUT),
        (3006, CloseReason.BUSY),
        (3007, CloseReason.TIMEOUT),
        (3008, CloseReason.REMOTE),
    ],
)
def test_a_received_close_code_has_its_class(code: int | None, reason: CloseReason) -> None:
    made = open_client()
    made.receive_close(code, "why", 1.0)
    assert made.events() == [Closed(reason, code, "why", is_received=True)]
    assert made.timer() is None


def test_nothing_happens_after_the_end() -> None:
    made = open_client()
    made.close(1.0)
    made.outputs()
    made.events()
    made.receive(encode(Msg({})), 2.0)
    made.receive_close(1006, "", 2.0)
    made.send({}, 2.0)
    made.close(2.0)
    made.network_changed(2.0)
    made.handle_timer(100.0)
    assert (made.outputs(), made.events(), made.timer()) == ([], [], None)


def test_bodies_come_through_as_they_are() -> None:
    made = open_client()
    body = {"type": "update", "participants": [{"sid": "PA1", "tracks": []}], "unknown": None}
    made.receive(json.dumps({"type": "msg", "body": body}), 1.0)
    assert made.events() == [BodyReceived(body)]
