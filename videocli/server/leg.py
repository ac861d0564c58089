"""One peer connection of one client: negotiates, one step after another, and keeps what the client sends.

Offers of ours go out one at a time; what changes meanwhile is in the next one. A client that does not answer
in time is wedged (peer-connection.md, bad_server_offer), which only another leg under another id can mend.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from videocli.errors import MediaError, VideoError, error
from videocli.media import negotiation as ng
from videocli.media import peer as mp
from videocli.media.frames import MediaKind
from videocli.protocol import rsp

_log = logging.getLogger(__name__)

_REMEMBERED_UFRAGS = 8


@dataclass(frozen=True, slots=True)
class Described:
    """A description for the client."""

    description: rsp.Description


@dataclass(frozen=True, slots=True)
class SourcesChanged:
    """What the client sends has changed: `receivers` or `channels`."""


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """The client said something on one of its data channels."""

    label: str
    data: str | bytes


@dataclass(frozen=True, slots=True)
class SendersRefused:
    """The client takes none of our codecs for these."""

    senders: tuple[mp.Sender, ...]


@dataclass(frozen=True, slots=True)
class PathChanged:
    """The media path failed, or is up."""

    is_up: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """The client's description cannot be used, or none of ours can be made; the leg does nothing any more."""

    error: VideoError


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The client leaves our offer unanswered; the leg does nothing any more."""


@dataclass(frozen=True, slots=True)
class ClosedByClient:
    """The client closed this peer connection; the leg does nothing any more."""


LegReport = (
    Described
    | SourcesChanged
    | MessageReceived
    | SendersRefused
    | PathChanged
    | Failed
    | Unanswered
    | ClosedByClient
)


class Leg:
    """A peer connection and its negotiation. Reports come on the loop's thread; none after `close`."""

    def __init__(
        self,
        peer_id: str,
        make_peer: mp.MakePeer,
        config: mp.PeerConfig,
        report: Callable[[LegReport], None],
        offers_first: bool = False,
    ) -> None:
        self.id = peer_id
        self.receivers: dict[str, mp.Receiver] = {}
        """What the client sends, by its track id."""
        self.channels: dict[str, mp.DataChannel] = {}
        """What the client opened, by label."""
        self._report = report
        self._negotiation = ng.ServerNegotiation(offers_first)
        self._is_reachable = True
        self._is_over = False
        self._was_up = False
        self._senders: list[mp.Sender] = []
        self._offered: tuple[mp.Sender, ...] = ()
        self._ice: list[rsp.Ice] = []
        self._ice_known: dict[str, tuple[int, int]] = {}
        self._wake = asyncio.Event()
        self._peer = make_peer(config, self._handle)
        self._worker = asyncio.get_running_loop().create_task(self._work(), name=f"negotiation {peer_id}")

    def describe(self, description: rsp.Description) -> None:
        """The client described its side."""
        if self._is_over:
            return
        match description.type:
            case "offer" | "answer" | "close":
                self._negotiation.receive(description.type, description.revision, description.sdp)
                self._wake.set()
            case "pranswer" | "create-offer":
                pass

    def trickle(self, ice: rsp.Ice) -> None:
        """The client has candidates: all so far, under a revision that grows for its ufrag."""
        if self._is_over:
            return
        self._ice.append(ice)
        self._wake.set()

    def negotiate(self) -> None:
        """Offer what the client has not agreed to, if there is anything."""
        self._wake.set()

    def reachable(self, is_reachable: bool) -> None:
        """Whether the client can hear us, so that its time to answer an offer runs.

        What it did not hear, `standing` says when it comes back.
        """
        self._is_reachable = is_reachable
        if is_reachable:
            self._negotiation.offer_sent(asyncio.get_running_loop().time())
        else:
            self._negotiation.pause()
        self._wake.set()

    def standing(self) -> rsp.PeerConnectionState:
        """What to say of this peer connection to a client that comes back: our last description again.

        The client ignores what it has had.
        """
        last = self._negotiation.local_description
        if last is None:
            return rsp.PeerConnectionState(self.id)
        return rsp.PeerConnectionState(self.id, rsp.Description(last.kind, last.revision, last.sdp))

    def closing(self) -> rsp.PeerConnectionState:
        """What to say of this peer connection to a client that is to forget it."""
        last = self._negotiation.local_description
        return rsp.PeerConnectionState(self.id, rsp.Description("close", last.revision + 1 if last else 1))

    def add_sender(self, kind: MediaKind, track_id: str) -> mp.Sender:
        """A track for the client; `negotiate` afterwards."""
        sender = self._peer.add_sender(kind, track_id)
        self._senders.append(sender)
        return sender

    def remove_sender(self, sender: mp.Sender) -> None:
        """The client gets it no longer; `negotiate` afterwards."""
        self._senders.remove(sender)
        self._peer.remove_sender(sender)

    @property
    def senders(self) -> tuple[mp.Sender, ...]:
        """What the client gets, or should."""
        return tuple(self._senders)

    @property
    def round_trip_time(self) -> float | None:
        """Seconds, to the client and back."""
        return self._peer.stats().round_trip_time

    def open_channel(self, label: str, like: mp.DataChannel | None = None) -> mp.DataChannel:
        """A data channel for the client, as reliable as another, or wholly; `negotiate` afterwards."""
        if like is None:
            return self._peer.open_data_channel(label)
        return self._peer.open_data_channel(
            label, like.ordered, like.max_retransmits, like.max_packet_life_time
        )

    async def close(self) -> None:
        """End everything."""
        self._is_over = True
        self._worker.cancel()
        await asyncio.wait([self._worker])
        await self._peer.close()

    def _say(self, report: LegReport) -> None:
        if not self._is_over:
            self._report(report)

    async def _work(self) -> None:
        """One step after another, for as long as there is something to agree on."""
        loop = asyncio.get_running_loop()
        try:
            while not self._negotiation.is_lost(loop.time()):
                await self._add_candidates()
                if self._peer.needs_negotiation:
                    self._negotiation.want_offer()
                step = self._negotiation.next_step()
                if step is None:
                    await self._sleep(loop)
                elif not await self._do(step, loop):
                    return
            self._say(Unanswered())
        except MediaError as fault:
            _log.info("%s: negotiation failed: %s", self.id, fault)
            self._say(Failed(error(53403)))
        except Exception:
            _log.exception("%s: negotiation failed", self.id)
            self._say(Failed(error(53401)))
        finally:
            self._is_over = True

    async def _sleep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Until there is something to do, or our offer has been out too long."""
        try:
            async with asyncio.timeout_at(self._negotiation.deadline()):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    async def _do(self, step: ng.Step, loop: asyncio.AbstractEventLoop) -> bool:
        """Do one step; False: it was the last one."""
        match step:
            case ng.MakeOffer() if not self._peer.needs_negotiation:
                # The offer before this one had it all.
                self._negotiation.fail()
            case ng.MakeOffer():
                offered = tuple(self._senders)
                sdp = await self._peer.create_offer()
                if self._negotiation.may_send():
                    self._offered = offered
                    self._negotiation.finish(sdp)
                    if self._is_reachable:
                        self._negotiation.offer_sent(loop.time())
                    self._say(Described(rsp.Description("offer", step.revision, sdp)))
            case ng.MakeAnswer():
                sdp = await self._peer.accept_offer(step.sdp)
                self._negotiation.finish(sdp)
                self._say(Described(rsp.Description("answer", step.revision, sdp)))
            case ng.ApplyAnswer():
                await self._peer.accept_answer(step.sdp)
                self._negotiation.finish()
                self._check_refused()
            case ng.Repeat(answer):
                self._say(Described(rsp.Description(answer.kind, answer.revision, answer.sdp)))
            case ng.Close():
                self._negotiation.finish()
                self._say(ClosedByClient())
                return False
        return True

    def _check_refused(self) -> None:
        refused = tuple(
            sender for sender in self._offered if sender in self._senders and sender.codec is None
        )
        if refused:
            self._say(SendersRefused(refused))

    async def _add_candidates(self) -> None:
        for ice in self._ice:
            revision, count = self._ice_known.pop(ice.ufrag, (-1, 0))
            news = ice.candidates[count:] if ice.revision > revision else ()
            is_complete = ice.complete and ice.revision > revision
            self._ice_known[ice.ufrag] = (max(ice.revision, revision), max(count, len(ice.candidates)))
            if len(self._ice_known) > _REMEMBERED_UFRAGS:
                del self._ice_known[next(iter(self._ice_known))]
            if news or is_complete:
                candidates = [
                    mp.IceCandidate(entry.candidate, entry.sdp_mid, entry.sdp_mline_index) for entry in news
                ]
                await self._peer.add_candidates(ice.ufrag, candidates, is_complete)
        self._ice.clear()

    def _handle(self, event: mp.PeerEvent) -> None:
        match event:
            case mp.IceStateChanged(state):
                # While the path in use answers, a restart leaves it `connected`: so `checking` after that
                # says that it is dead, and `failed` may never come while the client keeps restarting.
                # `closed` is the client's own doing: it is leaving, and about to say so.
                self._was_up |= state is mp.IceState.CONNECTED
                is_news = self._was_up or state is not mp.IceState.CHECKING
                if is_news and state is not mp.IceState.CLOSED:
                    self._say(PathChanged(is_up=state is mp.IceState.CONNECTED))
            case mp.DtlsFailed():
                self._say(PathChanged(is_up=False))
            case mp.RemoteTrackStarted(receiver):
                self.receivers[receiver.track_id] = receiver
                self._say(SourcesChanged())
            case mp.RemoteTrackEnded(receiver):
                if self.receivers.get(receiver.track_id) is receiver:
                    del self.receivers[receiver.track_id]
                    self._say(SourcesChanged())
            case mp.DataChannelOpened(channel, is_local):
                if not is_local:
                    self.channels[channel.label] = channel
                    self._say(SourcesChanged())
            case mp.DataChannelClosed(channel):
                if self.channels.get(channel.label) is channel:
                    del self.channels[channel.label]
                    self._say(SourcesChanged())
            case mp.DataMessage(channel, data):
                self._say(MessageReceived(channel.label, data))
            case mp.LocalCandidates():
                # We use no STUN or TURN server, so every candidate of ours is in the SDP; production, too,
                # trickles none (production-facts.md, section 4).
                pass
            case mp.MediaFlowing() | mp.DimensionsChanged() | mp.PathFound() | mp.PathVerified():
                pass
