"""Delays between attempts to resume a session: those of twilio-video.js (lib/util/backoff.js), but capped."""

import random

_FIRST_MS = 80.0
_FACTOR = 1.5
CAP_SECONDS = 0.4
"""The SDK's cap is 10 s. Ours is lower, so that a path that is back is found sooner than by the SDK."""

_LAST_EXPONENT = 20
"""Far beyond the cap; keeps the power finite however long an outage lasts."""


class Backoff:
    """Counts the delays of one outage: each is between 0 and twice a mean that grows by half each time."""

    def __init__(self, chance: random.Random, cap_seconds: float = CAP_SECONDS) -> None:
        self._chance = chance
        self._cap_seconds = cap_seconds
        self._delays = 0

    def next_delay(self) -> float:
        """Seconds to wait before the next attempt, in whole milliseconds."""
        base = _FIRST_MS * _FACTOR ** min(self._delays, _LAST_EXPONENT)
        self._delays += 1
        jitter = self._chance.random()
        is_early = int(jitter * 10) % 2 == 0
        delay_ms = base - jitter * base if is_early else base + jitter * base
        return int(min(delay_ms, self._cap_seconds * 1000)) / 1000

    def reset(self) -> None:
        """The session is resumed: the next outage begins anew. A mere welcome is no reason to call this."""
        self._delays = 0
