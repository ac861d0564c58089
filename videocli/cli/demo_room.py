"""The room of `videocli demo`: everything in one process, over real sockets."""

import asyncio
from dataclasses import replace

from videocli import tokens
from videocli.cli import settings
from videocli.cli.joining.attend import stay_with
from videocli.cli.joining.faces import choose_face, make_face
from videocli.cli.joining.stay import Limits
from videocli.cli.leaving import Departure
from videocli.cli.token.source import TokenSource
from videocli.cli.tracks.open_sources import open_named
from videocli.engine import commands as cmd
from videocli.engine.session import JoinConfig, Session
from videocli.engine.signaling.backend import SignalingConfig
from videocli.errors import VideoError
from videocli.media.frames import MediaKind
from videocli.media.peer import PeerConfig
from videocli.outside import Outside
from videocli.server.serve import ServeConfig, serve

ROOM = "demo"
BOT = "bot"
YOU = "alice"
SECONDS_WITHOUT_TERMINAL = 10.0
STATS_SECONDS = 2.0


async def show_demo(outside: Outside, departure: Departure) -> int:
    """A server on a free port, a bot that publishes, and you beside it; the exit code."""
    began_at = asyncio.get_running_loop().time()
    async with serve(replace(ServeConfig(), port=0), outside, settings.known_credentials()) as server:
        bot_config = _config(server.url, BOT, outside)
        sources = [await open_named(kind, spec, BOT, outside) for kind, spec in _SOURCES]
        bot = Session(replace(bot_config, media=sources), outside, lambda occurrence: None)
        staying = asyncio.create_task(bot.run(), name="bot")
        face = choose_face(json=False, plain=False)
        limits = Limits() if face == "dashboard" else Limits(duration=SECONDS_WITHOUT_TERMINAL)
        you = replace(
            _config(server.url, YOU, outside),
            stats_seconds=None if face == "dashboard" else STATS_SECONDS,
        )
        try:
            return await stay_with(make_face(face), you, outside, limits, departure, began_at)
        finally:
            await _send_away(bot, staying)


_SOURCES: tuple[tuple[MediaKind, str], ...] = (("video", "testsrc"), ("audio", "tone"))


def _config(url: str, identity: str, outside: Outside) -> JoinConfig:
    async def mint() -> str:
        ttl = tokens.MAX_TTL_SECONDS
        return tokens.mint(settings.credentials(), identity, ROOM, ttl, outside.utcnow()).token

    source = TokenSource(None, mint, outside.utcnow)
    return JoinConfig(
        signaling=SignalingConfig(url, ROOM, source, network_quality=True),
        gather=PeerConfig(addresses=("127.0.0.1",)),
        token_expires_at=lambda: source.expires_at,
        is_token_renewable=source.is_renewable,
    )


async def _send_away(bot: Session, staying: asyncio.Task[VideoError | None]) -> None:
    bot.post(cmd.Disconnect())
    await staying
