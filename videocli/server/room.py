"""One room: who is here, and what they publish. What clients must be told follows from it (`rsp_server.py`).

A participant is *joining* until its first answer is made and invisible so far; then *present*; *away* while
its signaling is lost; and *gone*, which is final.
"""

import random
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from videocli.errors import VideoError, error
from videocli.protocol.rsp import (
    LocalParticipant,
    LocalTrack,
    ParticipantState,
    PublishedTrack,
    RemoteParticipant,
    RemoteTrack,
    TrackKind,
    WireError,
)
from videocli.protocol.subscribe_rules import EVERYTHING, NOTHING, SubscribeRules, wants

MAX_TRACKS = 16
"""Tracks of one participant at the same time; the next one fails with 53203."""
MAX_TRACK_NAME = 128
"""Characters (53302 above it: test/integration/spec/localparticipant.js)."""


def make_sid(prefix: str, chance: random.Random) -> str:
    """A new SID: `RM`, `PA` or `MT` and 32 hexadecimal digits."""
    return f"{prefix}{chance.getrandbits(128):032x}"


class Phase(Enum):
    """How far a participant is."""

    JOINING = "joining"
    PRESENT = "present"
    AWAY = "away"
    GONE = "gone"


@dataclass(slots=True)
class Publication:
    """One track of a participant; others see it once it is ready."""

    sid: str
    track: LocalTrack
    is_ready: bool = False


@dataclass(frozen=True, slots=True)
class Feed:
    """A track that somebody should get."""

    track_sid: str
    publisher_sid: str
    track_id: str
    """The publisher's own id of it."""
    kind: TrackKind


class Participant:
    """One participant, as the room knows it."""

    def __init__(self, sid: str, identity: str, number: int, subscribes: bool, chance: random.Random) -> None:
        self.sid = sid
        self.identity = identity
        self.number = number
        """Higher for those who came later."""
        self.phase = Phase.JOINING
        self.away_until: float | None = None
        """While away: when its session ends."""
        self.has_media = True
        """False once its media path has failed, until it is back."""
        self._chance = chance
        self._revision = -1
        self._rules = EVERYTHING if subscribes else NOTHING
        self._rules_revision = -1
        self._publications: dict[str, Publication] = {}
        self._failures: dict[str, VideoError] = {}
        self._view = RemoteParticipant(sid, identity, "connected", revision=1)

    @property
    def is_visible(self) -> bool:
        """Whether others know of it."""
        return self.phase in (Phase.PRESENT, Phase.AWAY)

    def leave_for(self, now: float, session_timeout: float) -> None:
        """Its signaling is lost: it may come back for `session_timeout` seconds."""
        self.phase = Phase.AWAY
        self.away_until = now + session_timeout

    def come_back(self) -> None:
        """Its signaling is up, for the first time or again."""
        self.phase = Phase.PRESENT
        self.away_until = None

    def apply(self, state: LocalParticipant) -> bool:
        """Take over what the client says of itself; False: we know that revision, or a newer one, already."""
        if state.revision <= self._revision:
            return False
        self._revision = state.revision
        wanted = {track.id: track for track in state.tracks}
        for track_id, publication in list(self._publications.items()):
            track = wanted.get(track_id)
            if track is None or (track.kind, track.name) != (publication.track.kind, publication.track.name):
                del self._publications[track_id]
        self._failures = {track_id: fault for track_id, fault in self._failures.items() if track_id in wanted}
        for track in state.tracks:
            self._publish(track)
        return True

    def subscribe(self, state: SubscribeRules | None) -> bool:
        """Take over what the client wants to get; False: it says nothing new."""
        if state is None or state.revision <= self._rules_revision:
            return False
        self._rules, self._rules_revision = state.rules, state.revision
        return True

    def wants(self, feed: Feed, publisher: str) -> bool:
        """Whether the client wants a track; `publisher` is the identity of its publisher."""
        return wants(self._rules, publisher, feed.kind, feed.track_sid)

    def _publish(self, track: LocalTrack) -> None:
        if track.id in self._failures:
            return
        known = self._publications.get(track.id)
        if known is not None:
            known.track = track
            return
        code = self._refusal(track)
        if code is None:
            self._publications[track.id] = Publication(make_sid("MT", self._chance), track)
        else:
            self._failures[track.id] = error(code)

    def _refusal(self, track: LocalTrack) -> int | None:
        """The code of why a new track cannot be published."""
        if not track.name:
            return 53301
        if len(track.name) > MAX_TRACK_NAME:
            return 53302
        if any(unicodedata.category(character) == "Cc" for character in track.name):
            return 53303
        if any(other.track.name == track.name for other in self._publications.values()):
            return 53304
        return 53203 if len(self._publications) >= MAX_TRACKS else None

    def publishes(self, track_id: str) -> bool:
        """Whether it has said that it publishes the track, and been told that it does."""
        publication = self._publications.get(track_id)
        return publication is not None and publication.is_ready

    def confirm(self) -> None:
        """Make the new publications ready."""
        for publication in self._publications.values():
            publication.is_ready = True

    def published(self) -> tuple[PublishedTrack, ...]:
        """What became of its tracks, for itself: `created`, then `ready`, or `failed`."""
        ready = (
            PublishedTrack(track_id, "ready", publication.sid)
            if publication.is_ready
            else PublishedTrack(track_id, "created")
            for track_id, publication in self._publications.items()
        )
        failed = (
            PublishedTrack(track_id, "failed", error=WireError(fault.code or 0, fault.message))
            for track_id, fault in self._failures.items()
        )
        return (*ready, *failed)

    def feeds(self) -> tuple[Feed, ...]:
        """Its tracks, for others to get."""
        return tuple(
            Feed(publication.sid, self.sid, track_id, publication.track.kind)
            for track_id, publication in self._publications.items()
            if publication.is_ready
        )

    def view(self) -> RemoteParticipant:
        """What others see of it; each change that is looked at has a revision of its own."""
        state: ParticipantState = (
            "connected" if self.phase is Phase.PRESENT and self.has_media else "reconnecting"
        )
        tracks = tuple(
            RemoteTrack(publication.sid, track.kind, track.name, track.enabled, track.priority)
            for publication in self._publications.values()
            if publication.is_ready
            for track in (publication.track,)
        )
        if (state, tracks) != (self._view.state, self._view.tracks):
            self._view = RemoteParticipant(self.sid, self.identity, state, self._view.revision + 1, tracks)
        return self._view


