"""What `join` does, from its options to its exit code: token, server, sources, face, stay."""

import asyncio
import errno
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from videocli import tokens
from videocli.cli import destination, settings
from videocli.cli.exit_codes import ExitCode
from videocli.cli.joining.faces import Face, FaceName, make_face
from videocli.cli.joining.stay import Limits, Stay, complain_of_until
from videocli.cli.leaving import Departure
from videocli.cli.profiles import part as profile_part
from videocli.cli.token.command import run_token_command
from videocli.cli.token.origin import GivenToken, origin_of
from videocli.cli.token.source import TokenSource
from videocli.cli.tracks.data_out import DataOutFace, open_data_out
from videocli.cli.tracks.open_sources import open_all
from videocli.cli.tracks.room_sinks import SinkRequest, room_sinks
from videocli.cli.words.token_advice import advice, unused_identity
from videocli.cli.writing import output
from videocli.engine import events as ev
from videocli.engine.commands import PublishData
from videocli.engine.session import JoinConfig, NamedSource
from videocli.engine.signaling.backend import SignalingConfig
from videocli.errors import TokenError, VideoError
from videocli.media.frames import MediaKind
from videocli.media.peer import PeerConfig
from videocli.outside import Outside
from videocli.protocol.subscribe_rules import EVERYTHING, Rules

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """What the user asked for."""

    room: str
    face: FaceName
    token: GivenToken | None = None
    """The first one; None: `token_command` gives it, or it is minted."""
    token_command: str | None = None
    identity: str | None = None
    url: str | None = None
    region: str | None = None
    media: tuple[tuple[MediaKind, str], ...] = ()
    """What to publish: kind and source."""
    loop: bool = True
    """Play files again and again."""
    data: tuple[PublishData, ...] = ()
    data_out: Path | None = None
    """Where to write the messages that come."""
    subscribe: Rules = EVERYTHING
    limits: Limits = field(default_factory=Limits)
    stats_seconds: float | None = None
    sinks: tuple[SinkRequest, ...] = ()
    """What takes the others' tracks."""


class RoomServer(NamedTuple):
    """Where to join."""

    url: str
    is_ours: bool = False
    """It is in this process, and ends with it."""


async def attend(request: JoinRequest, outside: Outside, departure: Departure) -> int:
    """Join and stay; the exit code.

    Raises `UsageError`, `SourceError` or `VideoError` for what fails before the room is joined.
    """
    tokens.check_room_name(request.room)
    data_out = None if request.data_out is None else open_data_out(request.data_out)
    async with aclosing(_token_source(request, outside)) as token:
        return await _attend_with(token, request, outside, departure, data_out)


async def _attend_with(
    token: TokenSource,
    request: JoinRequest,
    outside: Outside,
    departure: Departure,
    data_out: int | None,
) -> int:
    def explain(error: VideoError) -> str:
        words = profile_part.explanation(error, request.url, token.at_hand)
        origin = origin_of(token.at_hand, request.token, request.token_command)
        return " ".join(filter(None, (words, origin.part(error) if origin is not None else "")))

    began_at = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(request.limits.timeout):
            first, sources = await _prepare(request, token, outside)
    except TimeoutError:
        complain_of_until(request.limits, timed_out=True)
        return ExitCode.UNTIL_TIMED_OUT
    except TokenError as refused:
        refused.explanation = explain(refused)
        raise
    claims = tokens.peek(first)
    for warning in advice(claims, outside.utcnow(), token.is_renewable):
        output.warn(warning)
    if (origin := origin_of(first, request.token, request.token_command)) is not None:
        for warning in unused_identity(_asked_identity(request), claims, origin):
            output.warn(warning)
    async with server_for(request, first, outside) as (url, is_ours):
        config = JoinConfig(
            signaling=SignalingConfig(url, request.room, token, request.subscribe, network_quality=True),
            media=sources,
            data=request.data,
            gather=PeerConfig(with_loopback=destination.is_on_this_machine(url)),
            stats_seconds=request.stats_seconds,
            token_expires_at=lambda: token.expires_at,
            is_token_renewable=token.is_renewable,
        )
        face = make_face(request.face, is_host=is_ours)
        if request.data_out is not None and data_out is not None:
            face = DataOutFace(face, request.data_out, data_out)
        return await stay_with(
            face,
            config,
            outside,
            request.limits,
            departure,
            began_at,
            request.sinks,
            explain,
        )


