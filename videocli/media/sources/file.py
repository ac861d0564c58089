"""A file, URL or device as a source."""

import contextlib

from videocli.media.frames import Codec, MediaKind
from videocli.media.sources import input as media_input
from videocli.media.sources.input import Input, MediaInput
from videocli.media.sources.maker_thread import FrameMaker
from videocli.media.sources.paced import Clock, PacedSource
from videocli.media.sources.pass_through import PassThrough, codec_as_it_is, passes_through
from videocli.media.sources.transcode import AudioTranscoder, VideoTranscoder


class FileSource(PacedSource):
    """`Source` of what FFmpeg reads: packets of the negotiated codec as they are, all else encoded anew.

    With `loop`, a file is played again and again, each kind by its own length: sound and picture of one file
    drift apart by what one outlasts the other. A device, or a pipe, ends when it ends.
    """

    def __init__(self, kind: MediaKind, spec: str, *, loop: bool = True, clock: Clock | None = None) -> None:
        super().__init__(kind, self._open, clock)
        self.preferred_codec: Codec | None = None
        """What its packets are already, if a peer may negotiate that; known after `check`."""
        self._spec = spec
        self._loop = loop

    def check(self) -> None:
        """Raise `SourceError` unless a first picture or sound can be decoded. Blocks; leaves nothing open."""
        if media_input.is_read_once(self._spec):
            return
        with contextlib.closing(Input(self._spec, self.kind)) as opened:
            media_input.check(opened)
            self.preferred_codec = codec_as_it_is(opened.stream)

    def _open(self, codec: Codec) -> FrameMaker:
        return make_frames(Input(self._spec, self.kind), codec, self._loop)


def make_frames(opened: MediaInput, codec: Codec, loop: bool) -> FrameMaker:
    """What makes frames of the codec of an input; owns the input from now on."""
    if passes_through(opened.stream, codec):
        return PassThrough(opened, codec, loop)
    if codec is Codec.OPUS:
        return AudioTranscoder(opened, loop)
    return VideoTranscoder(opened, codec, loop)
