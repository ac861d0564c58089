"""Our media: the peer connections, one negotiation step at a time, and what they carry.

Normally there is one peer connection; a server that moves us to another media server names a new id.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, assert_never

from videocli.engine import reports as rp
from videocli.engine.publishing import MessagesLost, Publishing, SourceEnded
from videocli.errors import MediaError
from videocli.media import peer as mp
from videocli.media.negotiation import (
    ApplyAnswer,
    ClientNegotiation,
    Close,
    Description,
    MakeAnswer,
    MakeOffer,
    Repeat,
    Step,
)

RESTART_SECONDS = (1.0, 2.0, 3.0, 5.0)
"""Waits between ICE restarts of one outage; the last one repeats.

A resumed session ends a wait: what it was resumed over may carry media, too.
"""

CLOSED_SECONDS = 1.0
"""How long signaling has to say what becomes of a peer connection that the other side closed."""


@dataclass(frozen=True, slots=True)
class LocalDescription:
    """A description of ours to send."""

    peer_id: str
    kind: rp.DescriptionType
    revision: int
    sdp: str


@dataclass(frozen=True, slots=True)
class LocalCandidates:
    """Candidates of ours to send."""

    peer_id: str
    gathered: mp.LocalCandidates


@dataclass(frozen=True, slots=True)
class PeerEnded:
    """A peer connection is closed for good."""

    peer_id: str


@dataclass(frozen=True, slots=True)
class NegotiationFailed:
    """A description could not be made or used; the peer connection is as before."""

    peer_id: str
    error: MediaError
    is_first: bool
    """Nothing was ever agreed on, so there is no media at all."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A bug of ours in a task; the session ends with it."""

    error: BaseException


MediaItem = (
    rp.MediaReport
    | LocalDescription
    | LocalCandidates
    | PeerEnded
    | NegotiationFailed
    | SourceEnded
    | MessagesLost
    | Fault
)


@dataclass(slots=True, eq=False)
class Peer:
    """One peer connection and where its negotiation stands."""

    id: str
    connection: mp.PeerConnection
    negotiation: ClientNegotiation = field(default_factory=ClientNegotiation)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    worker: asyncio.Task[None] | None = None
    mending: asyncio.Task[None] | None = None
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    """Set to restart ICE without waiting any longer."""
    was_up: bool = False
    """Whether media was ever connected."""
    channels: dict[str, mp.DataChannel] = field(default_factory=dict)
    """Those that the other side opened, by label."""
    receivers: list[mp.Receiver] = field(default_factory=list)
    """Those that came over it."""
    is_unverified: bool = False
    """Whether it owes an answer from after the session was resumed."""


