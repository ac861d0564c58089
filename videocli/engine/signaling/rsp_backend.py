"""RspBackend: connects to a room server, and keeps the session alive over as many connections as it takes.

The protocol is in `RspClient` (the session) and `TcmpClient` (one connection); here are the connections, one
after another, and the time limits.
"""

import asyncio
import contextlib
import logging
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, assert_never
from uuid import UUID

from videocli import __version__
from videocli.engine import reports as rp
from videocli.engine.signaling.backend import SignalingConfig
from videocli.engine.signaling.backoff import Backoff
from videocli.engine.signaling.conversation import (
    IS_BUSY,
    Conversation,
    Fate,
    in_words,
    signaling_failed,
    unanswered,
)
from videocli.engine.signaling.ice_servers import ask_ice_servers
from videocli.engine.signaling.rsp_client import RspClient, State
from videocli.errors import TokenError, VideoError, error
from videocli.media.peer import IceCandidate
from videocli.outside import DialError, MessageTransport, Outside
from videocli.protocol import network_quality
from videocli.protocol.rsp import Publisher
from videocli.protocol.subscribe_rules import Rules
from videocli.protocol.tcmp import (
    BodyReceived,
    BusyReceived,
    ByeReceived,
    Closed,
    CloseReason,
    Ignored,
    Opened,
    TcmpEvent,
)
from videocli.protocol.tcmp_client import TcmpClient
from videocli.tasks import stop

OPEN_SECONDS = 15.0
"""To open a transport (tcmp.md, open timeout)."""
ANSWER_SECONDS = 15.0
"""For a server that has welcomed us to answer *ice*, *connect* or *sync*."""
NETWORK_SECONDS = 1.0
"""How often to look whether the machine's network has changed."""
BUSY_SECONDS = 0.1
"""The least we wait for a busy server, whatever it says."""
GRACE_SECONDS = 1.0
"""To say goodbye (our-rules.md, 8)."""

_NO_TOKEN_IN_TIME = (
    "The token at hand has expired, and the token command had printed no other when the session ended."
)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Outage:
    """The time between the loss of a session and its resumption."""

    ends_at: float
    """When the server will have forgotten the session, on the loop's clock."""
    attempts: int = 0
    answered: bool = True
    """Whether somebody answered the last attempt that had the time to be answered."""
    words: str = ""
    """How that attempt ended."""
    no_token: TokenError | None = None
    """Why the last attempt had no token to resume the session with."""


