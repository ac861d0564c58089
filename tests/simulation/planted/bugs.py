"""Bugs to plant: each replaces a piece of the product by one that does it wrong, as one might well write it.

`BUGS` has one row for each; the simulation must find every one of them.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from videocli.driver import Driver
from videocli.engine import events as ev
from videocli.engine import reports as rp
from videocli.engine.media_leg import MediaLeg, Peer
from videocli.engine.room.reconnection import Health
from videocli.engine.room.room import Room
from videocli.engine.signaling.backoff import Backoff
from videocli.engine.signaling.rsp_backend import RspBackend
from videocli.engine.signaling.rsp_client import RspClient, State
from videocli.errors import VideoError, error
from videocli.media import negotiation as ng
from videocli.media import peer as mp
from videocli.protocol import rsp, tcmp_client, tcmp_server
from videocli.server import room as server_room
from videocli.server.connection import Connection
from videocli.server.hub import Hub
from videocli.server.leg import Leg
from videocli.server.registry import Registry
from videocli.server.room import Participant, Phase
from videocli.server.rsp_server import Picture, RspServer


@dataclass(frozen=True, slots=True)
class Bug:
    """A bug, in a line, and how to plant it."""

    description: str
    plant: Callable[[], AbstractContextManager[Any]]
    seed: int
    """A play that was seen to catch it."""


BUGS: dict[str, Bug] = {}


def bug(description: str, seed: int = 0) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Adds a row to `BUGS`, under the name of the function that makes the patch."""

    def add(plant: Callable[[], Any]) -> Callable[[], Any]:
        BUGS[plant.__name__] = Bug(description, plant, seed)
        return plant

    return add


# Timers and tasks.


@bug("server: the timer for sockets that nobody joins on is not cancelled when somebody does")
def join_timer_not_cancelled() -> Any:
    return patch.object(Connection, "joined", lambda self: None)


@bug("session: the task that samples the counters is not stopped at the end")
def ticks_not_stopped() -> Any:
    async def stop(task: asyncio.Task[Any]) -> None:
        if task.get_name() != "ticks":
            task.cancel()
            await asyncio.wait([task])

    return patch("videocli.engine.session.stop", stop)


@bug("driver: the transport is not closed when the driver is cancelled", seed=11)
def transport_not_closed() -> Any:
    original = Driver.run

    async def run(self: Driver[Any]) -> None:
        close = self._transport.close

        async def close_unless_cancelled(code: int, reason: str) -> None:
            current = asyncio.current_task()
            if current is None or not current.cancelling():
                await close(code, reason)

        self._transport = _Wrapped(self._transport, close_unless_cancelled)  # type: ignore[assignment]  # a stand-in
        await original(self)

    return patch.object(Driver, "run", run)


class _Wrapped:
    def __init__(self, inner: Any, close: Callable[[int, str], Any]) -> None:
        self.send, self.receive, self.close = inner.send, inner.receive, close


@bug("media: ICE is restarted on and on after the path is back", seed=10)
def restarts_never_end() -> Any:
    original = MediaLeg._ice_state

    def ice_state(self: MediaLeg, peer: Peer, *news: Any) -> None:
        mending, peer.mending = peer.mending, None
        original(self, peer, *news)
        peer.mending = peer.mending or mending

    return patch.object(MediaLeg, "_ice_state", ice_state)


# Events.


@bug("room: a message is told twice if it came before its track was subscribed to", seed=20)
def early_message_told_twice() -> Any:
    def subscribe(self: Room, participant: Any, track: Any, media_id: str) -> None:
        early = list(self._early_messages.get(media_id, ()))
        original(self, participant, track, media_id)
        for data in early[:1]:
            self._message(participant, track, data)

    original = Room._subscribe
    return patch.object(Room, "_subscribe", subscribe)


@bug("room: a message that came before its track was subscribed to is dropped", seed=27)
def early_message_dropped() -> Any:
    def message_arrived(self: Room, report: rp.MessageArrived, now: float) -> None:
        found = self.track_of(report.label)
        if found is not None:
            self._message(*found, report.data)

    return patch.object(Room, "_message_arrived", message_arrived)


