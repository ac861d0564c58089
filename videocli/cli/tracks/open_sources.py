"""Opens what `--video`, `--audio` and the `publish` command name."""

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import PurePath
from urllib.parse import urlsplit

from videocli.engine.session import NamedSource
from videocli.engine.track_names import MAX_TRACK_NAME
from videocli.media.frames import MediaKind, Source
from videocli.outside import Outside
from videocli.tasks import beside


def default_name(spec: str) -> str:
    """The last part of a path; of a URL without its query, or else the host.

    The room sees it, so nothing of a URL that may be a secret is in it. Bytes of a path that are no UTF-8
    become question marks.
    """
    from videocli.media.sources import STDIN

    if spec == STDIN:
        return "stdin"
    if "://" in spec:
        try:
            url = urlsplit(spec)
            name = PurePath(url.path).name or url.hostname or url.scheme
        except ValueError:
            name = spec.partition(":")[0]
    else:
        name = PurePath(spec).name or spec
    return name.encode(errors="replace").decode()[:MAX_TRACK_NAME]


def default_names(sources: Sequence[tuple[MediaKind, str]]) -> list[str]:
    """A track name for each source: the last part of its path, and its kind where that is taken."""
    names: list[str] = []
    for kind, spec in sources:
        base = default_name(spec)
        tries = itertools.chain([base, f"{base} {kind}"], (f"{base} {kind} {n}" for n in itertools.count(2)))
        names.append(next(name for name in tries if name not in names))
    return names


async def open_all(
    media: Sequence[tuple[MediaKind, str]], identity: str, outside: Outside, loop: bool = True
) -> list[NamedSource]:
    """All that is to be published from the start; `loop`: play files again and again.

    Stdin is read once for both kinds; a file that is named for both begins at once in both. Raises
    `SourceError`.
    """
    if not media:
        return []
    from videocli.media.sources import STDIN, begin_together, open_stdin

    from_stdin = [kind for kind, spec in media if spec == STDIN]
    piped = await beside(partial(open_stdin, from_stdin)) if from_stdin else {}
    opened: list[NamedSource] = []
    for (kind, spec), name in zip(media, default_names(media), strict=True):
        if spec == STDIN:
            opened.append(NamedSource(name, piped[kind]))
        else:
            opened.append(await open_named(kind, spec, identity, outside, name, loop))
    for spec in {spec for _, spec in media}:
        begin_together(named.source for (_, its), named in zip(media, opened, strict=True) if its == spec)
    return opened


async def open_named(
    kind: MediaKind,
    spec: str,
    identity: str,
    outside: Outside,
    name: str | None = None,
    loop: bool = True,
    open_it: Callable[..., Source] | None = None,
) -> NamedSource:
    """The source, named after the last part of its path unless named otherwise. Raises `SourceError`.

    Opening may block (a slow disk, a camera, a URL), so it runs beside the loop. `open_it` opens as
    `open_source` does, which is the default.
    """
    from videocli.media.sources import open_source

    opening: Callable[[], Source] = partial(
        open_it or open_source, kind, spec, identity=identity, utcnow=outside.utcnow, loop=loop
    )
    return NamedSource(name or default_name(spec), await beside(opening))
