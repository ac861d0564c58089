"""Why nothing was recorded for a while. Pure: times are seconds on any clock that never goes back."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

_REMEMBERED = 1000


class Cause(StrEnum):
    """Why there is a gap."""

    MEDIA_OUTAGE = "media outage"
    """Our own path to the server."""
    SIGNALING_OUTAGE = "signaling outage"
    PARTICIPANT_OUTAGE = "participant reconnecting"
    """The publisher's connection to the server."""
    MUTE = "mute"
    SWITCHED_OFF = "switched off"
    """By the server, to save bandwidth."""
    UNPUBLISHED = "unpublished"
    UNSUBSCRIBED = "unsubscribed"
    SLOW_DISK = "slow disk"
    LOSS = "loss"
    """Packets are missing, by their sequence numbers, and nothing else explains it."""
    NOTHING_CAME = "nothing came"
    """No packet is known to be missing; perhaps there was nothing to send."""


@dataclass(slots=True)
class _Trouble:
    cause: Cause
    subject: str | None
    since: float
    until: float | None = None


class Troubles:
    """What was the matter with whom, and when."""

    def __init__(self) -> None:
        self._troubles: deque[_Trouble] = deque(maxlen=_REMEMBERED)

    def begin(self, cause: Cause, subject: str | None, now: float) -> None:
        """Something is the matter with a track or a participant, by SID; None: with everybody."""
        self._troubles.append(_Trouble(cause, subject, now))

    def end(self, cause: Cause, subject: str | None, now: float) -> None:
        """It is so no longer."""
        for trouble in self._troubles:
            if (trouble.cause, trouble.subject, trouble.until) == (cause, subject, None):
                trouble.until = now

    def explain(self, since: float, until: float, subjects: tuple[str, ...], otherwise: Cause) -> Cause:
        """What went on for the longest part of that time with everybody or one of the subjects."""
        best, longest = otherwise, 0.0
        for trouble in self._troubles:
            if trouble.subject is None or trouble.subject in subjects:
                ended = until if trouble.until is None else min(trouble.until, until)
                if (overlap := ended - max(trouble.since, since)) > longest:
                    best, longest = trouble.cause, overlap
        return best
