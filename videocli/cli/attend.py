"""What `join` does, from its options to its exit code: token, server, sources, face, stay."""

import asyncio
import getpass
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from videocli import tokens
from videocli.cli import destination, output, settings, stdin_lines
from videocli.cli.exit_codes import UsageError
from videocli.cli.faces import Face, FaceName, make_face
from videocli.cli.open_sources import open_named
from videocli.cli.stay import Limits, Stay
from videocli.cli.token_source import TokenSource, run_token_command
from videocli.engine.session import JoinConfig
from videocli.engine.signaling.backend import SignalingConfig
from videocli.media.frames import MediaKind
from videocli.media.peer import PeerConfig
from videocli.outside import Outside
from videocli.server.serve import ServeConfig, serve

TOKEN = "VIDEOCLI_TOKEN"


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """What the user asked for."""

    room: str
    face: FaceName
    token: str | None = None
    """As given; "" for a bare `--token`, "-" for a line of stdin."""
    token_command: str | None = None
    identity: str | None = None
    url: str | None = None
    region: str | None = None
    media: tuple[tuple[MediaKind, str], ...] = ()
    """What to publish: kind and source."""
    data: tuple[str, ...] = ()
    subscribe: bool = True
    limits: Limits = field(default_factory=Limits)
    stats_seconds: float | None = None


async def attend(request: JoinRequest, outside: Outside) -> int:
    """Join and stay; the exit code.

    Raises `UsageError`, `SourceError` or `VideoError` for what fails before the room is joined.
    """
    tokens.check_room_name(request.room)
    token = _token_source(request, outside)
    first = await token()
    identity = tokens.peek(first).identity or ""
    sources = [await open_named(kind, spec, identity, outside) for kind, spec in request.media]
    async with _server(request, first, outside) as url:
        config = JoinConfig(
            signaling=SignalingConfig(url, request.room, token, request.subscribe),
            media=sources,
            data=request.data,
            gather=PeerConfig(with_loopback=destination.is_on_this_machine(url)),
            stats_seconds=request.stats_seconds,
            token_expires_at=lambda: token.expires_at,
        )
        return await stay_with(make_face(request.face), config, outside, request.limits)


async def stay_with(face: Face, config: JoinConfig, outside: Outside, limits: Limits) -> int:
    """Stay in a room behind a face; the exit code. The error that ended it is told on stderr."""
    stay = Stay(config, outside, limits, face.show)
    async with face.around(stay, outside):
        outcome = await stay.run(face.abandon)
    if outcome.error is not None:
        output.complain(str(outcome.error), outcome.error.explanation)
    return outcome.exit_code


def _token_source(request: JoinRequest, outside: Outside) -> TokenSource:
    command = request.token_command
    if command is not None:
        return TokenSource(_given_token(request), lambda: run_token_command(command), outside.utcnow)
    given = _given_token(request)
    if given is not None:
        return TokenSource(given, None, outside.utcnow)
    credentials = settings.credentials()
    identity = request.identity or settings.default_identity(outside.random)

    async def mint() -> str:
        ttl = tokens.MAX_TTL_SECONDS
        return tokens.mint(credentials, identity, request.room, ttl, outside.utcnow()).token

    return TokenSource(None, mint, outside.utcnow)


def _given_token(request: JoinRequest) -> str | None:
    from_environment = os.environ.get(TOKEN) or None
    match request.token:
        case None:
            return from_environment
        case "-":
            token = stdin_lines.read_line().strip()
            if not token:
                raise UsageError(
                    "stdin ended without a token", "Pipe one in: videocli mint-token | videocli join …"
                )
            return token
        case "":
            return from_environment or _prompt()
        case token:
            return token


def _prompt() -> str:
    if not sys.stdin.isatty():
        raise UsageError(
            "--token has no value, and there is no terminal to ask on", f"Set {TOKEN}, or use --token -."
        )
    token = getpass.getpass("Access token: ").strip()
    if not token:
        raise UsageError("no token was entered", "Mint one with 'videocli mint-token'.")
    return token


@asynccontextmanager
async def _server(request: JoinRequest, token: str, outside: Outside) -> AsyncIterator[str]:
    """The URL to join at; a server in this process if that is this machine's and none runs."""
    if request.url is not None:
        yield destination.check_url(request.url)
        return
    if tokens.peek(token).api_key != settings.development_credentials().api_key:
        yield destination.cloud_url(request.region)
        return
    if await _listens_here():
        yield destination.LOCAL_URL
        return
    output.say("no room server runs on this machine: this process is one until you leave")
    async with serve(ServeConfig(), outside, settings.known_credentials()) as server:
        yield server.url


async def _listens_here() -> bool:
    try:
        async with asyncio.timeout(1.0):
            _, writer = await asyncio.open_connection("127.0.0.1", destination.DEFAULT_PORT)
    except OSError:
        return False
    writer.close()
    return True
