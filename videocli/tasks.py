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
