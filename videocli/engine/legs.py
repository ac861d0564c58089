"""How each of the two paths to the server is, for people to read: signaling and media."""

from dataclasses import replace
from datetime import datetime, timedelta

from videocli.engine import reports as rp
from videocli.engine.room.snapshot import Leg
from videocli.errors import error


class Legs:
    """The two legs, as the reports tell. Times are UTC."""

    def __init__(self, now: datetime) -> None:
        self.signaling = Leg("connecting", now)
        self.media = Leg("connecting", now)

    def apply(self, report: object, now: datetime) -> None:
        """Take a report in; other items change nothing."""
        match report:
            case rp.Joined() | rp.Resynced():
                self.signaling = Leg("connected", now)
            case rp.SignalingLost(cause):
                self.signaling = Leg("reconnecting", now, error(53001), cause)
            case rp.AttemptStarted(number):
                self.signaling = replace(self.signaling, attempts=number)
            case rp.AttemptFailed(number, fate):
                self.signaling = replace(self.signaling, attempts=number, cause=fate)
            case rp.SignalingEnded(reason):
                self.signaling = Leg("disconnected", now, reason, self.signaling.cause)
                self.media = Leg("disconnected", now, self.media.error)
            case rp.MediaConnected():
                self.media = Leg("connected", now)
            case rp.MediaFailed():
                if self.media.state != "reconnecting":
                    self.media = Leg("reconnecting", now, error(53405))
            case rp.DtlsHandshakeFailed():
                self.media = Leg("disconnected", now, error(53407))
            case _:
                pass

    def session_ends_at(self, session_timeout: float) -> datetime | None:
        """During an outage, when the session can no longer be resumed; `session_timeout` in seconds."""
        lost = [leg.since for leg in (self.signaling, self.media) if leg.state == "reconnecting"]
        return min(lost) + timedelta(seconds=session_timeout) if lost else None
