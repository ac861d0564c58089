"""A session whose progress can be watched: what passes between it and the world marks the steps."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.engine.session import JoinConfig, Session
from videocli.errors import VideoError, error
from videocli.media import peer as mp
from videocli.outside import MessageTransport, Outside
from videocli.preflight.steps import Step
from videocli.protocol.fields import ProtocolError
from videocli.protocol.tcmp import Welcome, decode


@dataclass(slots=True)
class _Mark:
    """Whether a step is done, and when."""

    done: asyncio.Event = field(default_factory=asyncio.Event)
    at: float = 0.0
    detail: str = ""
    error: VideoError | None = None


class WatchedSession:
    """A session in a task of its own, from now on; every step is marked when it is done."""

    def __init__(self, config: JoinConfig, outside: Outside, on_event: Callable[[ev.Event], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._outside = outside
        self._on_event = on_event
        self._marks = {step: _Mark() for step in Step}
        self.ice_servers: tuple[mp.IceServer, ...] = ()
        self.candidate_types: tuple[str, ...] = ()
        """One for each local candidate: host, srflx, relay (RFC 8839 section 5.1)."""
        watched = replace(outside, dial=self._dial, make_peer=self._make_peer)
        self._session = Session(config, watched, self._handle)
        self._task = asyncio.create_task(self._session.run(), name="watched session")

    async def wait(self, step: Step) -> float:
        """When the step was done, on the loop's clock.

        Raises why it failed, or why the session ended before.
        """
        mark = self._marks[step]
        waiting = asyncio.create_task(mark.done.wait())
        try:
            await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if mark.error is not None:
            raise mark.error
        if mark.done.is_set():
            return mark.at
        raise self._task.result() or error(53001)

    def done_at(self, step: Step) -> float | None:
        """When the step was done; None: not yet."""
        mark = self._marks[step]
        return mark.at if mark.done.is_set() else None

    def mark(self, step: Step, failure: VideoError | None = None) -> None:
        """The step is done, or has failed; what happens first counts."""
        mark = self._marks[step]
        if not mark.done.is_set():
            mark.at, mark.error = self._loop.time(), failure
            mark.done.set()

    async def ended(self) -> None:
        """Wait until the session has ended by itself. Raises why."""
        await asyncio.wait({self._task})
        raise self._task.result() or error(53001)

    async def leave(self) -> None:
        """Leave the room, within the session's grace period. Raises only for our own faults."""
        self._session.post(cmd.Disconnect())
        await asyncio.wait({self._task})
        self._task.result()

    async def _dial(self, url: str) -> MessageTransport:
        transport = await self._outside.dial(url)
        self.mark(Step.WEBSOCKET)
        return _WatchedTransport(transport, self._received)

    def _received(self, text: str) -> None:
        if self.done_at(Step.HELLO) is None:
            try:
                message = decode(text)
            except ProtocolError:
                return
            if isinstance(message, Welcome):
                self.mark(Step.HELLO)

    def _make_peer(self, config: mp.PeerConfig, deliver: Callable[[mp.PeerEvent], None]) -> mp.PeerConnection:
        self.ice_servers = config.ice_servers
        self.mark(Step.ICE_SERVERS)

        def watch(event: mp.PeerEvent) -> None:
            self._handle_peer(event)
            deliver(event)

        return self._outside.make_peer(config, watch)

    def _handle_peer(self, event: mp.PeerEvent) -> None:
        match event:
            case mp.LocalCandidates(_, candidates, is_complete):
                self.candidate_types = tuple(_type(each.candidate) for each in candidates)
                if candidates:
                    self.mark(Step.GATHERING)
                if is_complete:
                    self.mark(Step.STUN_TURN)
                    self.mark(Step.GATHERING, None if candidates else _no_address())
            case mp.PathFound():
                self.mark(Step.ICE)
            case mp.IceStateChanged(mp.IceState.FAILED):
                self.mark(Step.ICE, error(53405))
            case mp.DtlsConnected():
                self.mark(Step.DTLS)
            case mp.DtlsFailed():
                self.mark(Step.DTLS, error(53407))
            case _:
                pass

    def _handle(self, occurrence: ev.Occurrence) -> None:
        if isinstance(occurrence.event, ev.Connected):
            self.mark(Step.ROOM)
        self._on_event(occurrence.event)


class _WatchedTransport:
    """A `MessageTransport` that shows what comes in."""

    def __init__(self, transport: MessageTransport, show: Callable[[str], None]) -> None:
        self._transport = transport
        self._show = show
        self.send = transport.send
        self.close = transport.close
        self.is_stale = transport.is_stale

    async def receive(self) -> str:
        """The next message. Raises `TransportClosed`."""
        text = await self._transport.receive()
        self._show(text)
        return text


def _type(candidate: str) -> str:
    words = candidate.split()
    return words[words.index("typ") + 1] if "typ" in words[:-1] else "unknown"


def _no_address() -> VideoError:
    words = "This machine has no address that media could use. Connect it to a network."
    return error(53405, explanation=words)
