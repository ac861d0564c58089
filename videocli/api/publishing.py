"""What a script publishes: sources by name or from code, and the tracks that come of it."""

import asyncio
import itertools
from collections.abc import Callable, Sequence

from videocli.api import arguments
from videocli.api.sources import WrittenSource
from videocli.api.stream import Ending, Stream
from videocli.cli.tracks.open_sources import default_name, open_named
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.engine.reports import Priority
from videocli.engine.session import NamedSource
from videocli.engine.track_errors import published_twice
from videocli.engine.track_names import refusal_of
from videocli.errors import SourceError, VideoError, error
from videocli.media.frames import MediaKind, Source, TrackKind
from videocli.outside import Outside

Published = str | Source
"""What `--video` and `--audio` take, or an object that makes frames."""

Answer = ev.LocalTrackPublished | ev.LocalTrackPublicationFailed | ev.LocalTrackUnpublished

_KINDS = ("audio", "video", "data")
_NAME_TAKEN = 53304


MAX_AFTER_DRAIN = 1 << 20
"""Bytes: an eighth of what may wait."""
DRAIN_SECONDS = 0.01
"""How often to look; the first time when what was sent just now has been taken."""


class LocalTrack:
    """A track of ours that the server has confirmed."""

    def __init__(
        self,
        post: Callable[[cmd.Command], None],
        track: ev.Track,
        ending: Ending,
        unsent_bytes: Callable[[str], int],
    ) -> None:
        self.sid = track.sid or ""
        self.name = track.name
        self.kind: TrackKind = track.kind
        self._post = post
        self._ending = ending
        self._unsent_bytes = unsent_bytes
        self._over = asyncio.Event()
        self._failure: VideoError | None = None

    def enable(self) -> None:
        """Unmute."""
        self._post(cmd.SetEnabled(self.sid, True))

    def disable(self) -> None:
        """Mute: nothing is sent, and the others are told."""
        self._post(cmd.SetEnabled(self.sid, False))

    def set_priority(self, priority: Priority) -> None:
        """Change the publish priority. Raises `ValueError` for what is none."""
        self._post(cmd.SetPriority(self.sid, arguments.priority(priority)))

    async def unpublish(self) -> None:
        """Stop publishing; returns once it is no longer published."""
        if not self._over.is_set():
            self._post(cmd.Unpublish(self.sid))
        await self._over.wait()

    def send(self, data: arguments.Message) -> None:
        """Send a message on this data track, where at most 8 MiB wait (`drain`). Raises as `Room.send`."""
        self._post(cmd.SendMessage(arguments.message(data), self.sid))

    async def drain(self) -> None:
        """Wait until no more than 1 MiB of this data track waits to be sent, or the track is over.

        As with asyncio's `StreamWriter`: await it after each `send` of many, and none finds the queue full.
        """
        while not self._over.is_set():
            await asyncio.sleep(DRAIN_SECONDS)
            if self._unsent_bytes(self.sid) <= MAX_AFTER_DRAIN:
                return

    async def wait_ended(self) -> None:
        """Wait until the source has nothing more to give, or the track is unpublished, or the room ends.

        Raises the error that ended it.
        """
        await self._over.wait()
        if self._failure is not None:
            raise self._failure
        self._ending.raise_error()

    def end(self, failure: VideoError | None = None) -> None:
        """The room says that the track is over."""
        self._failure = failure
        self._over.set()