class RspBackend:
    """A `SignalingBackend` for servers that speak TCMP and RSP.

    The first connection is not retried, but for a server that is busy: 53000 if it was refused, 53002 if
    there was no answer (twilio-video.js says 53000 then, too), 53006 if the server is busy for good.

    A lost session is resumed until `session_timeout` has passed, each attempt after a backoff. If that fails:
    53000 or 53002, as the last attempt went (our-rules.md, 1), or 20104 if it had no valid token. A code from
    the server always wins.
    """

    def __init__(
        self, config: SignalingConfig, outside: Outside, report: Callable[[rp.SignalingReport], None]
    ) -> None:
        self._config = config
        self._outside = outside
        self._report = report
        publisher = Publisher("videocli", __version__, f"videocli/{__version__} ({platform.system()})")
        channels = (network_quality.NAME,) if config.network_quality else ()
        self._rsp = RspClient(config.room, publisher, config.subscribe, channels)
        self._backoff = Backoff(outside.random)
        self._token = ""
        self._conversation: Conversation | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._outage: _Outage | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._has_ice_servers = False
        self._practised_until = 0.0
        """Until when dialing fails on purpose, on the loop's clock."""
        self._left = asyncio.Event()
        self._has_ended = False

    async def run(self) -> None:
        """Connect and serve until the session has ended. Cancelling it leaves at once, without a word."""
        serving = asyncio.create_task(self._serve(), name="signaling")
        leaving = asyncio.create_task(self._left.wait(), name="leaving")
        try:
            await asyncio.wait({serving, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                serving.result()
            if serving.done() or self._conversation is not None:
                await self._say_goodbye()
        finally:
            renewing = {self._renewing} if self._renewing is not None else set()
            await _cancel({serving, leaving, *renewing, *self._drivers()})

    def connect(self, peer_id: str, offer: str, tracks: Sequence[rp.LocalTrackInfo]) -> None:
        """Ask to be let in, with the first offer (revision 1), after `IceServersGiven`."""
        self._rsp.connect(peer_id, offer, tracks)
        self._expect_answer()
        self._settle()

    def set_tracks(self, tracks: Sequence[rp.LocalTrackInfo]) -> None:
        """All the tracks we want published now."""
        self._rsp.set_tracks(tracks)
        self._settle()

    def set_subscriptions(self, rules: Rules) -> None:
        """All we want to receive from now on."""
        self._rsp.set_subscriptions(rules)
        self._settle()

    def describe(self, peer_id: str, kind: rp.DescriptionType, revision: int, sdp: str | None) -> None:
        """Send a description; it is also the one that a later resume repeats."""
        self._rsp.describe(peer_id, kind, revision, sdp)
        self._settle()

    def trickle(self, peer_id: str, ufrag: str, candidates: Sequence[IceCandidate], complete: bool) -> None:
        """Send all local candidates gathered so far under `ufrag`."""
        self._rsp.trickle(peer_id, ufrag, candidates, complete)
        self._settle()

    def renew_ice_servers(self) -> None:
        """Media is lost: get fresh STUN and TURN servers if there were any; `IceServersRenewed` has them."""
        if self._has_ice_servers and self._renewing is None:
            self._renewing = asyncio.create_task(self._renew(), name="ice servers")
            self._renewing.add_done_callback(self._renewed)

    def forget_peer(self, peer_id: str) -> None:
        """The peer connection is closed; a resume no longer mentions it."""
        self._rsp.forget_peer(peer_id)

    def drop(self, seconds: float) -> None:
        """Lose the connection on purpose, as to a failing network, and for so long dial nobody.

        Then the session is resumed on another one.
        """
        conversation = self._conversation
        if conversation is not None and self._rsp.state is State.CONNECTED and not conversation.is_over:
            self._practised_until = asyncio.get_running_loop().time() + seconds
            conversation.driving.cancel()
            self._closed(conversation, Closed(CloseReason.FAILED, None, "dropped on purpose"))

    def leave(self) -> None:
        """Say goodbye (`disconnect`, `bye`, close) and end within a grace period of 1 s."""
        self._rsp.leave()
        self._settle()
        self._left.set()

    async def _serve(self) -> None:
        """One connection after another; returns when the session has ended."""
        cookie = None
        while self._rsp.state is not State.DISCONNECTED:
            fate = await self._try_connection(cookie)
            cookie = fate.cookie
            if self._rsp.state is State.CONNECTING:
                await self._joining_failed(fate)
            elif self._rsp.state is State.SYNCING:
                await self._prepare_attempt(fate)

    async def _joining_failed(self, fate: Fate) -> None:
        """End it, unless the server only asked for patience."""
        if fate.retry_seconds is None:
            self._give_up(fate.error(self._config.url))
        else:
            await asyncio.sleep(max(fate.retry_seconds, BUSY_SECONDS))

    async def _prepare_attempt(self, fate: Fate) -> None:
        """Note how the last connection ended, and wait for the time of the next; or end it."""
        loop = asyncio.get_running_loop()
        outage = self._outage
        if outage is None:
            outage = self._outage = _Outage(loop.time() + self._rsp.session_timeout)
        else:
            if not fate.is_cut_short or not outage.words:
                outage.answered, outage.words = fate.answered, fate.words
            outage.no_token = fate.no_token
            self._deliver(rp.AttemptFailed(outage.attempts, fate.words, fate.answered))
        if fate.is_busy:
            self._give_up(fate.error(self._config.url))
            return
        busy = fate.retry_seconds
        wait = self._backoff.next_delay() if busy is None else max(busy, BUSY_SECONDS)
        await asyncio.sleep(min(wait, outage.ends_at - loop.time()))
        if loop.time() >= outage.ends_at:
            self._give_up(outage.no_token or signaling_failed(outage.answered, outage.words))
            return
        outage.attempts += 1
        self._deliver(rp.AttemptStarted(outage.attempts))

    async def _try_connection(self, cookie: str | None) -> Fate:
        """Dial, and converse until the connection is over; its fate.

        In an outage the end of the session ends it too, unless the session is resumed by then.
        """
        loop = asyncio.get_running_loop()
        limit = self._outage.ends_at if self._outage is not None else None
        try:
            await self._refresh_token(limit)
            began_at = loop.time()
            async with asyncio.timeout_at(limit), asyncio.timeout(OPEN_SECONDS):
                transport = await self._dial()
            await self._refresh_token_for(transport, limit)
        except TokenError as missing:
            answered = self._outage is not None and self._outage.answered
            return Fate("there is no valid token", answered, no_token=missing)
        except DialError as failed:
            return Fate(failed.reason, failed.answered, remedy=failed.remedy)
        except TimeoutError:
            return unanswered("no answer to dialing", loop.time() - began_at)
        core = TcmpClient(loop.time(), self._new_id, self._rsp.first_message(self._token), cookie)
        self._conversation = conversation = Conversation(core, transport, self._on_event)
        watching = asyncio.create_task(self._watch_network(conversation), name="network watch")
        try:
            await conversation.until_over(limit)
        except TimeoutError:
            conversation.run_out(began_at)
            self._rsp.lost()
        finally:
            await stop(watching)
            self._retire(conversation)
        return conversation.fate.result()

    async def _dial(self) -> MessageTransport:
        if asyncio.get_running_loop().time() < self._practised_until:
            raise DialError("practice", answered=False)
        return await self._outside.dial(self._config.url)

    async def _watch_network(self, conversation: Conversation) -> None:
        """Give a connection up as soon as the machine's network has changed under it (tcmp.md, 3004).

        Otherwise only missed heartbeats would tell, after some 15 s.
        """
        is_stale = False
        while not is_stale:
            await asyncio.sleep(NETWORK_SECONDS)
            is_stale = conversation.transport.is_stale()
        conversation.core.network_changed(asyncio.get_running_loop().time())
        conversation.wake()

    async def _refresh_token(self, limit: float | None) -> None:
        """Have a token that is valid now. Raises `TokenError`, also when none has come by the limit."""
        try:
            async with asyncio.timeout_at(limit):
                self._token = await self._config.token()
        except TimeoutError:
            known = self._outage.no_token if self._outage is not None else None
            raise known or error(20104, explanation=_NO_TOKEN_IN_TIME) from None

    async def _refresh_token_for(self, transport: MessageTransport, limit: float | None) -> None:
        """As above: dialing may have outlasted the token, or a fresher one may have come meanwhile."""
        try:
            await self._refresh_token(limit)
        except BaseException:
            await transport.close(1001, "")
            raise

    async def _renew(self) -> None:
        """Without an answer, or a token, the servers at hand have to do."""
        with contextlib.suppress(DialError, TimeoutError, TokenError):
            async with asyncio.timeout(OPEN_SECONDS):
                token = await self._config.token()
                servers = await ask_ice_servers(self._outside.dial, self._config.url, token, self._new_id)
            if servers:
                self._deliver(rp.IceServersRenewed(servers))

    def _renewed(self, renewing: asyncio.Task[None]) -> None:
        self._renewing = None
        if not renewing.cancelled():
            renewing.result()

    def _on_event(self, conversation: Conversation, event: TcmpEvent) -> None:
        if conversation is not self._conversation or conversation.is_over:
            return
        match event:
            case Opened():
                self._expect_answer()
            case BodyReceived(body):
                self._rsp.receive(body)
                if not self._rsp.awaits_answer:
                    conversation.limit(None)
                if self._rsp.state is State.CONNECTED:
                    self._outage = None
                    self._backoff.reset()
                self._settle()
            case BusyReceived(seconds, False, cookie):
                conversation.end(Fate(IS_BUSY, answered=True, retry_seconds=seconds, cookie=cookie))
            case BusyReceived(seconds):
                conversation.busy_until = asyncio.get_running_loop().time() + seconds
            case ByeReceived():
                pass
            case Ignored(reason):
                _log.debug("ignored: %s", reason)
            case Closed():
                self._closed(conversation, event)
            case _:
                assert_never(event)

    def _closed(self, conversation: Conversation, closed: Closed) -> None:
        words = in_words(closed)
        is_answered = closed.is_received or closed.reason is not CloseReason.TIMEOUT
        conversation.end(Fate(words, is_answered, is_busy=closed.reason is CloseReason.BUSY))
        if self._rsp.state is State.CONNECTED:
            self._deliver(rp.SignalingLost(words))
        self._rsp.lost()

    def _expect_answer(self) -> None:
        """The server owes us an answer in time; in an outage, the end of the session may come first."""
        conversation = self._conversation
        if conversation is not None and conversation.core.is_open:
            at = asyncio.get_running_loop().time() + ANSWER_SECONDS
            conversation.limit(at if self._outage is None else min(at, self._outage.ends_at))

    def _settle(self) -> None:
        """Send and deliver what the session has to say."""
        for reason in self._rsp.ignored():
            _log.debug("ignored: %s", reason)
        messages = self._rsp.messages()
        conversation = self._conversation
        if conversation is not None:
            now = asyncio.get_running_loop().time()
            for body in messages:
                conversation.core.send(body, now)
            if self._rsp.state is State.DISCONNECTED:
                conversation.core.close(now)
            conversation.wake()
        for report in self._rsp.reports():
            self._deliver(report)

    def _deliver(self, report: rp.SignalingReport) -> None:
        if isinstance(report, rp.IceServersGiven):
            self._has_ice_servers = bool(report.servers)
        if not self._has_ended:
            self._has_ended = isinstance(report, rp.SignalingEnded)
            self._report(report)

    def _give_up(self, reason: VideoError) -> None:
        self._rsp.give_up(reason)
        self._settle()

    def _retire(self, conversation: Conversation) -> None:
        """Let a connection that is over close by itself, while the next one is under way."""
        self._conversation = None
        self._closing.add(conversation.driving)
        conversation.driving.add_done_callback(self._closing.discard)

    def _drivers(self) -> set[asyncio.Task[None]]:
        current = {self._conversation.driving} if self._conversation is not None else set()
        return current | self._closing

    async def _say_goodbye(self) -> None:
        """Let the last words go out and the connections close, for a moment at most."""
        drivers = self._drivers()
        if drivers:
            await asyncio.wait(drivers, timeout=GRACE_SECONDS)

    def _new_id(self) -> str:
        return str(UUID(int=self._outside.random.getrandbits(128), version=4))


async def _cancel(tasks: set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
