"""A peer connection may be closed at any moment of its coming up."""

import asyncio

import pytest

from videocli.media.aiortc_peer import make_peer
from videocli.media.peer import PeerConfig

CLIENT = PeerConfig(addresses=("127.0.0.1",))
SERVER = PeerConfig(addresses=("127.0.0.1",), mid_style="kinds")
TRIALS = 60
STEP_SECONDS = 0.001
"""ICE and DTLS take some 50 ms on one machine: the trials spread over all of that."""


@pytest.mark.parametrize("client_first", [True, False])
def test_closing_while_ice_or_dtls_comes_up_leaves_no_task(client_first: bool) -> None:
    async def trial(seconds: float) -> set[str]:
        client, server = make_peer(CLIENT, lambda event: None), make_peer(SERVER, lambda event: None)
        await client.accept_answer(await server.accept_offer(await client.create_offer()))
        await asyncio.sleep(seconds)
        for peer in (client, server) if client_first else (server, client):
            await peer.close()
        await asyncio.sleep(0)
        return {str(task.get_coro()) for task in asyncio.all_tasks() - {asyncio.current_task()}}

    async def run() -> None:
        for number in range(TRIALS):
            assert await trial(number * STEP_SECONDS) == set()

    asyncio.run(run())
