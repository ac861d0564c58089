import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from videocli.cli.joining.stdin_commands import MAX_LINE_BYTES, CommandError, PublishRequest, Request, parse
from videocli.engine import commands as cmd
from videocli.protocol.subscribe_rules import SubscribeRule


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ('{"command":"disconnect"}', cmd.Disconnect()),
        ('{"command":"stats"}\n', cmd.ReportStats()),
        ('{"command":"sendMessage","text":"hi"}', cmd.SendMessage("hi")),
        ('{"command":"sendMessage","text":""}', cmd.SendMessage("")),
        ('{"command":"sendMessage","text":"hi","track":"chat"}', cmd.SendMessage("hi", "chat")),
        ('{"command":"sendMessage","text":"hi","track":null}', cmd.SendMessage("hi")),
        ('{"command":"sendMessage","data":"AP8="}', cmd.SendMessage(b"\x00\xff")),
        (
            '{"command":"publish","kind":"video","source":"testsrc"}',
            PublishRequest("video", "testsrc"),
        ),
        (
            '{"command":"publish","kind":"audio","source":"tone","name":"mic"}',
            PublishRequest("audio", "tone", "mic"),
        ),
        (
            '{"command":"publish","kind":"video","source":"a.mp4","loop":false}',
            PublishRequest("video", "a.mp4", loop=False),
        ),
        ('{"command":"publish","kind":"data","name":"chat"}', cmd.PublishData("chat")),
        (
            '{"command":"publish","kind":"data","name":"chat","ordered":false,"maxRetransmits":0}',
            cmd.PublishData("chat", False, 0),
        ),
        (
            '{"command":"publish","kind":"data","name":"a,b","maxPacketLifeTime":250,"maxRetransmits":null}',
            cmd.PublishData("a,b", max_packet_life_time=250),
        ),
        ('{"command":"unpublish","track":"MT1"}', cmd.Unpublish("MT1")),
        ('{"command":"enable","track":"video"}', cmd.SetEnabled("video", True)),
        ('{"command":"disable","track":"audio"}', cmd.SetEnabled("audio", False)),
        (
            '{"command":"setPriority","track":"camera","priority":"high"}',
            cmd.SetPriority("camera", "high"),
        ),
        ('{"command":"subscribe","track":"MT1"}', cmd.Subscribe(SubscribeRule(True, track_sid="MT1"))),
        ('{"command":"unsubscribe","track":"MT1"}', cmd.Subscribe(SubscribeRule(False, track_sid="MT1"))),
        ('{"command":"subscribe","rule":"all"}', cmd.Subscribe(SubscribeRule(True))),
        (
            '{"command":"unsubscribe","rule":"alice:video"}',
            cmd.Subscribe(SubscribeRule(False, publisher="alice", kind="video")),
        ),
        ('  { "track" : "李", "command" : "unpublish" }  ', cmd.Unpublish("李")),
    ],
)
def test_the_commands_of_the_contract(line: str, request_: Request) -> None:
    assert parse(line) == request_


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", "not JSON"),
        ("disconnect", "not JSON"),
        ('{"command":"disconnect"', "not JSON"),
        ('{"command":"stats"}{"command":"stats"}', "not JSON"),
        ('{"command":"stats","command":"disconnect"}', "not JSON"),
        ("[" * 60_000, "not JSON"),
        ("1" * 5_000, "not JSON"),
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("{}", "'command'"),
        ('{"command":1}', "'command'"),
        ('{"command":"dance"}', 'no command "dance"'),
        ('{"command":"Disconnect"}', 'no command "Disconnect"'),
        ('{"command":"disconnect","now":true}', 'does not know "now"'),
        ('{"command":"sendMessage"}', "either 'text' or 'data'"),
        ('{"command":"sendMessage","text":"a","data":"AP8="}', "either 'text' or 'data'"),
        ('{"command":"sendMessage","text":1}', "'text' is not a string"),
        ('{"command":"sendMessage","text":null}', "'text' is not a string"),
        ('{"command":"sendMessage","text":"\\ud800"}', "lone surrogate"),
        ('{"command":"sendMessage","data":"???"}', "not base64"),
        ('{"command":"sendMessage","data":"é"}', "not base64"),
        ('{"command":"sendMessage","text":"a","track":""}', "'track' is empty"),
        ('{"command":"publish","source":"testsrc"}', "'kind' is missing"),
        ('{"command":"publish","kind":"smell","source":"x"}', "none of audio, video, data"),
        ('{"command":"publish","kind":"video"}', "'source' is missing"),
        ('{"command":"publish","kind":"video","source":""}', "'source' is empty"),
        ('{"command":"publish","kind":"video","source":"a","loop":0}', "'loop' is neither true nor false"),
        ('{"command":"publish","kind":"data"}', "'name' is missing"),
        ('{"command":"publish","kind":"data","name":"a","source":"b"}', 'does not know "source"'),
        ('{"command":"publish","kind":"data","name":"a","ordered":1}', "neither true nor false"),
        ('{"command":"publish","kind":"data","name":"a","maxRetransmits":true}', "not a whole number"),
        ('{"command":"publish","kind":"data","name":"a","maxRetransmits":1.5}', "not a whole number"),
        ('{"command":"publish","kind":"data","name":"a","maxRetransmits":-1}', "0 to 65535 times"),
        (
            '{"command":"publish","kind":"data","name":"a","maxRetransmits":1,"maxPacketLifeTime":1}',
            "not by both",
        ),
        ('{"command":"unpublish"}', "'track' is missing"),
        ('{"command":"enable","track":["video"]}', "'track' is not a string"),
        ('{"command":"setPriority","track":"a"}', "'priority' is missing"),
        ('{"command":"setPriority","track":"a","priority":"urgent"}', "none of low, standard, high"),
        ('{"command":"subscribe"}', "either 'track' or 'rule'"),
        ('{"command":"unsubscribe","track":"MT1","rule":"video"}', "either 'track' or 'rule'"),
        ('{"command":"subscribe","track":1}', "'track' is not a string"),
        ('{"command":"subscribe","rule":"-video"}', "has no sign"),
        ('{"command":"unsubscribe","rule":"none"}', "not none"),
        ('{"command":"unsubscribe","rule":":video"}', "names nobody"),
    ],
)
def test_anything_else_is_an_error_that_says_why(line: str, complaint: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse(line)
    assert complaint in caught.value.message
    assert caught.value.explanation
    assert caught.value.code is None


def test_the_error_shows_how_to_write_it() -> None:
    with pytest.raises(CommandError) as caught:
        parse('{"command":"unpublish"}')
    assert '{"command":"unpublish","track":"SID or name"}' in caught.value.explanation


@pytest.mark.parametrize("character", ["a", "é"])
def test_the_longest_line(character: str) -> None:
    frame = '{"command":"sendMessage","text":""}'
    room_for = (MAX_LINE_BYTES - len(frame)) // len(character.encode())
    longest = frame.replace('""', f'"{character * room_for}"')
    assert parse(longest) == cmd.SendMessage(character * room_for)
    with pytest.raises(CommandError, match="longer than 65536 bytes"):
        parse(longest + " " * 2)


def test_a_long_unknown_command_is_not_repeated_in_full() -> None:
    with pytest.raises(CommandError) as caught:
        parse(json.dumps({"command": "x" * 5000}))
    assert len(caught.value.message) < 120


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.text(alphabet=st.characters(exclude_categories=())),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["command", "track", "text", "data", "kind", "source", "name"]),
                    inner | st.sampled_from(["sendMessage", "publish", "enable", "stats", "video"]),
                    max_size=4,
                )
            ),
        ).map(json.dumps),
    )
)
def test_any_line_is_a_request_or_our_error_in_plain_ascii(line: str) -> None:
    message = ""
    try:
        parse(line)
    except CommandError as reason:
        message = str(reason)
    assert message.isascii()
    assert message.isprintable()
