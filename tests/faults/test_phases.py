"""Faults while joining, negotiating and leaving: never a hang, never two `reconnecting` for one outage."""

import asyncio
from collections.abc import Callable

import pytest

from tests.faults.figures import measured
from tests.faults.guest import Guest, guest, leave
from tests.faults.lines import code_of, happened, names, outages, seconds
from tests.faults.network import Internet, Place, serve_in, videocli_in
from tests.faults.proxy import Proxy, Way, proxy_to
from tests.sdk.programs import now, serve, videocli
from videocli.engine.commands import PublishData, SendMessage
from videocli.errors import VideoError

ROOM = "faults"
LIMIT_SECONDS = 20.0
"""For a join that gets no answer to have failed: 15 s, and a busy machine."""
LEAVE_SECONDS = 2.0

PHASES = {
    "before the upgrade": None,
    "after the upgrade": b"HTTP/1.1 101",
    "after welcome": b'"welcome"',
    "after iced": b'"iced"',
    "before the answer": b'"connected"',
}
"""What the server says that is the last thing to be said, or not to be said any more."""

FAULTS: dict[str, tuple[Callable[[Proxy], None], int]] = {
    "cut": (Proxy.cut, 53000),
    "closed": (Proxy.close, 53000),
    "swallowed": (Proxy.swallow, 53002),
}


async def end_of(one: Guest, within: float) -> VideoError | None:
    """Why it ended. Raises `TimeoutError`."""
    async with asyncio.timeout(within):
        return await one.session.run()


def test_a_fault_in_any_phase_of_joining_ends_the_join_in_time_with_the_code_for_it() -> None:
    async def join(url: str, phase: str, fault: str) -> None:
        do, code = FAULTS[fault]
        async with proxy_to(url) as proxy:
            last = PHASES[phase]
            if last is not None:
                proxy.when(Way.TO_CLIENT, last, lambda: do(proxy))
            elif fault == "swallowed":
                proxy.swallow()
            else:
                proxy.refuse()
            one = Guest(proxy.url, ROOM, f"{fault} {phase}")
            start = now()
            reason = await end_of(one, LIMIT_SECONDS)
            took.append(seconds(start, now()))
            outcomes[phase, fault] = (reason.code if reason else None, one.names())
            expected[phase, fault] = (code, ["disconnected"])

    took: list[float] = []
    outcomes: dict[tuple[str, str], tuple[int | None, list[str]]] = {}
    expected: dict[tuple[str, str], tuple[int | None, list[str]]] = {}

    async def run() -> None:
        async with serve() as server, asyncio.TaskGroup() as tasks:
            for phase in PHASES:
                for fault in FAULTS:
                    tasks.create_task(join(server.url, phase, fault))

    asyncio.run(run())
    measured("join hit by a fault: ends after", took)
    assert outcomes == expected


def test_signaling_swallowed_for_a_moment_in_any_phase_of_joining_only_delays_it() -> None:
    async def join(url: str, phase: str) -> None:
        async with proxy_to(url) as proxy:
            last = PHASES[phase]
            if last is None:
                proxy.swallow()
            else:
                proxy.when(Way.TO_CLIENT, last, proxy.swallow)
            asyncio.get_running_loop().call_later(3, proxy.passing)
            async with guest(proxy.url, ROOM, phase) as one:
                assert "reconnecting" not in one.names()

    async def run() -> None:
        async with serve() as server, asyncio.TaskGroup() as tasks:
            for phase in PHASES:
                tasks.create_task(join(server.url, phase))

    asyncio.run(run())


@pytest.mark.parametrize("said", [b"answer", b"offer"])
def test_a_description_that_dies_with_the_socket_is_said_again_on_the_next(said: bytes) -> None:
    """The server's answer to one who publishes, or its offer to one who subscribes."""

    async def run() -> None:
        async with (
            serve() as server,
            proxy_to(server.url) as proxy,
            guest(proxy.url, ROOM, "hit") as hit,
            guest(server.url, ROOM, "other") as other,
        ):
            await hit.wait_event("participantConnected")
            proxy.when(Way.TO_CLIENT, said, proxy.cut)
            publisher, subscriber = (hit, other) if said == b"answer" else (other, hit)
            publisher.session.post(PublishData("chat"))
            await hit.wait_event("reconnected")
            await subscriber.wait_event("trackSubscribed")
            publisher.session.post(SendMessage("through", "chat"))
            await subscriber.wait_event("trackMessage")
            assert [hit.names().count(name) for name in ("reconnecting", "reconnected")] == [1, 1]

    asyncio.run(run())


def refuse_and_cut(proxy: Proxy) -> None:
    proxy.refuse()
    proxy.cut()


LEAVING: dict[str, tuple[Callable[[Proxy], None], bytes | None]] = {
    "silent": (Proxy.swallow, None),
    "gone": (refuse_and_cut, None),
    "cut before the farewell is answered": (Proxy.cut, b'"disconnected"'),
    "silent before the farewell is answered": (Proxy.swallow, b'"disconnected"'),
}