class MediaLeg:
    """All our peer connections. Everything it has to say goes to `report`, in order, on the loop's thread."""

    def __init__(
        self,
        make_peer: mp.MakePeer,
        addresses: mp.PeerConfig,
        chance: random.Random,
        report: Callable[[MediaItem], None],
    ) -> None:
        self._make_peer = make_peer
        self._addresses = addresses
        self._chance = chance
        self._report = report
        self._ice_servers: tuple[mp.IceServer, ...] = ()
        self._dead: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._signaling_up = asyncio.Event()
        self._silence: mp.Silence | None = None
        """What the paths that have answered since `verify` say of their latest silence."""
        self._unwanted: frozenset[str] = frozenset()
        self.peers: dict[str, Peer] = {}
        self.publishing = Publishing(report, self._spawn)
        self.receivers: dict[str, mp.Receiver] = {}
        """By media id."""

    def connect(self, peer_id: str, ice_servers: tuple[mp.IceServer, ...]) -> None:
        """Make the first peer connection and its offer, reported as `LocalDescription`."""
        self._ice_servers = ice_servers
        self._signaling_up.set()
        self._start(peer_id).negotiation.want_offer()

    def use_servers(self, ice_servers: tuple[mp.IceServer, ...]) -> None:
        """Use other STUN and TURN servers from now on, and at once where media is lost."""
        self._ice_servers = ice_servers
        for peer in self.peers.values():
            peer.hurry.set()

    def signaling_is(self, up: bool) -> None:
        """Whether an offer can reach the server now."""
        if up:
            self._signaling_up.set()
            for peer in self.peers.values():
                peer.hurry.set()
            self.negotiate()
        else:
            self._signaling_up.clear()

    def verify(self) -> None:
        """Ask every path that may be alive whether it is; `MediaVerified` says that all have answered.

        A path that does not answer becomes `MediaFailed`, and so does a first one that does not come up.
        """
        self._silence = None
        for peer in self.peers.values():
            is_coming_up = peer.connection.ice_state is mp.IceState.CHECKING
            peer.is_unverified = (peer.was_up or is_coming_up) and peer.mending is None
            if peer.is_unverified:
                peer.connection.verify_path()
        self._report_verified()

    def _report_verified(self) -> None:
        if not any(peer.is_unverified for peer in self.peers.values()):
            self._report(rp.MediaVerified(self._silence))

    def _verified(self, peer: Peer, silence: mp.Silence | None = None) -> None:
        if peer.is_unverified:
            peer.is_unverified = False
            self._silence = silence or self._silence
            self._report_verified()

    def negotiate(self) -> None:
        """Put new tracks on every peer connection and offer what the server has not agreed to."""
        for peer in self.peers.values():
            self.publishing.attach(peer.id, peer.connection)
            peer.wake.set()

    def refuse(self, media_ids: frozenset[str]) -> None:
        """Take nothing that comes under these ids, and all else; data channels stay open."""
        if media_ids != self._unwanted:
            self._unwanted = media_ids
            for peer in self.peers.values():
                peer.connection.refuse(media_ids)
            self.negotiate()

    def describe(self, said: rp.DescriptionReceived) -> None:
        """The server described its end; an id that we do not know asks for a new peer connection."""
        if said.peer_id in self._dead:
            return
        peer = self.peers.get(said.peer_id)
        if peer is None:
            if said.type not in ("offer", "create-offer"):
                return
            peer = self._start(said.peer_id)
        peer.negotiation.receive(said.type, said.revision, said.sdp)
        peer.wake.set()

    def trickle(self, report: rp.CandidatesReceived) -> None:
        """The server has candidates."""
        peer = self.peers.get(report.peer_id)
        if peer is not None:
            self._spawn(peer.connection.add_candidates(report.ufrag, report.candidates, report.complete))

    def keep_only(self, peer_ids: frozenset[str]) -> None:
        """After a resume: peer connections that the server no longer knows are dead."""
        for peer_id in [known for known in self.peers if known not in peer_ids]:
            self._spawn(self._end(peer_id))

    def drop(self, seconds: float) -> None:
        """Lose every path on purpose, for so long; each is restarted as one that is really lost."""
        for peer in self.peers.values():
            peer.connection.drop_path(seconds)

    def unpublish(self, track_id: str) -> None:
        """Stop publishing a track; negotiate afterwards."""
        self.publishing.remove(track_id, {peer.id: peer.connection for peer in self.peers.values()})

    def counters(self, direction: Literal["sent", "received"], media_id: str) -> mp.TrackStats | None:
        """What has flowed on a track; None: nothing can."""
        if direction == "sent":
            media = self.publishing.media.get(media_id)
            return next((sender.stats() for sender in media.senders.values()), None) if media else None
        receiver = self.receivers.get(media_id)
        return receiver.stats() if receiver is not None else None

    def connection_counters(self) -> dict[str, mp.ConnectionStats]:
        """What went over each peer connection, by its id."""
        return {peer.id: peer.connection.stats() for peer in self.peers.values()}

    def channel(self, label: str) -> mp.DataChannel | None:
        """The open channel of this label that the other side opened."""
        found = (peer.channels.get(label) for peer in self.peers.values())
        return next((channel for channel in found if channel is not None), None)

    async def close(self) -> None:
        """End everything; what is reported from now on is nobody's business."""
        self.publishing.close()
        await asyncio.gather(*(self._end(peer_id) for peer_id in list(self.peers)))
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._report(Fault(fault))

    def _start(self, peer_id: str) -> Peer:
        config = mp.PeerConfig(
            ice_servers=self._ice_servers,
            addresses=self._addresses.addresses,
            with_loopback=self._addresses.with_loopback,
        )
        connection = self._make_peer(config, lambda event: self._handle(peer, event))
        peer = Peer(peer_id, connection)
        self.peers[peer_id] = peer
        self.publishing.attach(peer_id, connection)
        connection.refuse(self._unwanted)
        peer.worker = self._spawn(self._work(peer))
        peer.wake.set()
        return peer

    async def _end(self, peer_id: str) -> None:
        peer = self.peers.pop(peer_id, None)
        self._dead.add(peer_id)
        if peer is None:
            return
        for task in (peer.worker, peer.mending):
            if task is not None:
                task.cancel()
        self.publishing.detach(peer_id)
        for receiver in peer.receivers:
            if self.receivers.get(receiver.track_id) is receiver:
                del self.receivers[receiver.track_id]
        self._report(PeerEnded(peer_id))
        self._verified(peer)
        await peer.connection.close()

    async def _work(self, peer: Peer) -> None:
        """One negotiation step after another, for as long as there is something to agree on."""
        negotiation = peer.negotiation
        while True:
            await peer.wake.wait()
            peer.wake.clear()
            while True:
                if peer.connection.needs_negotiation and negotiation.is_settled:
                    negotiation.want_offer()
                step = negotiation.next_step()
                if step is None:
                    break
                try:
                    await self._do(peer, step)
                except MediaError as failure:
                    negotiation.fail()
                    self._report(NegotiationFailed(peer.id, failure, is_first=not negotiation.has_agreed))
                self.publishing.start_sources()

    async def _do(self, peer: Peer, step: Step) -> None:
        negotiation, connection = peer.negotiation, peer.connection
        match step:
            case MakeOffer(revision):
                sdp = await connection.create_offer()
                if negotiation.may_send():
                    negotiation.finish(sdp)
                    self._report(LocalDescription(peer.id, "offer", revision, sdp))
            case MakeAnswer(offer, revision):
                sdp = await connection.accept_offer(offer)
                negotiation.finish(sdp)
                self._report(LocalDescription(peer.id, "answer", revision, sdp))
            case ApplyAnswer(answer):
                await connection.accept_answer(answer)
                negotiation.finish()
            case Repeat(Description(kind, revision, sdp)):
                self._report(LocalDescription(peer.id, kind, revision, sdp or ""))
            case Close():
                negotiation.finish()
                self._spawn(self._end(peer.id))
            case _:
                assert_never(step)

    def _handle(self, peer: Peer, event: mp.PeerEvent) -> None:
        match event:
            case mp.LocalCandidates():
                self._report(LocalCandidates(peer.id, event))
            case mp.IceStateChanged(state, silent_since):
                self._ice_state(peer, state, silent_since)
            case mp.PathVerified(silence):
                self._verified(peer, silence)
            case mp.PathFound() | mp.DtlsConnected():
                pass
            case mp.DtlsFailed():
                self._report(rp.DtlsHandshakeFailed())
            case mp.RemoteTrackStarted(receiver):
                peer.receivers.append(receiver)
                self.receivers[receiver.track_id] = receiver
                self._report(rp.MediaArrived(receiver.track_id))
            case mp.RemoteTrackEnded(receiver):
                peer.receivers.remove(receiver)
                if self.receivers.get(receiver.track_id) is receiver:
                    del self.receivers[receiver.track_id]
                    self._report(rp.MediaLeft(receiver.track_id))
            case mp.MediaFlowing(receiver):
                self._report(rp.MediaStarted(receiver.track_id))
            case mp.DimensionsChanged(receiver, width, height):
                self._report(rp.MediaResized(receiver.track_id, width, height))
            case mp.DataChannelOpened(channel, is_local):
                if not is_local:
                    peer.channels[channel.label] = channel
                    self._report(rp.MediaArrived(channel.label))
            case mp.DataMessage(channel, data):
                self._report(rp.MessageArrived(channel.label, data))
            case mp.DataChannelClosed(channel):
                if peer.channels.get(channel.label) is channel:
                    del peer.channels[channel.label]
                self._report(rp.MediaLeft(channel.label))
            case _:
                assert_never(event)

    def _ice_state(self, peer: Peer, state: mp.IceState, silent_since: float | None) -> None:
        # While the path in use answers, a restart leaves it `connected`: so `checking` after that says that
        # it is dead, and `failed` need not come.
        is_dead = state is mp.IceState.FAILED or (state is mp.IceState.CHECKING and peer.was_up)
        if state is mp.IceState.CONNECTED:
            peer.was_up = True
            if peer.mending is not None:
                peer.mending.cancel()
                peer.mending = None
            for receiver in self.receivers.values():
                receiver.request_keyframe()
            self._report(rp.MediaConnected())
            self._verified(peer)
        elif is_dead and peer.mending is None:
            self._report(rp.MediaFailed(silent_since))
            peer.mending = self._spawn(self._mend(peer))
        elif state is mp.IceState.CLOSED and peer.mending is None:
            peer.mending = self._spawn(self._miss(peer, silent_since))

    async def _miss(self, peer: Peer, silent_since: float | None) -> None:
        """The other side closed it, so it cannot be mended: media is lost unless another one carries it."""
        await asyncio.sleep(CLOSED_SECONDS)
        states = [other.connection.ice_state for other in self.peers.values()]
        if mp.IceState.CONNECTED in states:
            self._verified(peer)
        else:
            self._report(rp.MediaFailed(silent_since))

    async def _mend(self, peer: Peer) -> None:
        """Restart ICE, again and again, until the path is back or the room gives up."""
        attempt = 0
        while True:
            await self._signaling_up.wait()
            peer.hurry.clear()
            if peer.negotiation.is_settled:
                self._report(rp.IceRestarting())
                peer.connection.restart_ice(self._ice_servers)
                peer.wake.set()
            wait = RESTART_SECONDS[min(attempt, len(RESTART_SECONDS) - 1)]
            attempt += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(wait * self._chance.uniform(0.8, 1.2)):
                    await peer.hurry.wait()