@bug("room: a second cause during an outage is a second reconnecting", seed=1)
def second_reconnecting() -> Any:
    original = Room._set_health

    def set_health(self: Room, new: Health, now: float) -> None:
        old = self.health
        original(self, new, now)
        both = new.signaling_lost_at is not None and new.media_failed_at is not None
        if both and (old.signaling_lost_at is None or old.media_failed_at is None) and new.error is not None:
            self._out.append(ev.Reconnecting(new.error))

    return patch.object(Room, "_set_health", set_health)


@bug("room: reconnected is said when signaling is back, though media is not", seed=45)
def reconnected_too_early() -> Any:
    def with_signaling(self: Health, lost_at: float | None) -> Health:
        return replace(self, signaling_lost_at=lost_at, media_failed_at=None)._with_outage()

    return patch.object(Health, "with_signaling", with_signaling)


@bug("room: a remote participant that leaves keeps its tracks subscribed", seed=2)
def tracks_outlive_participant() -> Any:
    def update(self: Room, participant: Any, info: rp.ParticipantInfo) -> None:
        if info.state == "disconnected":
            participant.state = info.state
            del self.participants[participant.sid]
            self._out.append(ev.ParticipantDisconnected(participant.view()))
        else:
            original(self, participant, info)

    original = Room._update
    return patch.object(Room, "_update", update)


# Resuming.


@bug(
    "room: it says reconnected as soon as the session is resumed, whether media has answered or not", seed=43
)
def media_unverified() -> Any:
    def with_signaling(self: Health, lost_at: float | None) -> Health:
        return replace(self, signaling_lost_at=lost_at)._with_outage()

    return patch.object(Health, "with_signaling", with_signaling)


@bug("room: participants that are missing from synced are not removed", seed=68)
def missing_not_removed() -> Any:
    def resynced(self: Room, report: rp.Resynced, now: float) -> None:
        self._merge(report.participants)
        self._set_health(self.health.with_signaling(None), now)

    return patch.object(Room, "_resynced", resynced)


@bug("client: what was changed while the session was lost is not said when it is resumed", seed=154)
def queued_update_lost() -> Any:
    original_lost, original_first = RspClient.lost, RspClient.first_message
    original_established = RspClient._established

    def lost(self: RspClient) -> None:
        if self.state is State.CONNECTED:
            vars(self)["stale"] = self._participant
        original_lost(self)

    def first_message(self: RspClient, token: str) -> Any:
        now = self._participant
        self._participant = vars(self).get("stale", now)
        try:
            return original_first(self, token)
        finally:
            self._participant = now

    def established(self: RspClient) -> None:
        self._is_participant_unsaid = False
        self._unsaid.clear()
        original_established(self)

    return _all(
        patch.object(RspClient, "lost", lost),
        patch.object(RspClient, "first_message", first_message),
        patch.object(RspClient, "_established", established),
    )


@bug("client: a mute does not count as a change, so its revision stays the same", seed=6)
def revision_not_counted() -> Any:
    original = RspClient._count_changes

    def count(self: RspClient, tracks: Any) -> int:
        before = self._participant
        changes = original(self, tracks)
        if {track.id for track in before.tracks} == {track.id for track in self._participant.tracks}:
            self._participant = replace(self._participant, revision=before.revision)
        return changes

    return patch.object(RspClient, "_count_changes", count)


@bug("negotiation: an answer counts whatever its revision", seed=30)
def revision_ignored() -> Any:
    def apply(self: ng._Negotiation, description: ng.Description) -> ng.Step | None:
        if not self._is_offer_out or description.sdp is None:
            return None
        return ng.ApplyAnswer(description.sdp, description.revision)

    return patch.object(ng._Negotiation, "_apply", apply)


@bug("server: a participant's state may change without a new revision", seed=6)
def revision_not_raised() -> Any:
    original = Participant.view

    def view(self: Participant) -> rsp.RemoteParticipant:
        before = self._view
        after = original(self)
        if before.tracks == after.tracks:
            self._view = replace(after, revision=before.revision)
        return self._view

    return patch.object(Participant, "view", view)


@bug("server: a session that has ended is still accepted", seed=20)
def stale_session_accepted() -> Any:
    original = Hub._end

    def end(self: Hub, client: Any, farewell: Any) -> None:
        original(self, client, farewell)
        self._sessions[client.rsp.session] = client

    return patch.object(Hub, "_end", end)


