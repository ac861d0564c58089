"""What we want to receive: the rules so far, and what may be added to them."""

from collections.abc import Mapping

from videocli.engine.room.participants import RemoteParticipant
from videocli.errors import TrackError
from videocli.protocol.subscribe_rules import MAX_RULES, Rules, SubscribeRule, with_last


class Subscriptions:
    """The rules that are in force."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._server_gives_nothing = False

    def joined(self, takes_rules: bool) -> None:
        """The server let us in. One that knows no rules but the SDK's two keeps to what it was told then."""
        self._server_gives_nothing = not takes_rules and not any(rule.include for rule in self.rules)

    def add(self, rule: SubscribeRule, participants: Mapping[str, RemoteParticipant]) -> None:
        """Let one more rule come last. Raises `TrackError` when that cannot be had."""
        present = {sid for participant in participants.values() for sid in participant.tracks}
        if rule.track_sid is not None and rule.track_sid not in present:
            raise TrackError(
                name="NoSuchTrack",
                message=f"Nobody publishes such a track: {rule.track_sid}",
                explanation="Name it by the SID that trackPublished or connected gave.",
            )
        if rule.include and self._server_gives_nothing:
            raise TrackError(
                name="CannotSubscribe",
                message="This server sends nothing to who joined for nothing",
                explanation="Join again with --subscribe for what you want now.",
            )
        rules = with_last(
            tuple(each for each in self.rules if each.track_sid is None or each.track_sid in present), rule
        )
        if len(rules) > MAX_RULES:
            raise TrackError(
                name="TooManyRules",
                message=f"There are {MAX_RULES} subscribe rules already",
                explanation="Subscribe to, or unsubscribe from, all, and begin anew.",
            )
        self.rules = rules
