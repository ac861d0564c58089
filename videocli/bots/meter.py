"""What came to one bot, over tracks that come and go and counters that begin anew."""

from dataclasses import dataclass, field

from videocli.bots.results import Received
from videocli.engine import events as ev
from videocli.media.peer import TrackStats


@dataclass(slots=True)
class _Track:
    kind: str
    latest: TrackStats = field(default_factory=TrackStats)
    before: Received = field(default_factory=Received)
    """What counters that have ended had counted."""


class Meter:
    """Driven by a room's events."""

    def __init__(self) -> None:
        self._tracks: dict[str, _Track] = {}
        self.messages = 0
        self.reconnections = 0
        self.downtime = 0.0
        self.media_gap = 0.0
        self.is_away = False
        """Reconnecting, or gone while it was; false where the outage ended the room."""

    def take(self, event: object) -> None:
        """An event happened."""
        match event:
            case ev.TrackSubscribed(track=track) if track.kind != "data":
                self._track(track)
            case ev.Stats(tracks):
                for row in tracks:
                    if row.direction == "received":
                        self._count(self._track(row.track), row.counters)
            case ev.TrackMessage():
                self.messages += 1
            case ev.Reconnecting():
                self.is_away = True
            case ev.Reconnected(downtime, _, media_gap):
                self.is_away = False
                self.reconnections += 1
                self._add_outage(downtime, media_gap)
            case ev.Disconnected(reason, downtime, _, media_gap):
                self.is_away = self.is_away and reason is None
                self._add_outage(downtime or 0.0, media_gap or 0.0)

    def received(self) -> dict[str, Received]:
        """By kind."""
        totals: dict[str, Received] = {}
        for track in self._tracks.values():
            total = totals.setdefault(track.kind, Received())
            now, before = track.latest, track.before
            total.tracks += 1
            total.silent += not now.packets and not before.packets
            total.bytes += now.bytes + before.bytes
            total.packets += now.packets + before.packets
            total.lost += now.packets_lost + before.lost
            total.frames += now.frames + before.frames
        return totals

    def _add_outage(self, downtime: float, media_gap: float) -> None:
        self.downtime += downtime
        self.media_gap += media_gap

    def _track(self, track: ev.Track) -> _Track:
        return self._tracks.setdefault(track.sid or "", _Track(track.kind))

    def _count(self, track: _Track, counters: TrackStats) -> None:
        if counters.packets < track.latest.packets:
            ended = track.latest
            track.before.bytes += ended.bytes
            track.before.packets += ended.packets
            track.before.lost += ended.packets_lost
            track.before.frames += ended.frames
        track.latest = counters
