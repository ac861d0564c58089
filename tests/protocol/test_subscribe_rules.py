import pytest

from videocli.protocol.subscribe_rules import EVERYTHING, NOTHING, Rules, SubscribeRule, wants, with_last

ALICE = SubscribeRule(True, publisher="alice")
NO_VIDEO = SubscribeRule(False, kind="video")
NO_VIDEO_OF_ALICE = SubscribeRule(False, publisher="alice", kind="video")
THAT_ONE = SubscribeRule(True, track_sid="MT1")


@pytest.mark.parametrize(
    ("rules", "video_of_alice", "audio_of_alice", "video_of_bob"),
    [
        (EVERYTHING, True, True, True),
        (NOTHING, False, False, False),
        ((), False, False, False),
        ((*EVERYTHING, NO_VIDEO), False, True, False),
        ((*NOTHING, ALICE), True, True, False),
        ((*NOTHING, ALICE, NO_VIDEO), False, True, False),
        ((*NOTHING, NO_VIDEO, ALICE), True, True, False),
        ((*EVERYTHING, NO_VIDEO_OF_ALICE), False, True, True),
        ((*NOTHING, THAT_ONE), True, False, False),
    ],
)
def test_the_last_rule_that_matches_decides(
    rules: Rules, video_of_alice: bool, audio_of_alice: bool, video_of_bob: bool
) -> None:
    assert wants(rules, "alice", "video", "MT1") is video_of_alice
    assert wants(rules, "alice", "audio", "MT2") is audio_of_alice
    assert wants(rules, "bob", "video", "MT3") is video_of_bob


def test_a_rule_about_all_makes_those_before_it_pointless() -> None:
    assert with_last((*NOTHING, ALICE, NO_VIDEO), EVERYTHING[0]) == EVERYTHING


def test_a_rule_replaces_itself_and_its_opposite() -> None:
    rules = with_last((*NOTHING, ALICE, THAT_ONE), SubscribeRule(False, publisher="alice"))
    assert rules == (*NOTHING, THAT_ONE, SubscribeRule(False, publisher="alice"))
    assert with_last(rules, THAT_ONE) == (*NOTHING, SubscribeRule(False, publisher="alice"), THAT_ONE)
