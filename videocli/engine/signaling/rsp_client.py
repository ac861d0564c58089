"""RspClient: our session with a room. It outlives the connections that carry it.

   ┌────────────┐ connected  ┌───────────┐   lost    ┌─────────┐
   │ CONNECTING │ ─────────► │ CONNECTED │ ────────► │ SYNCING │
   └────────────┘            └───────────┘ ◄──────── └─────────┘
          │                        │         synced       │
          └────────────────────────┼──────────────────────┘
                error, disconnected, leave() │
                                   ▼
                            ┌──────────────┐
                            │ DISCONNECTED │
                            └──────────────┘

The states and what each accepts are those of twilio-video.js (lib/signaling/v2/twilioconnectiontransport.js).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from videocli.engine import reports as rp
from videocli.engine.signaling.rsp_news import News
from videocli.errors import VideoError, error
from videocli.media.peer import IceCandidate, IceServer
from videocli.protocol import rsp
from videocli.protocol.fields import ProtocolError
from videocli.protocol.rsp_codec import Json, encode, parse_server_message
from videocli.protocol.subscribe_rules import EVERYTHING, NOTHING, Rules, SubscribeRules

_ROOM_COMPLETED = 53118
_ROOM_CONNECT_FAILED = 53104
_INVALID_MESSAGE = 53003


class State(Enum):
    """Where the session stands."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    SYNCING = "syncing"
    DISCONNECTED = "disconnected"


@dataclass(slots=True)
class _Peer:
    """What we have said about one peer connection."""

    description: rsp.Description | None = None
    ice_revision: int = 0


