"""ICE that can be restarted, and that notices when the path dies.

aioice gives up a connection for good and cannot restart it. So an `IceTransport` holds *generations*, each an
`aioice.Connection` with its own credentials and sockets. A restart adds one; when it connects, it takes over,
and the old one is closed a moment later. DTLS above sees one transport that never fails.

The path is `CONNECTED` only when DTLS is up as well: before that, no media can pass, however well ICE does.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import aioice

from videocli.media.aiortc_inside.endpoint import COMPONENT
from videocli.media.aiortc_inside.generation import GatherFrom, Generation, IceTiming
from videocli.media.aiortc_inside.tasks import BackgroundTasks
from videocli.media.peer import IceServer, IceState, PathEnd
from videocli.media.silence import Silences

_logger = logging.getLogger(__name__)

_QUEUED_DATAGRAMS = 4096
_STORED_UFRAGS = 8
_STORED_CANDIDATES = 50
"""Of one ufrag; each costs a check over the whole list, so more of them are left out."""


@dataclass(frozen=True, slots=True)
class RemoteIce:
    """What a description says of the other side's ICE agent."""

    ufrag: str
    password: str
    is_lite: bool


class IceTransport:
    """The one media path of a peer connection; DTLS uses it by `Flights`."""

    def __init__(
        self,
        gather_from: GatherFrom,
        timing: IceTiming,
        *,
        on_gathered: Callable[[Generation], None],
        on_state: Callable[[IceState], None],
        on_new_path: Callable[[], None],
        on_verified: Callable[[], None],
        is_unheard: Callable[[], bool],
    ) -> None:
        self.timing = timing
        self._gather_from = gather_from
        self._on_gathered = on_gathered
        self._on_state = on_state
        self._on_new_path = on_new_path
        self._on_verified = on_verified
        self.is_unheard = is_unheard
        self._unverified_since: float | None = None
        self._tasks = BackgroundTasks()
        self._datagrams: asyncio.Queue[bytes] = asyncio.Queue(_QUEUED_DATAGRAMS)
        self._generations: set[Generation] = set()
        self._active: Generation | None = None
        self._pending: Generation | None = None
        self._remote_candidates: dict[str, list[aioice.Candidate]] = {}
        self._closed = False
        self.state = IceState.NEW
        self.take_media: Callable[[bytes], bool] = lambda data: False
        """Takes a datagram of media past the queue; False: it is for whoever fetches it."""
        self.bytes_sent = self.packets_sent = self.bytes_received = self.packets_received = 0
        self.silences = Silences()
        self.restarts = 0
        """Generations that were agreed on after the first."""
        self.connected = asyncio.Event()
        """Set once the first generation is connected."""
        self._dropped_until = 0.0
        """Until when paths are lost on purpose, on the loop's clock."""
        self._is_secured = False
        self._is_handshake_overdue = False
        self._handshake_timer: asyncio.TimerHandle | None = None

    @property
    def latest(self) -> Generation | None:
        """The newest generation that the other side knows of."""
        return self._pending or self._active

    @property
    def role(self) -> str:
        """`controlling` or `controlled` (RFC 8445, 6.1.1)."""
        return "controlling" if self._active is not None and self._active.ice_controlling else "controlled"

    @property
    def round_trip_time(self) -> float | None:
        """Seconds, of the path in use."""
        return self._active.round_trip_time if self._active is not None else None

    def ends(self) -> tuple[PathEnd, PathEnd] | None:
        """The candidate pair in use, ours first."""
        pair = self._active.pair if self._active is not None else None
        return None if pair is None else (_path_end(pair.local_candidate), _path_end(pair.remote_candidate))

    def use_servers(self, servers: tuple[IceServer, ...]) -> None:
        """Ask these STUN and TURN servers from the next generation on."""
        self._gather_from = replace(self._gather_from, servers=servers)

    def new_generation(self, *, controlling: bool) -> Generation:
        """Make a generation and begin to gather for it."""
        generation = Generation(self, self._gather_from, controlling=controlling)
        self._generations.add(generation)
        generation.gathering = self._tasks.start(generation.gather())
        return generation

    def discard(self, generation: Generation) -> None:
        """Close a generation that is not needed any more."""
        self._tasks.start(self._end(generation))

    def negotiated(self, generation: Generation, remote: RemoteIce) -> None:
        """Both sides' credentials are known: connect, and take over from an older generation then."""
        generation.remote_username = remote.ufrag
        generation.remote_password = remote.password
        generation.remote_is_lite = remote.is_lite
        if self._active is None:
            self._active = generation
        else:
            if self._pending is not None:
                self.discard(self._pending)
            self._pending = generation
            self.restarts += 1
        for candidate in self._remote_candidates.get(remote.ufrag, ()):
            self._tasks.start(self._add_candidate(generation, candidate))
        generation.timer = asyncio.get_running_loop().call_later(
            self.timing.connect_timeout, self._connect_overdue, generation
        )
        self._tasks.start(self._connect(generation))
        self.path_changed()

    def add_remote_candidate(self, ufrag: str, candidate: aioice.Candidate) -> None:
        """Add a candidate now, or when its ufrag comes."""
        if self._closed:
            return
        stored = self._remote_candidates.setdefault(ufrag, [])
        if candidate in stored or len(stored) >= _STORED_CANDIDATES:
            return
        stored.append(candidate)
        in_use = {generation.remote_username for generation in self._generations}
        unused = [known for known in self._remote_candidates if known not in in_use and known != ufrag]
        for known in unused[: max(len(self._remote_candidates) - _STORED_UFRAGS, 0)]:
            del self._remote_candidates[known]
        for generation in self._generations:
            if generation.remote_username == ufrag:
                self._tasks.start(self._add_candidate(generation, candidate))

    def gathered(self, generation: Generation) -> None:
        """Called by a generation that has found candidates."""
        if not self._closed:
            self._on_gathered(generation)

    def datagram_received(self, data: bytes, now: float) -> None:
        """Called by a generation; what nobody fetches is dropped at last."""
        self.silences.media(now)
        self.packets_received += 1
        self.bytes_received += len(data)
        if not self.take_media(data) and not self._datagrams.full():
            self._datagrams.put_nowait(data)

    async def fetch(self) -> bytes:
        """The next datagram that is no media."""
        return await self._datagrams.get()

    def path_changed(self) -> None:
        """Work the state out anew and tell of a change."""
        state = self._compute_state()
        if state is not self.state and self.state is not IceState.CLOSED:
            self.state = state
            self._on_state(state)

    def secured(self) -> None:
        """The DTLS handshake is done, for good."""
        self._is_secured = True
        self._stop_handshake_timer()
        self.path_changed()

    def verify(self) -> None:
        """Ask at once whether the path in use is alive; `on_verified` is called with the answer."""
        self._unverified_since = asyncio.get_running_loop().time()
        if self._active is not None:
            self._active.ask_at_once()

    def path_asked(self, generation: Generation, due_at: float) -> None:
        """Called by a generation: a request is made that was due then (loop's clock)."""
        if generation is self._active:
            self.silences.expect(due_at)

    def path_answered(self, generation: Generation, asked_at: float) -> None:
        """Called by a generation: a request of that time (loop's clock) was answered."""
        self.silences.answer(asyncio.get_running_loop().time(), asked_at)
        since = self._unverified_since
        is_awaited = since is not None and asked_at >= since
        if is_awaited and generation is self._active and self._is_secured:
            self._unverified_since = None
            self._on_verified()

    def send_now(self, data: bytes) -> None:
        if self._active is not None:
            self.packets_sent += 1
            self.bytes_sent += len(data)
            self._active.send_now(data)

    def drop_path(self, seconds: float) -> None:
        """Lose the path in use for good, and for so long every newer one before it connects."""
        self._dropped_until = asyncio.get_running_loop().time() + seconds
        if self._active is not None:
            self._active.lose_sockets()

    async def close(self) -> None:
        """Close every socket, end every task. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self.state = IceState.CLOSED
        await asyncio.gather(*map(self._end, self._generations))
        await self._tasks.cancel()
        self._stop_handshake_timer()

    def _compute_state(self) -> IceState:
        if self._closed:
            return IceState.CLOSED
        if self._active is None:
            return IceState.NEW
        if self._active.connected and not self._active.suspect:
            if self._is_secured:
                return IceState.CONNECTED
            return IceState.FAILED if self._is_handshake_overdue else IceState.CHECKING
        newest = self._pending or self._active
        if not newest.connected and not newest.overdue:
            return IceState.CHECKING
        return IceState.FAILED

    def _connect_overdue(self, generation: Generation) -> None:
        generation.overdue = True
        self.path_changed()

    def _handshake_overdue(self) -> None:
        self._is_handshake_overdue = True
        self.path_changed()

    def _stop_handshake_timer(self) -> None:
        if self._handshake_timer is not None:
            self._handshake_timer.cancel()

    async def _connect(self, generation: Generation) -> None:
        """End of candidates is never told to aioice, so that it tries on until it is closed."""
        await generation.hosts_gathered.wait()
        if asyncio.get_running_loop().time() < self._dropped_until:
            generation.lose_sockets()
            return
        try:
            await generation.connect()
        except ConnectionError:
            return
        if generation.timer is not None:
            generation.timer.cancel()
        generation.connected = True
        if generation is self._pending:
            replaced, self._active, self._pending = self._active, generation, None
            self._on_new_path()
            if replaced is not None:
                self._tasks.start(self._discard_later(replaced))
        if not self.connected.is_set():
            self.connected.set()
            self._handshake_timer = asyncio.get_running_loop().call_later(
                self.timing.connect_timeout, self._handshake_overdue
            )
        self.path_changed()
        self.path_answered(generation, asyncio.get_running_loop().time())

    async def _discard_later(self, generation: Generation) -> None:
        await asyncio.sleep(self.timing.linger)
        await self._end(generation)

    async def _end(self, generation: Generation) -> None:
        await generation.end()
        self._generations.discard(generation)

    async def _add_candidate(self, generation: Generation, candidate: aioice.Candidate) -> None:
        """Resolving an mDNS name takes a while, and fails where multicast does."""
        try:
            await generation.add_remote_candidate(candidate)
        except (OSError, ValueError) as error:
            _logger.info("Left out a remote candidate: %s", error)


def parse_candidate(text: str) -> aioice.Candidate | None:
    """The candidate of an SDP attribute, or None for one we cannot use: not UDP, or of component 2 (RTCP)."""
    try:
        candidate = aioice.Candidate.from_sdp(text.removeprefix("a=").removeprefix("candidate:"))
    except (ValueError, IndexError):
        return None
    is_usable = candidate.component == COMPONENT and candidate.transport.lower() == "udp"
    return candidate if is_usable and 0 < candidate.port < 65536 else None


def _path_end(candidate: aioice.Candidate) -> PathEnd:
    return PathEnd(candidate.type, candidate.host, candidate.port, candidate.transport.lower())


def candidate_text(candidate: aioice.Candidate) -> str:
    """A local candidate as an SDP attribute (RFC 8839, 5.1)."""
    return f"candidate:{candidate.to_sdp()}"
