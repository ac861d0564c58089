"""Files whose packets can be sent as they are."""

from array import array
from fractions import Fraction
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

WIDTH, HEIGHT, FRAME_RATE = 640, 360, 30
BITRATE = 500_000
SECONDS = 6
RATE = 48_000
_CHUNK = RATE // 50


def make_clip(path: Path, with_picture: bool = True) -> Path:
    """VP8 of 640x360 at 30 frames and 500 kbit/s, a keyframe a second, and Opus; the path."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libvpx", rate=FRAME_RATE) if with_picture else None
        sound = container.add_stream("libopus", rate=RATE, layout="mono")
        assert isinstance(sound, AudioStream)
        if isinstance(picture, VideoStream):
            _draw(container, picture)
        for number in range(SECONDS * 50):
            frame = AudioFrame(format="s16", layout="mono", samples=_CHUNK)
            frame.planes[0].update(array("h", ((x * 40 % 8000) - 4000 for x in range(_CHUNK))).tobytes())
            frame.sample_rate, frame.pts, frame.time_base = RATE, number * _CHUNK, Fraction(1, RATE)
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    return path


def _draw(container: av.container.OutputContainer, stream: VideoStream) -> None:
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    stream.bit_rate = BITRATE
    stream.codec_context.gop_size = FRAME_RATE
    stream.options = {"deadline": "realtime", "cpu-used": "8"}
    pattern = bytes((x * x // 97 + x) % 220 + 16 for x in range(WIDTH * (HEIGHT + SECONDS * FRAME_RATE)))
    for number in range(SECONDS * FRAME_RATE):
        frame = VideoFrame(WIDTH, HEIGHT, "yuv420p")
        frame.planes[0].update(pattern[number * WIDTH :][: WIDTH * HEIGHT])
        for plane in frame.planes[1:]:
            plane.update(bytes([128]) * plane.buffer_size)
        frame.pts, frame.time_base, frame.pict_type = number, Fraction(1, FRAME_RATE), PictureType.NONE
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
