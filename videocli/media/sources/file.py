"""A file, URL or device as a source."""

import contextlib
from collections.abc import Iterable

from videocli.media.frames import Codec, MediaKind, Source
from videocli.media.sources import input as media_input
from videocli.media.sources.input import Input, MediaInput
from videocli.media.sources.maker_thread import FrameMaker
from videocli.media.sources.paced import Clock, Delay, PacedSource
from videocli.media.sources.pass_through import PassThrough, codec_as_it_is, passes_through
from videocli.media.sources.transcode import AudioTranscoder, VideoTranscoder

_MAX_APART_SECONDS = 1.0
"""What is ready later than this after the other does not catch up with it: that would be a flood."""


class Beginning:
    """When a file begins that is published as picture and as sound."""

    def __init__(self) -> None:
        self.delay = Delay()
        """Of both: what stalls one puts off the other, too, so that they keep step."""
        self._zero_at: float | None = None
        """When the file's time 0 was to be."""

    def starts_at(self, first_seconds: float, now: float) -> float:
        """When what lies at `first_seconds` of the file is due, and is ready `now`; the first one decides."""
        latest = now - first_seconds - self.delay.seconds
        if self._zero_at is None or latest - self._zero_at > _MAX_APART_SECONDS:
            self._zero_at = latest
        return self._zero_at + first_seconds


class FileSource(PacedSource):
    """`Source` of what FFmpeg reads: packets of the negotiated codec as they are, all else encoded anew.

    With `loop`, a file is played again and again; one that holds sound and picture begins again when the
    longer one ends, so that the two keep step. A device, or a pipe, ends when it ends.
    """

    def __init__(self, kind: MediaKind, spec: str, *, loop: bool = True, clock: Clock | None = None) -> None:
        super().__init__(kind, self._open, clock, self._first_due, self._delay)
        self.preferred_codec: Codec | None = None
        """What its packets are already, if a peer may negotiate that; known after `check`."""
        self.beginning: Beginning | None = None
        """Shared with what is to begin together with it; None: it begins when its first frame is there."""
        self._spec = spec
        self._loop = loop
        self._opened: Input | None = None

    def check(self) -> None:
        """Raise `SourceError` as `media_input.check` does. Blocks; leaves nothing open."""
        if media_input.is_read_once(self._spec):
            return
        with contextlib.closing(Input(self._spec, self.kind)) as opened:
            codec = codec_as_it_is(opened.stream)
            media_input.check(opened, codec)
            self.preferred_codec = codec

    def _open(self, codec: Codec) -> FrameMaker:
        self._opened = Input(self._spec, self.kind)
        return make_frames(self._opened, codec, self._loop)

    def _delay(self) -> Delay:
        return Delay() if self.beginning is None else self.beginning.delay

    def _first_due(self, now: float) -> float:
        opened, self._opened = self._opened, None
        if self.beginning is None or opened is None:
            return now
        return self.beginning.starts_at(opened.first_seconds, now)


def begin_together(sources: Iterable[Source]) -> None:
    """Let picture and sound that come from one file begin as far apart as they do in it."""
    beginning = Beginning()
    for source in sources:
        if isinstance(source, FileSource):
            source.beginning = beginning


def make_frames(opened: MediaInput, codec: Codec, loop: bool) -> FrameMaker:
    """What makes frames of the codec of an input; owns the input from now on, also where it raises."""
    try:
        if passes_through(opened.stream, codec):
            return PassThrough(opened, codec, loop)
        if codec is Codec.OPUS:
            return AudioTranscoder(opened, loop)
        return VideoTranscoder(opened, codec, loop)
    except Exception:
        opened.close()
        raise
