"""A `PeerConnection` without ICE, DTLS or codecs; peers of a `FakeMediaNetwork` find each other by their SDP.

Each frame is one packet. All events come through `loop.call_soon`, so in order and never from inside a call.
"""

import asyncio
import contextvars
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from tests.simulation.fake_sdp import SectionKind, WireDescription, WireSection, read, write
from tests.simulation.fake_tracks import ROUND_TRIP_SECONDS, FakeDataChannel, FakeReceiver, FakeSender
from videocli.errors import error
from videocli.media.frames import Codec, MediaKind
from videocli.media.peer import (
    ConnectionStats,
    DataChannelOpened,
    DataMessage,
    DtlsConnected,
    DtlsFailed,
    IceCandidate,
    IceServer,
    IceState,
    IceStateChanged,
    LocalCandidates,
    MakePeer,
    MediaPacket,
    PathEnd,
    PathFound,
    PathVerified,
    PeerConfig,
    PeerConnection,
    PeerEvent,
    RemoteTrackEnded,
    RemoteTrackStarted,
)

CONSENT_SECONDS = 3.0
"""How long after its death a path that was up counts as failed."""
CHECKING_SECONDS = 15.0
"""How long a path that never came up is tried."""


class FakeMediaNetwork:
    """Where fake peers meet. `make_peer` is a `MakePeer`."""

    def __init__(self, video_codec: Codec = Codec.VP8) -> None:
        self.video_codec = video_codec
        self.negotiation_seconds = 0.0
        """How long making or applying a description takes."""
        self.peers: list[FakePeer] = []
        """Every peer ever made, in order."""
        self.on_data: Callable[[FakePeer, DataMessage], None] = lambda peer, message: None
        """Told of each message that arrives at a peer."""
        self._peers: dict[str, FakePeer] = {}
        self._blocked: set[str] = set()
        self._mute_hosts: set[str] = set()
        self._deaf_hosts: set[str] = set()
        self._dead_ufrags: set[str] = set()
        self._insecure_hosts: set[str] = set()
        self._insecure_peers: set[str] = set()
        self._ufrags = 0

    def make_peer(self, config: PeerConfig, on_event: Callable[[PeerEvent], None]) -> PeerConnection:
        """Another peer of this network."""
        return self._make_peer(config, on_event, None)

    def make_peers_of(self, host: str) -> MakePeer:
        """A `MakePeer` whose peers live on a host, for the faults that hit hosts."""
        return lambda config, on_event: self._make_peer(config, on_event, host)

    def _make_peer(
        self, config: PeerConfig, on_event: Callable[[PeerEvent], None], host: str | None
    ) -> "FakePeer":
        peer = FakePeer(self, f"fake{len(self.peers) + 1}", config, on_event, host)
        self.peers.append(peer)
        self._peers[peer.id] = peer
        return peer

    def lose(self, host: str, outgoing: bool = True, incoming: bool = True) -> None:
        """Lose all datagrams that a host sends, all that are sent to it, or both."""
        for hosts, is_lost in ((self._mute_hosts, outgoing), (self._deaf_hosts, incoming)):
            (hosts.add if is_lost else hosts.discard)(host)
        self._reconsider()

    def carry(self, host: str) -> None:
        """Lose a host's datagrams no longer."""
        self.lose(host, outgoing=False, incoming=False)

    def kill_paths(self, host: str) -> None:
        """Lose every path that a host uses now for good."""
        for peer in self.peers:
            if peer.host == host and not peer.is_closed:
                self._dead_ufrags.add(peer.ufrag)
        self._reconsider()

    def block(self, peer: "FakePeer") -> None:
        """Lose all datagrams of a peer, on whatever path."""
        self._blocked.add(peer.id)
        self._reconsider()

    def unblock(self, peer: "FakePeer") -> None:
        """Carry a peer's datagrams again."""
        self._blocked.discard(peer.id)
        self._reconsider()

    def kill_path(self, peer: "FakePeer") -> None:
        """Lose the path that a peer uses now for good: only an ICE restart finds another."""
        self._dead_ufrags.add(peer.ufrag)
        self._reconsider()

    def lose_handshakes(self, host: str, is_lost: bool = True) -> None:
        """Lose all DTLS handshakes of a host, or no longer, while everything else passes."""
        (self._insecure_hosts.add if is_lost else self._insecure_hosts.discard)(host)
        self._reconsider()

    def lose_handshake(self, peer: "FakePeer", is_lost: bool) -> None:
        """Lose a peer's DTLS handshake, or no longer, while everything else passes."""
        (self._insecure_peers.add if is_lost else self._insecure_peers.discard)(peer.id)
        self._reconsider()

    def secures(self, peer: "FakePeer") -> bool:
        """Whether the peer can come to a handshake with its other."""
        other = self.other(peer)
        ends = [peer] if other is None else [peer, other]
        return not any(end.id in self._insecure_peers or end.host in self._insecure_hosts for end in ends)

    def new_ufrag(self) -> str:
        """A ufrag that no peer has."""
        self._ufrags += 1
        return f"ufrag{self._ufrags}"

    def other(self, peer: "FakePeer") -> "FakePeer | None":
        """Whom the peer has described itself to, and who has described itself to it."""
        other = self._peers.get(peer.remote_id or "")
        return other if other is not None and other.remote_id == peer.id and not other.is_closed else None

    def carries(self, peer: "FakePeer") -> bool:
        """Whether datagrams pass between the peer and its other, in both directions."""
        other = self.other(peer)
        return other is not None and self.hears(peer) and self.hears(other)

    def hears(self, peer: "FakePeer") -> bool:
        """Whether datagrams of its other reach the peer."""
        other = self.other(peer)
        return (
            other is not None
            and not self._blocked & {peer.id, other.id}
            and not self._dead_ufrags & {peer.ufrag, other.ufrag}
            and other.host not in self._mute_hosts
            and peer.host not in self._deaf_hosts
        )

    def settle(self, peer: "FakePeer") -> None:
        """A description was applied, or the peer closed: see who can reach whom now."""
        other = self._peers.get(peer.remote_id or "")
        self._reconsider([peer] if other is None else [peer, other])

    def _reconsider(self, peers: "Sequence[FakePeer] | None" = None) -> None:
        for peer in self.peers if peers is None else peers:
            if not peer.is_closed:
                peer.path_changed(self.carries(peer), self.hears(peer))


