"""Opens what `--video`, `--audio` and the `publish` command name."""

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import PurePath
from typing import TypeVar

from videocli.engine.session import NamedSource
from videocli.media.frames import MediaKind
from videocli.media.sources import open_source
from videocli.outside import Outside

T = TypeVar("T")


def default_names(sources: Sequence[tuple[MediaKind, str]]) -> list[str]:
    """A track name for each source: the last part of its path, and its kind where that is taken."""
    names: list[str] = []
    for kind, spec in sources:
        base = PurePath(spec).name or spec
        tries = itertools.chain([base, f"{base} {kind}"], (f"{base} {kind} {n}" for n in itertools.count(2)))
        names.append(next(name for name in tries if name not in names))
    return names


async def open_named(
    kind: MediaKind, spec: str, identity: str, outside: Outside, name: str | None = None
) -> NamedSource:
    """The source, named after the last part of its path unless named otherwise. Raises `SourceError`.

    Opening may block (a slow disk, a camera, a URL), so it runs beside the loop.
    """
    opening = partial(open_source, kind, spec, identity=identity, utcnow=outside.utcnow)
    return NamedSource(name or PurePath(spec).name or spec, await _beside(opening))


async def _beside(work: Callable[[], T]) -> T:
    """What the work returns or raises, on a thread that never keeps the process alive.

    `asyncio.to_thread` does: `asyncio.run` waits for its threads, so that nobody could leave.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def settle(set_it: Callable[[], None]) -> None:
        if not result.done():
            set_it()

    def run() -> None:
        try:
            answer = partial(result.set_result, work())
        except Exception as failure:
            answer = partial(result.set_exception, failure)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, answer)

    threading.Thread(target=run, name="open source", daemon=True).start()
    return await result