def test_leaving_takes_no_longer_than_its_grace_whatever_happens_to_signaling() -> None:
    async def visit(url: str, name: str) -> None:
        do, last = LEAVING[name]
        async with proxy_to(url) as proxy:
            one = Guest(proxy.url, ROOM, name)
            staying = asyncio.create_task(one.session.run())
            await one.wait_event("connected")
            if last is None:
                do(proxy)
            else:
                proxy.when(Way.TO_CLIENT, last, lambda: do(proxy))
            if name == "gone":
                await one.wait_event("reconnecting")
            start = now()
            assert await leave(one, staying) is None
            took[name] = seconds(start, now())
            assert one.names()[-1] == "disconnected"
            assert one.names().count("reconnecting") == (1 if name == "gone" else 0)

    took: dict[str, float] = {}

    async def run() -> None:
        async with serve() as server, asyncio.TaskGroup() as tasks:
            for name in LEAVING:
                tasks.create_task(visit(server.url, name))

    asyncio.run(run())
    measured("leave hit by a fault: takes", list(took.values()))
    assert max(took.values()) <= LEAVE_SECONDS, took


def test_who_is_told_to_go_during_an_outage_goes_with_0() -> None:
    async def run() -> None:
        async with serve() as server, proxy_to(server.url) as proxy:
            arguments = ("join", ROOM, "--json", "--identity", "leaver", "--url", proxy.url)
            async with videocli(*arguments) as program:
                await program.wait_event("connected")
                refuse_and_cut(proxy)
                await program.wait_event("reconnecting")
                asked = program.terminate()
                assert await program.exit_code() == 0
                took = seconds(asked, now())
                measured("SIGTERM during an outage: exit", [took])
                assert took <= LEAVE_SECONDS

    asyncio.run(run())


@pytest.mark.netns
def test_media_that_does_not_come_up_is_waited_for_and_given_up_in_time(net: Internet) -> None:
    """UDP is dropped from before the join: for 4 s, and for good; signaling too, in the last one."""
    session = 3.0

    def arguments(url: str, place: Place) -> tuple[str, ...]:
        return ("join", ROOM, "--json", "--identity", place.name, "--url", url, "--video", "testsrc")

    async def comes_up_late(url: str) -> None:
        place = net.place("late")
        net.drop(place, "udp")
        async with videocli_in(place, *arguments(url, place)) as program:
            await program.wait_event("connected")
            await asyncio.sleep(4)
            back_at = now()
            net.heal(place)
            started = await program.wait_event("trackStarted")
            measured("UDP dropped while joining: media after", [seconds(back_at, happened(started))])
            await asyncio.sleep(3)
            assert "reconnecting" not in names(program)

    async def never_comes_up(url: str) -> None:
        place = net.place("never")
        net.drop(place, "udp")
        async with videocli_in(place, *arguments(url, place)) as program:
            connected = await program.wait_event("connected")
            end = await program.wait_event("disconnected", within=40)
            took = seconds(happened(connected), happened(end))
            measured("UDP dropped for good while joining: disconnected 53405 after", [took])
            assert (code_of(end), await program.exit_code()) == (53405, 6)
            assert outages(program) == (1, 0)

    async def all_dropped_before_media(url: str) -> None:
        place = net.place("all")
        net.drop(place, "udp")
        async with videocli_in(place, *arguments(url, place)) as program:
            await program.wait_event("connected")
            net.drop(place, "all")
            end = await program.wait_event("disconnected", within=40)
            assert code_of(end) in {53002, 53405}
            assert outages(program) == (1, 0)

    async def run() -> None:
        watched = ("join", ROOM, "--json", "--identity", "watched", "--video", "testsrc", "--url")
        async with (
            serve_in(net.place("server"), "--session-timeout", str(session)) as server,
            videocli_in(net.place("watched"), *watched, server.url),
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(comes_up_late(server.url))
            tasks.create_task(never_comes_up(server.url))
            tasks.create_task(all_dropped_before_media(server.url))

    asyncio.run(run())


@pytest.mark.netns
def test_who_is_told_to_go_with_the_whole_network_down_goes_with_0(net: Internet) -> None:
    async def run() -> None:
        place = net.place("leaver")
        async with serve_in(net.place("server")) as server:
            arguments = ("join", ROOM, "--json", "--identity", "leaver", "--url", server.url)
            async with videocli_in(place, *arguments, "--video", "testsrc") as program:
                await program.wait_event("localTrackPublished")
                net.drop(place, "all")
                asked = program.terminate()
                assert await program.exit_code() == 0
                took = seconds(asked, now())
                measured("SIGTERM with the network down: exit", [took])
                assert took <= LEAVE_SECONDS

    asyncio.run(run())
