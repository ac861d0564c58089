"""`--until EVENT`: what to wait for, and whether it has happened."""

from dataclasses import dataclass

from videocli.engine import events as ev

CONDITIONS = {
    "connected": None,
    "reconnecting": None,
    "reconnected": None,
    "participantConnected": "IDENTITY",
    "participantDisconnected": "IDENTITY",
    "trackStarted": "KIND",
    "message": "TEXT",
}
"""What may be waited for, and what may follow a colon."""


@dataclass(frozen=True, slots=True)
class Until:
    """One condition: the name of an event, and perhaps whose, which kind or which text."""

    event: str
    wanted: str | None = None

    def __str__(self) -> str:
        return self.event if self.wanted is None else f"{self.event}:{self.wanted}"

    def is_met_by(self, event: ev.Event) -> bool:
        """Whether this event is the one; somebody already present at `connected` counts as connected."""
        match self.event, event:
            case "connected", ev.Connected():
                return True
            case "reconnecting", ev.Reconnecting():
                return True
            case "reconnected", ev.Reconnected():
                return True
            case "participantConnected", ev.Connected(participants=present):
                return any(self._fits(participant.identity) for participant in present)
            case "participantConnected", ev.ParticipantConnected(participant):
                return self._fits(participant.identity)
            case "participantDisconnected", ev.ParticipantDisconnected(participant):
                return self._fits(participant.identity)
            case "trackStarted", ev.TrackStarted(track=track):
                return self._fits(track.kind)
            case "message", ev.TrackMessage(data=str() as text):
                return self._fits(text)
        return False

    def _fits(self, found: str) -> bool:
        return self.wanted is None or self.wanted == found


def parse_until(text: str) -> Until:
    """Read `EVENT` or `EVENT:WHAT`. Raises `ValueError` with words for the user."""
    name, colon, wanted = text.partition(":")
    if name not in CONDITIONS:
        raise ValueError(f"'{name}' cannot be waited for; use one of {', '.join(CONDITIONS)}")
    if colon and CONDITIONS[name] is None:
        raise ValueError(f"'{name}' takes nothing after a colon")
    if colon and not wanted:
        raise ValueError(f"'{name}:' needs {CONDITIONS[name]} after the colon")
    if name == "trackStarted" and colon and wanted not in ("audio", "video"):
        raise ValueError("'trackStarted:' takes audio or video")
    return Until(name, wanted if colon else None)
