"""What participants do in a play: drawn from its seed."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from videocli.media.frames import Codec, EncodedFrame, MediaKind

Deed = Literal[
    "join",
    "join again",
    "leave",
    "publish audio",
    "publish video",
    "publish data",
    "unpublish",
    "mute",
    "unmute",
    "send",
    "look",
]
MEANWHILE: dict[Deed, int] = {
    "join again": 2,
    "leave": 2,
    "publish audio": 2,
    "publish video": 2,
    "publish data": 3,
    "unpublish": 3,
    "mute": 3,
    "unmute": 2,
    "send": 8,
    "look": 3,
}
"""How often each is done by those who are there."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that one host does, if it can then."""

    at: float
    host: str
    deed: Deed
    choice: int = 0
    """Which of several, counted round; `send`: also how many messages."""

    def __str__(self) -> str:
        return f"{self.host}: {self.deed} ({self.choice})"


def draw(chance: random.Random, hosts: Sequence[str], end: float) -> tuple[Action, ...]:
    """Everybody joins, does things until `end`, and comes back then, perhaps, who is gone."""
    actions = []
    for host in hosts:
        joins_at = chance.choice((0.0, chance.uniform(0.0, 2.0), chance.uniform(0.0, end / 2)))
        actions.append(Action(round(joins_at, 3), host, "join"))
        for _ in range(chance.choice((0, 1, 2, 4, 8))):
            deed = chance.choices(list(MEANWHILE), list(MEANWHILE.values()))[0]
            at = round(chance.uniform(joins_at, end), 3)
            actions.append(Action(at, host, deed, chance.randrange(8)))
            if deed == "leave" and chance.random() < 0.6:
                actions.append(Action(round(at + chance.uniform(0.0, 3.0), 3), host, "join"))
        if chance.random() < 0.5:
            actions.append(Action(round(end + chance.uniform(0.0, 3.0), 3), host, "join"))
    return tuple(sorted(actions, key=lambda action: action.at))


class Ticker:
    """A source: a frame every two seconds, a keyframe each third time and when asked."""

    def __init__(self, kind: MediaKind) -> None:
        self.kind = kind
        self.is_running = False
        self._wants_keyframe = True

    async def run(self, codec: Codec, send: Callable[[EncodedFrame], None]) -> None:
        self.is_running = True
        number = 0
        try:
            while True:
                is_keyframe = self.kind == "audio" or number % 3 == 0 or self._wants_keyframe
                self._wants_keyframe = False
                send(EncodedFrame(b"frame", number * codec.clock_rate, is_keyframe, codec))
                number += 1
                await asyncio.sleep(2.0)
        finally:
            self.is_running = False

    def request_keyframe(self) -> None:
        self._wants_keyframe = True
