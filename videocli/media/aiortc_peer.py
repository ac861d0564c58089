"""PeerConnection on aiortc's transports: one ICE, DTLS and SCTP transport, and what flows over them."""

import asyncio
import itertools
import logging
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import cast

from aiortc import RTCDataChannel
from aiortc.rtcdtlstransport import RTCDtlsParameters

from videocli.errors import VideoError, error
from videocli.media.aiortc_inside.channel import ClosedChannel, PeerDataChannel
from videocli.media.aiortc_inside.descriptions import (
    LocalTransport,
    RemoteDescription,
    parse_description,
    write_description,
)
from videocli.media.aiortc_inside.dtls import DtlsTransport, SctpTransport
from videocli.media.aiortc_inside.flow import MediaFlow
from videocli.media.aiortc_inside.generation import GatherFrom, Generation, IceTiming
from videocli.media.aiortc_inside.ice import IceTransport, candidate_text, parse_candidate
from videocli.media.aiortc_inside.restarts import Restarts
from videocli.media.aiortc_inside.router import Router
from videocli.media.aiortc_inside.sections import (
    Section,
    apply_answer,
    apply_offer,
    brings_what_we_like,
    plan_offer,
)
from videocli.media.aiortc_inside.tasks import BackgroundTasks
from videocli.media.frames import MediaKind
from videocli.media.peer import (
    ConnectionStats,
    DataChannel,
    DtlsConnected,
    DtlsFailed,
    DtlsState,
    IceCandidate,
    IceServer,
    IceState,
    IceStateChanged,
    LocalCandidates,
    PathFound,
    PathVerified,
    PeerConfig,
    PeerConnection,
    PeerEvent,
    Sender,
)

_logger = logging.getLogger(__name__)

_OTHER_ROLE = {"client": "server", "server": "client"}
_DEFAULT_TIMING = IceTiming()


def make_peer(config: PeerConfig, deliver: Callable[[PeerEvent], None]) -> PeerConnection:
    """A peer connection on aiortc; `MakePeer` of the peer interface. Needs a running event loop."""
    return AiortcPeer(config, deliver)


@dataclass(frozen=True, slots=True)
class _Offer:
    """An offer that the other side has not answered."""

    sections: tuple[Section, ...]
    generation: Generation
    restarts_wanted: int


