"""The preflight itself: reach for the server, join, let media flow both ways, and measure it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from videocli.engine import events as ev
from videocli.engine.session import JoinConfig, NamedSource
from videocli.engine.signaling.backend import SignalingConfig, TokenSource
from videocli.errors import VideoError
from videocli.media.peer import PeerConfig
from videocli.outside import Outside
from videocli.preflight import reach
from videocli.preflight.quality import Sampler
from videocli.preflight.steps import Log, Report, Status, Step, StepResult, took_too_long
from videocli.preflight.watching import WatchedSession

STATS_SECONDS = 0.25
"""How often the counters are sampled."""

_JOINING = (
    (Step.WEBSOCKET, None),
    (Step.HELLO, Step.WEBSOCKET),
    (Step.ICE_SERVERS, Step.HELLO),
    (Step.GATHERING, Step.ICE_SERVERS),
    (Step.STUN_TURN, Step.ICE_SERVERS),
    (Step.ROOM, Step.GATHERING),
    (Step.ICE, Step.ROOM),
    (Step.DTLS, Step.ICE),
)
"""Steps of joining, and the one from whose end their time counts."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Guest:
    """A participant of the test: who it is, and what it publishes."""

    token: TokenSource
    media: Sequence[NamedSource] = ()


@dataclass(frozen=True, slots=True)
class FlightPlan:
    """What to test, and how long. Times are in seconds."""

    url: str
    room: str
    guest: Guest
    other: Guest | None
    """At the other end of the media; None: with one token there is one participant."""
    gather: PeerConfig
    media_seconds: float
    """How long to measure."""
    step_seconds: float
    """How long each other step may take."""
    why_silent: str = "there is nothing to publish"
    """In words, where the guest publishes nothing."""


