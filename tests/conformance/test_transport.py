import asyncio

import pytest

from tests.conformance.transport import CHECKS, PATIENCE, Check
from tests.simulation.clock import run_virtually
from tests.simulation.network import MemoryNetwork
from videocli.outside import MessageTransport
from videocli.websocket import dial, listen


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_websocket_keeps_the_promise(check: Check) -> None:
    async def run() -> None:
        accepted: asyncio.Future[MessageTransport] = asyncio.get_running_loop().create_future()
        over = asyncio.Event()

        async def handle(transport: MessageTransport) -> None:
            accepted.set_result(transport)
            await over.wait()

        async with asyncio.timeout(3 * PATIENCE), listen("127.0.0.1", 0, handle) as listener:
            try:
                client = await dial(listener.url)
                await check(client, await accepted)
                await client.close(1000, "")
            finally:
                over.set()

    asyncio.run(run())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_memory_transport_keeps_the_promise(check: Check) -> None:
    async def run() -> None:
        await check(*MemoryNetwork().make_pair())

    run_virtually(run())
