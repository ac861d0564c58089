"""What must hold in every play: of one participant's events, and of what the server says is true.

Each of these is told what happens and complains, in words, of what must not.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from videocli.engine import events as ev
from videocli.engine.room.snapshot import ParticipantSnapshot, Snapshot
from videocli.protocol.rsp import RemoteParticipant
from videocli.server import events as sv

Complain = Callable[[str], None]


@dataclass(slots=True)
class TrackModel:
    """A remote track, as the events tell of it."""

    name: str
    kind: str
    enabled: bool
    is_subscribed: bool = False
    is_started: bool = False


@dataclass(slots=True)
class ParticipantModel:
    """A remote participant, as the events tell of it."""

    identity: str
    state: str
    tracks: dict[str, TrackModel] = field(default_factory=dict)
    """By SID."""


class EventModel:
    """The room as the events of one participant tell of it; complains when they do not fit together."""

    def __init__(self, complain: Complain, snapshot: Callable[[], Snapshot]) -> None:
        self.state = "connecting"
        self.own_sid: str | None = None
        self.reconnecting_code: int | None = None
        self.reconnecting_at = 0.0
        self.others: dict[str, ParticipantModel] = {}
        """By SID."""
        self.local_sids: dict[str, str] = {}
        """SIDs of our published tracks, by name."""
        self.heard: dict[str, list[int]] = {}
        """Numbers of the messages of each data track, by its name."""
        self.packets: dict[str, int] = {}
        """Packets that had come on each track by the last `Stats`, by its name."""
        self.ended_tracks: list[tuple[str, str]] = []
        """Participant SID and name of tracks unsubscribed from since the last `explain`."""
        self._complain = complain
        self._snapshot = snapshot
        self._gone: set[str] = set()
        self._seen_tracks: set[str] = set()
        self._has_signaling = True
        self._may_jump: set[str] = set()
        self._levels: dict[str, int] = {}
        self._handlers: dict[type[Any], Callable[[Any, float], None]] = {
            ev.Connected: self._connected,
            ev.Reconnecting: self._reconnecting,
            ev.Reconnected: self._reconnected,
            ev.Disconnected: self._disconnected,
            ev.ParticipantConnected: self._came,
            ev.ParticipantReconnecting: lambda event, now: self._changed(event, "connected", "reconnecting"),
            ev.ParticipantReconnected: lambda event, now: self._changed(event, "reconnecting", "connected"),
            ev.ParticipantDisconnected: self._left,
            ev.LocalParticipantReconnecting: lambda event, now: self._signaling(False),
            ev.LocalParticipantReconnected: lambda event, now: self._signaling(True),
            ev.TrackPublished: self._published,
            ev.TrackUnpublished: self._unpublished,
            ev.TrackSubscribed: self._subscribed,
            ev.TrackUnsubscribed: self._unsubscribed,
            ev.TrackStarted: self._started,
            ev.TrackEnabled: lambda event, now: self._enabled(event, True),
            ev.TrackDisabled: lambda event, now: self._enabled(event, False),
            ev.TrackMessage: self._message,
            ev.NetworkQualityLevelChanged: self._judged,
            ev.LocalTrackPublished: self._local_published,
            ev.LocalTrackUnpublished: self._local_unpublished,
            ev.Stats: self._counted,
        }

    def take(self, event: ev.Event, room: ev.Room, now: float) -> None:
        """An event came; `now` in seconds."""
        name = type(event).__name__
        if self.state == "disconnected":
            self._complain(f"{name} after the end")
            return
        if self.state == "connecting" and not isinstance(event, ev.Connected | ev.Disconnected):
            self._complain(f"{name} before Connected")
            return
        handler = self._handlers.get(type(event))
        if handler is None:
            self._complain(f"{name}, which nothing here should cause: {event}")
            return
        handler(event, now)
        if isinstance(event, ev.Connected | ev.Reconnecting | ev.Reconnected | ev.Disconnected):
            self._expect(room.state == self.state, f"{name} in a room that is {room.state}")

    def agree(self, snapshot: Snapshot) -> None:
        """Complain unless the snapshot shows what the events have told."""
        self._expect(
            snapshot.room.state == self.state,
            f"the snapshot says {snapshot.room.state}, the events say {self.state}",
        )
        if self.own_sid is None:
            return
        shown = {one.participant.sid: view_of(one) for one in snapshot.participants}
        told = {sid: view_of(other) for sid, other in self.others.items()}
        self._expect(shown == told, f"the snapshot shows {shown}, the events told {told}")
        local = snapshot.local
        self._expect(local is not None, "the snapshot has no local participant")
        if local is not None:
            sids = {one.track.name: one.track.sid for one in local.tracks if one.track.sid is not None}
            told_sids = {name: sid for name, sid in self.local_sids.items() if name in sids}
            self._expect(sids == told_sids, f"own tracks: shown {sids}, told {told_sids}")

    def _expect(self, holds: bool, complaint: str) -> None:
        if not holds:
            self._complain(complaint)

    def _connected(self, event: ev.Connected, now: float) -> None:
        self._expect(self.state == "connecting", "a second Connected")
        self.state = "connected"
        self.own_sid = event.local_participant.sid
        for participant in event.participants:
            self._add(participant)

    def _reconnecting(self, event: ev.Reconnecting, now: float) -> None:
        self._expect(self.state == "connected", f"Reconnecting while {self.state}")
        self._expect(event.error.code in (53001, 53405), f"Reconnecting with {event.error.code}")
        self.state, self.reconnecting_code, self.reconnecting_at = "reconnecting", event.error.code, now

    def _reconnected(self, event: ev.Reconnected, now: float) -> None:
        self._expect(self.state == "reconnecting", f"Reconnected while {self.state}")
        self.state = "connected"
        lasted = now - self.reconnecting_at
        self._expect(abs(event.downtime - lasted) < 0.001, f"downtime {event.downtime} of {lasted}")

    def _disconnected(self, event: ev.Disconnected, now: float) -> None:
        self.state = "disconnected"
        tracks = [track for other in self.others.values() for track in other.tracks.values()]
        self._expect(not any(track.is_subscribed for track in tracks), "Disconnected, but still subscribed")

    def _signaling(self, is_up: bool) -> None:
        self._expect(self._has_signaling != is_up, f"our signaling is up={is_up} twice")
        self._has_signaling = is_up

    def _add(self, participant: ev.Participant) -> None:
        sid = participant.sid
        self._expect(sid not in self.others, f"{participant.identity} came twice")
        self._expect(sid not in self._gone, f"{participant.identity} came back from the dead")
        self._expect(sid != self.own_sid, "we came to ourselves")
        self._expect(participant.state != "disconnected", f"{participant.identity} came and is gone")
        model = ParticipantModel(participant.identity, participant.state)
        for shown in self._snapshot().participants:
            for one in shown.tracks if shown.participant.sid == sid else ():
                track = one.track
                self._add_track(model, track)
        self.others[sid] = model

    def _came(self, event: ev.ParticipantConnected, now: float) -> None:
        self._add(event.participant)

    def _known(self, participant: ev.Participant, what: str) -> ParticipantModel:
        known = self.others.get(participant.sid)
        if known is None:
            self._complain(f"{what} of {participant.identity}, who is not here")
            return ParticipantModel(participant.identity, participant.state)
        return known

    def _changed(self, event: ev.ParticipantEvent, before: str, after: str) -> None:
        known = self._known(event.participant, type(event).__name__)
        self._expect(known.state == before, f"{type(event).__name__}: {known.identity} was {known.state}")
        self._expect(event.participant.state == after, f"{type(event).__name__} says {event.participant}")
        known.state = after

    def _left(self, event: ev.ParticipantDisconnected, now: float) -> None:
        known = self._known(event.participant, "ParticipantDisconnected")
        still = [track.name for track in known.tracks.values() if track.is_subscribed]
        self._expect(not still, f"{known.identity} left, still subscribed: {still}")
        self._expect(event.participant.state == "disconnected", f"left, but {event.participant}")
        self.others.pop(event.participant.sid, None)
        self._gone.add(event.participant.sid)

    def _add_track(self, model: ParticipantModel, track: ev.Track) -> None:
        sid = track.sid or ""
        self._expect(sid not in self._seen_tracks, f"{track.name} was published before")
        self._seen_tracks.add(sid)
        model.tracks[sid] = TrackModel(track.name, track.kind, track.enabled)

    def _track(self, event: ev.TrackEvent | ev.TrackMessage) -> TrackModel:
        name = type(event).__name__
        known = self._known(event.participant, name).tracks.get(event.track.sid or "")
        if known is None:
            self._complain(f"{name} of {event.track.name}, which is not published")
            return TrackModel(event.track.name, event.track.kind, event.track.enabled)
        return known

    def _published(self, event: ev.TrackPublished, now: float) -> None:
        self._add_track(self._known(event.participant, "TrackPublished"), event.track)

    def _unpublished(self, event: ev.TrackUnpublished, now: float) -> None:
        track = self._track(event)
        self._expect(not track.is_subscribed, f"{track.name} unpublished, but still subscribed")
        self._known(event.participant, "TrackUnpublished").tracks.pop(event.track.sid or "", None)
        self.ended_tracks.append((event.participant.sid, event.track.name))

    def _subscribed(self, event: ev.TrackSubscribed, now: float) -> None:
        track = self._track(event)
        self._expect(not track.is_subscribed, f"{track.name} subscribed twice")
        track.is_subscribed = True
        self._may_jump.add(track.name)

    def _unsubscribed(self, event: ev.TrackUnsubscribed, now: float) -> None:
        track = self._track(event)
        self._expect(track.is_subscribed, f"{track.name} unsubscribed, but was not subscribed")
        track.is_subscribed = track.is_started = False
        self.ended_tracks.append((event.participant.sid, track.name))

    def _started(self, event: ev.TrackStarted, now: float) -> None:
        track = self._track(event)
        self._expect(track.is_subscribed, f"{track.name} started, but is not subscribed")
        self._expect(not track.is_started, f"{track.name} started twice")
        track.is_started = True

    def _enabled(self, event: ev.TrackEvent, enabled: bool) -> None:
        track = self._track(event)
        self._expect(track.enabled != enabled, f"{track.name} enabled={enabled} twice")
        self._expect(event.track.enabled == enabled, f"{type(event).__name__} says {event.track}")
        track.enabled = enabled

    def _message(self, event: ev.TrackMessage, now: float) -> None:
        track = self._track(event)
        self._expect(track.is_subscribed, f"a message on {track.name}, which is not subscribed")
        name, _, number = str(event.data).rpartition(":")
        self._expect(name == track.name, f"{event.data!r} came on {track.name}")
        heard = self.heard.setdefault(track.name, [])
        if heard and track.name in self._may_jump:
            self._expect(int(number) > heard[-1], f"{event.data!r} after {heard[-1]}")
        elif heard:
            self._expect(int(number) == heard[-1] + 1, f"{event.data!r} after {heard[-1]}")
        self._may_jump.discard(track.name)
        heard.append(int(number))

    def _judged(self, event: ev.NetworkQualityLevelChanged, now: float) -> None:
        sid, level = event.participant.sid, event.level
        self._expect(sid == self.own_sid or sid in self.others, f"a level of nobody: {event}")
        self._expect(0 <= level <= 5 and level != self._levels.get(sid), f"level {level} again: {event}")
        self._levels[sid] = level

    def _counted(self, event: ev.Stats, now: float) -> None:
        self.packets = {
            one.track.name: one.counters.packets for one in event.tracks if one.direction == "received"
        }

    def _local_published(self, event: ev.LocalTrackPublished, now: float) -> None:
        name = event.track.name
        self._expect(name not in self.local_sids, f"our {name} was published twice")
        self.local_sids[name] = event.track.sid or ""

    def _local_unpublished(self, event: ev.LocalTrackUnpublished, now: float) -> None:
        self.local_sids.pop(event.track.name, None)


View = tuple[str, str, dict[str, tuple[str, str, bool, bool]]]
"""Identity, state, and of each track by SID: name, kind, enabled, subscribed."""


def view_of(one: ParticipantModel | ParticipantSnapshot) -> View:
    """What can be compared of a participant."""
    if isinstance(one, ParticipantModel):
        tracks = {
            sid: (track.name, track.kind, track.enabled, track.is_subscribed)
            for sid, track in one.tracks.items()
        }
        return one.identity, one.state, tracks
    shown: dict[str, tuple[str, str, bool, bool]] = {
        each.track.sid or "": (each.track.name, each.track.kind, each.track.enabled, each.is_subscribed)
        for each in one.tracks
    }
    return one.participant.identity, one.participant.state, shown


def server_view(participant: RemoteParticipant) -> View:
    """What the server says of a participant; all is subscribed, in the end."""
    tracks = {track.sid: (track.name, str(track.kind), track.enabled, True) for track in participant.tracks}
    return participant.identity, participant.state, tracks


def without_subscriptions(view: View) -> View:
    """The same, as if nothing were subscribed."""
    identity, state, tracks = view
    return identity, state, {sid: (*track[:3], False) for sid, track in tracks.items()}


class ServerModel:
    """The one room as the events of one server tell of it; complains when they do not fit together."""

    def __init__(self, complain: Complain) -> None:
        self.participants: dict[str, RemoteParticipant] = {}
        self.states: dict[str, list[tuple[float, str]]] = {}
        """Each participant's states, and since when."""
        self.changed_at = 0.0
        self.published: dict[str, str] = {}
        """SID of each track ever published, by name."""
        self.unpublished: list[str] = []
        self._complain = complain
        self._room: str | None = None

    def take(self, event: sv.ServerEvent, now: float) -> None:
        """An event came; `now` in seconds."""
        self.changed_at = now
        match event:
            case sv.Listening():
                pass
            case sv.RoomCreated(room):
                self._expect(self._room is None, "a second room")
                self._room = room.sid
            case sv.RoomEnded(room):
                self._expect(self._room == room.sid, "a room ended twice")
                self._expect(not self.participants, "a room ended with somebody in it")
                self._room = None
            case sv.ParticipantEvent(room, participant):
                self._participant(event, participant, now)
            case sv.TrackEvent(room, participant, track):
                self._expect(participant.sid in self.participants, f"a track of nobody: {track}")
                self.participants[participant.sid] = participant
                if isinstance(event, sv.TrackPublished):
                    self._expect(track.name not in self.published, f"{track.name} published twice")
                    self.published[track.name] = track.sid
                elif isinstance(event, sv.TrackUnpublished):
                    self.unpublished.append(track.name)

    def _participant(self, event: sv.ParticipantEvent, participant: RemoteParticipant, now: float) -> None:
        known = self.participants.get(participant.sid)
        states = self.states.setdefault(participant.sid, [])
        name = type(event).__name__
        match event:
            case sv.ParticipantConnected():
                self._expect(not states, f"{participant.identity} came twice to the server")
                identities = {other.identity for other in self.participants.values()}
                self._expect(participant.identity not in identities, f"two of {participant.identity}")
                states.append((now, "connected"))
            case sv.ParticipantReconnecting():
                self._expect(states[-1:] and states[-1][1] == "connected", f"{name} after {states[-1:]}")
                states.append((now, "reconnecting"))
            case sv.ParticipantReconnected():
                self._expect(states[-1:] and states[-1][1] == "reconnecting", f"{name} after {states[-1:]}")
                states.append((now, "connected"))
            case sv.ParticipantDisconnected():
                self._expect(known is not None, f"{name} of {participant.identity}, who is not there")
                states.append((now, "disconnected"))
                self.participants.pop(participant.sid, None)
                return
        self.participants[participant.sid] = participant

    def _expect(self, holds: object, complaint: str) -> None:
        if not holds:
            self._complain(f"server: {complaint}")
