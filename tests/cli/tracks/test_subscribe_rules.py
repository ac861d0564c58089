import pytest

from videocli.cli.tracks.subscribe_rules import parse_rule, parse_rules
from videocli.protocol.subscribe_rules import EVERYTHING, NOTHING, Rules, SubscribeRule

ALICE = SubscribeRule(True, publisher="alice")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("all", SubscribeRule(True)),
        ("none", SubscribeRule(False)),
        ("-all", SubscribeRule(False)),
        ("audio", SubscribeRule(True, kind="audio")),
        ("-data", SubscribeRule(False, kind="data")),
        ("alice", ALICE),
        ("+alice", ALICE),
        ("alice:video", SubscribeRule(True, publisher="alice", kind="video")),
        ("-alice:video", SubscribeRule(False, publisher="alice", kind="video")),
        ("alice:vide", SubscribeRule(True, publisher="alice:vide")),
        ("video:all", SubscribeRule(True, publisher="video")),
        ("video:video", SubscribeRule(True, publisher="video", kind="video")),
        ("a:audio:all", SubscribeRule(True, publisher="a:audio")),
        ("+-x", SubscribeRule(True, publisher="-x")),
        ("Zoë Q.", SubscribeRule(True, publisher="Zoë Q.")),
    ],
)
def test_a_rule(text: str, rule: SubscribeRule) -> None:
    assert parse_rule(text) == rule


@pytest.mark.parametrize("text", ["", "-", "+", ":video", "-:all", "-none", "+none"])
def test_what_is_no_rule(text: str) -> None:
    with pytest.raises(ValueError, match=r"names nobody|says no twice"):
        parse_rule(text)


@pytest.mark.parametrize(
    ("texts", "subscribe", "rules"),
    [
        ([], True, EVERYTHING),
        ([], False, NOTHING),
        (["alice"], True, (*NOTHING, ALICE)),
        (["-video"], True, (*EVERYTHING, SubscribeRule(False, kind="video"))),
        (["alice"], False, (*NOTHING, ALICE)),
        (["-video", "alice"], False, (*NOTHING, SubscribeRule(False, kind="video"), ALICE)),
        (["all", "-video"], True, (*EVERYTHING, SubscribeRule(False, kind="video"))),
        (["alice", "none"], True, NOTHING),
        (["none", "all"], True, EVERYTHING),
    ],
)
def test_the_first_rule_says_what_the_others_are_exceptions_from(
    texts: list[str], subscribe: bool, rules: Rules
) -> None:
    assert parse_rules(texts, subscribe) == rules


def test_there_may_not_be_any_number_of_rules() -> None:
    with pytest.raises(ValueError, match="more than 255 rules"):
        parse_rules([f"guest{number}" for number in range(256)])
