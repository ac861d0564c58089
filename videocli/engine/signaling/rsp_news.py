"""What the server says about the room, as reports: each piece of state once, and the newest of it.

Every piece comes whole with a revision, and may come again or out of order (rsp.md, Revision rules). The
counters live as long as the session, across resumes.

What we do not want to receive, a server that takes our rules never sends. From any other we hear of it all
the same; then it is no subscription of ours, and its media is reported as unwanted.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from videocli.engine import reports as rp
from videocli.errors import error
from videocli.media.peer import IceCandidate
from videocli.protocol import network_quality, rsp
from videocli.protocol.subscribe_rules import EVERYTHING, Rules, wants

_NEVER = -1
"""Before the first revision, which may be 0 (production-facts.md, section 3)."""


@dataclass(slots=True)
class _Known:
    """A remote participant, and the last revision that counted; it is kept when the participant is gone."""

    revision: int
    info: rp.ParticipantInfo


class News:
    """Turns what the server says into reports, leaving out what has been said before."""

    def __init__(self, rules: Rules = EVERYTHING, media_signaling: tuple[str, ...] = ()) -> None:
        self.own_sid = ""
        self.server_takes_rules = False
        self._rules = rules
        self._media_signaling = media_signaling
        self._quality_label: str | None = None
        self._participants: dict[str, _Known] = {}
        self._published_revision = _NEVER
        self._subscribed_revision = _NEVER
        self._recording_revision = _NEVER
        self._is_recording = False
        self._listed: dict[str, str] = {}
        self._subscriptions = rp.SubscriptionsChanged({})
        self._failed_subscriptions: set[str] = set()
        self._wanted_tracks: frozenset[str] = frozenset()
        self._settled_tracks: set[str] = set()
        self._descriptions: dict[str, rsp.Description] = {}
        self._candidates: dict[tuple[str, str], tuple[int, int]] = {}

    def want_tracks(self, track_ids: frozenset[str]) -> None:
        """The tracks of ours that are to be published; what the server says about others is no news."""
        self._wanted_tracks = track_ids
        self._settled_tracks &= track_ids

    def joined(self, message: rsp.Connected) -> Iterator[rp.SignalingReport]:
        """What *connected* says."""
        self.own_sid = message.participant_sid
        self.server_takes_rules = message.options.subscribe_rules
        self._learn(message.state.participants or ())
        self._learn_recording(message.state.recording)
        yield rp.Joined(
            room_sid=message.sid,
            room_name=message.name,
            participant_sid=message.participant_sid,
            identity=message.participant_identity,
            participants=self._present(),
            session_timeout=message.options.session_timeout,
            media_region=message.options.media_region,
            signaling_region=message.options.signaling_region,
            is_recording=self._is_recording,
            takes_rules=self.server_takes_rules,
        )
        yield from self._rest(message.state)

    def resynced(self, message: rsp.Synced) -> Iterator[rp.SignalingReport]:
        """What *synced* says; who is missing from it has left."""
        said = message.state.participants
        if said is not None:
            self._learn(said)
            sids = {participant.sid for participant in said}
            for sid, known in self._participants.items():
                if sid not in sids:
                    known.info = _gone(known.info)
        # A description that comes again asks for what may have died with the last connection.
        self._descriptions.clear()
        peers = message.state.peer_connections or ()
        yield rp.Resynced(self._present(), frozenset(peer.id for peer in peers))
        yield from self._learn_and_report_recording(message.state.recording)
        yield from self._rest(message.state)

    def updated(self, state: rsp.RoomState) -> Iterator[rp.SignalingReport]:
        """What *update* says; who is missing from it is as before."""
        changed = self._learn(state.participants or ())
        if changed:
            yield rp.ParticipantsChanged(changed)
        yield from self._learn_and_report_recording(state.recording)
        yield from self._rest(state)

    def want(self, rules: Rules) -> Iterator[rp.SignalingReport]:
        """What we want to receive has changed."""
        self._rules = rules
        yield from self._learn_subscriptions()

    def _present(self) -> tuple[rp.ParticipantInfo, ...]:
        infos = (known.info for known in self._participants.values())
        return tuple(info for info in infos if info.state != "disconnected")

    def _learn(self, said: tuple[rsp.RemoteParticipant, ...]) -> tuple[rp.ParticipantInfo, ...]:
        """Take in what is new about participants; those whom it tells something."""
        changed: dict[str, rp.ParticipantInfo] = {}
        for participant in said:
            known = self._participants.get(participant.sid)
            if participant.sid == self.own_sid or (known and participant.revision <= known.revision):
                continue
            was_here = known is not None and known.info.state != "disconnected"
            info = _info(participant, known.info.identity if known else "")
            self._participants[participant.sid] = _Known(participant.revision, info)
            # Somebody first seen as disconnected never was here (trace participants_states).
            if was_here or info.state != "disconnected":
                changed[participant.sid] = info
        return tuple(changed.values())

    def _learn_recording(self, recording: rsp.Recording | None) -> bool:
        if recording is None or recording.revision < self._recording_revision:
            return False
        self._recording_revision = recording.revision
        was_recording, self._is_recording = self._is_recording, recording.is_recording
        return self._is_recording != was_recording

    def _learn_and_report_recording(self, recording: rsp.Recording | None) -> Iterator[rp.SignalingReport]:
        if self._learn_recording(recording):
            yield rp.RecordingChanged(self._is_recording)

    def _rest(self, state: rsp.RoomState) -> Iterator[rp.SignalingReport]:
        if state.subscribed is not None and state.subscribed.revision > self._subscribed_revision:
            self._subscribed_revision = state.subscribed.revision
            yield from self._subscribed(state.subscribed)
        else:
            yield from self._learn_subscriptions()
        for peer in state.peer_connections or ():
            yield from self._peer(peer)
        if state.published is not None and state.published.revision > self._published_revision:
            self._published_revision = state.published.revision
            yield from self._published(state.published)
        yield from self._granted(dict(state.media_signaling))

    def _granted(self, labels: dict[str, str]) -> Iterator[rp.SignalingReport]:
        """A server may grant what nobody asked for, and says a label again with each change of the room."""
        label = labels.get(network_quality.NAME) if network_quality.NAME in self._media_signaling else None
        if label is not None and label != self._quality_label:
            self._quality_label = label
            yield rp.NetworkQualityGranted(label)

    def _subscribed(self, subscribed: rsp.Subscribed) -> Iterator[rp.SignalingReport]:
        self._listed = {track.sid: track.id for track in subscribed.tracks if track.id is not None}
        yield from self._learn_subscriptions()
        self._failed_subscriptions &= {track.sid for track in subscribed.tracks if track.id is None}
        for track in subscribed.tracks:
            if track.error is not None and track.sid not in self._failed_subscriptions:
                self._failed_subscriptions.add(track.sid)
                yield rp.SubscriptionFailed(track.sid, error(track.error.code, track.error.message))

    def _learn_subscriptions(self) -> Iterator[rp.SignalingReport]:
        new = rp.SubscriptionsChanged(dict(self._listed))
        if not self.server_takes_rules and self._rules != EVERYTHING:
            # A track that we do not know yet is neither: what it is will be known when it is published.
            known = {
                track.sid: wants(self._rules, each.info.identity, track.kind, track.sid)
                for each in self._participants.values()
                for track in each.info.tracks
            }
            new = rp.SubscriptionsChanged(
                {sid: media_id for sid, media_id in self._listed.items() if known.get(sid)},
                frozenset(media_id for sid, media_id in self._listed.items() if known.get(sid) is False),
            )
        if new != self._subscriptions:
            self._subscriptions = new
            yield new

    def _published(self, published: rsp.Published) -> Iterator[rp.SignalingReport]:
        for track in published.tracks:
            if track.id in self._settled_tracks or track.id not in self._wanted_tracks:
                continue
            if track.state == "ready" and track.sid is not None:
                self._settled_tracks.add(track.id)
                yield rp.PublicationReady(track.id, track.sid)
            elif track.state == "failed":
                self._settled_tracks.add(track.id)
                code, message = (track.error.code, track.error.message) if track.error else (0, "")
                yield rp.PublicationFailed(track.id, error(code, message))

    def _peer(self, peer: rsp.PeerConnectionState) -> Iterator[rp.SignalingReport]:
        said = peer.description
        # A provisional answer is followed by the final one with the same revision; aiortc knows no pranswer.
        is_news = said is not None and said != self._descriptions.get(peer.id)
        if said is not None and said.type != "pranswer" and is_news:
            self._descriptions[peer.id] = said
            yield rp.DescriptionReceived(peer.id, said.type, said.revision, said.sdp)
        if peer.ice is None:
            return
        key = peer.id, peer.ice.ufrag
        revision, count = self._candidates.get(key, (_NEVER, 0))
        if peer.ice.revision > revision:
            self._candidates[key] = peer.ice.revision, max(count, len(peer.ice.candidates))
            new = tuple(_candidate(candidate) for candidate in peer.ice.candidates[count:])
            if new or peer.ice.complete:
                yield rp.CandidatesReceived(peer.id, peer.ice.ufrag, new, peer.ice.complete)


def _info(participant: rsp.RemoteParticipant, known_identity: str) -> rp.ParticipantInfo:
    return rp.ParticipantInfo(
        sid=participant.sid,
        identity=known_identity or participant.identity,
        state=participant.state,
        tracks=tuple(
            rp.TrackInfo(track.sid, track.name, track.kind, track.enabled, track.priority)
            for track in participant.tracks
        ),
    )


def _gone(info: rp.ParticipantInfo) -> rp.ParticipantInfo:
    return rp.ParticipantInfo(info.sid, info.identity, "disconnected", info.tracks)


def _candidate(candidate: rsp.Candidate) -> IceCandidate:
    return IceCandidate(candidate.candidate, candidate.sdp_mid, candidate.sdp_mline_index)
