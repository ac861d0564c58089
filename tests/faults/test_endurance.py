"""Many outages of one client: nothing is left behind. `VIDEOCLI_ENDURANCE=1000,100` for the whole length."""

import asyncio
import gc
import os
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.figures import measured
from tests.faults.guest import KEY, Guest, leave
from tests.faults.proxy import Proxy, proxy_to
from videocli.cli.tracks.open_sources import open_named
from videocli.cli.wiring import real_outside
from videocli.engine.commands import SetPriority
from videocli.media.aiortc_peer import AiortcPeer
from videocli.media.peer import PeerConnection
from videocli.server.serve import ServeConfig, serve

ROOM = "faults"
CUTS, RESTARTS = (int(count) for count in os.environ.get("VIDEOCLI_ENDURANCE", "100,20").split(","))
WARM_SHARE = 10
"""Memory counts from after a tenth of the rounds: a hundred of a thousand."""
GROWTH_MIB = 10
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Held:
    """What this process holds."""

    tasks: int
    threads: int
    sockets: int

    def within(self, other: "Held") -> bool:
        return self.tasks <= other.tasks and self.threads <= other.threads and self.sockets <= other.sockets


def held() -> Held:
    links = (str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink())
    sockets = sum(target.startswith("socket:") for target in links)
    return Held(len(asyncio.all_tasks()), threading.active_count(), sockets)


def resident_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


async def shrinks_to(before: Held) -> Held:
    """Wait until no more is held. Raises `TimeoutError`."""
    after = held()
    try:
        async with asyncio.timeout(10):
            while not (after := held()).within(before):  # noqa: ASYNC110  # no event tells of it
                await asyncio.sleep(0.05)
    except TimeoutError:
        names = sorted(task.get_name() for task in asyncio.all_tasks())
        raise TimeoutError(f"{before} before, {after} now: {names}") from None
    return after


async def cut_and_resume(one: Guest, proxy: Proxy) -> None:
    start = len(one.events)
    proxy.cut()
    await one.events.wait(lambda said: said.name == "reconnected", 10, start)


async def restart_ice(one: Guest) -> None:
    """Restart over a living path, and wait until the new generation is in use."""
    connection = one.connections[0]
    generation = in_use(connection)
    connection.restart_ice()
    # Any change of a track makes the session look for what is to be negotiated.
    one.session.post(SetPriority("audio", "standard"))
    async with asyncio.timeout(10):
        while in_use(connection) is generation:  # noqa: ASYNC110  # no event tells of it
            await asyncio.sleep(0.01)


def in_use(connection: PeerConnection) -> object:
    """The ICE generation that carries media."""
    assert isinstance(connection, AiortcPeer)
    return connection._ice._active


def test_many_outages_of_one_client_leave_nothing_behind() -> None:
    async def run() -> None:
        outside = real_outside()
        tone = await open_named("audio", "tone", "guest", outside)
        async with (
            serve(ServeConfig(port=0), outside, {KEY.api_key: KEY}) as server,
            proxy_to(server.url) as proxy,
        ):
            one = Guest(proxy.url, ROOM, "guest", [tone])
            staying = asyncio.create_task(one.session.run())
            await one.wait_event("localTrackPublished")
            for repeat, count in ((cut, CUTS), (restart, RESTARTS)):
                await rounds(repeat, count, one, proxy)
            ends = [name for name in one.names() if name == "disconnected"]
            assert ends == []
            assert await leave(one, staying) is None

    async def cut(one: Guest, proxy: Proxy) -> None:
        await cut_and_resume(one, proxy)

    async def restart(one: Guest, proxy: Proxy) -> None:
        await restart_ice(one)

    async def rounds(
        repeat: Callable[[Guest, Proxy], Awaitable[None]], count: int, one: Guest, proxy: Proxy
    ) -> None:
        warm = count // WARM_SHARE
        for _ in range(warm):
            await repeat(one, proxy)
        before = await settled()
        memory = resident_bytes()
        start = asyncio.get_running_loop().time()
        for _ in range(count - warm):
            await repeat(one, proxy)
        took = asyncio.get_running_loop().time() - start
        after = await shrinks_to(before)
        grown = (resident_bytes() - memory) / 2**20
        what = f"{count} rounds of {repeat.__name__}"
        measured(f"{what}: memory grown after the first {warm} by", [grown], "MiB", "10")
        measured(f"{what}: a round takes", [took / (count - warm)])
        measured(f"{what}: {before} before, {after} after; tasks", [after.tasks], "")
        assert grown <= GROWTH_MIB

    async def settled() -> Held:
        """What is held when the last round's remains are gone: a replaced generation lingers for 1 s."""
        await asyncio.sleep(2)
        return held()

    asyncio.run(run())
