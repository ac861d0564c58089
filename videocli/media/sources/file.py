"""A file, URL or device as a source."""

from videocli.media.frames import Codec, MediaKind
from videocli.media.sources import input as media_input
from videocli.media.sources.input import Input
from videocli.media.sources.maker_thread import FrameMaker
from videocli.media.sources.paced import Clock, PacedSource
from videocli.media.sources.pass_through import PassThrough, passes_through
from videocli.media.sources.transcode import AudioTranscoder, VideoTranscoder


class FileSource(PacedSource):
    """`Source` of what FFmpeg reads: packets of the negotiated codec as they are, all else encoded anew.

    With `loop`, a file is played again and again, each kind by its own length: sound and picture of one file
    drift apart by what one outlasts the other. A device, or a pipe, ends when it ends.
    """

    def __init__(self, kind: MediaKind, spec: str, *, loop: bool = True, clock: Clock | None = None) -> None:
        super().__init__(kind, self._open, clock)
        self._spec = spec
        self._loop = loop

    def check(self) -> None:
        """Raise `SourceError` unless a first picture or sound can be decoded. Blocks; leaves nothing open."""
        media_input.check(self._spec, self.kind)

    def _open(self, codec: Codec) -> FrameMaker:
        opened = Input(self._spec, self.kind)
        if passes_through(opened.stream, codec):
            return PassThrough(opened, codec, self._loop)
        if codec is Codec.OPUS:
            return AudioTranscoder(opened, self._loop)
        return VideoTranscoder(opened, codec, self._loop)
