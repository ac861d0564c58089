"""A loop whose clock jumps to the next timer when every task waits."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class DeadlockError(Exception):
    """Everyone waits, and there is no timer: nothing would ever happen again."""


class LivelockError(Exception):
    """Something goes round and round, and no time passes."""


STEPS_AT_ONCE = 100_000
"""More steps of the loop at one moment are taken for a livelock."""


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, polls: bool) -> None:
        super().__init__()
        self.now = 0.0
        self._polls = polls
        self._steps = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self._polls and (ready := super().select(0)):
            return ready
        if timeout is None:
            raise DeadlockError
        self._steps += 1
        if timeout > 0.0:
            self.now += timeout
            self._steps = 0
        elif self._steps > STEPS_AT_ONCE:
            raise LivelockError
        return []


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time, which begins at 0.0.

    `polls`: whether to look at real sockets and threads, too.
    """

    def __init__(self, polls: bool = True) -> None:
        self._jumping = _JumpingSelector(polls)
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds of virtual time."""
        return self._jumping.now

    def pending_timers(self) -> int:
        """How many timers are armed."""
        handles: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]  # asyncio offers no other way
        return sum(not handle.cancelled() for handle in handles)


def run_virtually(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end in virtual time. Raises `DeadlockError` when everyone waits for ever."""
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(coroutine)