async def stay_with(
    face: Face,
    config: JoinConfig,
    outside: Outside,
    limits: Limits,
    departure: Departure,
    began_at: float,
    sinks: Sequence[SinkRequest] = (),
    explain: Callable[[VideoError], str] = attrgetter("explanation"),
) -> int:
    """Stay in a room behind a face; the exit code. `explain` says what to do about an error."""
    watchers: list[Callable[[ev.Occurrence], None]] = [face.show]

    def show(occurrence: ev.Occurrence) -> None:
        for watch in watchers:
            watch(occurrence)

    stay = Stay(config, outside, limits, began_at, show, explain)
    departure.abandon = face.abandon
    async with face.around(stay, outside), room_sinks(sinks, stay.session, outside) as opened:
        watchers += opened
        return await stay.run(departure)


async def _prepare(
    request: JoinRequest, token: TokenSource, outside: Outside
) -> tuple[str, list[NamedSource]]:
    """The first token, and what to publish. Raises `TokenError` also for a token that is none."""
    first = await token()
    identity = tokens.peek(first).identity or ""
    return first, await open_all(request.media, identity, outside, request.loop)


def _token_source(request: JoinRequest, outside: Outside) -> TokenSource:
    given, command = None if request.token is None else request.token.text, request.token_command
    if command is not None:
        if request.token is not None:
            _log.info(
                "the token from %s is used as long as it lives, and the token command is run after that",
                request.token.origin.name,
            )
        return TokenSource(given, lambda: run_token_command(command), outside.utcnow)
    if given is not None:
        return TokenSource(given, None, outside.utcnow)
    credentials = settings.credentials()
    identity = request.identity or settings.default_identity(outside.random)

    async def mint() -> str:
        ttl = tokens.MAX_TTL_SECONDS
        return tokens.mint(credentials, identity, request.room, ttl, outside.utcnow()).token

    return TokenSource(None, mint, outside.utcnow)


def _asked_identity(request: JoinRequest) -> str | None:
    """The option's: a profile's is a default, and nobody wonders when a token has another."""
    _, profile = settings.chosen() or ("", None)
    return None if profile is not None and request.identity == profile.identity else request.identity


_TIMES_TO_SERVE = 5
"""Where two processes listen in the same moment, the system may refuse both."""
_MAX_WAIT_TO_SERVE = 0.2
"""Seconds, before another try; random, so that they do not meet again."""


@asynccontextmanager
async def server_for(
    request: JoinRequest, token: str, outside: Outside, guests: int = 0
) -> AsyncIterator[RoomServer]:
    """Where to join; a server in this process if that is this machine's and none runs.

    `guests`: how many a room of that server has to hold beside the usual number.
    """
    if request.url is not None:
        yield RoomServer(destination.check_url(request.url))
        return
    if not settings.is_development_key(tokens.peek(token).api_key):
        yield RoomServer(destination.cloud_url(request.region))
        return
    if await _listens_here():
        yield RoomServer(destination.LOCAL_URL)
        return
    async with AsyncExitStack() as stack:
        yield await _serve_here(stack, outside, guests) or RoomServer(destination.LOCAL_URL)


async def _serve_here(stack: AsyncExitStack, outside: Outside, guests: int) -> RoomServer | None:
    """A server in this process, until the stack ends it; None: another process was faster."""
    from videocli.server.serve import ServeConfig, serve

    config = ServeConfig(max_participants=ServeConfig().max_participants + guests)
    for _ in range(_TIMES_TO_SERVE):
        try:
            server = await stack.enter_async_context(serve(config, outside, settings.known_credentials()))
        except OSError as fault:
            if fault.errno != errno.EADDRINUSE:
                raise
            await asyncio.sleep(outside.random.uniform(0, _MAX_WAIT_TO_SERVE))
            if await _listens_here():
                return None
        else:
            output.say("no server runs on this machine: you serve this room, leaving ends it for all")
            return RoomServer(server.url, is_ours=True)
    return None


async def _listens_here() -> bool:
    try:
        async with asyncio.timeout(1.0):
            _, writer = await asyncio.open_connection("127.0.0.1", destination.DEFAULT_PORT)
    except OSError:
        return False
    writer.close()
    return True
