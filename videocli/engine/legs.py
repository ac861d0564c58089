"""How each of the two paths to the server is, for people to read: signaling and media.

Times are seconds on a clock that never goes back; only the snapshot puts them on the wall clock, which may.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from videocli.engine import reports as rp
from videocli.engine.room.snapshot import Leg
from videocli.errors import VideoError, error

ToUtc = Callable[[float], datetime]
"""Puts a time of ours on the wall clock."""


@dataclass(frozen=True, slots=True)
class _Leg:
    state: str
    since: float
    error: VideoError | None = None
    cause: str | None = None
    attempts: int = 0


class Legs:
    """The two legs, as the reports tell."""

    def __init__(self, now: float) -> None:
        self._signaling = self._media = _Leg("connecting", now)

    def apply(self, report: object, now: float) -> None:
        """Take a report in; other items change nothing."""
        signaling, media = self._signaling, self._media
        match report:
            case rp.Joined() | rp.Resynced():
                signaling = _Leg("connected", now)
            case rp.SignalingLost(cause):
                signaling = _Leg("reconnecting", now, error(53001), cause)
            case rp.AttemptStarted(number):
                signaling = replace(signaling, attempts=number)
            case rp.AttemptFailed(number, fate):
                signaling = replace(signaling, attempts=number, cause=fate)
            case rp.SignalingEnded(reason):
                signaling = _Leg("disconnected", now, reason, signaling.cause)
                media = _Leg("disconnected", now, media.error)
            case rp.MediaConnected():
                media = _Leg("connected", now)
            case rp.MediaFailed() if media.state != "reconnecting":
                media = _Leg("reconnecting", now, error(53405))
            case rp.IceRestarting():
                media = replace(media, attempts=media.attempts + 1)
            case rp.DtlsHandshakeFailed():
                media = _Leg("disconnected", now, error(53407))
            case _:
                pass
        self._signaling, self._media = signaling, media

    def snapshot(self, to_utc: ToUtc) -> tuple[Leg, Leg]:
        """Signaling and media, as others read them."""
        signaling, media = (
            Leg(leg.state, to_utc(leg.since), leg.error, leg.cause, leg.attempts)
            for leg in (self._signaling, self._media)
        )
        return signaling, media

    def lost_at(self) -> float | None:
        """Since when a leg is reconnecting, the earlier of both; None: neither is."""
        lost = [leg.since for leg in (self._signaling, self._media) if leg.state == "reconnecting"]
        return min(lost) if lost else None
