"""Places the frames of a publisher's tracks on one time line. Pure: `now` is seconds on our own clock.

The publisher's clock says how far its tracks are apart; our clock says where they are. Before the publisher
has told its clock (RTCP sender reports come about every second, a browser's for sound every five), a track
lies where its first frame arrived; from then on it is moved, gently, to where it belongs.
"""

from videocli.media.frames import EncodedFrame

_CLOCK_STEP = 2.0
"""Seconds off its course beyond which a publisher's clock is not believed at once."""
_STEPPED_FOR = 100
"""So many frames in a row that its clock has stepped for: now it is believed."""
_DRIFT = 1 / 5000
"""How much of what a frame is off moves the course: clocks drift by some 0.01 %."""

_TORN = 0.25
"""Seconds; what is further off is moved at once."""
_SLEW = 0.1
"""Share of the time that passes by which a track is moved."""
_LOST_TRACK = 1.0
"""Seconds that timestamps may be off our clock, where nothing else tells the time."""
_STEP = 0.001
"""Seconds between two frames, at least."""


class PublisherTime:
    """A publisher's clock against ours."""

    def __init__(self) -> None:
        self._lag: float | None = None
        self._strange = 0

    def to_ours(self, captured_at: float, now: float) -> float | None:
        """When a frame that came `now` would have come over a steady path; None: its clock is astray."""
        lag = now - captured_at
        if self._lag is None:
            self._lag = lag
        off = lag - self._lag
        if abs(off) > _CLOCK_STEP:
            self._strange += 1
            if self._strange < _STEPPED_FOR:
                return None
            self._lag, off = lag, 0.0
        self._strange = 0
        self._lag += off * _DRIFT
        return captured_at + self._lag


class TrackTime:
    """Places one track's frames."""

    def __init__(self, publisher: PublisherTime) -> None:
        self._publisher = publisher
        self._offset: float | None = None
        self._last_media = 0.0
        self._last = float("-inf")

    def place(self, frame: EncodedFrame, now: float) -> float:
        """The frame's time in seconds on our clock, later than the one before it."""
        media = frame.timestamp / frame.codec.clock_rate
        exact = None if frame.captured_at is None else self._publisher.to_ours(frame.captured_at, now)
        self._offset = self._course(media, exact, now)
        self._last_media = media
        self._last = max(media + self._offset, self._last + _STEP)
        return self._last

    def _course(self, media: float, exact: float | None, now: float) -> float:
        if self._offset is None:
            return (now if exact is None else exact) - media
        if exact is None:
            return now - media if abs(now - media - self._offset) > _LOST_TRACK else self._offset
        wanted = exact - media - self._offset
        if abs(wanted) > _TORN:
            return exact - media
        most = _SLEW * max(media - self._last_media, 0.0)
        return self._offset + min(max(wanted, -most), most)
