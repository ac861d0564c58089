"""What can be published: a test picture, a test tone, silence, or anything that FFmpeg reads."""

from collections.abc import Callable
from datetime import datetime

from videocli.errors import SourceError
from videocli.media.frames import MediaKind, Source
from videocli.media.sources.file import FileSource, begin_together
from videocli.media.sources.silence import Silence
from videocli.media.sources.stdin import STDIN, open_stdin
from videocli.media.sources.testsrc import TestPicture
from videocli.media.sources.tone import TestTone

__all__ = [
    "STDIN",
    "FileSource",
    "Silence",
    "TestPicture",
    "TestTone",
    "begin_together",
    "is_endless",
    "open_source",
    "open_stdin",
]

_SYNTHETIC: dict[str, MediaKind] = {"testsrc": "video", "tone": "audio", "silence": "audio"}
"""What we make ourselves, and its kind."""

_USUAL: dict[MediaKind, str] = {"video": "testsrc", "audio": "tone"}


def is_endless(spec: str) -> bool:
    """Whether it never ends by itself, whatever else is asked for."""
    return spec in _SYNTHETIC


def open_source(
    kind: MediaKind, spec: str, *, identity: str, utcnow: Callable[[], datetime], loop: bool = True
) -> Source:
    """The source that `spec` names, checked so far that its first frame could be decoded.

    `testsrc` (video), `tone`, `silence` (audio), or else a file, URL or device; a file is played again and
    again while `loop` holds. `identity` and `utcnow` (aware, UTC) are drawn into the test picture; `utcnow`
    is called on a thread. Blocks while it opens, up to some 10 s for a URL; nothing stays open until the
    source runs. Raises `SourceError`, whose message names `spec` and whose explanation says what to do.

    Stdin (`-`) is not opened here, since it can be only once: see `open_stdin`.
    """
    if _SYNTHETIC.get(spec, kind) != kind:
        other = _SYNTHETIC[spec]
        raise SourceError(
            message=f"'{spec}' is {other}, not {kind}",
            explanation=f"Use --{other} {spec}, or --{kind} {_USUAL[kind]}.",
        )
    match spec:
        case "testsrc":
            return TestPicture(identity, utcnow)
        case "tone":
            return TestTone()
        case "silence":
            return Silence()
        case "-":
            raise SourceError(
                message="stdin can be published only from the start",
                explanation="Use join's --video - and --audio -, without --json.",
            )
    source = FileSource(kind, spec, loop=loop)
    source.check()
    return source
