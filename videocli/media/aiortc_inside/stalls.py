"""Whether what we send is heard while the path answers: a network may let STUN pass, and nothing else."""

_SECONDS = 15.0
"""So long without a report, the far end hears nothing: it makes one every 7.5 s at least (RFC 3550, 6.2)."""
_ENOUGH_PACKETS = 10
"""Sent meanwhile: on fewer, a report may be late or lost by accident."""


class Stalls:
    """Counts how often that came to a stop. Called about every second."""

    def __init__(self) -> None:
        self.count = 0
        self._is_stalled = False
        self._reports = 0
        self._reported_at: float | None = None
        self._sent = self._sent_then = 0

    def look(self, now: float, *, sent: int, reports: int, is_unheard: bool, is_alive: bool) -> None:
        """So many packets were sent and so many reports came until `now`, on any clock that never goes back.

        `is_unheard`: by the reports nothing arrives. `is_alive`: the path answers.
        """
        is_owed = reports == self._reports and sent != self._sent and is_alive
        self._sent = sent
        if not is_owed or self._reported_at is None:
            self._reports, self._reported_at, self._sent_then = reports, now, sent
        is_unreported = now - self._reported_at >= _SECONDS and sent - self._sent_then >= _ENOUGH_PACKETS
        was_stalled, self._is_stalled = self._is_stalled, is_alive and (is_unheard or is_unreported)
        self.count += self._is_stalled and not was_stalled
