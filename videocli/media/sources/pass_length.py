"""How long one time through a file lasts that holds picture and sound, so that they loop together. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from videocli.media.sources.timeline import MAX_BACK_SECONDS, MAX_GAP_SECONDS, SHORTEST_SECONDS

_OPUS_STEP = Fraction(20, 1000)
_ROUNDED = Fraction(1, 1000)
"""Matroska's timestamps are whole milliseconds, and so is the answer: no rate of ours has to round it."""


@dataclass(slots=True)
class StreamSpan:
    """From where to where the packets of one stream reach, in seconds; call `see` with each of them.

    A leap of the timestamps is closed, as `Timeline` closes it. Opus calls its last packet shorter than it is
    (RFC 7845, section 4.4), and is taken for as long as the others.
    """

    is_opus: bool = False
    first: Fraction | None = None
    """What lies before 0 is a codec's run-in, which is not shown."""
    end: Fraction = Fraction(0)
    _offset: Fraction = Fraction(0)
    _last: Fraction | None = None
    _longest: Fraction = Fraction(0)

    def see(self, position: Fraction, duration: Fraction) -> None:
        """The next packet."""
        at = position + self._offset
        if self._last is None:
            self.first = max(at, Fraction(0))
        elif not -MAX_BACK_SECONDS <= at - self._last <= MAX_GAP_SECONDS:
            at = self.end
            self._offset = at - position
        self._last = at
        self._longest = max(self._longest, duration)
        self.end = max(self.end, at + (self._longest if self.is_opus else duration))


def pass_seconds(spans: Sequence[StreamSpan]) -> Fraction:
    """From the beginning of the first stream to the end of the last one.

    With Opus, whole packets of 20 ms, so that its packets follow each other evenly over the seam.
    """
    firsts = [span.first for span in spans if span.first is not None]
    seconds = max(span.end for span in spans) - min(firsts, default=Fraction(0))
    if any(span.is_opus for span in spans):
        seconds = math.ceil((seconds - _ROUNDED) / _OPUS_STEP) * _OPUS_STEP
    return max(math.ceil(seconds / _ROUNDED) * _ROUNDED, Fraction(SHORTEST_SECONDS).limit_denominator())
