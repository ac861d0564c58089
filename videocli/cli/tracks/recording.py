"""`--record`: follows the events of a room, and puts what its tracks carry into files."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from videocli.cli.exit_codes import UsageError
from videocli.cli.tracks.tapped import Tapped, Tapping
from videocli.cli.writing import output
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.errors import SinkError
from videocli.media.sinks.causes import Cause
from videocli.media.sinks.disk import Disk
from videocli.media.sinks.recording import FileNews, RecordBy, Recording, prepare
from videocli.outside import Outside

_OUTAGES = {53001: Cause.SIGNALING_OUTAGE, 53405: Cause.MEDIA_OUTAGE}
_TRACK_TROUBLES: dict[type[ev.TrackEvent], tuple[Cause, bool]] = {
    ev.TrackDisabled: (Cause.MUTE, False),
    ev.TrackEnabled: (Cause.MUTE, True),
    ev.TrackSwitchedOff: (Cause.SWITCHED_OFF, False),
    ev.TrackSwitchedOn: (Cause.SWITCHED_OFF, True),
}
_PARTICIPANT_TROUBLES: dict[type[ev.ParticipantEvent], bool] = {
    ev.ParticipantReconnecting: False,
    ev.ParticipantReconnected: True,
}


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """Where to record to, and what has a file of its own."""

    directory: Path
    record_by: RecordBy = "participant"

    def prepare(self) -> None:
        """Make the directory. Raises `UsageError`."""
        try:
            prepare(self.directory)
        except OSError as fault:
            raise UsageError(
                f"cannot record into '{self.directory}': {fault.strerror}",
                "Name a directory that can be made and written to with --record.",
            ) from fault

    def open(self, session: Tapped, outside: Outside) -> "Recorder":
        """Record a session."""
        return Recorder(self, session, outside)


class Recorder:
    """Records every track that is subscribed to."""

    def __init__(self, request: RecordRequest, session: Tapped, outside: Outside) -> None:
        self._request = request
        self._session = session
        self._taps: dict[str, Tapping] = {}
        self._people: dict[str, ev.Participant] = {}
        self._outage: Cause | None = None
        self._is_closing = False
        self._recording = Recording(
            request.directory,
            request.record_by,
            disk=Disk(),
            utcnow=outside.utcnow,
            restart=self._restart,
            tell=self._tell,
        )

    def show(self, occurrence: ev.Occurrence) -> None:
        """Something happened in the room."""
        event, recording = occurrence.event, self._recording
        is_over = occurrence.room.state == "disconnected"
        match event:
            case ev.Connected(local):
                recording.joined(occurrence.room.sid, occurrence.room.name, local.identity)
            case ev.Reconnecting(error):
                self._outage = _OUTAGES.get(error.code or 0, Cause.MEDIA_OUTAGE)
                recording.trouble(self._outage, None, is_over=False)
            case ev.Reconnected() if self._outage is not None:
                recording.trouble(self._outage, None, is_over=True)
            case ev.TrackSubscribed(participant, track):
                self._subscribed(participant, track)
            case ev.TrackUnsubscribed(participant, track):
                self._unsubscribed(participant, track, is_over)
            case ev.TrackUnpublished(_, track) if track.sid is not None:
                recording.track_unpublished(track.sid)
            case ev.ParticipantDisconnected(participant):
                recording.participant_left(participant.sid, "left")
            case ev.TrackEvent(_, track) if type(event) in _TRACK_TROUBLES:
                cause, ends = _TRACK_TROUBLES[type(event)]
                recording.trouble(cause, track.sid, is_over=ends)
            case ev.ParticipantEvent(participant) if type(event) in _PARTICIPANT_TROUBLES:
                ends = _PARTICIPANT_TROUBLES[type(event)]
                recording.trouble(Cause.PARTICIPANT_OUTAGE, participant.sid, is_over=ends)
            case _:
                pass

    async def close(self) -> None:
        """Finish all files, and say where they are."""
        self._is_closing = True
        for tapping in self._taps.values():
            tapping.end()
        directory = self._request.directory
        if not await self._recording.close("we left"):
            output.warn(f"the disk is too slow: the end of the recordings in {directory} is missing")
        count = self._recording.file_count
        output.say(f"recorded {count} {'file' if count == 1 else 'files'} into {directory}")

    def _subscribed(self, participant: ev.Participant, track: ev.Track) -> None:
        if track.kind == "data" or track.sid is None:
            return
        self._people[participant.sid] = participant
        owner = participant.sid, participant.identity
        self._recording.track_began(owner, track.sid, track.name, track.kind)
        if not track.enabled:
            self._recording.trouble(Cause.MUTE, track.sid, is_over=False)
        tapping = self._taps[track.sid] = Tapping(self._session, track.sid)
        tapping.begin(partial(self._recording.take, participant.sid, track.sid))

    def _unsubscribed(self, participant: ev.Participant, track: ev.Track, is_over: bool) -> None:
        tapping = self._taps.pop(track.sid or "", None)
        if tapping is None or track.sid is None:
            return
        tapping.end()
        if not is_over:
            self._recording.track_ended(participant.sid, track.sid)

    def _restart(self, track_sid: str) -> None:
        if track_sid in self._taps:
            self._taps[track_sid].restart_soon()

    def _tell(self, news: FileNews) -> None:
        """As events, or, when nobody hears these any more, in words."""
        person, path, why = self._people.get(news.participant_sid or ""), str(news.path), news.why or ""
        if news.fate == "failed":
            error = _cannot_write(news)
            if self._is_closing:
                output.warn(str(error))
            else:
                self._session.post(cmd.Complain(error))
        elif person is not None and news.fate == "began":
            self._session.post(cmd.Announce(ev.FileStarted(person, path)))
        elif person is not None:
            self._session.post(cmd.Announce(ev.FileFinished(person, path, news.seconds, why)))


def _cannot_write(news: FileNews) -> SinkError:
    if news.participant_sid is None:
        return SinkError(
            message=f"'{news.path}' cannot be brought up to date: {news.why}",
            explanation="The recording goes on, and this is tried again. Make room on the disk.",
        )
    if news.is_removed:
        return SinkError(
            message=f"'{news.path}' cannot be written any more: {news.why}",
            explanation="What was in it is lost. What is to come goes into another file.",
        )
    return SinkError(
        message=f"'{news.path}' cannot be written any more: {news.why}",
        explanation="What is in it can be played. Make room on the disk, and join again to record on.",
    )
