"""Files as a call would have them, whose packets can be sent as they are."""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from videocli.media.frames import Codec, EncodedFrame

WIDTH, HEIGHT, FRAME_RATE = 640, 360, 30
BITRATE = 500_000
SECONDS = 6
RATE = 48_000
KEYFRAME_SECONDS = 2
REALTIME = {"deadline": "realtime", "cpu-used": "8"}
"""Options of libvpx for a call."""
NOISE = "noise=alls=6:allf=t"
"""A filter that adds the noise of a camera, which leaves no block as it was."""

_CHUNK = RATE // 50
_LARGE_SECONDS = 8
_LARGE_BITRATE = 1_500_000


def make_clip(path: Path, with_picture: bool = True) -> Path:
    """VP8 of 640x360 at 30 frames and 500 kbit/s, a keyframe a second, and Opus; the path."""
    with av.open(str(path), "w") as container:
        picture = add_picture(container, (WIDTH, HEIGHT), BITRATE, 1) if with_picture else None
        sound = container.add_stream("libopus", rate=RATE, layout="mono")
        assert isinstance(sound, AudioStream)
        if picture is not None:
            encode(container, picture, _scrolled_stripes())
        for number in range(SECONDS * 50):
            frame = AudioFrame(format="s16", layout="mono", samples=_CHUNK)
            frame.planes[0].update(array("h", ((x * 40 % 8000) - 4000 for x in range(_CHUNK))).tobytes())
            frame.sample_rate, frame.pts, frame.time_base = RATE, number * _CHUNK, Fraction(1, RATE)
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    return path


def write_clip(path: Path) -> None:
    """VP8 of 1280x720 at 30 frames and 1.5 Mbit/s, without sound."""
    constant = dict.fromkeys(("minrate", "maxrate", "bufsize"), str(_LARGE_BITRATE))
    options = {**REALTIME, "lag-in-frames": "0", **constant}
    with av.open(str(path), "w") as container:
        stream = add_picture(container, (1280, 720), _LARGE_BITRATE, KEYFRAME_SECONDS, options=options)
        encode(container, stream, moving_picture((1280, 720), _LARGE_SECONDS, NOISE))


def read_clip(path: Path) -> list[EncodedFrame]:
    """The frames of `write_clip`; the first one of every `KEYFRAME_SECONDS` is a keyframe."""
    with av.open(path) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        return [
            EncodedFrame(
                bytes(packet), index * Codec.VP8.clock_rate // FRAME_RATE, packet.is_keyframe, Codec.VP8
            )
            for index, packet in enumerate(packets)
        ]


def add_picture(
    container: OutputContainer,
    size: tuple[int, int],
    bitrate: int,
    keyframe_seconds: int,
    encoder: str = "libvpx",
    options: Mapping[str, str] = REALTIME,
) -> VideoStream:
    """A stream of `FRAME_RATE` for `encode`."""
    stream = container.add_stream(encoder, rate=FRAME_RATE, options=dict(options))
    assert isinstance(stream, VideoStream)
    stream.width, stream.height = size
    stream.pix_fmt, stream.bit_rate = "yuv420p", bitrate
    stream.codec_context.gop_size = keyframe_seconds * FRAME_RATE
    return stream


def encode(container: OutputContainer, stream: VideoStream, pictures: Iterable[VideoFrame]) -> None:
    """Encode pictures, in yuv420p, one after the other to the end of the stream."""
    for number, picture in enumerate(pictures):
        picture.pts, picture.time_base = number, Fraction(1, FRAME_RATE)
        picture.pict_type = PictureType.NONE  # else each is a keyframe
        container.mux(stream.encode(picture))
    container.mux(stream.encode(None))


def moving_picture(size: tuple[int, int], seconds: int, *filters: str) -> Iterator[VideoFrame]:
    """FFmpeg's test picture, through filters of FFmpeg."""
    source = f"testsrc2=size={size[0]}x{size[1]}:rate={FRAME_RATE}:duration={seconds}"
    with av.open(",".join((source, "format=yuv420p", *filters)), format="lavfi") as pictures:
        yield from pictures.decode(video=0)


def _scrolled_stripes() -> Iterator[VideoFrame]:
    pattern = bytes((x * x // 97 + x) % 220 + 16 for x in range(WIDTH * (HEIGHT + SECONDS * FRAME_RATE)))
    for number in range(SECONDS * FRAME_RATE):
        frame = VideoFrame(WIDTH, HEIGHT, "yuv420p")
        frame.planes[0].update(pattern[number * WIDTH :][: WIDTH * HEIGHT])
        for plane in frame.planes[1:]:
            plane.update(bytes([128]) * plane.buffer_size)
        yield frame
