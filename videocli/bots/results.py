"""How each bot fared, and how busy each process was. Travels as JSON from the processes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Stage = Literal["joining", "staying", "script"]

TOO_MANY_FILES = "TooManyOpenFiles"
"""Name of the failure of a bot whose process may open no more files, or sockets."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a bot could not join, or not stay."""

    stage: Stage
    code: int | None
    name: str
    message: str
    """One line, safe to show."""

    @property
    def title(self) -> str:
        """Its code, if it has one, and its name."""
        return self.name if self.code is None else f"{self.code} {self.name}"


@dataclass(slots=True)
class Received:
    """What came over all tracks of one kind, over all of the stay."""

    tracks: int = 0
    silent: int = 0
    """Tracks subscribed to of which no packet came."""
    bytes: int = 0
    packets: int = 0
    lost: int = 0
    frames: int = 0


@dataclass(slots=True)
class Result:
    """How one bot fared."""

    number: int
    identity: str
    room: str
    connect_seconds: float | None = None
    """From asking to be let in until `connected`; None: it never was."""
    media_seconds: float | None = None
    """From asking to be let in until the first media came; None: none did."""
    stay_seconds: float = 0.0
    failure: Failure | None = None
    received: dict[str, Received] = field(default_factory=dict)
    """By kind."""
    messages: int = 0
    reconnections: int = 0
    downtime: float = 0.0
    """Seconds, of all outages, the one that the stay ended in included."""
    media_gap: float = 0.0
    """Seconds without media, in these outages."""
    is_away: bool = False
    """It left, or was told to, while it was reconnecting."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A bot has come into its room; its result follows when it leaves, unless its process dies."""

    number: int
    connect_seconds: float


@dataclass(frozen=True, slots=True)
class Load:
    """How busy a process was."""

    lag_p99: float
    """Seconds that its event loop was late, 99 of 100 times at most."""
    cpu: float
    """Share of a core in the busiest five seconds."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """The event loop of a process has stood still for seconds."""

    identity: str | None
    """Of the bot whose script does it; None: that is not known."""
    place: str | None
    """Where in the script; None: it is not the script that does it."""

    @property
    def words(self) -> str:
        """What blocks it, for people."""
        if self.place is None:
            return "something other than a script blocked the event loop"
        whose = "the script" if self.identity is None else f"the script of {self.identity}"
        return f"{whose} blocked the event loop ({self.place})"


@dataclass(frozen=True, slots=True)
class Silence:
    """A process was not heard of for so long."""

    seconds: float
    words: str
    """What blocked its event loop; empty: that is not known."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a process stands at the moment."""

    joined: int = 0
    failed: int = 0
    here: int = 0
    bytes: int = 0
    packets: int = 0
    lost: int = 0
    reconnections: int = 0
    away: int = 0
    """Of those who are here: reconnecting."""
    lag: float = 0.0
    """Seconds, the worst of the last second."""
    silence: float = 0.0
    """Seconds for which a process has not been heard of, the longest, where that is too long."""
    held_up: str = ""
    """What blocks the event loop of a process, in words, where that is known."""

    def __add__(self, other: "Standing") -> "Standing":
        return Standing(
            self.joined + other.joined,
            self.failed + other.failed,
            self.here + other.here,
            self.bytes + other.bytes,
            self.packets + other.packets,
            self.lost + other.lost,
            self.reconnections + other.reconnections,
            self.away + other.away,
            max(self.lag, other.lag),
            max(self.silence, other.silence),
            self.held_up or other.held_up,
        )


Message = Arrival | Result | Load | Standing | Blocked

_NAMES: dict[str, type[Message]] = {
    "arrival": Arrival,
    "result": Result,
    "load": Load,
    "standing": Standing,
    "blocked": Blocked,
}


def to_json(message: Message) -> dict[str, Any]:
    """As it travels."""
    name = next(name for name, kind in _NAMES.items() if isinstance(message, kind))
    return {name: asdict(message)}


def from_json(values: Mapping[str, Any]) -> Message:
    """What `to_json` gave."""
    ((name, fields),) = values.items()
    if name == "result":
        failure = fields["failure"]
        received = {kind: Received(**counted) for kind, counted in fields["received"].items()}
        return Result(
            **{**fields, "failure": None if failure is None else Failure(**failure), "received": received}
        )
    return _NAMES[name](**fields)
