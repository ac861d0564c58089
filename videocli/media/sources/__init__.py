"""What can be published: a test picture, a test tone, or anything that FFmpeg reads."""

from collections.abc import Callable
from datetime import datetime

from videocli.errors import SourceError
from videocli.media.frames import MediaKind, Source
from videocli.media.sources.file import FileSource
from videocli.media.sources.testsrc import TestPicture
from videocli.media.sources.tone import TestTone

__all__ = ["FileSource", "TestPicture", "TestTone", "open_source"]

_SYNTHETIC: dict[MediaKind, str] = {"video": "testsrc", "audio": "tone"}


def open_source(
    kind: MediaKind, spec: str, *, identity: str, utcnow: Callable[[], datetime], loop: bool = True
) -> Source:
    """The source that `spec` names, checked so far that its first frame could be decoded.

    `testsrc` (video), `tone` (audio), or else a file, URL or device; a file is played again and again while
    `loop` holds. `identity` and `utcnow` (aware, UTC) are drawn into the test picture; `utcnow` is called on
    a thread. Blocks while it opens, up to some 10 s for a URL; nothing stays open until the source runs.
    Raises `SourceError`, whose message names `spec` and whose explanation says what to do.
    """
    if spec == _SYNTHETIC[kind]:
        return TestPicture(identity, utcnow) if kind == "video" else TestTone()
    for other, name in _SYNTHETIC.items():
        if spec == name:
            raise SourceError(
                message=f"'{spec}' is {other}, not {kind}",
                explanation=f"Use --{other} {spec}, or --{kind} {_SYNTHETIC[kind]}.",
            )
    source = FileSource(kind, spec, loop=loop)
    source.check()
    return source
