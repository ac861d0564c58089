"""All that a seed decides about a play."""

import random
from dataclasses import dataclass

from tests.simulation import actions as ac
from tests.simulation import faults as ft
from videocli.media.frames import TrackKind


@dataclass(frozen=True, slots=True)
class Host:
    """Where one identity joins from."""

    name: str
    tracks: tuple[TrackKind, ...]
    """What it joins with."""
    ttl: int = 86_400
    """Of its tokens, in seconds."""
    renews: bool = True
    """It gets a fresh token whenever it needs one."""


@dataclass(frozen=True, slots=True)
class Script:
    """All that a seed decides."""

    seed: int
    window: float
    """The session window, in seconds."""
    base_delay: float
    """Of each message, in seconds."""
    negotiation_seconds: float
    hosts: tuple[Host, ...]
    actions: tuple[ac.Action, ...]
    faults: tuple[ft.Fault, ...]
    end: float
    """When the last fault is over."""

    def __str__(self) -> str:
        head = (
            f"seed {self.seed}: window {self.window:g} s, delay {self.base_delay:g} s, "
            f"negotiation {self.negotiation_seconds:g} s, faults until {self.end:g} s"
        )
        lines = sorted(
            [(one.at, f"FAULT {one}") for one in self.faults] + [(a.at, str(a)) for a in self.actions]
        )
        hosts = [
            f"  {host.name}: {host.tracks} token {host.ttl} s, renews={host.renews}" for host in self.hosts
        ]
        return "\n".join([head, *hosts, *(f"  {at:8.3f} {what}" for at, what in lines)])


def draw(seed: int) -> Script:
    """The script of a seed."""
    chance = random.Random(seed)
    names = ("alice", "bob", "carol", "dave", "erin")[: chance.choice((2, 2, 3, 3, 4, 5))]
    window = chance.choice((6.0, 10.0, 20.0, 30.0))
    end = round(chance.uniform(8.0, 25.0) + chance.choice((0.0, window)), 3)
    kinds: tuple[TrackKind, ...] = ("audio", "video", "data")
    hosts = tuple(
        Host(
            name,
            tuple(kind for kind in kinds if chance.random() < 0.5),
            ttl=chance.choice((86_400, 86_400, chance.randint(2, int(end) + 5))),
            renews=chance.random() < 0.5,
        )
        for name in names
    )
    actions = ac.draw(chance, names, end)
    moments = [action.at for action in actions]
    return Script(
        seed,
        window,
        base_delay=chance.choice((0.0, 0.01, 0.05, 0.15)),
        negotiation_seconds=chance.choice((0.0, 0.02, 0.1)),
        hosts=hosts,
        actions=actions,
        faults=(
            *ft.draw_lost_handshakes(random.Random(f"handshakes {seed}"), names, end, window),
            *ft.draw(chance, names, moments, end, window),
        ),
        end=end,
    )
