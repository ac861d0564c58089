"""aiortc's peers pass the checks for any peer connection, over 127.0.0.1."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.conformance.peer_connection import CHECKS, PeerLab
from tests.media.aiortc_lab import LAB


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_aiortc_peer(check: Callable[[PeerLab], Awaitable[None]]) -> None:
    async def run() -> None:
        await check(LAB)

    asyncio.run(run())