class AiortcPeer:
    """`PeerConnection` of the peer interface."""

    def __init__(
        self,
        config: PeerConfig,
        deliver: Callable[[PeerEvent], None],
        timing: IceTiming = _DEFAULT_TIMING,
    ) -> None:
        self._style = config.mid_style
        self._deliver_event = deliver
        self._tasks = BackgroundTasks()
        self._ice = IceTransport(
            GatherFrom(config.addresses, config.with_loopback, config.ice_servers),
            timing,
            on_gathered=self._tell_candidates,
            on_state=lambda state: self._deliver(IceStateChanged(state, self._ice.silences.since)),
            on_new_path=self._path_changed,
            on_verified=lambda: self._deliver(PathVerified(self._ice.silences.latest)),
            is_unheard=lambda: self._flow.is_unheard,
        )
        self._router = router = Router()
        self._dtls = DtlsTransport(self._ice, on_rtp=router.route_rtp, on_rtcp=router.route_rtcp)
        self._ice.take_media = self._dtls.take_media
        self._dtls.on("statechange", self._dtls_state_changed)
        self._flow = MediaFlow(
            router,
            send=self._dtls.send_rtp,
            deliver=self._deliver,
            round_trip_time=lambda: self._ice.round_trip_time,
            is_alive=lambda: self._ice.state is IceState.CONNECTED,
        )
        self._sctp: SctpTransport | None = None
        self._sctp_started = False
        self._session_id = random.getrandbits(62)
        self._versions = itertools.count(1)
        self._used_mids: set[str] = set()
        self._sections: tuple[Section, ...] = ()
        self._unwanted: frozenset[str] = frozenset()
        self._remote: RemoteDescription | None = None
        self._offer: _Offer | None = None
        self._restarts = Restarts(self._ice)
        self._release_task: asyncio.Task[None] | None = None
        self._is_muted = False

    @property
    def ice_state(self) -> IceState:
        return self._ice.state

    @property
    def needs_negotiation(self) -> bool:
        if self._release_task is not None:
            return False
        has_data_section = any(section.kind == "application" for section in self._sections)
        return (
            not self._flow.is_agreed()
            or not all(brings_what_we_like(section, self._unwanted) for section in self._sections)
            or (self._sctp is not None and not has_data_section)
            or self._restarts.is_one_wanted
        )

    async def create_offer(self) -> str:
        self._check_open(53400)
        generation = self._restarts.to_offer()
        await self._gathered(generation, 53400)
        sections = plan_offer(
            self._sections,
            self._flow.senders,
            with_data=self._sctp is not None,
            style=self._style,
            used_mids=self._used_mids,
            unwanted=self._unwanted,
        )
        self._offer = _Offer(sections, generation, self._restarts.wanted)
        return self._describe(sections, generation, "auto")

    async def accept_answer(self, sdp: str) -> None:
        self._check_open(53402)
        if self._offer is None:
            raise error(53402, explanation="There is no offer of ours that this answer could belong to.")
        offer = self._offer
        try:
            remote = parse_description(sdp)
            sections = apply_answer(offer.sections, remote.media)
            self._check_transport(remote)
            role = _OTHER_ROLE.get(remote.dtls_role)
            if role is None:
                raise ValueError("the answer does not choose a DTLS role")
        except ValueError as reason:
            raise _not_applicable(reason) from reason
        self._offer = None
        self._dtls.negotiate_role(role)
        self._take_candidates(remote)
        self._restarts.answered(offer.generation, offer.restarts_wanted, remote.ice)
        self._commit(sections, remote)

    async def accept_offer(self, sdp: str) -> str:
        self._check_open(53402)
        try:
            remote = parse_description(sdp)
            sections = apply_offer(
                self._sections,
                remote.media,
                tracks=self._flow.senders,
                bundled=remote.bundled,
                unwanted=self._unwanted,
            )
            self._check_transport(remote)
        except ValueError as reason:
            raise _not_applicable(reason) from reason
        self._offer = None
        generation = self._restarts.to_answer(remote.ice)
        await self._gathered(generation, 53402)
        self._dtls.negotiate_role(_OTHER_ROLE.get(remote.dtls_role, "client"))
        self._take_candidates(remote)
        if generation is not self._ice.latest:
            self._ice.negotiated(generation, remote.ice)
        self._commit(sections, remote)
        return self._describe(sections, generation, self._dtls.setup_role)

    async def add_candidates(self, ufrag: str, candidates: Sequence[IceCandidate], complete: bool) -> None:
        for candidate in candidates:
            parsed = parse_candidate(candidate.candidate)
            if parsed is not None:
                self._ice.add_remote_candidate(ufrag, parsed)

    def restart_ice(self, ice_servers: Sequence[IceServer] | None = None) -> None:
        if ice_servers is not None:
            self._ice.use_servers(tuple(ice_servers))
        self._restarts.wanted += 1

    def verify_path(self) -> None:
        self._ice.verify()

    def drop_path(self, seconds: float) -> None:
        self._ice.drop_path(seconds)

    def add_sender(self, kind: MediaKind, track_id: str) -> Sender:
        return self._flow.add_sender(kind, track_id)

    def remove_sender(self, sender: Sender) -> None:
        self._flow.remove_sender(sender)

    def refuse(self, track_ids: Collection[str]) -> None:
        self._unwanted = frozenset(track_ids)

    def open_data_channel(
        self,
        label: str,
        ordered: bool = True,
        max_retransmits: int | None = None,
        max_packet_life_time: int | None = None,
    ) -> DataChannel:
        if self._release_task is not None:
            return ClosedChannel(label, ordered, max_retransmits, max_packet_life_time)
        return PeerDataChannel.opened_by_us(
            self._data_transport(),
            label,
            ordered=ordered,
            max_retransmits=max_retransmits,
            max_packet_life_time=max_packet_life_time,
            deliver=self._deliver,
        )

    def stats(self) -> ConnectionStats:
        local, remote = self._ice.ends() or (None, None)
        return ConnectionStats(
            ice_state=self._ice.state,
            dtls_state=cast(DtlsState, self._dtls.state),
            local=local,
            remote=remote,
            round_trip_time=self._ice.round_trip_time,
            bytes_sent=self._ice.bytes_sent,
            bytes_received=self._ice.bytes_received,
            packets_sent=self._ice.packets_sent,
            packets_received=self._ice.packets_received,
            available_outgoing_bitrate=self._router.allowed_bitrate,
            ice_restarts=self._ice.restarts,
            media_stalls=self._flow.stalls.count,
        )

    async def close(self) -> None:
        self._is_muted = True
        await asyncio.shield(self._release())

    # Negotiation.

    async def _gathered(self, generation: Generation, code: int) -> None:
        """Wait for its hosts. Raises `MediaError` of this code where it cannot have any; then it is gone."""
        await generation.hosts_gathered.wait()
        self._check_open(code)
        if generation.failure is not None:
            self._restarts.give_up(generation)
            raise _no_socket(code, generation.failure) from generation.failure

    def _check_transport(self, remote: RemoteDescription) -> None:
        """DTLS is set up once; a restart changes the path only. Raises `ValueError`."""
        if self._remote is not None and _fingerprints(remote) != _fingerprints(self._remote):
            raise ValueError("the other side has another certificate now")

    def _take_candidates(self, remote: RemoteDescription) -> None:
        for candidate in remote.candidates:
            self._ice.add_remote_candidate(remote.ice.ufrag, candidate)

    def _describe(self, sections: tuple[Section, ...], generation: Generation, dtls_role: str) -> str:
        transport = LocalTransport(
            ufrag=generation.local_username,
            password=generation.local_password,
            candidates=tuple(generation.local_candidates),
            all_gathered=generation.all_gathered,
            fingerprints=tuple(
                fingerprint
                for fingerprint in self._dtls.getLocalParameters().fingerprints
                if fingerprint.algorithm == "sha-256"
            ),
            dtls_role=dtls_role,
            cname=self._flow.cname,
            session_id=self._session_id,
        )
        return write_description(sections, transport, self._style, next(self._versions))

    def _commit(self, sections: tuple[Section, ...], remote: RemoteDescription) -> None:
        """Both sides have agreed; nothing fails from here on."""
        is_first = self._remote is None
        self._sections, self._remote = sections, remote
        self._used_mids.update(section.mid for section in sections)
        self._flow.agreed(sections)
        if any(section.kind == "application" and not section.is_refused for section in sections):
            self._data_transport()
        if is_first:
            self._tasks.start(self._connect(remote))
        elif self._dtls.is_connected:
            self._start_flow()

    # Flow.

    async def _connect(self, remote: RemoteDescription) -> None:
        await self._ice.connected.wait()
        self._deliver(PathFound())
        try:
            await self._dtls.start(RTCDtlsParameters(fingerprints=list(remote.fingerprints)))
        except Exception:
            _logger.exception("The DTLS handshake failed")
        if self._dtls.is_connected:
            self._deliver(DtlsConnected())
            self._ice.secured()
            self._tasks.start(self._flow.report())
            self._start_flow()
        else:
            self._deliver(DtlsFailed())

    def _start_flow(self) -> None:
        assert self._remote is not None
        self._flow.start()
        agreed = any(section.kind == "application" and not section.is_refused for section in self._sections)
        if self._sctp is not None and agreed and not self._sctp_started:
            self._sctp_started = True
            self._tasks.start(self._sctp.start(self._remote.sctp_capabilities, self._remote.sctp_port))

    def _data_transport(self) -> SctpTransport:
        if self._sctp is None:
            self._sctp = SctpTransport(self._dtls)
            self._sctp.on("datachannel", self._channel_opened)
        return self._sctp

    def _channel_opened(self, channel: RTCDataChannel) -> None:
        PeerDataChannel(channel, is_local=False, deliver=self._deliver)

    def _tell_candidates(self, generation: Generation) -> None:
        mids = (
            (index, section.mid) for index, section in enumerate(self._sections) if not section.is_refused
        )
        index, mid = next(mids, (0, None))
        candidates = tuple(
            IceCandidate(candidate_text(candidate), mid=mid, mline_index=index)
            for candidate in generation.local_candidates
        )
        self._deliver(LocalCandidates(generation.local_username, candidates, generation.all_gathered))

    def _path_changed(self) -> None:
        self._flow.path_changed()

    # The end.

    def _dtls_state_changed(self) -> None:
        """The other side said close-notify, or the pump broke: there is nothing left to restart.

        A pump that was cancelled is our own doing, or the end of the event loop.
        """
        pump = asyncio.current_task()
        if self._dtls.state == "closed" and pump is not None and not pump.cancelling():
            self._release()

    def _release(self) -> asyncio.Task[None]:
        if self._release_task is None:
            self._release_task = asyncio.get_running_loop().create_task(self._release_all())
        return self._release_task

    async def _release_all(self) -> None:
        self._flow.end()
        await self._tasks.cancel()
        if self._sctp is not None:
            await self._sctp.stop()
        await self._dtls.end()
        await self._ice.close()
        self._deliver(IceStateChanged(IceState.CLOSED))

    def _deliver(self, event: PeerEvent) -> None:
        if self._is_muted:
            return
        try:
            self._deliver_event(event)
        except Exception:
            _logger.exception("The taker of peer events failed")

    def _check_open(self, code: int) -> None:
        if self._release_task is not None:
            raise error(code, explanation="The peer connection is closed.")


def _fingerprints(remote: RemoteDescription) -> set[tuple[str, str]]:
    return {(f.algorithm.lower(), f.value.upper()) for f in remote.fingerprints}


def _no_socket(code: int, failure: OSError) -> VideoError:
    _logger.info("No socket can be opened for media: %s", failure)
    words = failure.strerror or str(failure)
    return error(code, explanation=f"No socket can be opened for media: {words}.")


def _not_applicable(reason: ValueError) -> VideoError:
    _logger.warning("A description of the other side cannot be applied: %s", reason)
    return error(53402, explanation=f"The other side's media description cannot be used: {reason}.")
