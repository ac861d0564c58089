"""VP8, H264 and Opus encoders, set up for live media."""

from dataclasses import dataclass
from fractions import Fraction

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.codec.codec import UnknownCodecError
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

from videocli.errors import SourceError
from videocli.media.frames import Codec, EncodedFrame
from videocli.media.sources.loudness import loudness

OPUS_SAMPLES = 960
"""Samples of one Opus packet, 20 ms at 48 kHz."""

_KEYFRAME_SECONDS = 10
_BITS_A_PIXEL = 2.6
"""Bits a second for each pixel of the picture: 600 kbit/s at 640x360."""

_MIN_BITRATE, _MAX_BITRATE = 150_000, 2_500_000
_OPUS_BITRATES = {1: 40_000, 2: 96_000}


@dataclass(frozen=True, slots=True)
class _Encoder:
    name: str
    options: dict[str, str]


_VIDEO_ENCODERS = {
    Codec.VP8: _Encoder(
        "libvpx",
        {
            "deadline": "realtime",
            "cpu-used": "8",
            "lag-in-frames": "0",
            "error-resilient": "default",
            "auto-alt-ref": "0",
        },
    ),
    # Constrained Baseline 3.1: the profile of `profile-level-id=42e01f` (RFC 6184, section 8.1).
    Codec.H264: _Encoder(
        "libx264",
        {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "level": "31",
            "forced-idr": "1",
        },
    ),
}


class VideoEncoder:
    """Encodes pictures of one size; H264 comes as Annex B with parameter sets before each keyframe."""

    def __init__(self, codec: Codec, width: int, height: int, frame_rate: int) -> None:
        encoder = _VIDEO_ENCODERS[codec]
        bitrate = round(min(max(width * height * _BITS_A_PIXEL, _MIN_BITRATE), _MAX_BITRATE))
        context = _context(encoder.name)
        assert isinstance(context, VideoCodecContext)
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base = Fraction(1, codec.clock_rate)
        context.framerate = Fraction(frame_rate)
        context.gop_size = _KEYFRAME_SECONDS * frame_rate
        context.bit_rate = bitrate
        context.options = {**encoder.options, "maxrate": str(bitrate), "bufsize": str(bitrate)}
        self._codec = codec
        self._context = context
        self._step = codec.clock_rate // frame_rate
        self._put_off = 0
        self._last: tuple[VideoFrame, int] | None = None

    def encode_again(self) -> EncodedFrame | None:
        """Encode the last picture once more, as a keyframe, to be sent in place of what it was before."""
        if self._last is None:
            return None
        # To the encoder it is another picture: its time has to go on, and by a usual step, for the bitrate.
        self._put_off += self._step
        return self.encode(*self._last, keyframe=True)

    def encode(self, picture: VideoFrame, timestamp: int, keyframe: bool) -> EncodedFrame | None:
        """Encode a yuv420p picture; None: the encoder left it out to keep its bitrate."""
        self._last = picture, timestamp
        picture.pts = timestamp + self._put_off
        picture.time_base = self._context.time_base
        picture.pict_type = PictureType.I if keyframe else PictureType.NONE
        packets = self._context.encode(picture)
        if not packets:
            return None
        data = b"".join(map(bytes, packets))
        return EncodedFrame(data, timestamp, packets[0].is_keyframe, self._codec)


class OpusEncoder:
    """Encodes mono or stereo s16 at 48 kHz, in packets of 20 ms."""

    def __init__(self, channels: int) -> None:
        context = _context("libopus")
        assert isinstance(context, AudioCodecContext)
        context.sample_rate = Codec.OPUS.clock_rate
        context.format = "s16"
        context.layout = "stereo" if channels == 2 else "mono"
        context.bit_rate = _OPUS_BITRATES[channels]
        context.time_base = Fraction(1, Codec.OPUS.clock_rate)
        context.options = {"frame_duration": "20", "application": "audio"}
        self._context = context

    def encode(self, sound: AudioFrame, timestamp: int) -> EncodedFrame:
        """Encode `OPUS_SAMPLES` samples."""
        sound.sample_rate = Codec.OPUS.clock_rate
        sound.pts = timestamp
        sound.time_base = self._context.time_base
        data = b"".join(map(bytes, self._context.encode(sound)))
        return EncodedFrame(data, timestamp, True, Codec.OPUS, audio_level=loudness(sound))


def _context(name: str) -> av.CodecContext:
    """An encoder. Raises `SourceError` where FFmpeg lacks it.

    One thread is enough: there are other tracks. (PyAV's filter before an audio encoder has its own.)
    """
    try:
        context = av.CodecContext.create(name, "w")
    except UnknownCodecError as error:
        raise SourceError(
            message=f"FFmpeg here has no encoder {name}",
            explanation="Install PyAV from PyPI, which brings one: pip install --force-reinstall av",
        ) from error
    context.thread_count = 1
    return context
