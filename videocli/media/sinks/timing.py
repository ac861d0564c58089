"""Places the frames of a publisher's tracks on one time line. Pure: `now` is seconds on our own clock.

The publisher's clock says how far its tracks are apart; our clock says where they are. Before the publisher
has told its clock (RTCP sender reports come about every second, a browser's for sound every five), a track
lies where its first frame arrived; from then on it is moved, gently, to where it belongs.

A frame that comes late belongs where its timestamp says: a path that stalled hands out in an instant what
took seconds to happen. Only what stays late was sent late, by a publisher whose timestamps stood still.

A report can be wrong: one that was made just after its sender had stopped may pair a timestamp with the time
at which its packet left at last. Frames that go on coming as they did before belie it.
"""

from collections import deque
from statistics import median

from videocli.media.frames import EncodedFrame

_CLOCK_STEP = 2.0
"""Seconds off its course beyond which a publisher's clock is not believed at once."""
_STEPPED_FOR = 100
"""So many frames in a row that its clock has stepped for, all by the same: now it is believed."""
_DRIFT = 1 / 5000
"""How much of what a frame is off moves the course: clocks drift by some 0.01 %."""
_DRIFT_SEEN = 0.25
"""Seconds; a frame that is further off says no more of a drift than this: it was held up."""

_TORN = 0.25
"""Seconds; what is further off is moved at once."""
_SLEW = 0.1
"""Share of the time that passes by which a track is moved."""
_LOST_TRACK = 1.0
"""Seconds that timestamps may be off our clock, where nothing else tells the time."""
_CATCHING_UP = 0.25
"""Seconds less late: what was held up is on its way."""
_STAYS_LATE = 3.0
"""Seconds without catching up after which frames were not held up, but sent late."""
_STEP = 0.001
"""Seconds between two frames, at least."""
_HURRY = 0.5
"""Share of its usual length that a frame has, at least, while a track that was moved back catches up."""

_TOLD_ANEW = 0.25
"""Seconds by which a report moves what was captured when: more than a clock drifts, or is corrected."""
_DOUBTED_FOR = 6.0
"""Seconds for which that is not believed while frames come as before: browsers report sound every five."""
_UNSETTLED_FOR = 0.5
"""Seconds for which it is not while they do not: they may have been held up, or sent late."""
_REMEMBERED_FRAMES = 250
"""By which it is told how frames come."""


class _Lateness:
    """Tells whether something late stays so."""

    def __init__(self) -> None:
        self._of: float | None = None
        self._since = 0.0

    def over(self) -> None:
        """It is late no more."""
        self._of = None

    def stays(self, late: float, now: float) -> bool:
        """Whether it has been that late for long, and got no closer."""
        if self._of is None or late < self._of - _CATCHING_UP:
            self._of, self._since = late, now
        return now - self._since > _STAYS_LATE


class PublisherTime:
    """A publisher's clock against ours."""

    def __init__(self) -> None:
        self._lag: float | None = None
        self._strange = 0
        self._lateness = _Lateness()

    def to_ours(self, captured_at: float, now: float) -> float | None:
        """When a frame that came `now` would have come over a steady path; None: its clock is astray."""
        lag = now - captured_at
        if self._lag is None:
            self._lag = lag
        off = lag - self._lag
        if abs(off) > _CLOCK_STEP:
            if not self._has_stepped(off, now):
                return None
            self._lag, off = lag, 0.0
        self._strange = 0
        self._lateness.over()
        self._lag += min(max(off, -_DRIFT_SEEN), _DRIFT_SEEN) * _DRIFT
        return captured_at + self._lag

    def _has_stepped(self, off: float, now: float) -> bool:
        self._strange += 1
        if off > 0 and not self._lateness.stays(off, now):
            return False
        return self._strange >= _STEPPED_FOR


class _Told:
    """What a track's reports say, apart from what is doubtful of it."""

    def __init__(self) -> None:
        self._believed: float | None = None
        """Seconds from a frame's media time to when it was captured."""
        self._doubted = 0.0
        self._doubted_since: float | None = None
        self._patience = 0.0
        self._came: deque[float] = deque(maxlen=_REMEMBERED_FRAMES)
        """Seconds from media time to when it came, of the latest frames."""

    def captured_at(self, told: float, media: float, now: float) -> float:
        """When a frame was captured, in seconds on the publisher's clock; `told` is what its report says."""
        believed = told - media
        if self._believed is not None and self._is_doubtful(believed, now - media, now):
            believed = self._believed
        else:
            self._doubted_since = None
        self._believed = believed
        self._came.append(now - media)
        return media + believed

    def _is_doubtful(self, told: float, came: float, now: float) -> bool:
        assert self._believed is not None
        if abs(told - self._believed) <= _TOLD_ANEW:
            return False
        if self._doubted_since is None or abs(told - self._doubted) > _TOLD_ANEW:
            self._doubted, self._doubted_since, self._patience = told, now, _UNSETTLED_FOR
        if self._patience < _DOUBTED_FOR and abs(came - median(self._came)) <= _TOLD_ANEW:
            self._patience = _DOUBTED_FOR
        return now - self._doubted_since <= self._patience


class TrackTime:
    """Places one track's frames."""

    def __init__(self, publisher: PublisherTime) -> None:
        self._publisher = publisher
        self._told = _Told()
        self._offset: float | None = None
        self._lateness = _Lateness()
        self._last_media = 0.0
        self._last = float("-inf")

    def place(self, frame: EncodedFrame, now: float) -> float:
        """The frame's time in seconds on our clock, later than the one before it."""
        media = frame.timestamp / frame.codec.clock_rate
        exact = None
        if frame.captured_at is not None:
            exact = self._publisher.to_ours(self._told.captured_at(frame.captured_at, media, now), now)
        self._offset = self._course(media, exact, now)
        length = media - self._last_media
        least = max(_HURRY * length, _STEP) if length < _LOST_TRACK else _STEP
        self._last_media = media
        self._last = max(media + self._offset, self._last + least)
        return self._last

    def _course(self, media: float, exact: float | None, now: float) -> float:
        if self._offset is None:
            return (now if exact is None else exact) - media
        if exact is None:
            return now - media if self._is_lost(media, now - media - self._offset, now) else self._offset
        self._lateness.over()
        wanted = exact - media - self._offset
        if abs(wanted) > _TORN:
            return exact - media
        most = _SLEW * max(media - self._last_media, 0.0)
        return self._offset + min(max(wanted, -most), most)

    def _is_lost(self, media: float, late: float, now: float) -> bool:
        """Whether a frame's timestamp does not say where it belongs: it leapt, or had stood still."""
        if media < self._last_media - _LOST_TRACK or late < -_LOST_TRACK:
            is_lost = True
        else:
            is_lost = late > _LOST_TRACK and self._lateness.stays(late, now)
        if is_lost or late <= _LOST_TRACK:
            self._lateness.over()
        return is_lost
