"""A room server in this process, over real sockets, and scripts that join it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

import videocli
from videocli.cli import settings
from videocli.cli.wiring import real_outside
from videocli.server.serve import ServeConfig, serve

T = TypeVar("T")
PATIENCE = 60.0
Join = Callable[..., AbstractAsyncContextManager[videocli.Room]]
"""Joins as the identity; further arguments are `connect`'s."""


@asynccontextmanager
async def house(room: str = "my-room") -> AsyncIterator[Join]:
    """A server for as long as the context; nothing may be left of it or its guests then."""
    async with serve(ServeConfig(port=0), real_outside(), settings.known_credentials()) as server:

        def join(identity: str, **options: Any) -> AbstractAsyncContextManager[videocli.Room]:
            token = videocli.mint_token(identity, room)
            return videocli.connect(token, room, url=server.url, **options)

        yield join
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, left


def run(scene: Coroutine[Any, Any, T]) -> T:
    """Play a scene, within a minute."""

    async def patiently() -> T:
        async with asyncio.timeout(PATIENCE):
            return await scene

    return asyncio.run(patiently())
