"""Tracks as the room knows them."""

from dataclasses import dataclass

from videocli.engine.events import Track
from videocli.engine.reports import LocalTrackInfo, TrackInfo


@dataclass(slots=True)
class RemoteTrack:
    """A remote track: its description, and whether its media is ours to use."""

    info: TrackInfo
    media_id: str | None = None
    """Where its media comes, once it is subscribed."""
    failed: bool = False
    """The server cannot deliver it; said once, until it can."""
    messages: int = 0

    @property
    def is_subscribed(self) -> bool:
        """Between `TrackSubscribed` and `TrackUnsubscribed`."""
        return self.media_id is not None

    def view(self) -> Track:
        """As events show it."""
        info = self.info
        return Track(info.sid, info.name, info.kind, info.enabled, info.priority)


@dataclass(slots=True)
class LocalTrack:
    """A track of ours."""

    info: LocalTrackInfo
    sid: str | None = None
    """None: not confirmed yet."""
    messages: int = 0

    def view(self) -> Track:
        """As events show it."""
        info = self.info
        return Track(self.sid, info.name, info.kind, info.enabled, info.priority)
