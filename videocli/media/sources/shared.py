"""One maker of frames for all who publish the same thing in a process: a hundred bots, one encoder."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from videocli.media.frames import Codec, EncodedFrame, MediaKind, PrefersCodec, Source
from videocli.media.sources import open_source

Send = Callable[[EncodedFrame], None]


class SharedSources:
    """Opens what is named only once, and gives every publisher a `Source` of its own.

    Frames are shared where they are the same: a file, URL or device by its name, `tone` and `silence`, and
    `testsrc` of one identity. Use `open` as `open_source`, from any thread; run all sources on one loop.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opening: dict[object, threading.Lock] = {}
        self._shared: dict[object, SharedSource] = {}

    def open(
        self, kind: MediaKind, spec: str, *, identity: str, utcnow: Callable[[], datetime], loop: bool = True
    ) -> Source:
        """As `open_source`. With `loop=False` nothing is shared: everybody plays it from its beginning."""
        if not loop:
            return open_source(kind, spec, identity=identity, utcnow=utcnow, loop=False)
        key = (kind, spec, identity if spec == "testsrc" else None)
        with self._lock:
            opening = self._opening.setdefault(key, threading.Lock())
        with opening:
            if key not in self._shared:
                self._shared[key] = SharedSource(open_source(kind, spec, identity=identity, utcnow=utcnow))
        return self._shared[key].view()


class SharedSource:
    """Lets any number of publishers have the frames of one source, as if each had a source of its own.

    `view` gives a `Source` for one publisher. The first view that runs starts the source; later ones get its
    frames from then on, and a keyframe is asked for on their behalf. When the last view is cancelled, the
    source is too, and may start again. If it ends or fails, it does so for all. It runs once for each codec
    that is asked for, perhaps twice at the same time.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._runs: dict[Codec, _Run] = {}

    def view(self) -> Source:
        """A source for one more publisher."""
        return _View(self)

    async def run(self, codec: Codec, send: Send) -> None:
        """As `Source.run`, for one of the publishers."""
        run = self._runs.get(codec)
        if run is None:
            run = self._runs[codec] = _Run()
            run.task = asyncio.create_task(self._work(codec, run), name=f"shared {self.source.kind} source")
        else:
            self.source.request_keyframe()
        ended = asyncio.get_running_loop().create_future()
        run.takers[ended] = send
        try:
            await ended
        finally:
            del run.takers[ended]
            if not run.takers:
                await self._stop(codec, run)

    async def _work(self, codec: Codec, run: "_Run") -> None:
        failure: Exception | None = None
        try:
            await self.source.run(codec, run.send)
        except Exception as reason:
            failure = reason
        self._forget(codec, run)
        for ended in run.takers:
            if ended.done():
                continue
            if failure is None:
                ended.set_result(None)
            else:
                ended.set_exception(failure)

    async def _stop(self, codec: Codec, run: "_Run") -> None:
        """Wait until the source has let go of everything, as `Source.run` promises."""
        self._forget(codec, run)
        if run.task is not None:
            run.task.cancel()
            await asyncio.wait([run.task])

    def _forget(self, codec: Codec, run: "_Run") -> None:
        if self._runs.get(codec) is run:
            del self._runs[codec]


@dataclass(slots=True, eq=False)
class _Run:
    """The source at work for all who want one codec of it."""

    takers: dict[asyncio.Future[None], Send] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None

    def send(self, frame: EncodedFrame) -> None:
        for take in tuple(self.takers.values()):
            take(frame)


class _View:
    """`Source` for one publisher of what is shared."""

    def __init__(self, shared: SharedSource) -> None:
        self._shared = shared

    @property
    def kind(self) -> MediaKind:
        return self._shared.source.kind

    @property
    def preferred_codec(self) -> Codec | None:
        source = self._shared.source
        return source.preferred_codec if isinstance(source, PrefersCodec) else None

    def request_keyframe(self) -> None:
        self._shared.source.request_keyframe()

    async def run(self, codec: Codec, send: Send) -> None:
        await self._shared.run(codec, send)