class Room:
    """The participants of one room, in the order in which they came."""

    def __init__(self, sid: str, name: str, chance: random.Random) -> None:
        self.sid = sid
        self.name = name
        self._chance = chance
        self._participants: dict[str, Participant] = {}
        self._came = 0

    @property
    def participants(self) -> Sequence[Participant]:
        """Everybody, also those who are joining."""
        return tuple(self._participants.values())

    def enter(self, identity: str, subscribes: bool, max_participants: int) -> Participant:
        """A new participant, joining. Raises `RoomError` 53105 when the room is full.

        Whoever it will replace (`rivals`) takes no place.
        """
        if sum(other.identity != identity for other in self.participants) >= max_participants:
            raise error(53105)
        self._came += 1
        participant = Participant(
            make_sid("PA", self._chance), identity, self._came, subscribes, self._chance
        )
        self._participants[participant.sid] = participant
        return participant

    def rivals(self, participant: Participant) -> tuple[Participant, ...]:
        """Others with the same identity. Who came last stays; the others are to end with 53205."""
        return tuple(
            other
            for other in self.participants
            if other is not participant and other.identity == participant.identity
        )

    def remove(self, participant: Participant) -> None:
        """It is gone for good."""
        participant.phase = Phase.GONE
        self._participants.pop(participant.sid, None)

    def views(self, besides: Participant | None = None) -> tuple[RemoteParticipant, ...]:
        """Everybody whom others can see, without one of them."""
        return tuple(other.view() for other in self.participants if other.is_visible and other is not besides)

    def feeds_for(self, participant: Participant) -> tuple[Feed, ...]:
        """What a participant should get."""
        if not participant.is_visible:
            return ()
        return tuple(
            feed
            for other in self.participants
            if other.is_visible and other is not participant
            for feed in other.feeds()
            if participant.wants(feed, other.identity)
        )
