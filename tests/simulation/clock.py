"""A loop whose clock jumps to the next timer when every task waits."""

import asyncio
import math
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


TICK_SECONDS = 2.0**-20
"""The clock of a loop alone stands at multiples of this: sums and differences of its times are exact."""


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, alone: bool) -> None:
        super().__init__()
        self.now = 0.0
        self._alone = alone
        self._steps = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if not self._alone and (ready := super().select(0)):
            return ready
        if timeout is None:
            raise DeadlockError
        self._steps += 1
        if timeout > 0.0:
            self.now += timeout
            if self._alone:
                self.now = math.ceil(self.now / TICK_SECONDS) * TICK_SECONDS
            self._steps = 0
        elif self._steps > STEPS_AT_ONCE:
            raise LivelockError
        return []


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time, which begins at 0.0.

    `alone`: there are no real sockets and threads to look at, which is quicker.
    """

    def __init__(self, alone: bool = False) -> None:
        self._jumping = _JumpingSelector(alone)
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds of virtual time."""
        return self._jumping.now

    def stall(self, seconds: float) -> None:
        """Nothing ran for so long, as on a machine that sleeps."""
        self._jumping.now += seconds

    def pending_timers(self) -> int:
        """How many timers are armed."""
        handles: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]  # asyncio offers no other way
        return sum(not handle.cancelled() for handle in handles)


def run_virtually(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end in virtual time. Raises `DeadlockError` when everyone waits for ever."""
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(coroutine)