@bug("server: the token is not checked at sync", seed=2)
def token_not_checked_at_sync() -> Any:
    original = Hub._sync

    def sync(self: Hub, connection: Any, message: rsp.Sync) -> None:
        client = self._sessions.get(message.session)
        verify = self._verify

        def trust(token: str) -> Any:
            from videocli import tokens

            claims = tokens.peek(token)
            return tokens.Grants(claims.identity or "", claims.room, "", "", claims.expires_at)  # type: ignore[arg-type]  # the bug

        with patch.object(self, "_verify", trust if client is not None else verify):
            original(self, connection, message)

    return patch.object(Hub, "_sync", sync)


@bug("server: publications get new SIDs when their publisher resumes", seed=6)
def publication_sids_change() -> Any:
    original = Participant.come_back

    def come_back(self: Participant) -> None:
        if self.phase is Phase.AWAY:
            self._publications.clear()
            self._revision = -1
        original(self)

    return patch.object(Participant, "come_back", come_back)


@bug("media: a first path that is still coming up is not waited for when the session is resumed", seed=23)
def first_path_unverified() -> Any:
    def verify(self: MediaLeg) -> None:
        for peer in self.peers.values():
            peer.is_unverified = peer.was_up and peer.mending is None
            if peer.is_unverified:
                peer.connection.verify_path()
        self._report_verified()

    return patch.object(MediaLeg, "verify", verify)


@bug("media: a first path that never comes up is not told, since it was never lost", seed=28)
def first_path_never_missed() -> Any:
    original = MediaLeg._ice_state

    def ice_state(self: MediaLeg, peer: Peer, state: mp.IceState, silent_since: float | None) -> None:
        if peer.was_up or state is mp.IceState.CONNECTED:
            original(self, peer, state, silent_since)

    return patch.object(MediaLeg, "_ice_state", ice_state)


# Windows and ends.


@bug("server: sessions of those who are away never end", seed=1)
def sessions_never_expire() -> Any:
    return patch.object(Registry, "timer", lambda self: None)


@bug("server: the window counts from the time when the client came", seed=1)
def window_from_joining() -> Any:
    original = Participant.come_back

    def leave_for(self: Participant, now: float, session_timeout: float) -> None:
        self.phase = Phase.AWAY
        self.away_until = max(
            getattr(asyncio.get_running_loop(), "_came", {}).get(self.sid, now) + session_timeout, now
        )

    def come_back(self: Participant) -> None:
        loop: Any = asyncio.get_running_loop()
        loop._came = getattr(loop, "_came", {})
        loop._came.setdefault(self.sid, loop.time())
        original(self)

    return _all(
        patch.object(Participant, "leave_for", leave_for), patch.object(Participant, "come_back", come_back)
    )


@bug("backend: each attempt begins the session window anew", seed=1)
def window_from_attempt() -> Any:
    original = RspBackend._prepare_attempt

    async def prepare(self: RspBackend, fate: Any) -> None:
        if self._outage is not None:
            self._outage.ends_at = asyncio.get_running_loop().time() + self._rsp.session_timeout
        await original(self, fate)

    return patch.object(RspBackend, "_prepare_attempt", prepare)


@bug("backend: 53000 and 53002 are mixed up at the end of the window", seed=1)
def wrong_code() -> Any:
    original = RspBackend._give_up

    def give_up(self: RspBackend, reason: VideoError) -> None:
        swapped = {53000: 53002, 53002: 53000}.get(reason.code or 0)
        original(self, error(swapped) if swapped is not None and self._outage is not None else reason)

    return patch.object(RspBackend, "_give_up", give_up)


@bug("room: media that stays away does not end the room", seed=168)
def media_never_given_up() -> Any:
    return patch.object(Health, "media_deadline", lambda self, session_timeout: None)


@bug("client: leaving says nothing to the server")
def silent_leave() -> Any:
    original = RspClient._end

    def end(self: RspClient, reason: VideoError | None) -> None:
        original(self, reason)
        self._messages.clear()

    return patch.object(RspClient, "_end", end)


@bug("backoff: the delays are not capped", seed=45)
def backoff_not_capped() -> Any:
    original = Backoff.__init__

    def init(self: Backoff, chance: Any, cap_seconds: float = 0.0) -> None:
        original(self, chance, 120.0)

    return patch.object(Backoff, "__init__", init)


@bug("client: missed heartbeats are not noticed", seed=13)
def heartbeats_not_watched() -> Any:
    return patch.object(tcmp_client, "MISSED_HEARTBEATS", 1000)


