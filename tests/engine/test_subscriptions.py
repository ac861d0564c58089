import pytest

from videocli.engine.reports import TrackInfo
from videocli.engine.room.participants import RemoteParticipant
from videocli.engine.room.tracks import RemoteTrack
from videocli.engine.subscriptions import Subscriptions
from videocli.errors import TrackError
from videocli.protocol.subscribe_rules import EVERYTHING, MAX_RULES, NOTHING, SubscribeRule

CAM = RemoteTrack(TrackInfo("MT1", "cam", "video"))
HERE = {"PA1": RemoteParticipant("PA1", "bob", "connected", {"MT1": CAM})}


def refusal(subscriptions: Subscriptions, rule: SubscribeRule) -> str:
    before = subscriptions.rules
    with pytest.raises(TrackError) as caught:
        subscriptions.add(rule, HERE)
    assert subscriptions.rules == before
    assert caught.value.explanation
    return caught.value.name


def test_a_track_that_nobody_publishes_is_an_error() -> None:
    assert refusal(Subscriptions(EVERYTHING), SubscribeRule(False, track_sid="MT2")) == "NoSuchTrack"


def test_rules_about_tracks_that_are_gone_go_with_the_next_one() -> None:
    subscriptions = Subscriptions(EVERYTHING)
    subscriptions.add(SubscribeRule(False, track_sid="MT1"), HERE)
    assert subscriptions.rules == (*EVERYTHING, SubscribeRule(False, track_sid="MT1"))
    subscriptions.add(SubscribeRule(False, kind="audio"), {})
    assert subscriptions.rules == (*EVERYTHING, SubscribeRule(False, kind="audio"))


def test_the_rules_are_bounded() -> None:
    guests = tuple(SubscribeRule(True, publisher=f"guest{number}") for number in range(MAX_RULES - 1))
    subscriptions = Subscriptions((*NOTHING, *guests))
    assert refusal(subscriptions, SubscribeRule(True, publisher="one more")) == "TooManyRules"
    subscriptions.add(SubscribeRule(True), HERE)
    assert subscriptions.rules == EVERYTHING


@pytest.mark.parametrize(("takes_rules", "is_refused"), [(True, False), (False, True)])
def test_only_a_server_that_takes_rules_gives_something_after_nothing(
    takes_rules: bool, is_refused: bool
) -> None:
    subscriptions = Subscriptions(NOTHING)
    subscriptions.joined(takes_rules)
    rule = SubscribeRule(True, publisher="bob")
    if is_refused:
        assert refusal(subscriptions, rule) == "CannotSubscribe"
    else:
        subscriptions.add(rule, HERE)
        assert subscriptions.rules == (*NOTHING, rule)
