"""What goes wrong in a play: drawn from its seed, and done to the networks."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from tests.simulation.network import End, Faults
from videocli.server import hub

Leg = Literal["signaling", "media"]
SIGNALING: frozenset[Leg] = frozenset({"signaling"})
MEDIA: frozenset[Leg] = frozenset({"media"})
BOTH: frozenset[Leg] = SIGNALING | MEDIA


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault, and what it does to those it hits for as long as it lasts."""

    name: str
    legs: frozenset[Leg]
    weight: int = 1
    lasts: bool = True
    """False: it happens in an instant."""
    everybody: bool = False
    """It always hits all."""
    stalls: tuple[End, ...] = ()
    delays: bool = False
    refuses: bool = False
    loses: tuple[End, ...] = ()
    """Datagrams that these ends send are lost."""
    cuts: tuple[End, ...] | None = None
    """It begins with a cut that these ends notice."""
    kills_paths: bool = False
    loses_handshakes: bool = False
    """Nothing of a DTLS handshake passes, though ICE does."""
    busy: bool = False
    server: Literal["", "crash", "shutdown"] = ""
    """What becomes of the server; it starts anew when the fault is over."""

    @property
    def refuses_sometimes(self) -> bool:
        """Whether an attempt may be answered and come to nothing because of it."""
        return self.refuses or self.busy or bool(self.server) or self.cuts is not None

    @property
    def is_silent(self) -> bool:
        """Whether somebody may take a dead connection for alive because of it."""
        return bool(self.stalls) or self.delays or (self.cuts is not None and len(self.cuts) < 2)


KINDS = (
    Kind("cut", SIGNALING, 3, lasts=False, cuts=("client", "server")),
    Kind("half-open: the server does not notice", SIGNALING, 2, lasts=False, cuts=("client",)),
    Kind("half-open: the client does not notice", SIGNALING, 2, lasts=False, cuts=("server",)),
    Kind("cut that nobody notices", SIGNALING, 2, lasts=False, cuts=()),
    Kind("stall", SIGNALING, 3, stalls=("client", "server")),
    Kind("stall towards the server", SIGNALING, stalls=("server",)),
    Kind("stall towards the client", SIGNALING, stalls=("client",)),
    Kind("delay", SIGNALING, 2, delays=True),
    Kind("cut and refuse", SIGNALING, 4, refuses=True, cuts=("client", "server")),
    Kind("refuse", SIGNALING, refuses=True),
    Kind("busy", SIGNALING, everybody=True, busy=True),
    Kind("cut and busy", SIGNALING, everybody=True, busy=True, cuts=("client", "server")),
    Kind("server crash", BOTH, everybody=True, server="crash"),
    Kind("server shutdown", BOTH, everybody=True, server="shutdown"),
    Kind("UDP dead", MEDIA, 4, loses=("client", "server")),
    Kind("UDP dead towards the server", MEDIA, loses=("client",)),
    Kind("UDP dead towards the client", MEDIA, loses=("server",)),
    Kind("path killed", MEDIA, 3, lasts=False, kills_paths=True),
    Kind("all dead", BOTH, 3, stalls=("client", "server"), loses=("client", "server")),
    Kind("all cut", BOTH, 3, refuses=True, cuts=("client", "server"), loses=("client", "server")),
    Kind("network change", BOTH, 2, lasts=False, kills_paths=True, cuts=("client", "server")),
    Kind("network change that nobody notices", BOTH, lasts=False, kills_paths=True, cuts=()),
)


HANDSHAKES_LOST = Kind("DTLS handshakes lost", MEDIA, loses_handshakes=True)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a play."""

    at: float
    seconds: float
    kind: Kind
    host: str | None = None
    """None: all hosts."""
    delay_seconds: float = 0.0

    @property
    def until(self) -> float:
        """When it is over."""
        return self.at + self.seconds

    def hits(self, host: str) -> bool:
        """Whether it is about this host, too."""
        return self.host is None or self.host == host

    def __str__(self) -> str:
        whom = self.host or "all"
        extra = f" of {self.delay_seconds:.3f} s" if self.kind.delays else ""
        lasting = f", for {self.seconds:.3f} s" if self.kind.lasts else ""
        return f"{self.kind.name}{extra}: {whom}{lasting}"


def draw(
    chance: random.Random, hosts: Sequence[str], moments: Sequence[float], end: float, window: float
) -> tuple[Fault, ...]:
    """A few faults before `end`, half of them about when something else happens (`moments`)."""
    faults = []
    for _ in range(chance.choice((1, 1, 2, 2, 3, 4, 6))):
        kind = chance.choices(KINDS, [kind.weight for kind in KINDS])[0]
        if chance.random() < 0.5 and moments:
            at = chance.choice(moments) + chance.uniform(-0.3, 0.7)
        else:
            at = chance.uniform(0.0, end)
        at = min(max(at, 0.0), end)
        length = chance.choice(
            (chance.uniform(0.05, 2.0), chance.uniform(2.0, 10.0), window + chance.uniform(-2.0, 6.0))
        )
        seconds = min(length, end - at) if kind.lasts else 0.0
        host = None if kind.everybody or chance.random() < 0.3 else chance.choice(hosts)
        delay = round(chance.uniform(0.2, 4.0), 3) if kind.delays else 0.0
        faults.append(Fault(round(at, 3), round(seconds, 3), kind, host, delay))
    return tuple(sorted(faults, key=lambda fault: fault.at))


def draw_lost_handshakes(
    chance: random.Random, hosts: Sequence[str], end: float, window: float
) -> tuple[Fault, ...]:
    """In one of eight plays: from the beginning, so that somebody joins into it."""
    if chance.random() > 0.125:
        return ()
    length = chance.choice((chance.uniform(1.0, 10.0), 15.0 + chance.uniform(0.0, window + 6.0)))
    host = None if chance.random() < 0.5 else chance.choice(hosts)
    return (Fault(0.0, round(min(length, end), 3), HANDSHAKES_LOST, host),)


def signaling_now(active: Iterable[Fault], base_delay: float) -> Faults:
    """What is wrong with a line that all these faults hit."""
    active = tuple(active)
    return Faults(
        refuses=any(fault.kind.refuses for fault in active),
        stalls=frozenset(end for fault in active for end in fault.kind.stalls),
        delay_seconds=base_delay + sum(fault.delay_seconds for fault in active),
    )


def lost_now(active: Iterable[Fault]) -> frozenset[End]:
    """Whose datagrams are lost when all these faults hit a host."""
    return frozenset(end for fault in active for end in fault.kind.loses)


def server_is_busy(is_busy: bool, otherwise: int = hub.MAX_CONNECTIONS) -> None:
    """Let the servers of this process tell every new client to come again later, or no longer."""
    hub.MAX_CONNECTIONS = 0 if is_busy else otherwise
