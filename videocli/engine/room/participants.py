"""Participants as the room knows them."""

from dataclasses import dataclass, field, replace

from videocli.engine.events import Participant, PresentParticipant
from videocli.engine.reports import LocalTrackInfo, ParticipantStateName, Priority
from videocli.engine.room.tracks import LocalTrack, RemoteTrack


@dataclass(slots=True)
class RemoteParticipant:
    """Somebody else."""

    sid: str
    identity: str
    state: ParticipantStateName
    tracks: dict[str, RemoteTrack] = field(default_factory=dict)
    """By SID."""

    def view(self) -> Participant:
        """As events show it."""
        return Participant(self.sid, self.identity, self.state)

    def first_view(self) -> PresentParticipant:
        """As the event shows it that first tells of it."""
        tracks = tuple(track.view() for track in self.tracks.values())
        return PresentParticipant(self.sid, self.identity, self.state, tracks)


@dataclass(slots=True)
class LocalParticipant:
    """We ourselves; the tracks are there from the moment somebody wants them published."""

    sid: str = ""
    identity: str = ""
    state: ParticipantStateName = "connected"
    tracks: dict[str, LocalTrack] = field(default_factory=dict)
    """By the id that signaling and media know them by."""

    def view(self) -> Participant:
        """As events show it."""
        return Participant(self.sid, self.identity, self.state)

    @property
    def infos(self) -> tuple[LocalTrackInfo, ...]:
        """What signaling has to say."""
        return tuple(track.info for track in self.tracks.values())

    def find(self, reference: str) -> list[LocalTrack]:
        """The tracks that a person means by a SID, a kind or a name; a kind means all tracks of it."""
        for key in ("sid", "kind", "name"):
            found = [track for track in self.tracks.values() if getattr(track.view(), key) == reference]
            if found:
                return found
        return []

    def set_enabled(self, track: LocalTrack, enabled: bool) -> None:
        """Mute or unmute."""
        track.info = replace(track.info, enabled=enabled)

    def set_priority(self, track: LocalTrack, priority: Priority) -> None:
        """Change the publish priority."""
        track.info = replace(track.info, priority=priority)
