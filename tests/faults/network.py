"""A small internet of network namespaces: a server, clients, and a router between them that can fail.

    with internet() as net:
        server = net.place("server")
        bot = net.place("bot")
        net.drop(bot, "udp")
        net.heal()

Each place is a namespace with one link to the router. The router drops, so that a sender is told nothing, as
in a real network. Needs root, iproute2 and iptables. Nothing outside these namespaces is touched.
"""

import itertools
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Literal

from tests.sdk.programs import Program, videocli

Way = Literal["out", "in"]
"""Away from a place, or towards it."""

_numbers = itertools.count(1)
_HANDSHAKE = "0>>22&0x3C@8>>24=0x16"
"""iptables-extensions(8), u32: the byte after the UDP header is a DTLS handshake record's (RFC 6347, 4.1)."""


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


class Place:
    """A namespace with one link at a time, `eth1`, `eth2` and so on."""

    def __init__(self, name: str, router: str) -> None:
        self.name = name
        self.address = ""
        """Of the newest link."""
        self.interface = ""
        """The newest link."""
        self.gateway = ""
        """Where it leads."""
        self._router = router
        self._links = itertools.count(1)
        self._metric = 0

    def make(self) -> None:
        _run("ip", "netns", "add", self.name)
        self.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
        _run("ip", "-n", self.name, "link", "set", "lo", "up")

    def run(self, *command: str) -> str:
        """Run a command there; what it prints. Raises `OSError` when it fails."""
        return _run("ip", "netns", "exec", self.name, *command)

    def connect(self) -> None:
        """Add a link with an address and a default route of its own; an older one keeps its own."""
        number, subnet = next(self._links), next(_numbers)
        self.interface = f"eth{number}"
        self.address = f"10.77.{subnet}.2"
        gateway, far_end = f"10.77.{subnet}.1", f"to{subnet}"
        pair = ("type", "veth", "peer", "name", far_end, "netns", self._router)
        _run("ip", "-n", self.name, "link", "add", self.interface, *pair)
        _run("ip", "-n", self._router, "addr", "add", f"{gateway}/24", "dev", far_end)
        _run("ip", "-n", self._router, "link", "set", far_end, "up")
        _run("ip", "-n", self.name, "addr", "add", f"{self.address}/24", "dev", self.interface)
        _run("ip", "-n", self.name, "link", "set", self.interface, "up")
        self._metric = 100 + number
        self.gateway = gateway
        self._route()

    def down(self) -> None:
        """The newest link loses its carrier and its routes, but keeps its address."""
        _run("ip", "-n", self.name, "link", "set", self.interface, "down")

    def up(self) -> None:
        """It is as it was."""
        _run("ip", "-n", self.name, "link", "set", self.interface, "up")
        self._route()

    def remove(self, interface: str) -> None:
        """The link goes, with its address and routes."""
        _run("ip", "-n", self.name, "link", "del", interface)

    def _route(self) -> None:
        route = ("default", "via", self.gateway, "dev", self.interface, "metric", str(self._metric))
        _run("ip", "-n", self.name, "route", "add", *route)

    def udp_ports(self) -> set[int]:
        """Open UDP ports."""
        lines = self.run("ss", "-Hunl").splitlines()
        return {int(line.split()[3].rpartition(":")[2]) for line in lines}

    def write_node(self, folder: Path, node: str) -> None:
        """Write a `node` into that folder that runs here, and with it the browser that it starts."""
        script = folder / "node"
        script.write_text(f'#!/bin/sh\nexec ip netns exec {self.name} {node} "$@"\n')
        script.chmod(0o755)

    def reset_tcp(self) -> None:
        """Kill every TCP connection there, as a RST from its other end does. Raises `OSError`."""
        self.run("ss", "-K", "state", "established")


class Internet:
    """The router and the places. Addresses are 10.77.0.0/16, with no way out."""

    def __init__(self) -> None:
        self._prefix = f"vc{os.getpid()}-{next(_numbers)}"
        self._router = Place(f"{self._prefix}-router", "")
        self._places: list[Place] = []

    def open(self) -> None:
        self._router.make()
        self._router.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        self._router.run("iptables", "-N", "faults")
        self._router.run("iptables", "-A", "FORWARD", "-j", "faults")

    def close(self) -> None:
        for place in (*self._places, self._router):
            subprocess.run(("ip", "netns", "del", place.name), capture_output=True, check=False)

    def place(self, name: str) -> Place:
        """A new place with one link."""
        place = Place(f"{self._prefix}-{name}", self._router.name)
        self._places.append(place)
        place.make()
        place.connect()
        return place

    def drop(
        self, place: Place, protocol: Literal["udp", "tcp", "all"], *ways: Way, port: int | None = None
    ) -> None:
        """Drop its packets those ways (none named: both), of its own `port` only if given."""
        self._add_rules(place, protocol, ways or ("out", "in"), port, "DROP")

    def refuse(self, place: Place) -> None:
        """Answer its TCP packets, and those for it, with RST."""
        self._add_rules(place, "tcp", ("out", "in"), None, "REJECT", "--reject-with", "tcp-reset")

    def heal(self, *places: Place) -> None:
        """No faults any more for these (none named: for nobody)."""
        addresses = {place.address for place in places}
        for rule in self._router.run("iptables", "-S", "faults").splitlines():
            words = rule.split()
            if words[0] == "-A" and (not places or addresses & {word.split("/")[0] for word in words}):
                self._router.run("iptables", "-D", *words[1:])

    def count_handshakes(self, place: Place) -> None:
        """Begin to count its DTLS handshake records."""
        self._router.run(
            *("iptables", "-I", "FORWARD", "-s", place.address, "-p", "udp", "-m", "u32", "--u32", _HANDSHAKE)
        )

    def handshakes(self, place: Place) -> int:
        """How many it sent since."""
        rows = [row.split() for row in self._router.run("iptables", "-nvxL", "FORWARD").splitlines()]
        return sum(int(row[0]) for row in rows if place.address in row and "u32" in row)

    def _add_rules(
        self, place: Place, protocol: str, ways: tuple[Way, ...], port: int | None, *target: str
    ) -> None:
        for way in ways:
            of_place, of_port = ("-s", "--sport") if way == "out" else ("-d", "--dport")
            ports = () if port is None else (of_port, str(port))
            match = (of_place, place.address, "-p", protocol, *ports)
            self._router.run("iptables", "-A", "faults", *match, "-j", *target)


@contextmanager
def internet() -> Iterator[Internet]:
    """The router, and room for places; all gone afterwards."""
    net = Internet()
    try:
        net.open()
        yield net
    finally:
        net.close()


def videocli_in(place: Place, *arguments: str) -> AbstractAsyncContextManager[Program]:
    """`videocli ARGUMENTS` there, as `videocli` does it here."""
    return videocli(*arguments, prefix=("ip", "netns", "exec", place.name))


@asynccontextmanager
async def serve_in(place: Place, *options: str) -> AsyncIterator[Program]:
    """A server there, listening."""
    arguments = ("serve", "--host", place.address, "--port", "0", "--json", *options)
    async with videocli_in(place, *arguments) as server:
        await server.wait_event("listening")
        yield server


@asynccontextmanager
async def bot_in(
    place: Place, url: str, room: str, identity: str = "bot", *options: str
) -> AsyncIterator[Program]:
    """A participant there, connected; it publishes what the options say."""
    arguments = ("join", room, "--json", "--identity", identity, "--url", url, *options)
    async with videocli_in(place, *arguments) as program:
        await program.wait_event("connected", within=30)
        yield program
