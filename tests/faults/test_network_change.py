"""An interface that goes and another that comes: both legs find the new one, and the session goes on."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.faults.figures import measured
from tests.faults.lines import TRACK_ENDS, account, code_of, frames_again, happened, outages, seconds
from tests.faults.network import Internet, Place, bot_in, serve_in
from tests.faults.test_media import MEDIA
from tests.sdk.programs import Program, now
from tests.sdk.test_with_sdk import about

pytestmark = pytest.mark.netns

ROOM = "faults"
SETTLE_SECONDS = 1.5
BACK_SECONDS = 20.0
LATE_SECONDS = 4.0
"""A path that is dead is noticed by then."""


async def jump(place: Place) -> None:
    """The old interface goes, a second later the new one comes."""
    place.remove(place.interface)
    await asyncio.sleep(1)
    place.connect()


async def step(place: Place) -> None:
    """The new interface comes, a second later the old one goes."""
    old = place.interface
    place.connect()
    await asyncio.sleep(1)
    place.remove(old)


async def pull(place: Place) -> None:
    """The cable is pulled, and put back two seconds later."""
    place.down()
    await asyncio.sleep(2)
    place.up()


CHANGES: dict[str, Callable[[Place], Awaitable[None]]] = {"jump": jump, "step": step, "pull": pull}


async def changes(net: Internet, url: str, watched: Program, name: str) -> None:
    """A bot whose network changes, seen by another."""
    place = net.place(name)
    async with bot_in(place, url, ROOM, name, *MEDIA, "--stats-interval", "0.2") as program:
        await program.wait_event("trackStarted", about("watched", "video"), 20)
        await watched.wait_event("trackStarted", about(name, "video"), 20)
        await asyncio.sleep(SETTLE_SECONDS)
        start = now()
        await CHANGES[name](place)
        changed_at = now()
        lost = await program.wait_event("reconnecting", within=20)
        measured(f"{name}: says reconnecting {code_of(lost)}", [seconds(start, happened(lost))])
        back = await program.wait_event("reconnected", within=BACK_SECONDS)
        measured(f"{name}: says reconnected", [seconds(changed_at, happened(back))])
        for one, other in ((program, "watched"), (watched, name)):
            line = await frames_again(one, other, back.at, more=5)
            who = "it decodes" if one is program else "others decode"
            measured(f"{name}: {who} again", [seconds(changed_at, happened(line))])
        await program.command("sendMessage", text=f"after the {name}")
        await watched.wait_event("trackMessage", lambda line: line.fields["data"] == f"after the {name}", 20)
        await asyncio.sleep(LATE_SECONDS)
        assert outages(program) == (1, 1), account(program, start)
        ends = [
            line.event for line in program.events if line.identity == "watched" and line.event in TRACK_ENDS
        ]
        assert ends == []
        seen = [line for line in watched.events if line.identity == name]
        assert len({line.fields["participant"]["sid"] for line in seen}) == 1
        assert "participantDisconnected" not in [line.event for line in seen]


def test_a_new_interface_is_found_by_signaling_and_media_without_a_rejoin(net: Internet) -> None:
    async def run() -> None:
        watched_place = net.place("watched")
        async with (
            serve_in(net.place("server")) as server,
            bot_in(watched_place, server.url, ROOM, "watched", *MEDIA, "--stats-interval", "0.2") as watched,
            asyncio.TaskGroup() as tasks,
        ):
            for name in CHANGES:
                tasks.create_task(changes(net, server.url, watched, name))

    asyncio.run(run())


def by_protocol(place: Place) -> None:
    """UDP leaves by another link than TCP."""
    place.connect()
    place.run("ip", "rule", "add", "ipproto", "udp", "lookup", "200")
    place.run("ip", "route", "add", "default", "via", place.gateway, "dev", place.interface, "table", "200")


def by_port(place: Place) -> None:
    """Two links cost the same, and each socket takes one of them."""
    first = ("nexthop", "via", place.gateway, "dev", place.interface)
    place.connect()
    place.run("ip", "route", "flush", "default")
    second = ("nexthop", "via", place.gateway, "dev", place.interface)
    place.run("ip", "route", "add", "default", *first, *second)
    place.run("sysctl", "-qw", "net.ipv4.fib_multipath_hash_policy=1")


def by_name(place: Place) -> None:
    """The link prefers another of its addresses, and keeps the old one."""
    other = place.address.removesuffix(".2") + ".9"
    route = ("via", place.gateway, "dev", place.interface, "metric", "1", "src", other)
    place.run("ip", "addr", "add", f"{other}/24", "dev", place.interface)
    place.run("ip", "route", "add", "default", *route)


BEFORE = (by_protocol, by_port)
"""Ways of a machine when a bot joins there."""
LATER = (by_name,)
"""Ways that a machine comes to while a bot is there."""


async def stays(net: Internet, url: str, change: Callable[[Place], None]) -> None:
    """A bot on a machine whose UDP sockets get another address than its signaling has."""
    place = net.place(change.__name__.replace("_", "-"))
    if change in BEFORE:
        change(place)
    async with bot_in(place, url, "ways", change.__name__) as program:
        start = now()
        if change in LATER:
            change(place)
        await asyncio.sleep(LATE_SECONDS)
        assert outages(program) == (0, 0), (change.__name__, account(program, start))


def test_an_address_that_signaling_does_not_have_is_no_change_of_network(net: Internet) -> None:
    async def run() -> None:
        async with serve_in(net.place("ways")) as server, asyncio.TaskGroup() as tasks:
            for change in (*BEFORE, *LATER):
                tasks.create_task(stays(net, server.url, change))

    asyncio.run(run())
