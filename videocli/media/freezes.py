"""When a picture stood still: freezes as webrtc-stats defines them, told by when each frame came."""

from collections import deque

_AVERAGED_FRAMES = 30
_FRAMES_AT_LEAST = 5
"""So many intervals make an average worth comparing with, as in Chromium."""

_PAUSE_SECONDS = 5.0
"""A longer interval is a pause (`pauseCount`), not a freeze: the publisher stopped on purpose."""


class Freezes:
    """Counts the freezes of one track.

    A frame ends a freeze if it comes later than max(3 * d, d + 150 ms) after the one before, d being the
    average interval of the last 30 frames (W3C webrtc-stats, `freezeCount` and `totalFreezesDuration`).
    """

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        self._last_at: float | None = None
        self._intervals: deque[float] = deque()
        self._sum = 0.0

    def frame(self, now: float) -> None:
        """A frame that can be shown came at `now`, in seconds on any clock that never goes back."""
        last_at, self._last_at = self._last_at, now
        if last_at is None:
            return
        interval = now - last_at
        if interval > _PAUSE_SECONDS:
            return
        intervals = self._intervals
        count = len(intervals)
        if count >= _FRAMES_AT_LEAST:
            average = self._sum / count
            if interval > 3 * average and interval > average + 0.150:
                self.count += 1
                self.seconds += interval
        intervals.append(interval)
        self._sum += interval
        if count == _AVERAGED_FRAMES:
            self._sum -= intervals.popleft()

    def interrupt(self) -> None:
        """What comes next is from another source: its distance to what came before means nothing."""
        self._last_at = None
