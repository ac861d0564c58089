"""`videocli.connect`: into a room and out again."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager

from videocli import tokens
from videocli.api import arguments
from videocli.api.publishing import Published
from videocli.api.room import Room, stay
from videocli.cli import destination, settings, wiring
from videocli.cli.token.source import TokenSource
from videocli.cli.tracks.data_tracks import parse_data_track
from videocli.cli.tracks.subscribe_rules import parse_rules
from videocli.engine.session import JoinConfig
from videocli.engine.signaling.backend import SignalingConfig
from videocli.media.frames import MediaKind
from videocli.media.peer import PeerConfig
from videocli.outside import Outside

Token = str | Callable[[], Awaitable[str]]
"""An access token, or what gives one: asked for the first one, and again when that has expired."""


def mint_token(identity: str, room: str | None = None, ttl: int = tokens.MAX_TTL_SECONDS) -> str:
    """An access token made with the credentials at hand, as `videocli mint-token` does.

    `ttl` is in seconds, at most a day. Raises `UsageError` when the credentials cannot be used, `ValueError`
    when the arguments cannot.
    """
    return tokens.mint(settings.credentials(), identity, room, ttl, wiring.real_outside().utcnow()).token


@asynccontextmanager
async def connect(
    token: Token,
    room: str | None = None,
    *,
    url: str | None = None,
    video: Published | Sequence[Published] = (),
    audio: Published | Sequence[Published] = (),
    data: str | Sequence[str] = (),
    subscribe: str | Sequence[str] = "all",
    stats_seconds: float | None = None,
    network_quality: bool = False,
    outside: Outside | None = None,
) -> AsyncIterator[Room]:
    """Join a room, and leave it gracefully when the context is left, by whatever way.

        async with videocli.connect(token, "my-room", video="testsrc") as room:
            async for event in room:
                print(event)

    `room` may be left out where the token names one. `url` defaults to `VIDEOCLI_URL`, then to Twilio's
    cloud, or this machine's server for a token of the development key. `video` and `audio` take what the
    command line's options take, or sources (`VideoSource`, `AudioSource`, `EncodedSource`, your own); `data`
    names data tracks, and `subscribe` says what to receive, as `--data` and `--subscribe` do. With
    `stats_seconds` there is a `Stats` event so often, ten times a second at most; with `network_quality`
    there are `NetworkQualityLevelChanged` (as the SDK's `networkQuality`, it costs a data channel, so it is
    off). `outside` is the world; tests hand in another.

    Raises `SourceError` for what cannot be published, the `VideoError` that keeps us out, `UsageError` for a
    URL that is none, and `TypeError` or `ValueError` for any other argument that is none. An error that
    ends the room is raised by whatever waits for it, and by leaving the context if nothing did. Cancelling
    leaves too; that takes a second at most.
    """
    stats_seconds = arguments.interval(stats_seconds)
    room = None if room is None else arguments.text(room, "the room's name")
    outside = outside or wiring.real_outside()
    renew = None if isinstance(token, str) else token
    async with aclosing(
        TokenSource(token if isinstance(token, str) else None, renew, outside.utcnow)
    ) as source:
        first = await source()
        url = arguments.text(url, "the URL") if url is not None else os.environ.get("VIDEOCLI_URL")
        url = url or _default_url(first)
        rules = parse_rules(_texts(subscribe))
        signaling = SignalingConfig(destination.check_url(url), room, source, rules, network_quality)
        config = JoinConfig(
            signaling=signaling,
            data=[parse_data_track(text) for text in _texts(data)],
            gather=PeerConfig(with_loopback=destination.is_on_this_machine(url)),
            stats_seconds=stats_seconds,
            token_expires_at=lambda: source.expires_at,
            is_token_renewable=source.is_renewable,
        )
        media = [*_each("video", video), *_each("audio", audio)]
        async with stay(config, media, outside, tokens.peek(first).identity or "") as joined:
            yield joined


def _texts(given: str | Sequence[str]) -> Sequence[str]:
    return [given] if isinstance(given, str) else given


def _each(kind: MediaKind, what: Published | Sequence[Published]) -> list[tuple[MediaKind, Published]]:
    return [
        (kind, each)
        for each in (what if isinstance(what, Sequence) and not isinstance(what, str) else [what])
    ]


def _default_url(token: str) -> str:
    if settings.is_development_key(tokens.peek(token).api_key):
        return destination.LOCAL_URL
    return destination.cloud_url(None)
