"""Decodes the frames of one track."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
from av.error import FFmpegError

from videocli.media.frames import Codec, EncodedFrame

MAX_PIXELS = 4096 * 2304
"""Of a picture, as of H264 level 5.1. VP8 could say 16383x16383 in ten bytes, and have us find the memory."""

_DECODERS = {Codec.VP8: "vp8", Codec.H264: "h264", Codec.OPUS: "libopus"}


class Decoder:
    """Makes a decoder for whatever codec comes. For one thread."""

    def __init__(self, lose: Callable[[], None] = lambda: None) -> None:
        """`lose` is called for each frame that cannot be decoded."""
        self._lose = lose
        self._codec: Codec | None = None
        self._context: Any = None

    def decode(self, frame: EncodedFrame) -> list[Any]:
        """PyAV's frames, with the RTP timestamp as `pts`; sound is s16, stereo, 48 kHz.

        A frame that cannot be decoded is as good as lost.
        """
        if frame.codec is not self._codec:
            self._codec = frame.codec
            self._context = av.CodecContext.create(_DECODERS[frame.codec], "r")
            self._context.thread_count = 1
            self._context.options = {"max_pixels": str(MAX_PIXELS)}
        packet: Any = av.Packet(frame.data)
        packet.pts = packet.dts = frame.timestamp
        packet.time_base = Fraction(1, frame.codec.clock_rate)
        try:
            return list(self._context.decode(packet))
        except FFmpegError:
            self._lose()
            return []
