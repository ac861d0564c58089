"""Whether the room is connected, reconnecting or disconnected: computed from facts, never stored beside them.

                    media fine            media failed, not yet back
    signaling up    connected             reconnecting, 53405
    signaling lost  reconnecting, 53001   reconnecting (the first cause)
    window past     (signaling decides)   disconnected, 53405

A session that is resumed says nothing of media, which may have died of the same cause and not be missed yet:
so the room stays `reconnecting` until media has answered since, or is known to be dead.

`reconnecting` names its first cause, and one outage is reported once however many causes join it
(twilio-video.js, lib/signaling/v2/room.js). When signaling itself is out of time, the backend ends the
session with 53000 or 53002; this table only adds the end of media.
"""

from dataclasses import dataclass, replace

from videocli.engine.events import RoomState
from videocli.errors import VideoError, error

SIGNALING_LOST = 53001
MEDIA_LOST = 53405


@dataclass(frozen=True, slots=True)
class FirstCause:
    """What went wrong first, and when."""

    code: int
    began_at: float


@dataclass(frozen=True, slots=True)
class Health:
    """How the two legs are. Times are seconds on the caller's clock; None: that leg is fine."""

    joined: bool = False
    signaling_lost_at: float | None = None
    media_failed_at: float | None = None
    is_media_unverified: bool = False
    """Whether media, thought to be fine, has not answered since the session was resumed."""
    outage: FirstCause | None = None
    ended: bool = False

    @property
    def state(self) -> RoomState:
        """The room's state."""
        if self.ended:
            return "disconnected"
        if not self.joined:
            return "connecting"
        return "connected" if self.outage is None else "reconnecting"

    @property
    def error(self) -> VideoError | None:
        """Why the room is reconnecting."""
        return error(self.outage.code) if self.outage is not None else None

    def media_deadline(self, session_timeout: float) -> float | None:
        """When media that stays away ends the room with 53405."""
        return None if self.media_failed_at is None else self.media_failed_at + session_timeout

    def with_signaling(self, lost_at: float | None) -> "Health":
        """Signaling was lost, or (None) is back, and media has to answer now."""
        unverified = lost_at is None or self.is_media_unverified
        return replace(self, signaling_lost_at=lost_at, is_media_unverified=unverified)._with_outage()

    def with_media(self, failed_at: float | None) -> "Health":
        """Media failed, or (None) is back."""
        return replace(self, media_failed_at=failed_at, is_media_unverified=False)._with_outage()

    def with_media_verified(self) -> "Health":
        """Media has answered since the session was resumed, or none is there that could."""
        return replace(self, is_media_unverified=False)._with_outage()

    def _with_outage(self) -> "Health":
        is_fine = self.signaling_lost_at is None and self.media_failed_at is None
        if is_fine and not self.is_media_unverified:
            return replace(self, outage=None)
        if is_fine or self.outage is not None:
            return self
        if self.signaling_lost_at is not None:
            return replace(self, outage=FirstCause(SIGNALING_LOST, self.signaling_lost_at))
        assert self.media_failed_at is not None
        return replace(self, outage=FirstCause(MEDIA_LOST, self.media_failed_at))
