"""The backend over real WebSockets on this machine."""

import asyncio
import random
from datetime import UTC, datetime
from typing import Any

from tests.engine.signaling.server import Server, Socket, resync_and_stay
from tests.engine.signaling.test_rsp_backend import no_media
from videocli.engine import reports as rp
from videocli.engine.signaling.backend import SignalingConfig
from videocli.engine.signaling.rsp_backend import RspBackend
from videocli.outside import Outside
from videocli.websocket import dial, listen

PATIENCE = 20.0


async def token() -> str:
    return "token"


def make_backend(url: str, reports: "asyncio.Queue[rp.SignalingReport]") -> RspBackend:
    outside = Outside(dial, listen, no_media, lambda: datetime.now(UTC), random.Random(0))
    return RspBackend(SignalingConfig(url, "my-room", token), outside, reports.put_nowait)


async def until(reports: "asyncio.Queue[rp.SignalingReport]", kind: type[rp.SignalingReport]) -> Any:
    while not isinstance(report := await reports.get(), kind):
        pass
    return report


def test_joins_is_cut_off_resumes_and_leaves() -> None:
    async def cut_after_joining(socket: Socket) -> None:
        await socket.let_in()
        await socket.close(1011, "restarting")

    async def run() -> None:
        server = Server(cut_after_joining, resync_and_stay)
        reports: asyncio.Queue[rp.SignalingReport] = asyncio.Queue()
        async with asyncio.timeout(PATIENCE), listen("127.0.0.1", 0, server.handle) as listener:
            backend = make_backend(listener.url, reports)
            running = asyncio.create_task(backend.run())
            await until(reports, rp.IceServersGiven)
            backend.connect("pc", "offer 1", [])
            assert (await until(reports, rp.SignalingLost)).cause == "closed with 1011 restarting"
            await until(reports, rp.Resynced)
            backend.leave()
            assert (await until(reports, rp.SignalingEnded)).error is None
            await running
        assert server.sockets[1].said_goodbye
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


def test_a_url_that_refuses_ends_it_with_53000() -> None:
    async def run() -> None:
        reports: asyncio.Queue[rp.SignalingReport] = asyncio.Queue()
        async with listen("127.0.0.1", 0, Server(resync_and_stay).handle) as listener:
            url = listener.url
        async with asyncio.timeout(PATIENCE):
            await make_backend(url, reports).run()
        ended = (await until(reports, rp.SignalingEnded)).error
        assert ended is not None
        assert ended.code == 53000

    asyncio.run(run())
