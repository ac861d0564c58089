"""A clip of 1280x720 at 30 frames and 1.5 Mbit/s, VP8, to be sent without encoding it again."""

from pathlib import Path
from typing import Any

import av

from videocli.media.frames import Codec, EncodedFrame

FRAME_RATE = 30
KEYFRAME_SECONDS = 2

_SECONDS = 8
_BITRATE = "1500000"
_PICTURE = f"testsrc2=size=1280x720:rate={FRAME_RATE}:duration={_SECONDS},noise=alls=6:allf=t"
"""FFmpeg's test picture, which moves, under the noise of a camera, which leaves no block as it was."""


def write_clip(path: Path) -> None:
    """Encode it, as for a call."""
    with av.open(_PICTURE, format="lavfi") as pictures, av.open(path, "w") as container:
        stream: Any = container.add_stream("libvpx", rate=FRAME_RATE)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        stream.bit_rate = int(_BITRATE)
        stream.codec_context.gop_size = KEYFRAME_SECONDS * FRAME_RATE
        stream.options = {
            "deadline": "realtime",
            "cpu-used": "8",
            "lag-in-frames": "0",
            "minrate": _BITRATE,
            "maxrate": _BITRATE,
            "bufsize": _BITRATE,
        }
        for picture in pictures.decode(video=0):
            picture.pict_type = 0
            container.mux(stream.encode(picture.reformat(format="yuv420p")))
        container.mux(stream.encode(None))


def read_clip(path: Path) -> list[EncodedFrame]:
    """Its frames; the first one of every `KEYFRAME_SECONDS` is a keyframe."""
    with av.open(path) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        return [
            EncodedFrame(
                bytes(packet), index * Codec.VP8.clock_rate // FRAME_RATE, packet.is_keyframe, Codec.VP8
            )
            for index, packet in enumerate(packets)
        ]
