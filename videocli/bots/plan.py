"""Who goes where, when, and does what."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

_RAMP = re.compile(r"(\d+(?:\.\d+)?)(/s|s)?")


@dataclass(frozen=True, slots=True)
class Ramp:
    """How fast they come: `per_second` bots, or all within `seconds`."""

    seconds: float | None = None
    per_second: float | None = None

    def arrival(self, number: int, count: int) -> float:
        """When bot `number` of 1 to `count` comes, in seconds after the first one."""
        if self.per_second is not None:
            return (number - 1) / self.per_second
        return (self.seconds or 0.0) * (number - 1) / max(count - 1, 1)


def parse_ramp(text: str) -> Ramp:
    """`10` or `10s`: all within ten seconds; `5/s`: five a second. Raises `ValueError` with words."""
    found = _RAMP.fullmatch(text)
    if found is None:
        raise ValueError(f"'{text}' is neither seconds, like 10, nor bots a second, like 5/s")
    amount = float(found[1])
    if found[2] != "/s":
        return Ramp(seconds=amount)
    if not amount:
        raise ValueError("no bot would ever come at 0/s")
    return Ramp(per_second=amount)


@dataclass(frozen=True, slots=True)
class Bot:
    """One bot, before it comes."""

    number: int
    """From 1."""
    identity: str
    room: str
    comes_at: float
    """Seconds after the start."""
    publishes: bool


@dataclass(frozen=True, slots=True)
class Orders:
    """What the bots of one process have to do. Travels as JSON."""

    url: str
    bots: tuple[Bot, ...]
    tokens: dict[str, str]
    """By identity; without one the token command is asked."""
    token_command: str | None = None
    video: tuple[str, ...] = ()
    audio: tuple[str, ...] = ()
    subscribe: str = "all"
    """A rule as `join --subscribe` takes."""
    leaves_at: float | None = None
    """Seconds after the start; None: when told to, or when its script ends."""
    script: str | None = None
    """Path of a Python file with a coroutine function `bot(room)`."""
    verbosity: int = 0
    is_quiet: bool = False
    log_file: str | None = None
    """How much to say, and where."""

    def to_json(self) -> dict[str, Any]:
        """As it travels."""
        return asdict(self)


def orders_from_json(values: dict[str, Any]) -> Orders:
    """What `Orders.to_json` gave."""
    return Orders(
        **{
            **values,
            "bots": tuple(Bot(**bot) for bot in values["bots"]),
            "video": tuple(values["video"]),
            "audio": tuple(values["audio"]),
        }
    )


def plan_bots(
    room: str, count: int, rooms: int, ramp: Ramp, identity: str = "bot", publishers: int | None = None
) -> list[Bot]:
    """The bots, in the order in which they come, taking turns between `rooms` rooms.

    One room has the name as it is; more are ROOM-1, ROOM-2 …. The first `publishers` of each room publish;
    None: all.
    """
    bots = []
    for number in range(1, count + 1):
        place, turn = (number - 1) % rooms, (number - 1) // rooms
        bots.append(
            Bot(
                number=number,
                identity=f"{identity}-{number}",
                room=room if rooms == 1 else f"{room}-{place + 1}",
                comes_at=ramp.arrival(number, count),
                publishes=publishers is None or turn < publishers,
            )
        )
    return bots


def share_out(bots: Sequence[Bot], processes: int) -> list[tuple[Bot, ...]]:
    """The bots of each process: those who publish are spread evenly, and so are the others. None is empty."""
    shares: list[list[Bot]] = [[] for _ in range(min(processes, len(bots)))]
    ranked = [*(bot for bot in bots if bot.publishes), *(bot for bot in bots if not bot.publishes)]
    for position, bot in enumerate(ranked):
        shares[position % len(shares)].append(bot)
    return [tuple(sorted(share, key=lambda bot: bot.number)) for share in shares]


def end_of_ramp(bots: Sequence[Bot]) -> float:
    """When the last one comes, in seconds after the start."""
    last = max((bot.comes_at for bot in bots), default=0.0)
    assert isfinite(last)
    return last