class RspClient:
    """Driven by the user, by what the server says, and by connections that come and go; it knows no time.

    After each call, send `messages()` and deliver `reports()`. A new connection begins with `first_message`.
    """

    def __init__(
        self,
        room: str | None,
        publisher: rsp.Publisher,
        subscribe: Rules = EVERYTHING,
        media_signaling: tuple[str, ...] = (),
    ) -> None:
        self._room = room
        self._publisher = publisher
        self._subscribe = subscribe
        # Without rules beyond the SDK's own, our messages are the SDK's.
        self._rules = None if subscribe in (EVERYTHING, NOTHING) else SubscribeRules(1, subscribe)
        self._state = State.CONNECTING
        self._token = ""
        self._session: str | None = None
        self._session_timeout = 0.0
        self._participant = rsp.LocalParticipant(1)
        self._peers: dict[str, _Peer] = {}
        self._has_asked = False
        self._has_iced = False
        self._is_participant_unsaid = False
        self._unsaid: dict[str, rsp.PeerConnectionState] = {}
        self._held: list[rsp.ServerMessage] = []
        self._media_signaling = media_signaling
        self._news = News(subscribe, media_signaling)
        self._messages: list[Json] = []
        self._reports: list[rp.SignalingReport] = []
        self._ignored: list[str] = []

    @property
    def state(self) -> State:
        """Where the session stands."""
        return self._state

    @property
    def session_timeout(self) -> float:
        """Seconds that a lost session may take to resume; 0 until we are in."""
        return self._session_timeout

    @property
    def awaits_answer(self) -> bool:
        """Whether the server owes us *iced*, *connected* or *synced*, once we have a connection."""
        if self._state is State.CONNECTING:
            return self._has_asked or not self._has_iced
        return self._state is State.SYNCING

    def messages(self) -> list[Json]:
        """What to send now, in order."""
        messages, self._messages = self._messages, []
        return messages

    def reports(self) -> list[rp.SignalingReport]:
        """What to deliver, in order; nothing comes after `SignalingEnded`."""
        reports, self._reports = self._reports, []
        return reports

    def ignored(self) -> list[str]:
        """What the server said that we could not use, for logs."""
        ignored, self._ignored = self._ignored, []
        return ignored

    def first_message(self, token: str) -> Json:
        """What a new connection begins with: *ice* or *sync*, with this token."""
        self._token = token
        if self._session is None:
            return encode(rsp.IceRequest(token))
        peers = tuple(
            rsp.PeerConnectionState(peer_id, peer.description)
            for peer_id, peer in self._peers.items()
            if peer.description is not None
        )
        return encode(
            rsp.Sync(self._room, token, self._session, self._participant, peers, self._rules_to_say)
        )

    # What the user wants

    def connect(self, peer_id: str, offer: str, tracks: Sequence[rp.LocalTrackInfo]) -> None:
        """Ask to be let in; once, after `IceServersGiven`."""
        if self._state is not State.CONNECTING or self._has_asked:
            return
        self._has_asked = True
        self._count_changes(tracks)
        self._is_participant_unsaid = False
        description = rsp.Description("offer", 1, offer)
        self._peer(peer_id).description = description
        self._messages.append(
            encode(
                rsp.Connect(
                    name=self._room,
                    token=self._token,
                    participant=self._participant,
                    peer_connections=(rsp.PeerConnectionState(peer_id, description),),
                    publisher=self._publisher,
                    subscribe_all=any(rule.include for rule in self._subscribe),
                    subscribe_rules=self._rules,
                    media_signaling=self._media_signaling,
                )
            )
        )

    def set_tracks(self, tracks: Sequence[rp.LocalTrackInfo]) -> None:
        """All tracks we want published now."""
        if self._count_changes(tracks):
            self._say()

    def set_subscriptions(self, rules: Rules) -> None:
        """All we want to receive from now on."""
        self._subscribe = rules
        self._rules = SubscribeRules(self._rules.revision + 1 if self._rules else 1, rules)
        self._reports.extend(self._news.want(rules))
        if self._news.server_takes_rules or self._state is State.CONNECTING:
            self._say()

    def describe(self, peer_id: str, kind: rp.DescriptionType, revision: int, sdp: str | None) -> None:
        """Send an offer or answer; *sync* repeats the last one."""
        description = rsp.Description(kind, revision, sdp)
        self._peer(peer_id).description = description
        self._say(rsp.PeerConnectionState(peer_id, description))

    def trickle(self, peer_id: str, ufrag: str, candidates: Sequence[IceCandidate], complete: bool) -> None:
        """Send all local candidates gathered so far under `ufrag`."""
        peer = self._peer(peer_id)
        peer.ice_revision += 1
        ice = rsp.Ice(
            ufrag,
            peer.ice_revision,
            tuple(rsp.Candidate(each.candidate, each.mid, each.mline_index) for each in candidates),
            complete,
        )
        self._say(rsp.PeerConnectionState(peer_id, ice=ice))

    def forget_peer(self, peer_id: str) -> None:
        """The peer connection is closed; *sync* no longer mentions it."""
        self._peers.pop(peer_id, None)
        self._unsaid.pop(peer_id, None)

    def leave(self) -> None:
        """Say *disconnect*; nothing is reported any more but the end."""
        if self._state is not State.DISCONNECTED:
            self._reports.clear()
            self._end(None)

    # What the network does

    def lost(self) -> None:
        """The connection is gone. An established session can be resumed on a new one."""
        self._held.clear()
        if self._state is State.CONNECTED:
            self._state = State.SYNCING

    def give_up(self, reason: VideoError) -> None:
        """The session cannot be resumed, or never came about."""
        if self._state is not State.DISCONNECTED:
            self._end(reason)

    def receive(self, body: Mapping[str, object]) -> None:
        """The server said something."""
        if self._state is State.DISCONNECTED:
            return
        try:
            message = parse_server_message(body)
        except ProtocolError as wrong:
            if self._state is State.CONNECTING and body.get("type") == "connected":
                self._end(error(_INVALID_MESSAGE))
            else:
                self._ignored.append(str(wrong))
            return
        if message is None:
            self._ignored.append("unknown type of RSP message")
        else:
            self._take(message)

    def _take(self, message: rsp.ServerMessage) -> None:
        match message, self._state:
            case _, State.DISCONNECTED:
                pass
            case rsp.ServerError(code, text), _:
                self._end(error(code, text))
            case rsp.Disconnected(status), _:
                self._disconnected(status)
            case rsp.Iced(servers), State.CONNECTING if not self._has_iced:
                self._has_iced = True
                given = (IceServer(server.urls, server.username, server.credential) for server in servers)
                self._reports.append(rp.IceServersGiven(tuple(given)))
            case rsp.Connected(), State.CONNECTING:
                self._session = message.session
                self._session_timeout = message.options.session_timeout
                self._reports.extend(self._news.joined(message))
                self._established()
            case rsp.Synced(), State.SYNCING:
                self._reports.extend(self._news.resynced(message))
                self._established()
            case rsp.Connected() | rsp.Synced() | rsp.ServerUpdate(), State.CONNECTED:
                self._reports.extend(self._news.updated(message.state))
            case (rsp.Synced() | rsp.ServerUpdate(), State.CONNECTING) | (
                rsp.Connected() | rsp.ServerUpdate(),
                State.SYNCING,
            ):
                self._held.append(message)
            case rsp.RecordingWarning(), _:
                self._ignored.append("warning: recordings are not shown")
            case _:
                self._ignored.append(f"{type(message).__name__.lower()} while {self._state.value}")

    def _disconnected(self, status: str | None) -> None:
        """The server ended our session, with or without the room.

        While connecting without a reason, twilio-video.js says 53001. That code belongs to *reconnecting*
        here (our-rules.md, 1), so we say what it means: the room could not be joined.
        """
        if status == "completed":
            self._end(error(_ROOM_COMPLETED))
        elif self._state is State.CONNECTING:
            self._end(error(_ROOM_CONNECT_FAILED))
        else:
            self._end(None)

    def _end(self, reason: VideoError | None) -> None:
        self._state = State.DISCONNECTED
        self._messages.append(encode(rsp.Disconnect(self._session)))
        self._reports.append(rp.SignalingEnded(reason))

    def _established(self) -> None:
        """We are in, or in again: say what waited, then hear what waited."""
        self._state = State.CONNECTED
        if self._is_participant_unsaid or self._unsaid:
            self._update(tuple(self._unsaid.values()))
        self._is_participant_unsaid = False
        self._unsaid.clear()
        held, self._held = self._held, []
        for message in held:
            self._take(message)

    def _say(self, peer: rsp.PeerConnectionState | None = None) -> None:
        """Send our state, now or with all else that has changed by the time we are in."""
        if self._state is State.CONNECTED:
            self._update((peer,) if peer is not None else ())
        elif self._state is not State.DISCONNECTED:
            if peer is None:
                self._is_participant_unsaid = True
            else:
                self._unsaid[peer.id] = _merged(self._unsaid.get(peer.id), peer)

    def _update(self, peers: tuple[rsp.PeerConnectionState, ...]) -> None:
        session = self._session or ""
        update = rsp.ClientUpdate(session, self._participant, peers, self._rules_to_say)
        self._messages.append(encode(update))

    @property
    def _rules_to_say(self) -> SubscribeRules | None:
        return self._rules if self._news.server_takes_rules else None

    def _peer(self, peer_id: str) -> _Peer:
        return self._peers.setdefault(peer_id, _Peer())

    def _count_changes(self, tracks: Sequence[rp.LocalTrackInfo]) -> int:
        """Take the tracks over; by how much the revision grew.

        twilio-video.js counts each track added, removed, enabled or disabled, and re-prioritised
        (lib/signaling/v2/localparticipant.js), so a client that joins with two tracks says 3.
        """
        old = {track.id: track for track in self._participant.tracks}
        new = {
            track.id: rsp.LocalTrack(track.id, track.kind, track.name, track.enabled, track.priority)
            for track in tracks
        }
        changes = len(old.keys() ^ new.keys())
        for track_id in old.keys() & new.keys():
            changes += old[track_id].enabled != new[track_id].enabled
            changes += old[track_id].priority != new[track_id].priority
        self._participant = rsp.LocalParticipant(self._participant.revision + changes, tuple(new.values()))
        self._news.want_tracks(frozenset(new))
        return changes


def _merged(old: rsp.PeerConnectionState | None, new: rsp.PeerConnectionState) -> rsp.PeerConnectionState:
    """Both in one entry; the newer description and the newer candidates replace the older ones."""
    if old is None:
        return new
    return replace(old, description=new.description or old.description, ice=new.ice or old.ice)
