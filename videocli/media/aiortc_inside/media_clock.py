"""Which timestamp a track has reached, whenever its packets leave. Pure: `now` is seconds on a steady clock.

A report pairs a timestamp with the time it stands for (RFC 3550, 6.4.1). A packet may leave late, when the
process was stopped or busy, but hardly ever early: the most punctual ones tell when each was due.
"""

from videocli.media.aiortc_inside.sequence import Unwrapper

_LOST = 1.0
"""Seconds; no source of ours lets more than one frame, that waited out a stall, be so late."""
_STAYS_LOST = 0.5
"""Seconds that packets are so late for, one after another: the timestamps stood still meanwhile."""
_FOLLOWED_IN = 10.0
"""Seconds in which most of what packets stay late by is taken for a drift of the media's clock from ours."""
_LONGEST_STEP = 1.0
"""Seconds between packets that count for a drift."""


class MediaClock:
    """The media clock of one track, which runs on while nothing is sent."""

    def __init__(self, rate: int) -> None:
        """`rate`: timestamp units a second."""
        self._rate = rate
        self._unwrapper = Unwrapper(32)
        self._zero: float | None = None
        """When timestamp 0 was, or would have been, due."""
        self._late = 0.0
        """Of the latest packet, in seconds."""
        self._sent_at = 0.0
        self._lost_since: float | None = None

    def sent(self, timestamp: int, now: float) -> None:
        """A packet left, with 32 bits of timestamp."""
        zero = now - self._unwrapper.unwrap(timestamp) / self._rate
        late = 0.0 if self._zero is None else max(zero - self._zero, 0.0)
        if late > _LOST and self._lost_since is None:
            self._lost_since = now
        elif late <= _LOST:
            self._lost_since = None
        is_lost = self._lost_since is not None and now - self._lost_since > _STAYS_LOST
        if self._zero is None or not late or is_lost:
            self._zero, late, self._lost_since = zero, 0.0, None
        else:
            # What one packet alone is late by says nothing.
            passed = min(now - self._sent_at, _LONGEST_STEP)
            self._zero += min(late, self._late) * passed / _FOLLOWED_IN
        self._late, self._sent_at = late, now

    def timestamp_at(self, now: float) -> int:
        """What a packet that is due now would carry, in 32 bits; 0 before the first one."""
        return 0 if self._zero is None else int((now - self._zero) * self._rate) & 0xFFFFFFFF
