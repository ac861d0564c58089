import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.traces import NAMES, on_the_wire
from videocli.protocol.fields import ProtocolError
from videocli.protocol.tcmp import (
    Bad,
    Busy,
    Bye,
    Heartbeat,
    Hello,
    Msg,
    TcmpMessage,
    UnknownTypeError,
    Welcome,
    decode,
    encode,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
members = st.sampled_from(
    ["id", "timeout", "version", "cookie", "body", "negotiatedTimeout", "retryAfter", "keepAlive", "reason"]
)
types = st.sampled_from(["hello", "welcome", "busy", "bad", "msg", "heartbeat", "bye", "other"])


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (
            Hello("1-2", 5000, cookie="c", body={"type": "ice"}),
            {
                "id": "1-2",
                "timeout": 5000,
                "type": "hello",
                "version": 2,
                "cookie": "c",
                "body": {"type": "ice"},
            },
        ),
        (Hello("1-2", 5000), {"id": "1-2", "timeout": 5000, "type": "hello", "version": 2}),
        (Welcome(5000), {"type": "welcome", "negotiatedTimeout": 5000}),
        (
            Busy(700, keep_alive=True, cookie="c"),
            {"type": "busy", "retryAfter": 700, "keepAlive": True, "cookie": "c"},
        ),
        (Busy(-1), {"type": "busy", "retryAfter": -1, "keepAlive": False}),
        (Bad("why"), {"type": "bad", "reason": "why"}),
        (Msg({"type": "ice"}), {"type": "msg", "body": {"type": "ice"}}),
        (Heartbeat(), {"type": "heartbeat"}),
        (Bye(), {"type": "bye"}),
    ],
)
def test_each_message_has_its_form_on_the_wire_both_ways(message: TcmpMessage, wire: dict[str, Any]) -> None:
    assert json.loads(encode(message)) == wire
    assert decode(json.dumps(wire)) == message


def test_a_hello_of_an_old_sdk_has_no_version() -> None:
    assert decode('{"type":"hello","id":"x","timeout":5000}') == Hello("x", 5000)


@pytest.mark.parametrize(
    "wire",
    [
        {"type": "hello", "timeout": 5000},
        {"type": "hello", "id": 7, "timeout": 5000},
        {"type": "hello", "id": "x"},
        {"type": "hello", "id": "x", "timeout": "5000"},
        {"type": "hello", "id": "x", "timeout": True},
        {"type": "hello", "id": "x", "timeout": 5000, "body": []},
        {"type": "welcome"},
        {"type": "welcome", "negotiatedTimeout": None},
        {"type": "busy", "keepAlive": True},
        {"type": "busy", "retryAfter": 1, "keepAlive": 1},
        {"type": "bad", "reason": 1},
        {"type": "msg"},
        {"type": "msg", "body": "text"},
    ],
)
def test_a_message_with_wrong_fields_is_a_protocol_error(wire: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        decode(json.dumps(wire))


@pytest.mark.parametrize("wire", [{"type": "gibberish"}, {}, {"type": 5}, {"type": ["msg"]}])
def test_another_type_is_told_apart_from_a_broken_message(wire: dict[str, Any]) -> None:
    with pytest.raises(UnknownTypeError):
        decode(json.dumps(wire))


@pytest.mark.parametrize("name", NAMES)
def test_all_that_the_sdk_said_survives_a_round_trip(name: str) -> None:
    for line in on_the_wire(name, "client"):
        assert json.loads(encode(decode(json.dumps(line.message)))) == line.message


@given(st.text())
def test_no_text_raises_anything_but_protocol_error(text: str) -> None:
    with contextlib.suppress(ProtocolError):
        decode(text)


@given(types, st.dictionaries(members, json_values))
def test_no_json_raises_anything_but_protocol_error(type_name: str, fields: dict[str, Any]) -> None:
    try:
        message = decode(json.dumps(fields | {"type": type_name}))
    except ProtocolError:
        return
    assert decode(encode(message)) == message
