"""The record of each outage: when it was noticed, each attempt and its fate, how long media was silent.

`mediaGap` is for how long nothing came over the media path that should have: from the last media, or on an
idle path from the first question that stayed unanswered, until media or an answer came again. It has nothing
to do with when the outage was noticed, and is 0 when media went on through it. What we slept through counts.

Times are seconds on the clock that `Room` is handed, which never goes back.
"""

from dataclasses import dataclass, field
from typing import Literal

KEPT = 50
"""So many outages are remembered, and of each so many attempts, the latest ones."""

NOTICING_SECONDS = 1.0
"""A silence may be over for so long before its outage is noticed: who has slept hears media first."""

LegName = Literal["signaling", "media"]


@dataclass(slots=True)
class Attempt:
    """One attempt to resume the session (signaling) or to restart ICE (media)."""

    leg: LegName
    began_at: float
    ended_at: float | None = None
    fate: str = "under way"
    """In words, for people."""

    def end(self, fate: str, now: float) -> None:
        """It is over."""
        if self.ended_at is None:
            self.ended_at, self.fate = now, fate


@dataclass(slots=True)
class Outage:
    """From the loss of the first leg until both are back, or until the end."""

    code: int
    """53001 signaling, 53405 media; the first cause."""
    began_at: float
    ended_at: float | None = None
    attempts: list[Attempt] = field(default_factory=list)
    attempt_count: int = 0
    media_gap: float = 0.0
    """Seconds without any media, of all gaps together."""
    silent_since: float | None = None
    """Since when media is silent now; None: it is not."""
    counted_until: float = 0.0
    """Until when silence is in `media_gap`."""

    def downtime(self, now: float) -> float:
        """Seconds it took, or has taken so far."""
        return (now if self.ended_at is None else self.ended_at) - self.began_at

    def silence(self, now: float) -> float:
        """Seconds without any media, the gap that goes on now included."""
        return self.media_gap + (now - self.silent_since if self.silent_since is not None else 0.0)


class OutageLog:
    """All outages of a stay, the latest last; the last one may go on."""

    def __init__(self) -> None:
        self.outages: list[Outage] = []

    @property
    def current(self) -> Outage | None:
        """The outage that goes on."""
        last = self.outages[-1] if self.outages else None
        return last if last is not None and last.ended_at is None else None

    def begin(self, code: int, now: float) -> None:
        """An outage begins."""
        self.outages = [*self.outages[1 - KEPT :], Outage(code, now)]

    def end(self, now: float) -> Outage | None:
        """The outage is over, one way or the other; the record of it."""
        outage = self.current
        if outage is not None:
            self.media_is_back(now)
            outage.ended_at = now
        return outage

    def attempt(self, leg: LegName, now: float) -> None:
        """An attempt begins; one of that leg that was under way has come to nothing."""
        outage = self.current
        if outage is not None:
            self.attempt_ended(leg, "no answer", now)
            outage.attempt_count += 1
            outage.attempts = [*outage.attempts[1 - KEPT :], Attempt(leg, now)]

    def attempt_ended(self, leg: LegName, fate: str, now: float) -> None:
        """The attempt of that leg that is under way is over."""
        for attempt in self.current.attempts if self.current is not None else ():
            if attempt.leg == leg:
                attempt.end(fate, now)

    def media_is_silent(self, since: float) -> None:
        """Nothing has come since then."""
        if self.current is not None and self.current.silent_since is None:
            self.current.silent_since = since

    def media_is_back(self, now: float) -> None:
        """Something comes again."""
        outage = self.current
        if outage is not None and outage.silent_since is not None:
            outage.media_gap, outage.silent_since, outage.counted_until = outage.silence(now), None, now

    def media_was_silent(self, since: float, until: float) -> None:
        """Nothing came for that time, which is over."""
        outage = self.current
        if outage is not None and until >= outage.began_at - NOTICING_SECONDS:
            outage.media_gap += max(until - max(since, outage.counted_until), 0.0)
            outage.counted_until = max(until, outage.counted_until)
