"""How good the media was: round-trip time, jitter, loss, and what a listener would say (MOS)."""

from collections.abc import Sequence
from dataclasses import dataclass

from videocli.engine.events import NamedStats
from videocli.media.peer import TrackStats
from videocli.media.quality import level_of, mean_opinion


@dataclass(frozen=True, slots=True)
class Spread:
    """Samples of one figure."""

    min: float
    max: float
    average: float


@dataclass(frozen=True, slots=True)
class Quality:
    """Figures of a stretch of media; None: nobody measured it."""

    round_trip_time: Spread | None
    """Seconds, between here and the media server."""
    jitter: Spread | None
    """Seconds, of the sound that came in (RFC 3550 section 6.4.1)."""
    loss: float | None
    """Fraction of the packets that did not come in, repaired ones not counted."""
    mos: float | None
    """1 to 4.5."""

    @property
    def score(self) -> int:
        """0 (unknown) to 5, as twilio-video.js has it (lib/preflight/mos.ts)."""
        return 0 if self.mos is None else level_of(self.mos)


class Sampler:
    """Collects the counters of all participants and makes figures of them."""

    def __init__(self) -> None:
        self._round_trips: list[float] = []
        self._jitters: list[float] = []
        self._first: dict[tuple[str, str | None], TrackStats] = {}
        self._last: dict[tuple[str, str | None], TrackStats] = {}

    def add(self, who: str, tracks: Sequence[NamedStats]) -> None:
        """The counters as one participant has them now."""
        for named in tracks:
            counters = named.counters
            if named.direction == "sent":
                if counters.round_trip_time is not None:
                    self._round_trips.append(counters.round_trip_time)
            elif named.track.kind != "data":
                # A picture's packets leave in bursts with one timestamp, which counts as jitter.
                if named.track.kind == "audio" and counters.jitter is not None:
                    self._jitters.append(counters.jitter)
                key = (who, named.track.sid)
                self._first.setdefault(key, counters)
                self._last[key] = counters

    def quality(self) -> Quality:
        """The figures of everything so far."""
        round_trip_time, jitter, loss = _spread(self._round_trips), _spread(self._jitters), self._loss()
        if round_trip_time is None or jitter is None or loss is None:
            return Quality(round_trip_time, jitter, loss, None)
        return Quality(
            round_trip_time, jitter, loss, mean_opinion(round_trip_time.average, jitter.average, loss)
        )

    def _loss(self) -> float | None:
        lost = came = 0
        for key, last in self._last.items():
            lost += max(last.packets_lost - self._first[key].packets_lost, 0)
            came += last.packets - self._first[key].packets
        return lost / (lost + came) if came > 0 else None


def _spread(samples: list[float]) -> Spread | None:
    if not samples:
        return None
    return Spread(min(samples), max(samples), sum(samples) / len(samples))
