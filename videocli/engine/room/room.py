"""What is true in the room. Reports go in, events come out; nothing here waits or asks.

The order of events follows twilio-video.js (recorded in tests/traces): a track is published before it is
subscribed to, and unsubscribed from before it is unpublished; a participant's tracks go before it does;
nothing follows `Disconnected`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from videocli.engine import events as ev
from videocli.engine import reports as rp
from videocli.engine.room.outages import OutageLog
from videocli.engine.room.participants import LocalParticipant, RemoteParticipant
from videocli.engine.room.reconnection import MEDIA_LOST, Health
from videocli.engine.room.tracks import RemoteTrack
from videocli.errors import VideoError, error
from videocli.media.speakers import Speakers

DTLS_FAILED = 53407
_BOTH_LOST = (
    "Signaling was lost, too: nothing reached the server. "
    "Look at this machine's network first, then whether the server runs."
)
MAX_EARLY_MESSAGES = 256
"""Messages kept for a data channel whose track is not known yet."""

_STATE_EVENTS: dict[rp.ParticipantStateName, type[ev.ParticipantEvent]] = {
    "connected": ev.ParticipantReconnected,
    "reconnecting": ev.ParticipantReconnecting,
    "disconnected": ev.ParticipantDisconnected,
}

Report = rp.SignalingReport | rp.MediaReport


@dataclass(slots=True)
class ArrivedMedia:
    """Media that is there; which track it belongs to may not be known yet."""

    started: bool = False
    size: tuple[int, int] | None = None
    """Pixels."""


class Room:
    """One room, from before we are in it until after.

    `apply` and `handle_timer` take the time in seconds on any clock that never goes back.
    """

    def __init__(self, name: str) -> None:
        self.sid: str | None = None
        self.name = name
        self.region: str | None = None
        self.is_recording = False
        self.session_timeout = 30.0
        self.local = LocalParticipant()
        self.participants: dict[str, RemoteParticipant] = {}
        self.health = Health()
        self.outages = OutageLog()
        self.error: VideoError | None = None
        """Why the room ended."""
        self._media_ids: dict[str, str] = {}
        self._unwanted: frozenset[str] = frozenset()
        self._arrived: dict[str, ArrivedMedia] = {}
        self._early_messages: dict[str, list[str | bytes]] = {}
        self.speakers = Speakers()
        self.levels: Mapping[str, float] = {}
        """How loud everybody is who is known to be anything, by SID."""
        self.dominant_sid: str | None = None
        """Of the remote participant who speaks loudest."""
        self.network_levels: dict[str, int] = {}
        """The server's verdicts on networks, 0 (broken) to 5, by participant SID."""
        self._out: list[ev.Event] = []
        self._appliers: dict[type[Any], Callable[[Any, float], None]] = {
            rp.Joined: self._joined,
            rp.ParticipantsChanged: lambda report, now: self._merge(report.participants),
            rp.PublicationReady: self._publication_ready,
            rp.PublicationFailed: self._publication_failed,
            rp.SubscriptionsChanged: self._subscriptions_changed,
            rp.SubscriptionFailed: self._subscription_failed,
            rp.RecordingChanged: self._recording_changed,
            rp.SignalingLost: lambda report, now: self._signaling(now),
            rp.AttemptStarted: lambda report, now: self.outages.attempt("signaling", now),
            rp.AttemptFailed: lambda report, now: self.outages.attempt_ended("signaling", report.fate, now),
            rp.Resynced: self._resynced,
            rp.SignalingEnded: lambda report, now: self._end(report.error, now),
            rp.MediaConnected: self._media_connected,
            rp.MediaFailed: self._media_failed,
            rp.MediaVerified: self._media_verified,
            rp.IceRestarting: lambda report, now: self.outages.attempt("media", now),
            rp.DtlsHandshakeFailed: lambda report, now: self._end(error(DTLS_FAILED), now),
            rp.MediaArrived: self._media_arrived,
            rp.MediaStarted: self._media_started,
            rp.MediaResized: self._media_resized,
            rp.MediaLeft: self._media_left,
            rp.LoudnessMeasured: self._loudness_measured,
            rp.NetworkJudged: self._network_judged,
            rp.NetworkUnjudged: lambda report, now: self.network_levels.clear(),
            rp.MessageArrived: self._message_arrived,
        }

    @property
    def state(self) -> ev.RoomState:
        """Computed from what the two legs are known to be."""
        return self.health.state

    def view(self) -> ev.Room:
        """As events show it."""
        return ev.Room(self.sid, self.name, self.state)

    def apply(self, report: Report, now: float) -> list[ev.Event]:
        """Take a report in; what happened because of it, in order. Nothing happens in an ended room."""
        applier = self._appliers.get(type(report))
        if applier is not None and not self.health.ended:
            applier(report, now)
        return self._drain()

    def timer(self) -> float | None:
        """When to call `handle_timer`."""
        return None if self.health.ended else self.health.media_deadline(self.session_timeout)

    def handle_timer(self, now: float) -> list[ev.Event]:
        """Media that stays away for longer than the session ends the room (our rule 3)."""
        deadline = self.timer()
        if deadline is not None and now >= deadline:
            is_alone = self.health.signaling_lost_at is None
            self._end(error(MEDIA_LOST, explanation="" if is_alone else _BOTH_LOST), now)
        return self._drain()

    def end(self, why: VideoError | None, now: float) -> list[ev.Event]:
        """The room is over for us: tracks are unsubscribed from, participants stay as they were."""
        if not self.health.ended:
            self._end(why, now)
        return self._drain()

    def _end(self, why: VideoError | None, now: float) -> None:
        self.local.state = "disconnected"
        for participant in self.participants.values():
            self._unsubscribe_all(participant)
        self.health = Health(joined=self.health.joined, ended=True)
        self.error = why
        outage = self.outages.end(now)
        if outage is None:
            self._out.append(ev.Disconnected(why))
        else:
            downtime, silence = outage.downtime(now), outage.silence(now)
            self._out.append(ev.Disconnected(why, downtime, outage.attempt_count, silence))

    def track_of(self, media_id: str) -> tuple[RemoteParticipant, RemoteTrack] | None:
        """The subscribed track whose media comes under this id."""
        for participant in self.participants.values():
            for track in participant.tracks.values():
                if track.media_id == media_id:
                    return participant, track
        return None

    def remote_track(self, track_sid: str) -> RemoteTrack | None:
        """Somebody else's track."""
        for participant in self.participants.values():
            if track_sid in participant.tracks:
                return participant.tracks[track_sid]
        return None

    def _drain(self) -> list[ev.Event]:
        out, self._out = self._out, []
        return out

    def _joined(self, report: rp.Joined, now: float) -> None:
        self.sid, self.name = report.room_sid, report.room_name
        self.region = report.media_region
        self.session_timeout = report.session_timeout
        self.is_recording = report.is_recording
        self.local.sid, self.local.identity = report.participant_sid, report.identity
        self.health = Health(joined=True)
        for info in report.participants:
            if info.state != "disconnected":
                self._add(info)
        views = tuple(participant.first_view() for participant in self.participants.values())
        self._out.append(ev.Connected(self.local.view(), views, self.region))
        self._match()

    def _merge(self, infos: tuple[rp.ParticipantInfo, ...]) -> None:
        for info in infos:
            known = self.participants.get(info.sid)
            if known is not None:
                self._update(known, info)
            elif info.state != "disconnected" and info.sid != self.local.sid:
                self._out.append(ev.ParticipantConnected(self._add(info).first_view()))
        self._match()

    def _add(self, info: rp.ParticipantInfo) -> RemoteParticipant:
        participant = RemoteParticipant(info.sid, info.identity, info.state)
        participant.tracks = {track.sid: RemoteTrack(track) for track in info.tracks}
        self.participants[info.sid] = participant
        return participant

    def _update(self, participant: RemoteParticipant, info: rp.ParticipantInfo) -> None:
        changed, participant.state = participant.state != info.state, info.state
        self._update_tracks(participant, info)
        if info.state == "disconnected":
            self._unsubscribe_all(participant)
            del self.participants[participant.sid]
            self.network_levels.pop(participant.sid, None)
        if changed:
            self._out.append(_STATE_EVENTS[info.state](participant.view()))
        if participant.sid == self.dominant_sid and participant.sid not in self.participants:
            self._set_dominant(None)

    def _update_tracks(self, participant: RemoteParticipant, info: rp.ParticipantInfo) -> None:
        wanted = {track.sid: track for track in info.tracks}
        for sid in [sid for sid in participant.tracks if sid not in wanted]:
            self._unsubscribe(participant, participant.tracks[sid])
            track = participant.tracks.pop(sid)
            self._out.append(ev.TrackUnpublished(participant.view(), track.view()))
        for sid, new in wanted.items():
            known = participant.tracks.get(sid)
            if known is None:
                known = participant.tracks[sid] = RemoteTrack(new)
                self._out.append(ev.TrackPublished(participant.view(), known.view()))
                continue
            old, known.info = known.info, new
            if old.enabled != new.enabled:
                kind = ev.TrackEnabled if new.enabled else ev.TrackDisabled
                self._out.append(kind(participant.view(), known.view()))
            if old.priority != new.priority:
                self._out.append(ev.TrackPublishPriorityChanged(participant.view(), known.view()))

    def _unsubscribe_all(self, participant: RemoteParticipant) -> None:
        for track in participant.tracks.values():
            self._unsubscribe(participant, track)

    def _unsubscribe(self, participant: RemoteParticipant, track: RemoteTrack) -> None:
        if track.is_subscribed:
            track.media_id = None
            self._out.append(ev.TrackUnsubscribed(participant.view(), track.view()))

    def _match(self) -> None:
        """Subscribe to every track whose publication, mapping and media have all come, in whatever order."""
        for participant in self.participants.values():
            for sid, track in participant.tracks.items():
                media_id = self._media_ids.get(sid)
                if track.media_id is not None and track.media_id != media_id:
                    self._unsubscribe(participant, track)
                if track.media_id is None and media_id is not None and media_id in self._arrived:
                    self._subscribe(participant, track, media_id)

    def _subscribe(self, participant: RemoteParticipant, track: RemoteTrack, media_id: str) -> None:
        track.media_id, track.failed = media_id, False
        self._out.append(ev.TrackSubscribed(participant.view(), track.view()))
        media = self._arrived[media_id]
        if media.size is not None:
            self._resized(participant, track, media.size)
        if media.started:
            self._out.append(ev.TrackStarted(participant.view(), track.view()))
        for data in self._early_messages.pop(media_id, []):
            self._message(participant, track, data)

    def _subscriptions_changed(self, report: rp.SubscriptionsChanged, now: float) -> None:
        self._media_ids, self._unwanted = report.media_ids, report.unwanted
        for label in self._unwanted:
            self._early_messages.pop(label, None)
        self._match()

    def _subscription_failed(self, report: rp.SubscriptionFailed, now: float) -> None:
        for participant in self.participants.values():
            track = participant.tracks.get(report.track_sid)
            if track is not None and not track.failed:
                track.failed = True
                self._out.append(ev.TrackSubscriptionFailed(participant.view(), track.view(), report.error))

    def _media_arrived(self, report: rp.MediaArrived, now: float) -> None:
        self._arrived.setdefault(report.media_id, ArrivedMedia())
        self._match()

    def _media_left(self, report: rp.MediaLeft, now: float) -> None:
        self._arrived.pop(report.media_id, None)
        self._early_messages.pop(report.media_id, None)
        found = self.track_of(report.media_id)
        if found is not None:
            self._unsubscribe(*found)

    def _media_started(self, report: rp.MediaStarted, now: float) -> None:
        media = self._arrived.get(report.media_id)
        if media is None or media.started:
            return
        media.started = True
        found = self.track_of(report.media_id)
        if found is not None:
            self._out.append(ev.TrackStarted(found[0].view(), found[1].view()))

    def _media_resized(self, report: rp.MediaResized, now: float) -> None:
        media = self._arrived.get(report.media_id)
        if media is None:
            return
        media.size = (report.width, report.height)
        found = self.track_of(report.media_id)
        if found is not None:
            self._resized(*found, media.size)

    def _resized(self, participant: RemoteParticipant, track: RemoteTrack, size: tuple[int, int]) -> None:
        self._out.append(ev.TrackDimensionsChanged(participant.view(), track.view(), *size))

    def _message_arrived(self, report: rp.MessageArrived, now: float) -> None:
        found = self.track_of(report.label)
        if found is not None:
            self._message(*found, report.data)
            return
        if report.label in self._unwanted:
            return
        early = self._early_messages.setdefault(report.label, [])
        if len(early) < MAX_EARLY_MESSAGES:
            early.append(report.data)

    def _message(self, participant: RemoteParticipant, track: RemoteTrack, data: str | bytes) -> None:
        track.messages += 1
        self._out.append(ev.TrackMessage(participant.view(), track.view(), data))

    def _loudness_measured(self, report: rp.LoudnessMeasured, now: float) -> None:
        """While we ourselves speak loudest, nobody is named, as in twilio-video.js (media-signaling.md)."""
        self.levels = report.levels
        self.speakers.update(report.levels, now)
        dominant = self.speakers.dominant
        self._set_dominant(dominant if dominant in self.participants else None)

    def _set_dominant(self, sid: str | None) -> None:
        if sid != self.dominant_sid:
            self.dominant_sid = sid
            speaker = self.participants[sid].view() if sid is not None else None
            self._out.append(ev.DominantSpeakerChanged(speaker))

    def _network_judged(self, report: rp.NetworkJudged, now: float) -> None:
        """While media is lost no verdict counts, as in twilio-video.js (lib/signaling/v2/room.js)."""
        if self.health.media_failed_at is None:
            own = {} if report.local is None else {self.local.sid: report.local}
            self._set_network_levels({**report.remotes, **own})

    def _set_network_levels(self, levels: Mapping[str, int]) -> None:
        everybody: list[LocalParticipant | RemoteParticipant] = [self.local, *self.participants.values()]
        for participant in everybody:
            level = levels.get(participant.sid)
            if level is not None and level != self.network_levels.get(participant.sid):
                self.network_levels[participant.sid] = level
                self._out.append(ev.NetworkQualityLevelChanged(participant.view(), level))

    def _publication_ready(self, report: rp.PublicationReady, now: float) -> None:
        track = self.local.tracks.get(report.track_id)
        if track is not None and track.sid is None:
            track.sid = report.track_sid
            self._out.append(ev.LocalTrackPublished(track.view()))

    def _publication_failed(self, report: rp.PublicationFailed, now: float) -> None:
        track = self.local.tracks.pop(report.track_id, None)
        if track is not None:
            self._out.append(ev.LocalTrackPublicationFailed(track.view(), report.error))

    def _recording_changed(self, report: rp.RecordingChanged, now: float) -> None:
        if report.is_recording != self.is_recording:
            self.is_recording = report.is_recording
            self._out.append(ev.RecordingStarted() if self.is_recording else ev.RecordingStopped())

    def _resynced(self, report: rp.Resynced, now: float) -> None:
        present = {info.sid for info in report.participants}
        gone = tuple(
            rp.ParticipantInfo(
                participant.sid,
                participant.identity,
                "disconnected",
                tuple(track.info for track in participant.tracks.values()),
            )
            for participant in self.participants.values()
            if participant.sid not in present
        )
        self._merge(gone + report.participants)
        self.outages.attempt_ended("signaling", "resumed", now)
        self._set_health(self.health.with_signaling(None), now)

    def _signaling(self, lost_at: float) -> None:
        if self.health.signaling_lost_at is None:
            self._set_health(self.health.with_signaling(lost_at), lost_at)

    def _media_failed(self, report: rp.MediaFailed, now: float) -> None:
        if self.health.media_failed_at is None:
            self._set_health(self.health.with_media(now), now)
            self._set_network_levels(dict.fromkeys(self.network_levels, 0))
            self.outages.media_is_silent(now if report.silent_since is None else report.silent_since)

    def _media_verified(self, report: rp.MediaVerified, now: float) -> None:
        if report.silence is not None:
            self.outages.media_was_silent(report.silence.since, report.silence.until)
        self._set_health(self.health.with_media_verified(), now)

    def _media_connected(self, report: rp.MediaConnected, now: float) -> None:
        self.outages.attempt_ended("media", "connected", now)
        self.outages.media_is_back(now)
        self._set_health(self.health.with_media(None), now)

    def _set_health(self, new: Health, now: float) -> None:
        old, self.health = self.health, new
        if not new.joined:
            return
        was_up, is_up = old.signaling_lost_at is None, new.signaling_lost_at is None
        if was_up != is_up:
            self.local.state = "connected" if is_up else "reconnecting"
            kind = ev.LocalParticipantReconnected if is_up else ev.LocalParticipantReconnecting
            self._out.append(kind(self.local.view()))
        if old.outage is None and new.outage is not None and new.error is not None:
            self.outages.begin(new.outage.code, now)
            self._out.append(ev.Reconnecting(new.error))
        elif old.outage is not None and new.outage is None and (outage := self.outages.end(now)) is not None:
            self._out.append(ev.Reconnected(outage.downtime(now), outage.attempt_count, outage.media_gap))
