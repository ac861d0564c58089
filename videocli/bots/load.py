"""How busy this process is: how late its event loop is, and how much of a core it uses."""

import asyncio
import time
from collections import deque
from math import ceil

from videocli.bots.results import Load

LOOK_SECONDS = 0.05
CPU_SECONDS = 5.0
"""Over so long the use of a core is averaged; the busiest such time counts."""
LEAST_CPU_SECONDS = 1.0
"""At the end a shorter time will do, but not less than this."""
_MAX_LOOKS = 200_000
_RECENT_LOOKS = round(1 / LOOK_SECONDS)


class LoadMeter:
    """Looks at the clock many times a second, for as long as `run` runs."""

    def __init__(self) -> None:
        self._late: deque[float] = deque(maxlen=_MAX_LOOKS)
        self._cpu = 0.0
        self._began_at = time.monotonic()
        self._used = time.process_time()

    async def run(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due_at = loop.time() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            self._late.append(max(loop.time() - due_at, 0.0))
            if time.monotonic() - self._began_at >= CPU_SECONDS:
                self._look_at_cpu()

    def recent(self) -> float:
        """The worst lateness of the last second."""
        return max(
            (self._late[-back] for back in range(1, min(_RECENT_LOOKS, len(self._late)) + 1)), default=0.0
        )

    def load(self) -> Load:
        """Of all the time until now."""
        if time.monotonic() - self._began_at >= LEAST_CPU_SECONDS:
            self._look_at_cpu()
        ordered = sorted(self._late)
        if not ordered:
            return Load(0.0, self._cpu)
        return Load(ordered[ceil(len(ordered) * 0.99) - 1], self._cpu)

    def _look_at_cpu(self) -> None:
        now, used = time.monotonic(), time.process_time()
        self._cpu = max(self._cpu, (used - self._used) / (now - self._began_at))
        self._began_at, self._used = now, used
