"""When a media path counts as dead: the judgement of the consent watch (RFC 7675). Times are the loop's."""

_LATE = 1.5
"""A wait that took so many times as long as it should says that we had no processor time, not that nobody
answered."""
_LONGEST_ROUND_TRIP = 3.0
"""Seconds that the judgement allows for; on a longer one it may take a path for dead that is not."""


class Consent:
    """Requests in a row that nobody answered, and what else was known meanwhile."""

    def __init__(self, reply_seconds: float, misses: int, one_way_seconds: float) -> None:
        self._reply_seconds = reply_seconds
        self._enough = misses
        self._one_way_seconds = one_way_seconds
        self._unanswered_since: float | None = None
        self._misses = 0
        self._silent = 0

    @property
    def is_awaited(self) -> bool:
        """Whether the last request went unanswered: then the next one is made at once."""
        return self._unanswered_since is not None

    def patience(self, round_trip: float | None) -> float:
        """Seconds to wait for an answer before the next request; None: no answer ever came.

        So long that the misses that are enough take two round trips.
        """
        if round_trip is None:
            return 2 * self._reply_seconds
        return max(self._reply_seconds, 2 * min(round_trip, _LONGEST_ROUND_TRIP) / self._enough)

    def answered(self) -> None:
        """An answer came, to whichever request."""
        self._unanswered_since, self._misses, self._silent = None, 0, 0

    def unanswered(self, asked_at: float, now: float, patience: float, *, is_heard: bool) -> None:
        """No answer came in time. `is_heard`: something else came since the request."""
        if self._unanswered_since is None:
            self._unanswered_since = asked_at
        if is_heard:
            self._silent = 0
        if now - asked_at <= _LATE * patience:
            self._misses += 1
            self._silent += not is_heard

    def address_lost(self, now: float) -> None:
        """This machine does not have the address any more: nothing can come."""
        self._unanswered_since, self._misses, self._silent = now, self._enough, self._enough

    def is_dead(self, now: float, *, is_unheard: bool) -> bool:
        """Whether that is enough. `is_unheard`: the far end says that what we send does not come."""
        is_one_way = self._unanswered_since is not None and (
            now - self._unanswered_since >= self._one_way_seconds
            or (is_unheard and self._misses >= self._enough)
        )
        return self._silent >= self._enough or is_one_way
