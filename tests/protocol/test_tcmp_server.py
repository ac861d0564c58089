import json

import pytest

from tests.protocol.tcmp_core import hear, said, tick
from tests.traces import NAMES, Line, read
from videocli.protocol.core import CloseTransport
from videocli.protocol.tcmp import (
    Bad,
    BodyReceived,
    Busy,
    Bye,
    ByeReceived,
    Closed,
    CloseReason,
    Heartbeat,
    Hello,
    Ignored,
    Msg,
    Opened,
    Welcome,
)
from videocli.protocol.tcmp_server import TcmpServer

ICE: dict[str, object] = {"type": "ice"}


def open_server(timeout_ms: float = 5000) -> TcmpServer:
    made = TcmpServer(0.0)
    hear(made, Hello("x", timeout_ms), 0.0)
    made.outputs()
    made.events()
    return made


def test_welcomes_before_the_body_is_answered() -> None:
    made = TcmpServer(0.0)
    hear(made, Hello("x", 5000, cookie="c", body=ICE), 0.1)
    assert said(made) == [Welcome(5000)]
    assert made.events() == [Opened(5.0, cookie="c"), BodyReceived(ICE)]


@pytest.mark.parametrize(
    ("asked", "given"), [(5000, 5000), (0, 1000), (-5, 1000), (200, 1000), (1e12, 60_000)]
)
def test_the_negotiated_heartbeat_is_within_sane_bounds(asked: float, given: float) -> None:
    made = TcmpServer(0.0)
    hear(made, Hello("x", asked), 0.0)
    assert said(made) == [Welcome(given)]


def test_a_client_that_says_no_hello_in_5_s_is_closed() -> None:
    made = TcmpServer(10.0)
    hear(made, Heartbeat(), 12.0)
    assert tick(made) == 15.0
    assert said(made) == [CloseTransport(1011, "No hello in time")]
    assert made.events() == [Closed(CloseReason.TIMEOUT, 1011, "No hello in time")]


def test_a_repeated_hello_is_welcomed_again_but_its_body_is_not_repeated() -> None:
    made = TcmpServer(0.0)
    hear(made, Hello("x", 5000, body=ICE), 0.0)
    hear(made, Hello("y", 5000, body=ICE), 5.0)
    assert said(made) == [Welcome(5000), Welcome(5000)]
    assert made.events() == [Opened(5.0), BodyReceived(ICE)]


def test_says_something_at_least_every_negotiated_heartbeat() -> None:
    made = open_server()
    times: list[float] = []
    for _ in range(3):
        hear(made, Heartbeat(), (times or [0.0])[-1] + 4.7)
        times.append(round(tick(made), 1))
        assert said(made) == [Heartbeat()]
    assert times == [4.8, 9.6, 14.4]


def test_a_message_sent_puts_the_heartbeat_off() -> None:
    made = open_server()
    made.send({"type": "iced"}, 3.0)
    assert said(made) == [Msg({"type": "iced"})]
    assert made.timer() == 7.8


def test_a_silent_client_is_gone_after_three_negotiated_heartbeats() -> None:
    made = open_server(timeout_ms=1000)
    hear(made, Msg({}), 0.5)
    made.events()
    while made.timer() is not None:
        at = tick(made)
    assert at == 3.5
    reason = 'Missed 3 "heartbeat" messages'
    assert said(made)[-1] == CloseTransport(1011, reason)
    assert made.events() == [Closed(CloseReason.TIMEOUT, 1011, reason)]


def test_busy_with_keep_alive_answers_one_hello_and_waits_for_the_next() -> None:
    made = TcmpServer(0.0)
    made.busy(20.0, keep_alive=True, cookie="c")
    hear(made, Hello("x", 5000, body=ICE), 1.0)
    assert said(made) == [Busy(20_000, keep_alive=True, cookie="c")]
    assert made.events() == []
    assert made.timer() == 26.0
    hear(made, Hello("y", 5000, cookie="c", body=ICE), 21.0)
    assert said(made) == [Welcome(5000)]
    assert made.events() == [Opened(5.0, cookie="c"), BodyReceived(ICE)]