@bug("server: missed heartbeats are not noticed", seed=32)
def server_heartbeats_not_watched() -> Any:
    return patch.object(tcmp_server, "MISSED_HEARTBEATS", 1000)


# Media.


@bug("media: the path is not restarted with new credentials, only offered again", seed=17)
def restart_with_old_credentials() -> Any:
    async def mend(self: MediaLeg, peer: Peer) -> None:
        while True:
            await self._signaling_up.wait()
            if peer.negotiation.is_settled:
                peer.negotiation.want_offer()
                peer.wake.set()
            await asyncio.sleep(2.0)

    return patch.object(MediaLeg, "_mend", mend)


@bug("media: after a resume, signaling still counts as down, so nothing is restarted", seed=45)
def resume_not_told_to_media() -> Any:
    original = MediaLeg.signaling_is

    def signaling_is(self: MediaLeg, up: bool) -> None:
        if not up:
            original(self, up)

    return patch.object(MediaLeg, "signaling_is", signaling_is)


@bug("media: a data channel of a track that was published during an outage is never opened", seed=14)
def data_channel_not_opened() -> Any:
    original = MediaLeg.negotiate

    def negotiate(self: MediaLeg) -> None:
        if self._signaling_up.is_set():
            original(self)

    def signaling_is(self: MediaLeg, up: bool) -> None:
        if up:
            self._signaling_up.set()
            for peer in self.peers.values():
                peer.wake.set()
        else:
            self._signaling_up.clear()

    return _all(
        patch.object(MediaLeg, "negotiate", negotiate), patch.object(MediaLeg, "signaling_is", signaling_is)
    )


@bug("server: an offer that collides with its own is answered", seed=14)
def glare_answered() -> Any:
    original = ng.ServerNegotiation._decide

    def decide(self: ng.ServerNegotiation, description: ng.Description) -> ng.Step | None:
        if description.kind == "offer":
            return self._decide_on_offer(description)
        return original(self, description)

    return patch.object(ng.ServerNegotiation, "_decide", decide)


@bug("client: a colliding offer of the server is ignored instead of answered", seed=14)
def glare_not_yielded() -> Any:
    original = ng.ClientNegotiation._decide_on_offer

    def decide(self: ng.ClientNegotiation, offer: ng.Description) -> ng.Step | None:
        return None if self._is_offer_out else original(self, offer)

    return patch.object(ng.ClientNegotiation, "_decide_on_offer", decide)


@bug("server: its last description is not repeated to a client that resumes", seed=14)
def description_not_repeated() -> Any:
    return patch.object(Leg, "standing", lambda self: rsp.PeerConnectionState(self.id))


# The others.


@bug("server: others are not told that somebody is reconnecting", seed=6)
def reconnecting_not_told() -> Any:
    original = RspServer.update

    def update(self: RspServer, picture: Picture) -> Any:
        calm = tuple(
            replace(view, state="connected") if view.state == "reconnecting" else view
            for view in picture.participants
        )
        return original(self, replace(picture, participants=calm))

    return patch.object(RspServer, "update", update)


@bug(
    "server: who loses its signaling is not settled, so nobody hears of it until something else happens",
    seed=1,
)
def loss_not_settled() -> Any:
    def socket_lost(self: Hub, client: Any) -> None:
        client.connection = None
        if client.participant.phase is Phase.JOINING:
            self._end(client, None)
            return
        client.participant.leave_for(asyncio.get_running_loop().time(), self._session_timeout)
        client.leg.reachable(False)
        self._set_timer()

    return patch.object(Hub, "_socket_lost", socket_lost)


@bug("server: two participants of one identity may stay", seed=1)
def rivals_stay() -> Any:
    return patch.object(server_room.Room, "rivals", lambda self, participant: ())


@bug("server: media that is back is not told to the others", seed=10)
def media_back_not_told() -> Any:
    original = Hub._heard

    def heard(self: Hub, client: Any, news: Any) -> None:
        if type(news).__name__ == "PathChanged" and news.is_up:
            return
        original(self, client, news)

    return patch.object(Hub, "_heard", heard)


@contextmanager
def _all(*patches: AbstractContextManager[Any]) -> Iterator[None]:
    with ExitStack() as stack:
        for each in patches:
            stack.enter_context(each)
        yield
