"""Ends tasks, so that none is left behind."""

import asyncio
from typing import Any


async def stop(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait until it has ended. Raises what it raised, unless that was the cancellation."""
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        if not task.cancelled():
            raise


async def finish(task: asyncio.Task[Any]) -> None:
    """Wait until a task has ended, which must be soon, however often we are cancelled; then raise that.

    What the task raises is nobody's business here.
    """
    cancellation: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as asked:
            cancellation = asked
    if cancellation is not None:
        raise cancellation
