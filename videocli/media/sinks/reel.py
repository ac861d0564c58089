"""The files of one participant, or of one of its tracks: one after another, each as long as its tracks fit.

Everything here runs on the loop's thread and takes microseconds; times are seconds on the loop's clock.
"""

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Protocol

from videocli.media.bitstream import frame_dimensions
from videocli.media.frames import Codec, EncodedFrame, MediaKind
from videocli.media.sinks.causes import Cause, Troubles
from videocli.media.sinks.disk import Disk, DiskFile
from videocli.media.sinks.h264 import ParameterSets, length_prefixed, parameter_sets
from videocli.media.sinks.manifest import FileRecord, ParticipantRecord, Publication, TrackRecord
from videocli.media.sinks.matroska import Cluster, MatroskaWriter, TrackHeader
from videocli.media.sinks.timing import PublisherTime, TrackTime

HOLD_SECONDS = 1.0
"""How long a file's beginning waits for the publisher's clock."""
LATE_SECONDS = 3.0
"""How long it waits for the first frames of all tracks; one that comes later needs another file."""
FLUSH_SECONDS = 1.0
"""How long what was recorded may wait to be written."""
FILES_A_MINUTE = 20
"""At most; what fits into none is dropped. Who changes the format all the time would fill the folder."""

_REMEMBERED_LENGTHS = 100

_GAP: dict[MediaKind, float] = {"audio": 0.2, "video": 1.0}
"""Seconds without a frame that are a gap, unless the track has always been that slow."""
_SLOW = 3
"""So many times the track's usual interval are a gap, where that is longer."""
_REMEMBERED_INTERVALS = 9


class Studio(Protocol):
    """What the files of a recording have in common."""

    disk: Disk
    troubles: Troubles

    def new_path(self, *parts: str) -> Path:
        """For a file that is named after these."""
        ...

    def utc(self, at: float) -> datetime:
        """A time on the loop's clock as UTC."""
        ...

    def restart(self, track_sid: str) -> None:
        """Let a video track begin anew, with a keyframe."""
        ...

    def file_began(self, participant: ParticipantRecord, file: FileRecord) -> None:
        """A file is written."""
        ...

    def file_ended(self, participant: ParticipantRecord, file: FileRecord) -> None:
        """It is written no more."""
        ...

    def file_failed(self, participant: ParticipantRecord, file: FileRecord) -> None:
        """It cannot be written any more."""
        ...


@dataclass(slots=True, eq=False)
class _Place:
    """A track of the present file."""

    record: TrackRecord
    sets: ParameterSets | None
    """H264: those in the head of the file."""
    tenant: "_Track | None" = None
    last: float | None = None
    """Time of the latest frame, within the file."""
    intervals: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED_INTERVALS))
    """Seconds between each of the latest frames and the one before it."""

    def fits(self, codec: Codec, sets: ParameterSets | None) -> bool:
        """Whether a stream of that kind can go on here; no sets: as before."""
        if self.record.codec is not codec:
            return False
        return self.sets is None or sets is None or not self.sets.need_another_file(sets)

    def is_gap(self, until: float, is_after_loss: bool) -> bool:
        """Whether something is missing between the latest frame and then; unless it is lost, by habit."""
        least = _GAP[self.record.codec.kind]
        if self.last is None or until - self.last <= least:
            return False
        usual = median(self.intervals) if self.intervals else least
        return is_after_loss or until - self.last > max(least, _SLOW * usual)


@dataclass(slots=True, eq=False)
class _Track:
    """A remote track that is being received."""

    sid: str
    name: str
    kind: MediaKind
    time: TrackTime
    needs_keyframe: bool
    place: _Place | None = None
    sets: ParameterSets | None = None
    """H264: the latest."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A frame that waits for its file."""

    track: _Track
    frame: EncodedFrame
    now: float
    """When it came."""
    at: float | None = None
    """Where it belongs, on our clock; None: that has to be found yet."""


