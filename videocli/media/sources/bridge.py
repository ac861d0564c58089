"""A keyframe in the middle of a group of pictures, for a file whose packets are sent as they are.

file     K p p p p p p p p K p p …
asked            ▲
sent     K p p p K e e e e K p p …     e: decoded and encoded anew
"""

from collections.abc import Iterable
from typing import Any

import av
from av import error as averror
from av.packet import Packet
from av.video.frame import VideoFrame

from videocli.media.frames import Codec, EncodedFrame
from videocli.media.sources.encode import VideoEncoder

_DECODERS = {Codec.VP8: "vp8", Codec.H264: "h264"}


class Bridge:
    """Encodes the rest of a group of pictures of which `begun` was sent as it is; the first is a keyframe."""

    def __init__(self, codec: Codec, begun: Iterable[bytes], frame_rate: int) -> None:
        self._codec = codec
        self._frame_rate = frame_rate
        self._decoder: Any = av.CodecContext.create(_DECODERS[codec], "r")
        self._decoder.thread_count = 1
        self._encoder: VideoEncoder | None = None
        for data in begun:
            self._decode(data)

    def encode(self, data: bytes, timestamp: int, keyframe: bool) -> EncodedFrame | None:
        """The next frame, encoded anew; None: it shows nothing, or was left out to keep the bitrate."""
        picture = self._decode(data)
        if picture is None:
            return None
        if self._encoder is None:
            width, height = picture.width & ~1, picture.height & ~1
            self._encoder = VideoEncoder(self._codec, width, height, self._frame_rate)
            self._size = width, height
        picture = picture.reformat(*self._size, "yuv420p", dst_color_range="MPEG", threads=1)
        return self._encoder.encode(picture, timestamp, keyframe)

    def _decode(self, data: bytes) -> VideoFrame | None:
        packet: Packet[Any] = Packet(data)
        try:
            pictures: list[Any] = self._decoder.decode(packet)
        except averror.FFmpegError:
            return None
        return pictures[-1] if pictures else None
