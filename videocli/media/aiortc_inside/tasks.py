"""Background tasks of one peer connection: none fails unseen, none outlives it."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

_logger = logging.getLogger(__name__)

_CANCEL_AGAIN_SECONDS = 0.05


class BackgroundTasks:
    """Runs coroutines; logs what they raise; ends them all together."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_over = False

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run it; after `cancel` it is cancelled before it begins.

        A handshake of aiortc may swallow its cancellation (Python 3.11's `asyncio.wait_for` does), go on, and
        want to start what follows it.
        """
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        if self._is_over:
            task.cancel()
        return task

    async def cancel(self) -> None:
        """Cancel all tasks but the one that calls, again where one did not take it, and wait for them."""
        self._is_over = True
        while others := self._tasks - {asyncio.current_task()}:
            for task in others:
                task.cancel()
            await asyncio.wait(others, timeout=_CANCEL_AGAIN_SECONDS)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _logger.error(
                "A background task failed: %s: %s: %s",
                getattr(task.get_coro(), "__qualname__", task.get_name()),
                type(error).__name__,
                error,
                exc_info=error,
            )