@dataclass(slots=True, eq=False)
class _Section:
    """One negotiated m-line."""

    mid: str
    kind: SectionKind
    is_ours: bool
    sender: FakeSender | None = None
    agreed_msid: str | None = None
    """What the other side knows that we send here."""
    receiver: FakeReceiver | None = None
    their_msid: str | None = None
    """What the other side would send."""

    @property
    def wanted_msid(self) -> str | None:
        return self.sender.track_id if self.sender is not None else None


@dataclass(frozen=True, slots=True)
class _Offer:
    description: WireDescription
    senders: dict[str, FakeSender]
    """By mid."""


class FakePeer:
    """A peer connection of a `FakeMediaNetwork`; see `videocli.media.peer.PeerConnection`."""

    def __init__(
        self,
        network: FakeMediaNetwork,
        peer_id: str,
        config: PeerConfig,
        on_event: Callable[[PeerEvent], None],
        host: str | None = None,
    ) -> None:
        self.id = peer_id
        self.host = host
        self.made_in = contextvars.copy_context()
        """The context of whoever made it: what happens to it later is theirs, too."""
        self.config = config
        self.ufrag = network.new_ufrag()
        self.remote_id: str | None = None
        self.has_path = False
        """Whether ICE is connected."""
        self.is_up = False
        """Whether ICE and DTLS are."""
        self._handshake_due_at: float | None = None
        self._is_secured = False
        self.is_closed = False
        self.remote_candidates: list[IceCandidate] = []
        self._remote_ufrag: str | None = None
        self._network = network
        self._on_event = on_event
        self._state = IceState.NEW
        self._told_state = IceState.NEW
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._sections: list[_Section] = []
        self._unplaced: list[FakeSender] = []
        self._unwanted: frozenset[str] = frozenset()
        self._channels: list[FakeDataChannel] = []
        self._offer: _Offer | None = None
        self._restart_ufrag: str | None = None
        self._gathered: str | None = None
        self._ssrcs = 0
        self._verifying = False
        self._dropped_until = 0.0
        self._packets_sent = self._bytes_sent = self._packets_received = self._bytes_received = 0
        self._restarts = 0
        self._was_up = False

    @property
    def ice_state(self) -> IceState:
        return self._told_state

    @property
    def needs_negotiation(self) -> bool:
        return self._state is not IceState.CLOSED and bool(
            self._unplaced
            or self._restart_ufrag
            or (self._channels and not self._has_data_section())
            or any(section.wanted_msid != section.agreed_msid for section in self._sections)
            or any(
                section.their_msid is not None
                and (section.their_msid in self._unwanted) != (section.receiver is None)
                for section in self._sections
            )
        )

    async def create_offer(self) -> str:
        await self._take_time(53400)
        senders = {section.mid: section.sender for section in self._sections if section.sender is not None}
        wire = [
            self._wire(section, receives=section.their_msid not in self._unwanted)
            for section in self._sections
        ]
        for sender in self._unplaced:
            free = next(
                (s for s in self._sections if s.is_ours and s.kind == sender.kind and s.mid not in senders),
                None,
            )
            mid = free.mid if free is not None else self._new_mid(sender.kind, [w.mid for w in wire])
            section = WireSection(mid, sender.kind, sender.track_id, receives=self._receives_on_own)
            wire = [section if w.mid == mid else w for w in wire]
            if free is None:
                wire.append(section)
            senders[mid] = sender
        if not wire and not self._channels:
            kinds: tuple[MediaKind, ...] = ("audio", "video")
            for kind in kinds:
                wire.append(
                    WireSection(self._new_mid(kind, [w.mid for w in wire]), kind, None, receives=True)
                )
        if self._channels and not self._has_data_section():
            mid = self._new_mid("application", [w.mid for w in wire])
            wire.append(WireSection(mid, "application", None, receives=False))
        description = WireDescription(self.id, self._restart_ufrag or self.ufrag, tuple(wire))
        self._offer = _Offer(description, senders)
        self._tell_candidates(description.ufrag)
        return write(description)

    async def accept_answer(self, sdp: str) -> None:
        await self._take_time(53402)
        answer = read(sdp)
        offer = self._offer
        if offer is None or [w.mid for w in answer.sections] != [w.mid for w in offer.description.sections]:
            raise error(53402)
        self._offer = None
        self._set_ufrag(offer.description.ufrag)
        for ours, theirs in zip(offer.description.sections, answer.sections, strict=True):
            section = self._section(ours.mid) or self._add_section(ours.mid, ours.kind, is_ours=True)
            sender = offer.senders.get(ours.mid)
            if sender is not None and sender in self._unplaced:
                self._unplaced.remove(sender)
                section.sender = sender
            section.agreed_msid = ours.msid
            self._apply(section, theirs)
        self._set_remote(answer)

    async def accept_offer(self, sdp: str) -> str:
        await self._take_time(53402)
        offer = read(sdp)
        known = [section.mid for section in self._sections]
        if [w.mid for w in offer.sections][: len(known)] != known:
            raise error(53402)
        self._offer = None
        if self._remote_ufrag not in (None, offer.ufrag):
            self._set_ufrag(self._network.new_ufrag())
        wire = []
        for theirs in offer.sections:
            section = self._section(theirs.mid) or self._add_section(theirs.mid, theirs.kind, is_ours=False)
            section.agreed_msid = section.wanted_msid
            self._apply(section, theirs)
            receives = theirs.msid is not None and theirs.msid not in self._unwanted
            wire.append(self._wire(section, receives))
        self._set_remote(offer)
        self._tell_candidates(self.ufrag)
        return write(WireDescription(self.id, self.ufrag, tuple(wire)))

    async def add_candidates(self, ufrag: str, candidates: Sequence[IceCandidate], complete: bool) -> None:
        self.remote_candidates.extend(candidates)

    def restart_ice(self, ice_servers: Sequence[IceServer] | None = None) -> None:
        if ice_servers is not None:
            self.config = replace(self.config, ice_servers=tuple(ice_servers))
        self._restart_ufrag = self._network.new_ufrag()

    def verify_path(self) -> None:
        self._verifying = True
        self._verify()

    def drop_path(self, seconds: float) -> None:
        self._dropped_until = self._loop.time() + seconds
        self._network.kill_path(self)

    def add_sender(self, kind: MediaKind, track_id: str) -> FakeSender:
        self._ssrcs += 1
        sender = FakeSender(self, kind, track_id, ssrc=int(self.id.removeprefix("fake")) * 1000 + self._ssrcs)
        self._unplaced.append(sender)
        return sender

    def remove_sender(self, sender: object) -> None:
        assert isinstance(sender, FakeSender)
        sender.is_removed, sender.codec, sender.mid = True, None, None
        if sender in self._unplaced:
            self._unplaced.remove(sender)
        for section in self._sections:
            if section.sender is sender:
                section.sender = None

    def refuse(self, track_ids: Collection[str]) -> None:
        self._unwanted = frozenset(track_ids)

    def open_data_channel(
        self,
        label: str,
        ordered: bool = True,
        max_retransmits: int | None = None,
        max_packet_life_time: int | None = None,
    ) -> FakeDataChannel:
        channel = FakeDataChannel(self, label, ordered, max_retransmits, max_packet_life_time)
        if self._state is IceState.CLOSED:
            channel.is_closed = True
            return channel
        self._channels.append(channel)
        self._open_channels()
        return channel

    def stats(self) -> ConnectionStats:
        end = PathEnd("host", "127.0.0.1", 1, "udp") if self._was_up else None
        return ConnectionStats(
            ice_state=self._told_state,
            dtls_state="closed" if self._state is IceState.CLOSED else "connected" if self._was_up else "new",
            local=end,
            remote=end,
            round_trip_time=ROUND_TRIP_SECONDS if self._was_up else None,
            bytes_sent=self._bytes_sent,
            bytes_received=self._bytes_received,
            packets_sent=self._packets_sent,
            packets_received=self._packets_received,
            ice_restarts=self._restarts,
        )

    async def close(self) -> None:
        if self.is_closed:
            return
        other, was_up = self._network.other(self), self.is_up
        self.is_closed = True
        self._state = self._told_state = IceState.CLOSED
        if self._timer is not None:
            self._timer.cancel()
        if other is not None and was_up:
            for channel in list(self._channels):
                channel.close()
            other.end()
        self._network.settle(self)

    def fail_dtls(self) -> None:
        """Let the DTLS handshake fail."""
        self.report(DtlsFailed())

    # What other fakes call.

    def report(self, event: PeerEvent) -> None:
        """Say that something happened."""
        if isinstance(event, DataMessage):
            self._network.on_data(self, event)
        self._soon(lambda: self._on_event(event))

    def transmit(self, mid: str, packet: MediaPacket) -> None:
        """Send a packet to the other side."""
        self._packets_sent += 1
        self._bytes_sent += len(packet.payload)
        other = self._network.other(self)
        if other is not None and self._network.hears(other):
            other.deliver(mid, packet)

    def deliver(self, mid: str, packet: MediaPacket) -> None:
        """A packet comes from the other side."""
        self._packets_received += 1
        self._bytes_received += len(packet.payload)
        section = self._section(mid)
        if section is not None and section.receiver is not None:
            receiver = section.receiver
            self._soon(lambda: receiver.take(packet))

    def ask_keyframe(self, mid: str) -> None:
        """Send a PLI for what the other side sends on a section."""
        other = self._network.other(self)
        section = other._section(mid) if other is not None and self.is_up else None
        if other is not None and section is not None and section.sender is not None:
            section.sender.plis += 1
            other._tell_keyframe_wanted(section.sender)

    def forget_channel(self, channel: FakeDataChannel) -> None:
        """A channel of ours is closed."""
        if channel in self._channels:
            self._channels.remove(channel)

    def end(self) -> None:
        """The other side closed DTLS."""
        self._change_state(IceState.CLOSED)
        self.has_path = self.is_up = False

    def path_changed(self, carries: bool, hears: bool) -> None:
        """Datagrams pass now both ways, or only towards us, or not even that.

        A path that is up stays so as long as something is heard (`videocli.media.aiortc_inside.generation`).
        """
        if self.is_closed or self._state is IceState.CLOSED:
            return
        if carries:
            self._set_timer(None, None)
            self._soon(self._come_up)
        elif self.has_path and not hears:
            self.has_path = self.is_up = False
            for section in self._sections:
                if section.sender is not None:
                    section.sender.is_possible = section.sender.has_keyframe = False
            self._set_timer(CONSENT_SECONDS, IceState.FAILED)

    # Inside.

    def _verify(self) -> None:
        """The other side answers at once, if it can."""
        if self._verifying and self.is_up and self._network.carries(self):
            self._verifying = False
            self.report(PathVerified())

    def _come_up(self) -> None:
        if not self._network.carries(self):
            return
        self.has_path = True
        if self._handshake_due_at is None:
            self._handshake_due_at = self._loop.time() + CHECKING_SECONDS
            self.report(PathFound())
        if not self._is_secured and not self._network.secures(self):
            self._await_handshake(self._handshake_due_at - self._loop.time())
            return
        self._set_timer(None, None)
        self.is_up = self._was_up = True
        self._change_state(IceState.CONNECTED)
        self._verify()
        if not self._is_secured:
            self._is_secured = True
            self.report(DtlsConnected())
        self._open_channels()
        for channel in self._channels:
            if channel.twin is not None:
                channel.twin.flush()
        for section in self._sections:
            self._begin_sending(section)

    def _await_handshake(self, seconds: float) -> None:
        if seconds > 0:
            self._change_state(IceState.CHECKING)
            self._set_timer(seconds, IceState.FAILED)
        else:
            self._change_state(IceState.FAILED)

    def _begin_sending(self, section: _Section) -> None:
        sender = section.sender
        if sender is None or sender.codec is None or sender.is_possible or not self.is_up:
            return
        sender.is_possible = True
        self._tell_keyframe_wanted(sender)

    def _tell_keyframe_wanted(self, sender: FakeSender) -> None:
        def tell() -> None:
            if sender.on_keyframe_request is not None:
                sender.on_keyframe_request()

        self._soon(tell)

    def _open_channels(self) -> None:
        other = self._network.other(self)
        if other is None or not self.is_up or not self._has_data_section() or not other._has_data_section():
            return
        for channel in self._channels:
            if channel.twin is None:
                channel.twin = FakeDataChannel(
                    other,
                    channel.label,
                    channel.ordered,
                    channel.max_retransmits,
                    channel.max_packet_life_time,
                )
                channel.twin.twin = channel
                other._channels.append(channel.twin)
                self.report(DataChannelOpened(channel, is_local=True))
                other.report(DataChannelOpened(channel.twin, is_local=False))
            channel.flush()

    def _apply(self, section: _Section, theirs: WireSection) -> None:
        """Take over what the other side says of a section."""
        if section.kind == "application":
            return
        section.their_msid = theirs.msid
        taken = theirs.msid if theirs.msid not in self._unwanted else None
        receiver = section.receiver
        if receiver is not None and receiver.track_id != taken:
            section.receiver = None
            self.report(RemoteTrackEnded(receiver))
        if taken is not None and section.receiver is None:
            section.receiver = FakeReceiver(self, section.kind, section.mid, taken)
            self.report(RemoteTrackStarted(section.receiver))
        if section.sender is not None and not theirs.receives:
            section.sender.codec = section.sender.mid = None
            section.sender.is_possible = section.sender.has_keyframe = False
        if section.sender is not None and theirs.receives:
            section.sender.mid = section.mid
            section.sender.codec = Codec.OPUS if section.kind == "audio" else self._network.video_codec
            self._begin_sending(section)

    def _set_remote(self, description: WireDescription) -> None:
        self.remote_id = description.peer
        if self._remote_ufrag != description.ufrag:
            self._restarts += self._remote_ufrag is not None
            self._remote_ufrag = description.ufrag
            if self._state in (IceState.NEW, IceState.FAILED):
                self._change_state(IceState.CHECKING)
                self._set_timer(CHECKING_SECONDS, IceState.FAILED)
        self._network.settle(self)

    def _tell_candidates(self, ufrag: str) -> None:
        if self._gathered != ufrag:
            self._gathered = ufrag
            candidate = IceCandidate(f"candidate:1 1 udp 1 127.0.0.1 1 typ host ufrag {ufrag}", "0", 0)
            self.report(LocalCandidates(ufrag, (candidate,), complete=True))

    def _set_ufrag(self, ufrag: str) -> None:
        if ufrag == self._restart_ufrag:
            self._restart_ufrag = None
        self.ufrag = ufrag
        if self._loop.time() < self._dropped_until:
            self._network.kill_path(self)

    def _set_timer(self, seconds: float | None, state: IceState | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None and state is not None:
            self._timer = self._loop.call_later(seconds, self._change_state, state, context=self.made_in)

    def _change_state(self, state: IceState) -> None:
        if state is not self._state and not self.is_closed:
            self._state = state

            def tell() -> None:
                self._told_state = state
                self._on_event(IceStateChanged(state))

            self._soon(tell)

    @property
    def _receives_on_own(self) -> bool:
        return self.config.mid_style == "numbers"

    def _wire(self, section: _Section, receives: bool) -> WireSection:
        can_receive = (
            receives and section.kind != "application" and (self._receives_on_own or not section.is_ours)
        )
        return WireSection(section.mid, section.kind, section.wanted_msid, can_receive)

    def _new_mid(self, kind: SectionKind, used: Sequence[str]) -> str:
        prefix = "" if self.config.mid_style == "numbers" else kind
        return next(mid for n in range(len(used) + 1) if (mid := f"{prefix}{n}") not in used)

    def _add_section(self, mid: str, kind: SectionKind, is_ours: bool) -> _Section:
        section = _Section(mid, kind, is_ours)
        self._sections.append(section)
        return section

    def _section(self, mid: str) -> _Section | None:
        return next((section for section in self._sections if section.mid == mid), None)

    def _has_data_section(self) -> bool:
        return any(section.kind == "application" for section in self._sections)

    def _soon(self, call: Callable[[], None]) -> None:
        def run() -> None:
            if not self.is_closed:
                call()

        self._loop.call_soon(run, context=self.made_in)

    async def _take_time(self, code: int) -> None:
        await asyncio.sleep(self._network.negotiation_seconds)
        if self._state is IceState.CLOSED:
            raise error(code)
