"""What a script publishes: sources by name or from code, and the tracks that come of it."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from pathlib import PurePath

from videocli.api.sources import WrittenSource
from videocli.api.stream import Ending, Stream
from videocli.cli.open_sources import open_named
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.engine.reports import Priority
from videocli.engine.session import NamedSource
from videocli.errors import SourceError, error
from videocli.media.frames import Codec, EncodedFrame, MediaKind, Source, TrackKind
from videocli.outside import Outside

Published = str | Source
"""What `--video` and `--audio` take, or an object that makes frames."""

Answer = ev.LocalTrackPublished | ev.LocalTrackPublicationFailed

_KINDS = ("audio", "video", "data")
_NAME_TAKEN = 53304


class LocalTrack:
    """A track of ours that the server has confirmed."""

    def __init__(
        self,
        post: Callable[[cmd.Command], None],
        track: ev.Track,
        source: "WatchedSource | None",
        ending: Ending,
        forget: Callable[[str], None],
    ) -> None:
        """`forget` frees the name."""
        self.sid = track.sid or ""
        self.name = track.name
        self.kind: TrackKind = track.kind
        self._post = post
        self._source = source
        self._ending = ending
        self._forget = forget

    def enable(self) -> None:
        """Unmute."""
        self._post(cmd.SetEnabled(self.sid, True))

    def disable(self) -> None:
        """Mute: nothing is sent, and the others are told."""
        self._post(cmd.SetEnabled(self.sid, False))

    def set_priority(self, priority: Priority) -> None:
        """Change the publish priority."""
        self._post(cmd.SetPriority(self.sid, priority))

    def unpublish(self) -> None:
        """Stop publishing."""
        self._post(cmd.Unpublish(self.sid))
        self._forget(self.name)

    def send(self, data: str | bytes) -> None:
        """Send a message on this data track."""
        self._post(cmd.SendMessage(data, self.sid))

    async def wait_ended(self) -> None:
        """Wait until the source has nothing more to give, or is unpublished; a data track ends with the room.

        Raises the `SourceError` that ended it, or the error that ended the room.
        """
        if self._source is None:
            await self._ending.wait()
        else:
            await self._source.over.wait()
        self._ending.raise_error()
        if self._source is not None and self._source.failure is not None:
            raise self._source.failure


class WatchedSource:
    """`Source` around another one: knows when it is over, and why."""

    def __init__(self, source: Source) -> None:
        self.over = asyncio.Event()
        self.failure: SourceError | None = None
        self.on_over: Callable[[], object] = lambda: None
        self._source = source

    @property
    def kind(self) -> MediaKind:
        return self._source.kind

    @property
    def preferred_codec(self) -> Codec | None:
        """The codec that the source has its frames in already; None: any is as good."""
        preferred: Codec | None = getattr(self._source, "preferred_codec", None)
        return preferred

    def request_keyframe(self) -> None:
        """As `Source` says."""
        self._source.request_keyframe()

    async def run(self, codec: Codec, send: Callable[[EncodedFrame], None]) -> None:
        """As `Source` says."""
        try:
            await self._source.run(codec, send)
        except SourceError as failure:
            self.failure = failure
            raise
        finally:
            self.finish()

    def finish(self) -> None:
        """The source is over."""
        self.over.set()
        self.on_over()


class Publisher:
    """Publishes, and waits for the server's word."""

    def __init__(
        self,
        post: Callable[[cmd.Command], None],
        open_stream: Callable[[], Stream[Answer]],
        outside: Outside,
        ending: Ending,
        identity: str,
    ) -> None:
        """`identity` is drawn into the test picture."""
        self._post = post
        self._open_stream = open_stream
        self._outside = outside
        self._ending = ending
        self._names: set[str] = set()
        """Of all tracks that are published, or about to be."""
        self._written: list[WrittenSource] = []
        self._watched: dict[str, WatchedSource] = {}
        self._identity = identity

    async def first(
        self, media: Sequence[tuple[MediaKind, Published]], data: Sequence[str]
    ) -> list[NamedSource]:
        """What to join with. Raises `SourceError`."""
        opened = [await self._open(kind, what, None) for kind, what in media]
        self._names.update(data)
        return opened

    async def media(self, kind: MediaKind, what: Published, name: str | None) -> LocalTrack:
        """Publish a source; the track once it is confirmed."""
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
            case ev.Connected(local_participant=local):
                self._identity = local.identity
            case ev.LocalTrackPublicationFailed(track=track):
                self._forget(track.name)
            case ev.Disconnected(error=reason):
                for source in self._written:
                    source.end(reason)
                for watched in list(self._watched.values()):
                    watched.finish()

    def _forget(self, name: str) -> None:
        self._names.discard(name)
        self._watched.pop(name, None)

    def _take(self, name: str) -> None:
        if name in self._names:
            raise error(_NAME_TAKEN)
        self._names.add(name)

    async def _open(self, kind: MediaKind, what: Published, name: str | None) -> NamedSource:
        if isinstance(what, str):
            base = PurePath(what).name or what
        elif what.kind != kind:
            raise ValueError(f"the source makes {what.kind}, not {kind}")
        else:
            base = kind
        name = name or self.free_name(base)
        self._take(name)
        try:
            source = (
                (await open_named(kind, what, self._identity, self._outside)).source
                if isinstance(what, str)
                else what
            )
        except BaseException:
            self._names.discard(name)
            raise
        if isinstance(source, WrittenSource):
            self._written.append(source)
        watched = self._watched[name] = WatchedSource(source)
        watched.on_over = lambda: self._forget(name)
        return NamedSource(name, watched)

    async def _published(self, command: cmd.PublishMedia | cmd.PublishData, name: str) -> LocalTrack:
        source = self._watched.get(name)
        with self._open_stream() as answers:
            if source is not None:
                source.on_over = lambda: (self._forget(name), answers.end())
            self._post(command)
            try:
                async for answer in answers:
                    if answer.track.name == name:
                        break
                else:
                    raise self._never(source)
            except asyncio.CancelledError:
                if name not in _KINDS:  # which would mean all tracks of the kind
                    self._post(cmd.Unpublish(name))
                raise
        if isinstance(answer, ev.LocalTrackPublicationFailed):
            raise answer.error
        return LocalTrack(self._post, answer.track, source, self._ending, self._forget)

    def _never(self, source: WatchedSource | None) -> Exception:
        if source is not None and source.failure is not None:
            return source.failure
        return SourceError(
            message="The track was not published", explanation="The source, or the room, had ended."
        )