class Flight:
    """One preflight. `tell` hears of every step as it ends."""

    def __init__(self, plan: FlightPlan, outside: Outside, tell: Callable[[StepResult], None]) -> None:
        self._plan = plan
        self._outside = outside
        self._loop = asyncio.get_running_loop()
        self._log = Log(plan.url, tell)
        self._sampler: Sampler | None = None
        self._outages = 0
        self._heard: dict[str, set[str | None]] = {"guest": set(), "other": set()}
        """The tracks whose media came in, by SID, at either participant's."""

    async def run(self) -> Report:
        """Take one step after the other until one fails; the report.

        Cancelled, it leaves the room first; `report` then has what there is. Raises only for our own faults.
        """
        try:
            async with AsyncExitStack() as stack:
                await self._reach(stack)
                await self._join(stack)
        except VideoError:
            pass  # it is in the log
        except asyncio.CancelledError:
            self._log.stop()
            raise
        return self.report()

    def report(self) -> Report:
        """What there is so far."""
        return self._log.report()

    async def _reach(self, stack: AsyncExitStack) -> None:
        target = reach.target_of(self._plan.url)
        via = " (a proxy)" if target.is_proxy else ""
        addresses = await self._take(
            Step.DNS, reach.resolve(target), lambda found: f"{', '.join(found)}{via}"
        )
        connection = await self._take(
            Step.TCP, reach.connect(addresses, target.port), lambda made: f"{made.address} port {target.port}"
        )
        stack.callback(connection.close)
        if target.tls_name is None:
            self._log.end(Step.TLS, Status.SKIPPED, detail="in the proxy's tunnel" if via else "none with ws")
        else:
            await self._take(Step.TLS, connection.secure(target.tls_name), str)
        connection.close()

    async def _join(self, stack: AsyncExitStack) -> None:
        plan = self._plan
        joined_at = self._loop.time()
        guest = self._watched("guest", plan.guest)
        stack.push_async_callback(guest.leave)
        for step, after in _JOINING:
            since = joined_at if after is None else guest.done_at(after) or joined_at
            if step is Step.STUN_TURN:
                await self._ask_ice_servers(guest, since)
            else:
                await self._see(step, guest, since, partial(_detail, step, guest))
        sessions = [guest]
        since = self._loop.time()
        if plan.other is not None:
            other = self._watched("other", plan.other)
            stack.push_async_callback(other.leave)
            sessions.append(other)
            await self._see(Step.MEDIA_OUT, other, since, partial(_kinds, plan.guest))
            await self._see(Step.MEDIA_BACK, guest, since, partial(_kinds, plan.other))
        elif plan.guest.media:
            await self._see(
                Step.MEDIA_OUT, guest, since, lambda: f"{_kinds(plan.guest)}, as the server reports"
            )
            self._log.end(Step.MEDIA_BACK, Status.SKIPPED, detail="one token is one participant")
        else:
            self._log.end(Step.MEDIA_OUT, Status.SKIPPED, detail=plan.why_silent)
            self._log.end(Step.MEDIA_BACK, Status.SKIPPED, detail="nobody to send")
            self._log.end(Step.QUALITY, Status.SKIPPED, detail="no media")
            return
        await self._measure(sessions)

    async def _ask_ice_servers(self, guest: WatchedSession, since: float) -> None:
        """STUN and TURN: what follows may get on without them, so they never fail."""
        asked = ", ".join(
            dict.fromkeys(url.partition("?")[0] for each in guest.ice_servers for url in each.urls)
        )
        if not asked:
            self._log.end(Step.STUN_TURN, Status.SKIPPED, detail="the server offers none")
            return
        self._log.begin(Step.STUN_TURN)
        try:
            async with asyncio.timeout(self._plan.step_seconds):
                seconds = await guest.wait(Step.STUN_TURN) - since
        except (TimeoutError, VideoError):  # a session that ended meanwhile says so at the next step
            seconds = self._loop.time() - since
        found = [each for each in guest.candidate_types if each in ("srflx", "relay")]
        if found:
            self._log.end(Step.STUN_TURN, Status.OK, seconds, f"{_counted(found)} from {asked}")
        else:
            self._log.end(Step.STUN_TURN, Status.WARNING, seconds, f"no address from {asked}")

    async def _measure(self, sessions: Sequence[WatchedSession]) -> None:
        self._sampler = Sampler()
        began_at = self._loop.time()
        self._log.begin(Step.QUALITY)
        ends = [asyncio.create_task(session.ended()) for session in sessions]
        try:
            done, _ = await asyncio.wait(
                ends, timeout=self._plan.media_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            for end in done:
                end.result()
        except VideoError as reason:
            self._log.fail(reason, self._loop.time() - began_at)
            raise
        finally:
            self._log.quality = self._sampler.quality()
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
        status = Status.WARNING if self._outages else Status.OK
        detail = f"{self._outages} x reconnecting" if self._outages else ""
        self._log.end(Step.QUALITY, status, self._loop.time() - began_at, detail)

    async def _see(
        self, step: Step, session: WatchedSession, since: float, detail: Callable[[], str]
    ) -> None:
        """See a session take a step; its time counts from `since`."""
        await self._take(step, session.wait(step), lambda at: detail(), lambda at: max(at - since, 0.0))

    async def _take(
        self,
        step: Step,
        work: Awaitable[T],
        detail: Callable[[T], str],
        seconds: Callable[[T], float] | None = None,
    ) -> T:
        """Take a step. Raises `VideoError` when it fails, after taking that down."""
        began_at = self._loop.time()
        self._log.begin(step)
        try:
            async with asyncio.timeout(self._plan.step_seconds):
                value = await work
        except TimeoutError:
            reason = took_too_long(step, self._plan.step_seconds)
            self._log.fail(reason, self._loop.time() - began_at)
            raise reason from None
        except VideoError as failure:
            self._log.fail(failure, self._loop.time() - began_at)
            raise
        taken = self._loop.time() - began_at if seconds is None else seconds(value)
        self._log.end(step, Status.OK, taken, detail(value))
        return value

    def _watched(self, who: str, guest: Guest) -> WatchedSession:
        plan = self._plan
        config = JoinConfig(
            signaling=SignalingConfig(plan.url, plan.room, guest.token),
            media=guest.media,
            gather=plan.gather,
            stats_seconds=STATS_SECONDS,
        )

        def handle(event: ev.Event) -> None:
            self._handle(who, session, event)

        session = WatchedSession(config, self._outside, handle)
        return session

    def _handle(self, who: str, session: WatchedSession, event: ev.Event) -> None:
        plan = self._plan
        match event:
            case ev.TrackStarted(_, track):
                heard = self._heard[who]
                heard.add(track.sid)
                sender, step = (
                    (plan.other, Step.MEDIA_BACK) if who == "guest" else (plan.guest, Step.MEDIA_OUT)
                )
                if sender is not None and len(heard) >= len(sender.media):
                    session.mark(step)
            case ev.Stats(tracks):
                sent = [each.counters for each in tracks if each.direction == "sent"]
                if plan.other is None and sent and all(each.round_trip_time is not None for each in sent):
                    session.mark(Step.MEDIA_OUT)
                if self._sampler is not None:
                    self._sampler.add(who, tracks)
            case ev.Reconnecting() if self._sampler is not None:
                self._outages += 1
            case _:
                pass


def _detail(step: Step, session: WatchedSession) -> str:
    match step:
        case Step.ICE_SERVERS:
            return f"{len(session.ice_servers)} offered" if session.ice_servers else "none offered"
        case Step.GATHERING:
            return _counted([each for each in session.candidate_types if each == "host"])
    return ""


def _kinds(guest: Guest) -> str:
    return " and ".join(dict.fromkeys(named.source.kind for named in guest.media))


def _counted(types: Sequence[str]) -> str:
    return ", ".join(f"{types.count(each)} {each}" for each in dict.fromkeys(types))
