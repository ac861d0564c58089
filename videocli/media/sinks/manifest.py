"""`recording.json`: who was recorded, when, into which files, and what is missing. Pure.

Times within a file are seconds from its beginning; all others are RFC 3339, UTC.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from videocli.media.frames import Codec
from videocli.media.sinks.causes import Cause
from videocli.moments import rfc3339

NAME = "recording.json"
_GAPS_LISTED = 500

Json = dict[str, Any]


@dataclass(slots=True)
class Publication:
    """A published track that is, or was, what a track of a file holds."""

    sid: str
    name: str
    since: float
    until: float | None = None

    def to_json(self) -> Json:
        return {"sid": self.sid, "name": self.name, "from": _seconds(self.since), "to": _seconds(self.until)}


@dataclass(slots=True)
class TrackRecord:
    """One track of a file."""

    number: int
    codec: Codec
    size: tuple[int, int] | None
    """Pixels, in the beginning; VP8 may change it within the file."""
    publications: list[Publication] = field(default_factory=list)
    frames: int = 0
    dropped: int = 0
    """Frames that the disk was too slow for, or that had no place when there were too many files."""
    gaps: list[Json] = field(default_factory=list)
    gaps_unlisted: int = 0

    def add_gap(self, since: float, until: float, cause: Cause) -> None:
        """Nothing is there between these times, in seconds."""
        if len(self.gaps) < _GAPS_LISTED:
            self.gaps.append({"from": _seconds(since), "to": _seconds(until), "cause": cause.value})
        else:
            self.gaps_unlisted += 1

    def to_json(self) -> Json:
        width, height = self.size or (None, None)
        return {
            "number": self.number,
            "kind": self.codec.kind,
            "codec": self.codec.value,
            "width": width,
            "height": height,
            "publications": [each.to_json() for each in self.publications],
            "frames": self.frames,
            "dropped": self.dropped,
            "gaps": self.gaps,
            "gapsNotListed": self.gaps_unlisted,
        }


@dataclass(slots=True)
class FileRecord:
    """One file."""

    path: str
    """Beside the manifest."""
    started_at: datetime
    tracks: list[TrackRecord]
    duration: float = 0.0
    size: int = 0
    """Bytes."""
    ended_by: str | None = None
    """Why nothing more is written to it; None: something may be."""
    is_removed: bool = False
    """Whether somebody removed it while it was written; it has no bytes then."""

    def to_json(self) -> Json:
        return {
            "path": self.path,
            "startedAt": rfc3339(self.started_at),
            "duration": _seconds(self.duration),
            "bytes": self.size,
            "endedBy": self.ended_by,
            "tracks": [track.to_json() for track in self.tracks],
        }


@dataclass(slots=True)
class ParticipantRecord:
    """One participant, and the files of all its tracks."""

    sid: str
    identity: str
    files: list[FileRecord] = field(default_factory=list)

    def to_json(self) -> Json:
        return {
            "sid": self.sid,
            "identity": self.identity,
            "files": [each.to_json() for each in self.files],
        }


@dataclass(slots=True)
class RecordingRecord:
    """The whole recording."""

    recorded_by: str
    """`participant` or `track`: what has a file of its own."""
    started_at: datetime
    room_sid: str | None = None
    room_name: str | None = None
    identity: str | None = None
    """Whose recording it is: ours."""
    ended_at: datetime | None = None
    participants: list[ParticipantRecord] = field(default_factory=list)

    def to_text(self) -> str:
        """The manifest; lone surrogates, which JSON may not carry, are escaped as what they are."""
        value = {
            "version": 1,
            "room": {"sid": self.room_sid, "name": self.room_name},
            "recordedBy": self.identity,
            "recordBy": self.recorded_by,
            "startedAt": rfc3339(self.started_at),
            "endedAt": None if self.ended_at is None else rfc3339(self.ended_at),
            "participants": [each.to_json() for each in self.participants],
        }
        return json.dumps(value, indent=1) + "\n"


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