@dataclass(slots=True)
class _File:
    writer: MatroskaWriter
    disk: DiskFile
    record: FileRecord
    zero: float
    places: list[_Place]
    flush_at: float = 0.0
    lengths: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED_LENGTHS))
    """Bytes and seconds after each of the latest clusters."""


class Reel:
    """Takes the frames of the tracks that were added."""

    def __init__(
        self, studio: Studio, participant: ParticipantRecord, publisher: PublisherTime, *name_parts: str
    ) -> None:
        self._studio = studio
        self._participant = participant
        self._name_parts = name_parts
        self._publisher = publisher
        self._tracks: dict[str, _Track] = {}
        self._file: _File | None = None
        self._held: list[_Held] = []
        self._begun: deque[float] = deque(maxlen=FILES_A_MINUTE)
        """When the latest files were begun."""
        self._has_failed = False

    @property
    def participant_sid(self) -> str:
        """Whose files these are."""
        return self._participant.sid

    def add_track(self, sid: str, name: str, kind: MediaKind) -> None:
        """A track is subscribed to."""
        self._tracks[sid] = _Track(sid, name, kind, TrackTime(self._publisher), kind == "video")

    def remove_track(self, sid: str, now: float) -> None:
        """It no longer is; its place in the file waits for it, or for another track of its kind."""
        if any(held.track.sid == sid for held in self._held):
            self._begin_file()
        track = self._tracks.pop(sid, None)
        if track is not None and track.place is not None and self._file is not None:
            track.place.record.publications[-1].until = now - self._file.zero
            track.place.tenant = None

    def take(self, sid: str, frame: EncodedFrame, now: float) -> None:
        """A frame of a track came."""
        track = self._tracks.get(sid)
        if track is None or self._has_failed or not self._can_begin(track, frame):
            return
        if self._file is None:
            self._hold(_Held(track, frame, now))
        else:
            self._put(_Held(track, frame, now, track.time.place(frame, now)))

    def tick(self, now: float) -> None:
        """Some time has passed."""
        if self._file is None:
            if self._held and self._has_waited(now):
                self._begin_file()
        elif now >= self._file.flush_at:
            self._flush(self._file)
            self._file.flush_at = now + FLUSH_SECONDS

    def finish(self, why: str, now: float) -> None:
        """End the file; what is to come would need another."""
        if self._held:
            self._begin_file()
        if self._file is not None:
            self._end_file(why, now)

    def _can_begin(self, track: _Track, frame: EncodedFrame) -> bool:
        """Whether the track has what a decoder needs by now."""
        if frame.codec is Codec.H264 and frame.is_keyframe:
            track.sets = parameter_sets(frame.data) or track.sets
        if track.needs_keyframe and frame.is_keyframe:
            track.needs_keyframe = frame.codec is Codec.H264 and track.sets is None
            if track.needs_keyframe:
                # They were in a packet of their own, which was lost: nobody else will ask for them again.
                self._studio.restart(track.sid)
        if track.needs_keyframe and track.place is not None:
            track.place.record.dropped += 1
        return not track.needs_keyframe

    def _hold(self, held: _Held) -> None:
        self._held.append(held)
        if self._has_waited(held.now):
            self._begin_file()

    def _has_waited(self, now: float) -> bool:
        are_all_here = {held.track.sid for held in self._held} == self._tracks.keys()
        return now - self._held[0].now >= (HOLD_SECONDS if are_all_here else LATE_SECONDS)

    def _begin_file(self) -> None:
        """Make a file for the tracks whose frames are held, and let these go there."""
        held = _placed(self._held)
        self._held = []
        self._begun.append(held[-1].now)
        self._file = self._new_file(held, min(at for each in held if (at := each.at) is not None))
        for each in held:
            if self._file is not None:
                self._put(each)
            else:
                self._hold(each)

    def _new_file(self, held: list[_Held], zero: float) -> _File:
        firsts: dict[str, tuple[_Track, EncodedFrame]] = {}
        for each in held:
            firsts.setdefault(each.track.sid, (each.track, each.frame))
        ordered = sorted(firsts.values(), key=lambda first: first[0].kind, reverse=True)
        tracks = [self._new_place(number, *first) for number, first in enumerate(ordered, 1)]
        studio = self._studio
        began_at = studio.utc(zero)
        path = studio.new_path(*self._name_parts)
        record = FileRecord(path.name, began_at, [place.record for place, _ in tracks])
        writer = MatroskaWriter([header for _, header in tracks], began_at)
        disk_file = studio.disk.create(path, lambda fault: self._failed(file, fault))
        file = _File(writer, disk_file, record, zero, [place for place, _ in tracks])
        disk_file.append(writer.head, is_needed=True)
        self._participant.files.append(record)
        studio.file_began(self._participant, record)
        return file

    def _new_place(self, number: int, track: _Track, first: EncodedFrame) -> tuple[_Place, TrackHeader]:
        sets = (parameter_sets(first.data) or track.sets) if first.codec is Codec.H264 else None
        size = None
        if track.kind == "video":
            size = (sets.size if sets else frame_dimensions(first.codec, first.data)) or (0, 0)
        place = _Place(TrackRecord(number, first.codec, size), sets)
        self._move_in(track, place, 0.0)
        private = sets.avcc() if sets else b""
        return place, TrackHeader(number, first.codec, track.name, size, private)

    def _put(self, held: _Held) -> None:
        """Into the present file, or the next one if it has no place for the track."""
        file, track, frame = self._file, held.track, held.frame
        assert file is not None
        assert held.at is not None
        place = track.place
        is_telling = frame.codec is Codec.H264 and frame.is_keyframe
        sets = parameter_sets(frame.data) if is_telling else None
        if place is None:
            free = (each for each in file.places if each.tenant is None)
            place = next((each for each in free if each.fits(frame.codec, sets or track.sets)), None)
            if place is not None:
                self._move_in(track, place, held.at - file.zero)
        if place is None or not place.fits(frame.codec, sets):
            if len(self._begun) == FILES_A_MINUTE and held.now - self._begun[0] < 60:
                self._leave_out(track)
            else:
                self._change_file(held)
        else:
            self._write(file, place, frame, max(held.at - file.zero, 0.0))

    def _leave_out(self, track: _Track) -> None:
        """There is no place for a frame, nor for what follows it up to a keyframe."""
        track.needs_keyframe = track.kind == "video"
        if track.place is not None:
            track.place.record.dropped += 1

    def _move_in(self, track: _Track, place: _Place, since: float) -> None:
        place.tenant, track.place = track, place
        place.record.publications.append(Publication(track.sid, track.name, since))

    def _change_file(self, held: _Held) -> None:
        """Begin anew with what does not fit; the pictures of other tracks need a keyframe for that."""
        self._end_file("another track" if held.track.place is None else "another format", held.now)
        self._begin_anew(held.track if held.frame.is_keyframe else None)
        if not held.track.needs_keyframe:
            self._hold(held)

    def _begin_anew(self, ready: _Track | None) -> None:
        """Let the tracks find places in another file; pictures of all but one need a keyframe for that."""
        for track in self._tracks.values():
            track.place = None
            if track.kind == "video" and track is not ready:
                track.needs_keyframe = True
                if not self._has_failed:
                    self._studio.restart(track.sid)

    def _write(self, file: _File, place: _Place, frame: EncodedFrame, at: float) -> None:
        data = length_prefixed(frame.data) if place.sets is not None else frame.data
        if not data:
            return
        record = place.record
        if place.is_gap(at, frame.is_after_loss):
            self._note_gap(file, place, at, Cause.LOSS if frame.is_after_loss else Cause.NOTHING_CAME)
        at_ms = round(at * 1000)
        if place.last is not None:
            at_ms = max(at_ms, round(place.last * 1000) + 1)
        if file.writer.is_due(record.number, at_ms, frame.is_keyframe):
            self._flush(file)
        tenant = place.tenant
        if tenant is not None and tenant.needs_keyframe:
            if not frame.is_keyframe:
                record.dropped += 1
                return
            tenant.needs_keyframe = False
        if place.last is not None:
            place.intervals.append(at_ms / 1000 - place.last)
        place.last = at_ms / 1000
        record.frames += 1
        file.writer.add(record.number, at_ms, frame.is_keyframe, data)

    def _note_gap(self, file: _File, place: _Place, until: float, otherwise: Cause) -> None:
        since = place.last
        assert since is not None
        subjects = (self._participant.sid, *(each.sid for each in place.record.publications))
        troubles = self._studio.troubles
        cause = troubles.explain(since + file.zero, until + file.zero, subjects, otherwise)
        place.record.add_gap(since, until, cause)

    def _flush(self, file: _File) -> None:
        cluster = file.writer.flush()
        if cluster is None:
            return
        if file.disk.append(cluster.data):
            file.writer.appended(cluster)
            file.record.duration, file.record.size = file.writer.duration_ms / 1000, file.writer.size
            file.lengths.append((file.record.size, file.record.duration))
        else:
            self._drop(file, cluster)

    def _drop(self, file: _File, cluster: Cluster) -> None:
        """The disk is too slow for it: go on with a keyframe, some day."""
        troubles, since = self._studio.troubles, file.zero + cluster.first_ms / 1000
        troubles.begin(Cause.SLOW_DISK, self._participant.sid, since)
        troubles.end(Cause.SLOW_DISK, self._participant.sid, file.zero + file.writer.duration_ms / 1000)
        for place in file.places:
            count = cluster.frames[place.record.number]
            place.record.frames -= count
            place.record.dropped += count
            if count and place.last is not None:
                place.last = min(place.last, cluster.first_ms / 1000)
            if place.tenant is not None and count and place.record.codec.kind == "video":
                place.tenant.needs_keyframe = True
                self._studio.restart(place.tenant.sid)

    def _end_file(self, why: str, now: float) -> None:
        file, self._file = self._file, None
        assert file is not None
        self._flush(file)
        tail = file.writer.tail()
        file.disk.finish(tail, file.writer.patches())
        end = now - file.zero
        for place in file.places:
            if place.tenant is not None:
                place.record.publications[-1].until = end
            if place.is_gap(end, is_after_loss=False):
                self._note_gap(file, place, end, Cause.NOTHING_CAME)
        file.record.duration, file.record.size = file.writer.duration_ms / 1000, file.writer.size
        file.record.ended_by = why
        self._studio.file_ended(self._participant, file.record)

    def _failed(self, file: _File, fault: OSError) -> None:
        """Nothing more can be written to a file; where it was removed, another one can be."""
        record = file.record
        record.is_removed = file.disk.is_removed
        record.ended_by, record.size = fault.strerror or str(fault), file.disk.kept
        record.duration = max((seconds for size, seconds in file.lengths if size <= record.size), default=0.0)
        for track in record.tracks:
            track.publications[-1].until = track.publications[-1].until or record.duration
        self._studio.file_failed(self._participant, file.record)
        if self._file is file:
            self._file, self._has_failed = None, not record.is_removed
            self._begin_anew(None)


def _placed(held: list[_Held]) -> list[_Held]:
    """The frames with their places in time.

    What the publisher's clock said of a track's later frames holds for its earlier ones as well.
    """
    known = {each.track.sid: each.frame for each in held if each.frame.captured_at is not None}
    placed = []
    for each in held:
        frame, later = each.frame, known.get(each.track.sid)
        if frame.captured_at is None and later is not None and later.captured_at is not None:
            distance = (frame.timestamp - later.timestamp) / frame.codec.clock_rate
            frame = replace(frame, captured_at=later.captured_at + distance)
        at = each.track.time.place(frame, each.now) if each.at is None else each.at
        placed.append(replace(each, frame=frame, at=at))
    return placed
