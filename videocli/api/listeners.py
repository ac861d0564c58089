"""Who is told of a room's events: streams and callbacks."""

import asyncio
import inspect
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from videocli.api.stream import Ending, Stream
from videocli.engine import events as ev

E = TypeVar("E")
CLOSE_SECONDS = 1.0
Callback = Callable[[Any], object]

_log = logging.getLogger(__name__)


class Listeners:
    """Hands each event to everybody who asked for its kind, in the order they asked."""

    def __init__(self, ending: Ending) -> None:
        self._ending = ending
        self._streams: dict[Stream[Any], tuple[type[Any], ...]] = {}
        self._callbacks: list[tuple[type[Any], Callback]] = []
        self._tasks: set[asyncio.Task[Any]] = set()

    def stream(self, kinds: tuple[type[E], ...], limit: int) -> Stream[E]:
        """A stream of the events of these kinds from now on; of all if there are none. Raises `TypeError`."""
        for kind in kinds:
            _check_kind(kind)
        stream: Stream[E] = Stream(limit, self._ending)
        stream.at_end(lambda: self._streams.pop(stream, None))
        self._streams[stream] = kinds or (object,)
        return stream

    def on(self, kind: type[E], callback: Callable[[E], object]) -> Callable[[], None]:
        """Call for each event of that kind from now on; call the result to stop. Raises `TypeError`."""
        _check_kind(kind)
        if not callable(callback):
            raise TypeError(f"a callback can be called, which {callback!r} cannot")
        entry = (kind, callback)
        self._callbacks.append(entry)

        def off() -> None:
            if entry in self._callbacks:
                self._callbacks.remove(entry)

        return off

    def tell(self, event: ev.Event) -> None:
        """An event happened. What a callback raises is logged, and the others are told all the same."""
        for stream, kinds in list(self._streams.items()):
            if isinstance(event, kinds):
                stream.put(event)
        for kind, callback in list(self._callbacks):
            if isinstance(event, kind):
                try:
                    outcome = callback(event)
                except (Exception, asyncio.CancelledError):
                    _log.exception("a callback for %s failed", kind.__name__)
                else:
                    if inspect.iscoroutine(outcome):
                        self._run(outcome, kind)

    def end(self) -> None:
        """Nothing more happens: every stream ends."""
        for stream in list(self._streams):
            stream.end()

    async def close(self) -> None:
        """Cancel the callbacks that still run; one that will not end is left to itself after a second."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)

    def _run(self, work: Coroutine[Any, Any, object], kind: type[Any]) -> None:
        async def guarded() -> None:
            try:
                await work
            except Exception:
                _log.exception("a callback for %s failed", kind.__name__)

        task = asyncio.create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _check_kind(kind: object) -> None:
    if not isinstance(kind, type):
        raise TypeError(f"a kind of event is a class, which {kind!r} is not")
