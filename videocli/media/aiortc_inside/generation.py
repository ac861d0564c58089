"""One ICE generation: credentials, sockets, candidates, and the watch over the path."""

import asyncio
import contextlib
import errno
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import aioice
import aioice.ice
from aioice import stun
from aiortc import RTCIceServer
from aiortc.rtcicetransport import connection_kwargs

from videocli.addresses import is_local
from videocli.media.aiortc_inside.asking import Asking
from videocli.media.aiortc_inside.consent import Consent
from videocli.media.aiortc_inside.endpoint import COMPONENT, Endpoint, is_open, open_endpoint
from videocli.media.peer import IceServer

_logger = logging.getLogger(__name__)

_STUN_TIMEOUT = 5.0
_TURN_TIMEOUT = 10.0
_CLOSE_TIMEOUT = 2.0
_LOOPBACK = "127.0.0.1"
_TIMES_ASKED = 2
"""Within one wait for consent: two lost datagrams are not worth a miss."""
_CHECK_SECONDS = 0.02
_CLOCK_SECONDS = 0.001
"""How exact the loop's clock is; to wait for less is to spin."""
_SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""Of these a socket cannot be opened at whatever address (POSIX, socket)."""
_UNCHECKED = (aioice.ice.CandidatePair.State.WAITING, aioice.ice.CandidatePair.State.FROZEN)


@dataclass(frozen=True, slots=True)
class IceTiming:
    """When a path counts as dead, in seconds."""

    consent_interval: float = 1.0
    """Between two requests for consent (RFC 7675) while they are answered; varied by a fifth."""
    consent_reply: float = 0.5
    """How long to wait for an answer before the next request; it still counts when it comes later.

    Longer where the round trip is longer than a second (`Consent.patience`).
    """
    consent_misses: int = 4
    """So many such waits in a row without an answer, and nothing else received: the path is dead.

    Also if something is received, but the far end says that it hears nothing (`hearing.py`).
    """
    one_way: float = 10.0
    """Requests unanswered for so long, whatever else is received: the path is dead in our direction.

    Long, since a far end that is merely short of processor time answers late, too.
    """
    address_interval: float = 0.25
    """How often to look whether this machine still has the address that we send from."""
    connect_timeout: float = 15.0
    """A generation that is not connected by then has failed, though it goes on trying."""
    linger: float = 1.0
    """How long an old generation still receives after a new one took over."""


@dataclass(frozen=True, slots=True)
class GatherFrom:
    """Where candidates come from."""

    addresses: tuple[str, ...] | None
    """Local addresses; None: every one but loopback."""
    with_loopback: bool
    servers: tuple[IceServer, ...]


class GenerationOwner(Protocol):
    """What a generation tells of itself."""

    timing: IceTiming
    is_unheard: Callable[[], bool]
    """Whether the other side says that what we send does not come."""

    def gathered(self, generation: "Generation") -> None:
        """More candidates were found, or the last."""

    def datagram_received(self, data: bytes, now: float) -> None:
        """Something came that is not STUN."""

    def path_changed(self) -> None:
        """The path does not answer any more, or answers again."""

    def path_asked(self, generation: "Generation", due_at: float) -> None:
        """A request for consent is made that was due then (loop's clock)."""

    def path_answered(self, generation: "Generation", asked_at: float) -> None:
        """A request for consent that was made then (loop's clock) was answered."""


class Generation(aioice.Connection):
    """One set of credentials, sockets and candidates."""

    def __init__(self, owner: GenerationOwner, gather_from: GatherFrom, *, controlling: bool) -> None:
        super().__init__(ice_controlling=controlling)
        self._owner = owner
        self._gather_from = gather_from
        self._time = asyncio.get_running_loop().time
        """Kept, since to ask for the loop is a system call (before Python 3.12), and datagrams are many."""
        self.heard_at: float | None = None
        """When something last came over the path, on the loop's clock."""
        self.round_trip_time: float | None = None
        """Seconds, of the latest request for consent that was answered."""
        self.hosts_gathered = asyncio.Event()
        self.failure: OSError | None = None
        """Why no socket could be opened; set, if at all, once hosts are gathered."""
        self.all_gathered = False
        self.connected = False
        self._is_ended = False
        self._stirred = asyncio.Event()
        """Set when there is a new pair to check, and when the checks are over."""
        self.suspect = False
        """Connected once, but the path does not answer any more."""
        self.overdue = False
        """Not connected in time."""
        self._asking = Asking(self._answer_came)
        self._answered = asyncio.Event()
        """Set by an answer to any request for consent."""
        self._hurried = asyncio.Event()
        """Set to ask now rather than when the interval is over."""
        self.timer: asyncio.TimerHandle | None = None
        self.gathering: asyncio.Task[None] | None = None

    async def gather(self) -> None:
        """Gather host candidates at once, then ask the servers for more."""
        try:
            await self.gather_candidates()
        except OSError as failure:
            self.failure = failure
            return
        finally:
            self.hosts_gathered.set()
        arguments = _server_arguments(self._gather_from.servers)
        self.all_gathered = not arguments
        self._owner.gathered(self)
        if arguments:
            await asyncio.gather(self._ask_stun(arguments), self._ask_turn(arguments))
            self.all_gathered = True
            self._owner.gathered(self)

    async def connect(self) -> None:
        """As aioice's, which looks only every 20 ms whether there is a pair to check, or one is nominated.

        On a near path that takes longer than the rest of connecting. Here both are seen at once; between two
        checks there are 20 ms all the same (Ta, RFC 8445 section 14.2). Raises `ConnectionError`.
        """
        for candidate in self._remote_candidates:
            self._pair_remote_candidate(candidate)
        self.sort_check_list()
        self._unfreeze_initial()
        for early in self._early_checks:
            self.check_incoming(*early)
        self._early_checks.clear()
        self._early_checks_done = True
        while True:
            begins_one = any(pair.state in _UNCHECKED for pair in self._check_list)
            if not self._check_periodic():
                break
            await self._until_stirred(begins_one)
        state = await self._check_list_state.get() if self._check_list else aioice.ice.ICE_FAILED
        for pair in self._check_list:
            if pair.task is not None:
                pair.task.cancel()
        if state != aioice.ice.ICE_COMPLETED:
            raise ConnectionError("ICE negotiation failed")
        self._query_consent_task = asyncio.create_task(self.query_consent())

    async def _until_stirred(self, is_pacing: bool) -> None:
        """Wait 20 ms, or until the checks are over; or, unless we are pacing, until there is a new pair."""
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                while True:
                    self._stirred.clear()
                    await self._stirred.wait()
                    if self._check_list_done or not is_pacing:
                        return
        except TimeoutError:
            return

    def check_complete(self, pair: aioice.ice.CandidatePair) -> None:
        """A check succeeded or failed; perhaps it was the last."""
        super().check_complete(pair)
        self._stirred.set()

    def sort_check_list(self) -> None:
        """There may be a new pair."""
        super().sort_check_list()
        self._stirred.set()

    async def get_component_candidates(
        self,
        component: int,
        addresses: list[str],
        timeout: int = 5,  # noqa: ASYNC109  # aioice's signature
    ) -> list[aioice.Candidate]:
        """aioice offers every address but 127.0.0.1; take those we are told instead.

        Raises `OSError` where there is none for want of sockets, and not of addresses.
        """
        chosen = list(addresses if self._gather_from.addresses is None else self._gather_from.addresses)
        if self._gather_from.with_loopback and _LOOPBACK not in chosen:
            chosen.append(_LOOPBACK)
        candidates, shortage = [], None
        for address in chosen:
            try:
                endpoint = await open_endpoint(self, address)
            except OSError as failure:
                _logger.info("No candidate at %s: %s", address, failure)
                shortage = failure if failure.errno in _SHORTAGES else shortage
                continue
            self._protocols.append(endpoint)
            candidates.append(endpoint.local_candidate)
        if shortage is not None and not candidates:
            raise shortage
        return candidates

    async def _ask_stun(self, arguments: dict[str, Any]) -> None:
        if "stun_server" not in arguments:
            return
        hosts = [protocol for protocol in self._protocols if ":" not in protocol.local_candidate.host]
        await asyncio.gather(*(self._ask_stun_from(host, arguments["stun_server"]) for host in hosts))

    async def _ask_stun_from(self, host: aioice.ice.StunProtocol, server: tuple[str, int]) -> None:
        try:
            async with asyncio.timeout(_STUN_TIMEOUT):
                candidate, _ = await aioice.ice.server_reflexive_candidate(host, server)
        except (OSError, stun.TransactionError) as error:
            _logger.info("No candidate from the STUN server: %s", error or type(error).__name__)
            return
        self._local_candidates.append(candidate)
        self._owner.gathered(self)

    async def _ask_turn(self, arguments: dict[str, Any]) -> None:
        if "turn_server" not in arguments:
            return
        turn_arguments = {name: value for name, value in arguments.items() if name.startswith("turn_")}
        try:
            async with asyncio.timeout(_TURN_TIMEOUT):
                candidate, protocol = await aioice.ice.relayed_candidate(
                    component=COMPONENT,
                    hide_related_address=False,
                    protocol_factory=lambda: Endpoint(self),
                    **turn_arguments,
                )
        except (OSError, ValueError, stun.TransactionError) as error:
            _logger.info("No candidate from the TURN server: %s", error or type(error).__name__)
            return
        self._protocols.append(protocol)
        self._local_candidates.append(candidate)
        for remote in self._remote_candidates:
            self._pair_remote_candidate(remote)
        self.sort_check_list()
        self._owner.gathered(self)

    async def end(self) -> None:
        """Close all sockets, without waiting long for a TURN server that does not answer.

        Gathering of hosts is not interrupted: aioice would lose the sockets opened so far.
        """
        self._is_ended = True
        self._asking.end()
        if self.timer is not None:
            self.timer.cancel()
        if self.gathering is not None:
            await self.hosts_gathered.wait()
            self.gathering.cancel()
            await asyncio.wait({self.gathering})
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await self.close()
        except TimeoutError:
            _logger.info("A TURN server did not answer when its allocation was deleted")

    def data_received(self, data: bytes, component: int) -> None:
        """aioice hands over what is not STUN."""
        now = self.heard_at = self._time()
        if data:
            self._owner.datagram_received(data, now)

    def protocol_lost(self, protocol: aioice.ice.StunProtocol) -> None:
        """A lost socket is noticed by the consent watch."""

    @property
    def pair(self) -> aioice.ice.CandidatePair | None:
        """The candidate pair in use."""
        return self._nominated.get(COMPONENT)

    def send_now(self, data: bytes) -> None:
        """Send over the nominated pair; without one the datagram is lost, as on any bad path."""
        pair = self._nominated.get(COMPONENT)
        if pair is not None and is_open(pair.protocol):
            pair.protocol.transport.sendto(data, pair.remote_addr)

    def lose_sockets(self) -> None:
        """Let the network fail here; the consent watch notices as it would with any that does.

        Before it connects it never will. Nothing more is gathered: there is nothing left to ask servers from.
        """
        if self.gathering is not None:
            self.gathering.cancel()
        for protocol in self._protocols:
            protocol.transport.close()

    async def query_consent(self) -> None:
        """Ask for consent as long as this generation lives, and report when the answer changes.

        aioice starts this when a connection comes up, be it while it is being closed.
        """
        timing = self._owner.timing
        loop = asyncio.get_running_loop()
        consent = Consent(timing.consent_reply, timing.consent_misses, timing.one_way)
        due_at = loop.time()
        while not self._is_ended:
            if not consent.is_awaited and self.round_trip_time is not None:
                due_at = loop.time() + timing.consent_interval * random.uniform(0.8, 1.2)
                await self._pause(due_at)
            if not self._has_address():
                consent.address_lost(loop.time())
                self._set_suspect(True)
                await asyncio.sleep(timing.address_interval)
                continue
            asked_at = loop.time()
            self._owner.path_asked(self, min(due_at, asked_at))
            patience = consent.patience(self.round_trip_time)
            if await self._is_answered(patience):
                consent.answered()
            else:
                is_heard = self.heard_at is not None and self.heard_at >= asked_at
                consent.unanswered(asked_at, loop.time(), patience, is_heard=is_heard)
            self._set_suspect(consent.is_dead(loop.time(), is_unheard=self._owner.is_unheard()))

    def _set_suspect(self, suspect: bool) -> None:
        if suspect != self.suspect:
            self.suspect = suspect
            self._owner.path_changed()

    def ask_at_once(self) -> None:
        """Do not wait for the interval to be over before the next request for consent."""
        self._hurried.set()

    async def _pause(self, ends_at: float) -> None:
        """Sleep, but no longer than nobody is in a hurry and this machine has the address."""
        loop = asyncio.get_running_loop()
        while (left := ends_at - loop.time()) > _CLOCK_SECONDS and self._has_address():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, self._owner.timing.address_interval)):
                    await self._hurried.wait()
                    break
        self._hurried.clear()

    def _has_address(self) -> bool:
        """Whether this machine has the address that we send from; an interface that goes takes it along."""
        pair = self._nominated.get(COMPONENT)
        candidate = pair.local_candidate if pair is not None else None
        return candidate is None or candidate.type != "host" or is_local(candidate.host)

    async def _is_answered(self, within: float) -> bool:
        """Ask, ask again half-way, and wait; an answer to an earlier request counts, too."""
        self._answered.clear()
        for _ in range(_TIMES_ASKED):
            self._ask()
            try:
                async with asyncio.timeout(within / _TIMES_ASKED):
                    await self._answered.wait()
            except TimeoutError:
                continue
            return True
        return False

    def _ask(self) -> None:
        pair = self._nominated.get(COMPONENT)
        if pair is not None and self.remote_password is not None and is_open(pair.protocol):
            request = self.build_request(pair, nominate=False)
            self._asking.ask(pair.protocol, pair.remote_addr, request, self.remote_password.encode())

    def _answer_came(self, asked_at: float) -> None:
        self.heard_at = self._time()
        self.round_trip_time = self.heard_at - asked_at
        self._answered.set()
        self._owner.path_answered(self, asked_at)


def _server_arguments(servers: Sequence[IceServer]) -> dict[str, Any]:
    """aioice's arguments for the first usable STUN and TURN servers; it takes one of each."""
    usable = []
    for server in servers:
        entry = RTCIceServer(urls=list(server.urls), username=server.username, credential=server.credential)
        try:
            connection_kwargs([entry])
        except ValueError:
            _logger.warning("Left out an ICE server whose URL is malformed: %s", ", ".join(server.urls))
        else:
            usable.append(entry)
    return connection_kwargs(usable)
