"""Where each frame of a file that is played again and again stands on a time that only grows. Pure."""

from fractions import Fraction

SHORTEST_SECONDS = 0.2
"""How long one time through a file lasts at least: even one that holds a single frame does not spin."""

MAX_GAP_SECONDS = 30
"""A longer leap within a file is a fault of its timestamps, not a pause."""

MAX_BACK_SECONDS = 1
"""A frame may stand on the one before or a little before it (VP8's hidden frames do); not further back."""


class Timeline:
    """Maps positions in a file to timestamps from 0, in units of `rate` a second.

    `tolerance`, in the same units: a frame so near to the end of the one before it follows without a gap.
    """

    def __init__(self, rate: int, usual_step: int, tolerance: int = 0) -> None:
        self._rate = rate
        self._tolerance = tolerance
        self._usual_step = usual_step
        self._last: int | None = None
        self._step = usual_step
        self._offset: int | None = None
        self._pass_start = 0

    def place(self, position: int | None, duration: int | None) -> int:
        """The timestamp of the next frame, which lies at `position` and lasts for `duration`, where known."""
        if self._last is None:
            timestamp = 0
        elif self._offset is None or position is None:
            timestamp = self._last + self._step
        else:
            timestamp = position + self._offset
            ahead = (timestamp - self._last) / self._rate
            if not -MAX_BACK_SECONDS <= ahead <= MAX_GAP_SECONDS:
                timestamp = self._last + self._step
                self._offset = timestamp - position
            elif abs(timestamp - self._last - self._step) <= self._tolerance:
                timestamp = self._last + self._step
            elif timestamp <= self._last:
                timestamp = self._last + max(self._usual_step // 2, 1)
        if self._offset is None and position is not None:
            self._offset = timestamp - position
        self._last = timestamp
        self._step = duration or self._usual_step
        return timestamp

    def end_pass(self, seconds: Fraction | None = None) -> None:
        """The file begins again: what comes next follows when its last frame has lasted.

        `seconds`: or that long after the last beginning, which is the same for picture and sound.
        """
        if self._last is not None and seconds is not None:
            self._pass_start += round(seconds * self._rate)
            self._step = max(self._pass_start - self._last, 1)
        elif self._last is not None:
            shortest = round(SHORTEST_SECONDS * self._rate)
            self._step = max(self._step, self._pass_start + shortest - self._last)
            self._pass_start = self._last + self._step
        self._offset = None