@pytest.mark.parametrize("retry_after", [2.0, -1.0])
def test_busy_without_keep_alive_gives_the_client_a_moment_to_close(retry_after: float) -> None:
    made = TcmpServer(0.0)
    made.busy(retry_after)
    hear(made, Hello("x", 5000), 1.0)
    assert said(made) == [Busy(round(retry_after * 1000))]
    assert made.timer() == 6.0
    made.receive_close(3005, "", 1.1)
    assert made.events() == [Closed(CloseReason.REMOTE, 3005, "", is_received=True)]


@pytest.mark.parametrize(
    "text",
    [
        "\x00\xff",
        "not json",
        "[]",
        '{"type":"msg"}',
        '{"type":"hello"}',
        '{"type":"welcome","negotiatedTimeout":1}',
    ],
)
@pytest.mark.parametrize("opened", [True, False])
def test_what_is_no_tcmp_is_answered_with_bad_and_a_close_that_is_not_1000(text: str, opened: bool) -> None:
    made = open_server() if opened else TcmpServer(0.0)
    made.receive(text, 1.0)
    bad, close = said(made)
    assert isinstance(bad, Bad)
    assert bad.reason
    assert close == CloseTransport(1011, bad.reason)
    assert made.events() == [Closed(CloseReason.FAILED, 1011, bad.reason)]


def test_a_message_before_hello_is_bad() -> None:
    made = TcmpServer(0.0)
    hear(made, Msg(ICE), 1.0)
    assert said(made)[0] == Bad("msg while expecting hello")


def test_an_unknown_type_is_ignored() -> None:
    made = open_server()
    made.receive('{"type":"novelty"}', 1.0)
    assert made.events() == [Ignored("unknown type of message")]
    assert made.is_open


def test_a_bye_is_reported_and_the_client_left_to_close() -> None:
    made = open_server()
    hear(made, Bye(), 1.0)
    made.receive_close(1000, "Normal", 1.1)
    assert made.events() == [ByeReceived(), Closed(CloseReason.REMOTE, 1000, "Normal", is_received=True)]
    assert said(made) == []


def test_closing_sends_the_code_and_says_so_once() -> None:
    made = open_server()
    made.close(1001, "shutting down", 1.0)
    made.close(1011, "again", 1.0)
    assert said(made) == [CloseTransport(1001, "shutting down")]
    assert made.events() == [Closed(CloseReason.LOCAL, 1001, "shutting down")]


def test_1000_is_refused_since_the_sdk_takes_it_for_its_own_leave() -> None:
    with pytest.raises(ValueError, match="1000"):
        open_server().close(1000, "", 1.0)


def test_nothing_happens_after_the_end() -> None:
    made = open_server()
    made.receive_close(None, "", 1.0)
    made.events()
    made.receive("x", 2.0)
    made.receive_close(1006, "", 2.0)
    made.send({}, 2.0)
    made.busy(1.0)
    made.close(1001, "", 2.0)
    made.handle_timer(100.0)
    assert (made.outputs(), made.events(), made.timer()) == ([], [], None)


@pytest.mark.parametrize("name", NAMES)
def test_every_connection_that_the_sdk_had_is_one_to_us(name: str) -> None:
    """What the SDK said on each socket is welcomed, and each of its messages comes through."""
    sockets: list[list[Line]] = []
    for line in read(name):
        if line.speaker == "server-note" and str(line.message).endswith("accepted"):
            sockets.append([])
        elif line.speaker == "client":
            sockets[-1].append(line)
    for lines in sockets:
        if not lines:
            continue
        made = TcmpServer(lines[0].at)
        for line in lines:
            made.receive(json.dumps(line.message), line.at)
        events = made.events()
        first, *later = lines
        assert isinstance(events[0], Opened)
        expected = [first.body] + [line.body for line in later if line.message["type"] == "msg"]
        assert [event.body for event in events if isinstance(event, BodyReceived)] == expected
        assert not any(isinstance(event, Closed | Ignored) for event in events)
