"""What a client wants to receive: rules about tracks, of which the last that matches decides.

`subscribe` in *connect* has one rule in the SDK, include all or exclude all, and never another (rsp.md,
subscribe). Our extension says more, with rules of the same shape and further filters, as a member of its own
in *connect*, *update* and *sync*, whole and under a revision like all state of RSP:

    "subscribe_rules": {"revision": 2, "rules": [
        {"type": "include", "all": true},
        {"type": "exclude", "publisher": "alice", "kind": "video"},
        {"type": "include", "track": "MT…"}]}

A server that decides by them says `"subscribe_rules": true` in the `options` of *connected*; then what is not
wanted is in no `subscribed`, on no m-line and in no data channel. Servers that do not know the member ignore
it; there the client answers, or offers, the m-lines of what it does not want as inactive.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

TrackKind = Literal["audio", "video", "data"]

MAX_RULES = 256
"""In one list."""


@dataclass(frozen=True, slots=True)
class SubscribeRule:
    """Include or exclude the tracks that pass every filter; without one, all tracks."""

    include: bool
    publisher: str | None = None
    """The publisher's identity."""
    kind: TrackKind | None = None
    track_sid: str | None = None

    def matches(self, publisher: str, kind: TrackKind, track_sid: str) -> bool:
        """Whether the rule is about this track."""
        return (
            self.publisher in (None, publisher)
            and self.kind in (None, kind)
            and self.track_sid in (None, track_sid)
        )

    @property
    def is_about_all(self) -> bool:
        """Whether it has no filter, so that no rule before it counts."""
        return self.publisher is self.kind is self.track_sid is None


Rules = tuple[SubscribeRule, ...]

EVERYTHING: Rules = (SubscribeRule(include=True),)
NOTHING: Rules = (SubscribeRule(include=False),)


@dataclass(frozen=True, slots=True)
class SubscribeRules:
    """The rules as a message has them."""

    revision: int
    rules: Rules


def wants(rules: Sequence[SubscribeRule], publisher: str, kind: TrackKind, track_sid: str) -> bool:
    """Whether a track is wanted: by the last rule that matches; one that no rule matches is not."""
    return next((rule.include for rule in reversed(rules) if rule.matches(publisher, kind, track_sid)), False)


def with_last(rules: Rules, rule: SubscribeRule) -> Rules:
    """The rules with one more at the end, and without those that it makes pointless."""
    if rule.is_about_all:
        return (rule,)
    opposite = replace(rule, include=not rule.include)
    return (*(each for each in rules if each not in (rule, opposite)), rule)
