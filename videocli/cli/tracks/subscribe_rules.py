"""`--subscribe RULE`, `--no-subscribe` and the `rule` of a command: what to receive, in words.

A rule is `[+|-]WHAT`: `+`, or nothing, takes the tracks, `-` leaves them out. WHAT is

    all                all tracks
    audio, video, data all tracks of that kind
    IDENTITY           all tracks of that participant; IDENTITY:all if that would be read as something else
    IDENTITY:KIND      those of one kind

and `none` is `-all`. For each track the last rule that matches decides. Before the first rule stands `none`
if that rule takes, and `all` if it leaves out; after `--no-subscribe` always `none`.
"""

from collections.abc import Sequence
from typing import get_args

from videocli.protocol.subscribe_rules import (
    EVERYTHING,
    MAX_RULES,
    NOTHING,
    Rules,
    SubscribeRule,
    TrackKind,
    with_last,
)

KINDS: dict[str, TrackKind] = {kind: kind for kind in get_args(TrackKind)}


def parse_rules(texts: Sequence[str], subscribe: bool = True) -> Rules:
    """What all the options together say. Raises `ValueError` with words for people."""
    given = [parse_rule(text) for text in texts]
    if len(given) >= MAX_RULES:
        raise ValueError(f"more than {MAX_RULES - 1} rules")
    rules = NOTHING if not subscribe or (given and given[0].include) else EVERYTHING
    for rule in given:
        rules = with_last(rules, rule)
    return rules


def parse_rule(text: str) -> SubscribeRule:
    """One rule. Raises `ValueError` with words for people."""
    if text == "none":
        return SubscribeRule(include=False)
    include, what = not text.startswith("-"), text[1:] if text[:1] in ("+", "-") else text
    if what == "none":
        raise ValueError(f"'{text}' says no twice: write 'none' or 'all'")
    if what == "all":
        return SubscribeRule(include)
    if what in KINDS:
        return SubscribeRule(include, kind=KINDS[what])
    identity, colon, kind = what.rpartition(":")
    if not colon or (kind not in KINDS and kind != "all"):
        identity, kind = what, "all"
    if not identity:
        raise ValueError(
            f"'{text}' names nobody: write all, none, audio, video, data, IDENTITY or IDENTITY:KIND, "
            "with a '-' before it to leave that out"
        )
    return SubscribeRule(include, publisher=identity, kind=KINDS.get(kind))
