"""Records remote tracks into Matroska files without transcoding, and keeps a manifest of them."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from videocli.media.frames import EncodedFrame, MediaKind
from videocli.media.sinks import manifest
from videocli.media.sinks.causes import Cause, Troubles
from videocli.media.sinks.disk import Disk
from videocli.media.sinks.file_names import FileNames
from videocli.media.sinks.manifest import FileRecord, ParticipantRecord, RecordingRecord
from videocli.media.sinks.reel import Reel
from videocli.media.sinks.timing import PublisherTime
from videocli.tasks import stop

RecordBy = Literal["participant", "track"]
FileFate = Literal["began", "ended", "failed"]

CLOSE_SECONDS = 5.0
"""How long the end may wait for the disk."""
_TICK_SECONDS = 0.5
_MANIFEST_TICKS = 4
"""How many ticks apart the manifest is brought up to date while nothing but lengths changes."""
_BYTES_A_TICK = 20_000
"""A long manifest is written less often: making its text takes time on the loop."""


@dataclass(frozen=True, slots=True)
class FileNews:
    """What became of a file."""

    participant_sid: str | None
    """None: it is the manifest, which cannot be brought up to date."""
    path: Path
    fate: FileFate
    seconds: float
    """Its length so far."""
    why: str | None = None
    """Why nothing more is written to it."""
    is_removed: bool = False
    """Whether that is because somebody removed it; what is to come goes into another file."""


class Recording:
    """One recording, from before anybody is there until `close`. Used on the loop's thread.

    `restart` makes a video track begin anew with a keyframe; `tell` hears what becomes of the files. The
    directory must be there; it is made again when it is removed.
    """

    def __init__(
        self,
        directory: Path,
        record_by: RecordBy,
        *,
        disk: Disk,
        utcnow: Callable[[], datetime],
        restart: Callable[[str], None],
        tell: Callable[[FileNews], None],
    ) -> None:
        self.disk = disk
        self.troubles = Troubles()
        self.restart = restart
        self._directory = directory
        self._record_by: RecordBy = record_by
        self._utcnow = utcnow
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._names = FileNames(tuple(path.name for path in directory.iterdir()))
        self._publishers: dict[str, PublisherTime] = {}
        self._people: dict[str, ParticipantRecord] = {}
        self._reels: dict[str, Reel] = {}
        self._record = RecordingRecord(record_by, utcnow())
        self._manifest_in = 0
        self._write_manifest()
        self._ticking = asyncio.create_task(self._tick(), name="recording")

    def joined(self, room_sid: str | None, room_name: str, identity: str) -> None:
        """We are in the room."""
        record = self._record
        record.room_sid, record.room_name, record.identity = room_sid, room_name, identity
        self._write_manifest()

    def track_began(self, participant: tuple[str, str], sid: str, name: str, kind: MediaKind) -> None:
        """A track of a participant (SID and identity) is subscribed to."""
        person = self._people.get(participant[0])
        if person is None:
            person = self._people[participant[0]] = ParticipantRecord(*participant)
            self._record.participants.append(person)
            self._publishers[person.sid] = PublisherTime()
        key = self._key(person.sid, sid)
        if key not in self._reels:
            parts = (person.identity,) if self._record_by == "participant" else (person.identity, name)
            self._reels[key] = Reel(self, person, self._publishers[person.sid], *parts)
        self._reels[key].add_track(sid, name, kind)
        self.trouble(Cause.UNSUBSCRIBED, sid, is_over=True)

    def take(self, participant_sid: str, track_sid: str, frame: EncodedFrame) -> None:
        """A frame came."""
        reel = self._reels.get(self._key(participant_sid, track_sid))
        if reel is not None:
            reel.take(track_sid, frame, self._loop.time())

    def track_ended(self, participant_sid: str, track_sid: str) -> None:
        """A track is not subscribed to any more."""
        now = self._loop.time()
        reel = self._reels.get(self._key(participant_sid, track_sid))
        if reel is not None:
            reel.remove_track(track_sid, now)
            self.troubles.begin(Cause.UNSUBSCRIBED, track_sid, now)

    def track_unpublished(self, track_sid: str) -> None:
        """A track will not come back."""
        self.trouble(Cause.UNSUBSCRIBED, track_sid, is_over=True)
        self.trouble(Cause.UNPUBLISHED, track_sid, is_over=False)
        if self._record_by == "track":
            self._finish(track_sid, Cause.UNPUBLISHED.value)

    def participant_left(self, participant_sid: str, why: str) -> None:
        """A participant is gone, in words why; its files end."""
        keys = [participant_sid] if self._record_by == "participant" else list(self._reels)
        for key in keys:
            reel = self._reels.get(key)
            if reel is not None and reel.participant_sid == participant_sid:
                self._finish(key, why)

    def trouble(self, cause: Cause, subject: str | None, *, is_over: bool) -> None:
        """Something begins, or is over, that explains gaps."""
        (self.troubles.end if is_over else self.troubles.begin)(cause, subject, self._loop.time())

    async def close(self, why: str) -> bool:
        """End all files; False: the disk is too slow for that, what is missing is lost."""
        await stop(self._ticking)
        for key in list(self._reels):
            self._finish(key, why)
        self._record.ended_at = self._utcnow()
        self._write_manifest()
        return await self.disk.close(CLOSE_SECONDS)

    @property
    def file_count(self) -> int:
        """How many of its files there are on the disk."""
        files = (file for person in self._people.values() for file in person.files)
        return sum((self._directory / file.path).is_file() for file in files)

    # What reels need (`Studio`).

    def new_path(self, *parts: str) -> Path:
        return self._directory / self._names.new(*parts, suffix=".mkv")

    def utc(self, at: float) -> datetime:
        return self._utcnow() + timedelta(seconds=at - self._loop.time())

    def file_began(self, participant: ParticipantRecord, file: FileRecord) -> None:
        self._news(participant, file, "began")

    def file_ended(self, participant: ParticipantRecord, file: FileRecord) -> None:
        self._news(participant, file, "ended")

    def file_failed(self, participant: ParticipantRecord, file: FileRecord) -> None:
        self._news(participant, file, "failed")

    def _news(self, participant: ParticipantRecord, file: FileRecord, fate: FileFate) -> None:
        path = self._directory / file.path
        news = FileNews(participant.sid, path, fate, file.duration, file.ended_by, file.is_removed)
        self._tell(news)
        self._write_manifest()

    def _key(self, participant_sid: str, track_sid: str) -> str:
        return participant_sid if self._record_by == "participant" else track_sid

    def _finish(self, key: str, why: str) -> None:
        reel = self._reels.pop(key, None)
        if reel is not None:
            reel.finish(why, self._loop.time())

    def _write_manifest(self) -> None:
        text = self._record.to_text()
        self._manifest_in = max(_MANIFEST_TICKS, len(text) // _BYTES_A_TICK)
        self.disk.replace(self._directory / manifest.NAME, text, self._manifest_failed)

    def _manifest_failed(self, fault: OSError) -> None:
        why = fault.strerror or str(fault)
        self._tell(FileNews(None, self._directory / manifest.NAME, "failed", 0.0, why))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            for reel in list(self._reels.values()):
                reel.tick(self._loop.time())
            self._manifest_in -= 1
            if self._reels and self._manifest_in <= 0:
                self._write_manifest()


def prepare(directory: Path) -> None:
    """Make the directory, and move the manifest of an earlier recording aside. Raises `OSError`."""
    directory.mkdir(parents=True, exist_ok=True)
    if not os.access(directory, os.W_OK | os.X_OK):
        raise PermissionError(None, "Permission denied", str(directory))
    earlier = directory / manifest.NAME
    if earlier.exists():
        names = FileNames(tuple(path.name for path in directory.iterdir()))
        earlier.rename(directory / names.new(earlier.stem, suffix=earlier.suffix))
