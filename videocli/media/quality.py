"""How good somebody's media is, in five steps: our own verdict, from loss, jitter and round trip."""

_LEVELS_ABOVE = (3.0, 3.6, 4.0, 4.2)
"""Opinions above which the next level begins, as in twilio-video.js (sdk-surface.md, "Preflight")."""

_NEWEST_WEIGHS = 0.3
"""So much of an opinion is its newest sample; with one a second, a bad one is forgotten after some 10 s."""


class Opinion:
    """What a listener would say, of the last few seconds."""

    def __init__(self) -> None:
        self._mean: float | None = None

    def add(self, round_trip_time: float, jitter: float, loss: float) -> None:
        """Another second: seconds, seconds, and the share of packets lost."""
        new = mean_opinion(round_trip_time, jitter, loss)
        self._mean = new if self._mean is None else self._mean + (new - self._mean) * _NEWEST_WEIGHS

    @property
    def level(self) -> int | None:
        """1 (bad) to 5 (excellent); None: nothing was added."""
        return None if self._mean is None else level_of(self._mean)


def level_of(opinion: float) -> int:
    """1 (bad) to 5 (excellent), of a mean opinion score."""
    return 1 + sum(opinion > limit for limit in _LEVELS_ABOVE)


def mean_opinion(round_trip_time: float, jitter: float, loss: float) -> float:
    """The mean opinion score (MOS), 1 to 4.5, of a call with these figures: seconds, seconds, a share.

    The formula is that of twilio-video.js (sdk-surface.md, "Preflight"), with milliseconds and per cent, for
    which it was made. The SDK puts seconds of jitter and a fraction lost into it, so that these hardly count.
    """
    latency = 1000 * (round_trip_time + 2 * jitter) + 10
    rating = 0.0
    if latency < 160:
        rating = 94.768 - latency / 40
    elif latency < 1000:
        rating = 94.768 - (latency - 120) / 10
    percent = 100 * loss
    rating = max(rating - 2.5 * percent, 6.52) if percent <= rating / 2.5 else 0.0
    return 1 + 0.035 * rating + 0.000007 * rating * (rating - 60) * (100 - rating)
