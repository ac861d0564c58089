"""Tasks that are ended, and work beside the loop that need not be, so that nothing is left behind."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


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


def call_on(loop: asyncio.AbstractEventLoop, function: Callable[[*Ts], object], *arguments: *Ts) -> None:
    """Call a function on the loop's thread, from any other; where the loop is closed, nobody waits for it."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function, *arguments)


async def beside(work: Callable[[], T]) -> T:
    """What the work returns or raises, on a thread that never keeps the process alive.

    `asyncio.to_thread` does: `asyncio.run` waits for its threads, so that nobody could leave.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def settle(set_it: Callable[[], None]) -> None:
        if not result.done():
            set_it()

    def run() -> None:
        try:
            answer = partial(result.set_result, work())
        except Exception as failure:
            answer = partial(result.set_exception, failure)
        call_on(loop, settle, answer)

    threading.Thread(target=run, name="beside", daemon=True).start()
    return await result
