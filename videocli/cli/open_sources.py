"""Opens what `--video`, `--audio` and the `publish` command name."""

import asyncio
from pathlib import PurePath

from videocli.engine.session import NamedSource
from videocli.media.frames import MediaKind
from videocli.media.sources import open_source
from videocli.outside import Outside


async def open_named(
    kind: MediaKind, spec: str, identity: str, outside: Outside, name: str | None = None
) -> NamedSource:
    """The source, named after the last part of its path unless named otherwise. Raises `SourceError`.

    Opening may block (a slow disk, a camera, a URL), so it runs beside the loop.
    """
    source = await asyncio.to_thread(open_source, kind, spec, identity=identity, utcnow=outside.utcnow)
    return NamedSource(name or PurePath(spec).name or spec, source)