class Publisher:
    """Publishes, and waits for the server's word."""

    def __init__(
        self,
        post: Callable[[cmd.Command], None],
        open_stream: Callable[[], Stream[Answer]],
        outside: Outside,
        ending: Ending,
        identity: str,
        unsent_bytes: Callable[[str], int],
    ) -> None:
        """`identity` is drawn into the test picture; `unsent_bytes` tells of a data track by its SID."""
        self._post = post
        self._open_stream = open_stream
        self._outside = outside
        self._ending = ending
        self._identity = identity
        self._unsent_bytes = unsent_bytes
        self._names: set[str] = set()
        """Of all tracks that are published, or about to be."""
        self._tracks: dict[str, LocalTrack] = {}
        """By SID."""
        self._awaited: dict[str, LocalTrack | None] = {}
        """By name, what somebody waits for; None: it is not confirmed yet."""
        self._sources: dict[str, Source] = {}
        """The script's own, by the name of the track."""

    async def first(
        self, media: Sequence[tuple[MediaKind, Published]], data: Sequence[cmd.PublishData]
    ) -> list[NamedSource]:
        """What to join with. Raises as `media` does; nothing is published then."""
        try:
            for track in data:
                self._take(track.name)
            return [await self._open(kind, what, None) for kind, what in media]
        except BaseException as reason:
            self.end(reason if isinstance(reason, VideoError) else None)
            raise

    async def media(self, kind: MediaKind, what: Published, name: str | None) -> LocalTrack:
        """Publish a source; the track once it is confirmed.

        Raises `TypeError` or `ValueError` for what is none, `SourceError` for what cannot be read or is
        published already, and the `VideoError` that the track is refused with.
        """
        named = await self._open(kind, what, name)
        return await self._published(cmd.PublishMedia(named.source, named.name), named.name)

    async def data(self, command: cmd.PublishData) -> LocalTrack:
        """Publish a data track; the track once it is confirmed."""
        self._take(command.name)
        return await self._published(command, command.name)

    def free_name(self, base: str) -> str:
        """The name, or with a number where it is taken."""
        tries = itertools.chain([base], (f"{base} {number}" for number in itertools.count(2)))
        return next(name for name in tries if name not in self._names)

    def tell(self, event: ev.Event) -> None:
        """An event happened in the room."""
        match event:
            case ev.LocalTrackPublished(track):
                confirmed = self._tracks[track.sid or ""] = LocalTrack(
                    self._post, track, self._ending, self._unsent_bytes
                )
                if track.name in self._awaited:
                    self._awaited[track.name] = confirmed
            case ev.LocalTrackPublicationFailed(track, reason):
                self._give_back(track.name, reason)
            case ev.LocalTrackUnpublished(track, reason):
                self._give_back(track.name, reason)
                if (over := self._tracks.pop(track.sid or "", None)) is not None:
                    over.end(reason)
            case ev.Disconnected(reason):
                self.end(reason)

    def end(self, reason: VideoError | None) -> None:
        """The room is over: so are all tracks. May be called twice."""
        for source in self._sources.values():
            if isinstance(source, WrittenSource):
                source.end(reason)
        for left in self._tracks.values():
            left.end()

    def _give_back(self, name: str, reason: VideoError | None) -> None:
        """The track of that name is over, or never came to be."""
        self._names.discard(name)
        source = self._sources.pop(name, None)
        if isinstance(source, WrittenSource):
            source.end(reason)

    def _take(self, name: str) -> None:
        arguments.text(name, "a track's name")
        if (code := refusal_of(name)) is not None:
            raise error(code)
        if name in self._names:
            raise error(_NAME_TAKEN)
        self._names.add(name)

    async def _open(self, kind: MediaKind, what: Published, name: str | None) -> NamedSource:
        if not isinstance(what, str):
            return self._own(kind, what, name)
        name = name or self.free_name(default_name(what))
        self._take(name)
        try:
            return await open_named(kind, what, self._identity, self._outside, name)
        except BaseException:
            self._names.discard(name)
            raise

    def _own(self, kind: MediaKind, source: Source, name: str | None) -> NamedSource:
        """One that the script made."""
        _check_source(source)
        if source.kind != kind:
            raise ValueError(f"the source makes {source.kind}, not {kind}")
        if any(other is source for other in self._sources.values()):
            raise published_twice()
        if isinstance(source, WrittenSource) and source.was_published:
            raise published_twice()
        name = name or self.free_name(kind)
        self._take(name)
        if isinstance(source, WrittenSource):
            source.was_published = True
        self._sources[name] = source
        return NamedSource(name, source)

    async def _published(self, command: cmd.PublishMedia | cmd.PublishData, name: str) -> LocalTrack:
        with self._open_stream() as answers:
            self._awaited[name] = None
            self._post(command)
            try:
                async for answer in answers:
                    if answer.track.name == name:
                        return self._confirmed(answer)
            except asyncio.CancelledError:
                if name not in _KINDS:  # which would mean all tracks of the kind
                    self._post(cmd.Unpublish(name))
                raise
            finally:
                del self._awaited[name]
        raise _never_published()

    def _confirmed(self, answer: Answer) -> LocalTrack:
        match answer:
            case ev.LocalTrackPublicationFailed(_, reason):
                raise reason
            case ev.LocalTrackUnpublished(_, failure):
                raise failure or _never_published()
        track = self._awaited[answer.track.name]
        assert track is not None, "the publisher is told before whoever waits"
        return track


def _check_source(what: object) -> None:
    if not (hasattr(what, "kind") and callable(getattr(what, "run", None))):
        raise TypeError(f"a str or a Source is published, not {type(what).__name__}")


def _never_published() -> SourceError:
    return SourceError(
        message="The track was not published", explanation="Its source, or the room, had ended."
    )
