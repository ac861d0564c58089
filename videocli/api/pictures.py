"""Pictures and sound as a script has them, as what FFmpeg's encoders take."""

from operator import index
from typing import TYPE_CHECKING

from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.video.frame import VideoFrame

from videocli.media.frames import Codec
from videocli.media.sources.encode import OPUS_SAMPLES

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

SAMPLE_BYTES = 2
MAX_SOUND_RATE = 768_000
"""Hz."""
PACKET_SECONDS = OPUS_SAMPLES / Codec.OPUS.clock_rate

Size = tuple[int, int]
"""Width and height in pixels."""


MAX_FRAME_RATE = 1000
MAX_SIDE = 16_382
"""Pixels: a VP8 frame gives each side 14 bits (RFC 6386 section 9.1), and sides are even."""


def checked_frame_rate(frame_rate: int) -> int:
    """A whole number of pictures a second. Raises `TypeError` and `ValueError`."""
    if not 1 <= index(frame_rate) <= MAX_FRAME_RATE:
        raise ValueError(f"the frame rate is 1 to {MAX_FRAME_RATE}, not {frame_rate}")
    return index(frame_rate)


def checked_size(size: Size) -> Size:
    """The size of a yuv420p picture. Raises `TypeError` and `ValueError`."""
    width, height = map(index, size)
    if not (2 <= width <= MAX_SIDE and 2 <= height <= MAX_SIDE) or width % 2 or height % 2:
        raise ValueError(f"width and height are even, and 2 to {MAX_SIDE}, not {width}x{height}")
    return width, height


def to_picture(picture: "VideoFrame | ReadableBuffer", size: Size | None = None) -> VideoFrame:
    """The picture in yuv420p, with even width and height.

    An array of bytes (NumPy's, or any other buffer) is RGB by its shape (height, width, 3), RGBA by (height,
    width, 4), and yuv420p by (height * 3 / 2, width), as PyAV's `to_ndarray` gives it; flat bytes are
    yuv420p of `size`. Raises `ValueError` for anything else.
    """
    if not isinstance(picture, VideoFrame):
        picture = _from_buffer(memoryview(picture), size)
    width, height = checked_size((picture.width - picture.width % 2, picture.height - picture.height % 2))
    if (picture.format.name, picture.width, picture.height) == ("yuv420p", width, height):
        return picture
    return picture.reformat(width=width, height=height, format="yuv420p")


def _from_buffer(pixels: memoryview, size: Size | None) -> VideoFrame:
    if not pixels.c_contiguous or pixels.itemsize != 1:
        raise ValueError("a picture is a contiguous array of bytes")
    match pixels.shape:
        case (height, width, 3):
            frame, widths = VideoFrame(width, height, "rgb24"), [width * 3]
        case (height, width, 4):
            frame, widths = VideoFrame(width, height, "rgba"), [width * 4]
        case (rows, width) if rows % 3 == 0 and width % 2 == 0:
            frame, widths = VideoFrame(width, rows * 2 // 3, "yuv420p"), [width, width // 2, width // 2]
        case (length,) if size is not None and length == size[0] * size[1] * 3 // 2:
            frame, widths = VideoFrame(*size, "yuv420p"), [size[0], size[0] // 2, size[0] // 2]
        case (length,):
            raise ValueError(f"{length} bytes are no yuv420p picture of {size or 'an unknown size'}")
        case shape:
            raise ValueError(f"an array of shape {shape} is no picture")
    flat = pixels.cast("B")
    for plane, width in zip(frame.planes, widths, strict=True):
        rows, stride = plane.height, plane.line_size
        target = memoryview(plane)
        for row in range(rows):
            target[row * stride : row * stride + width] = flat[row * width : (row + 1) * width]
        flat = flat[rows * width :]
    return frame


class PacketCutter:
    """Cuts PCM of any length, rate and layout into packets of 20 ms of s16 at 48 kHz."""

    def __init__(self, rate: int, channels: int) -> None:
        """`rate` in Hz and `channels` (1 or 2) are those of PCM that comes without them."""
        if channels not in (1, 2) or not 1 <= index(rate) <= MAX_SOUND_RATE:
            raise ValueError(f"sound has one or two channels, and a rate of 1 to {MAX_SOUND_RATE} Hz")
        self._rate = rate
        self._layout = "stereo" if channels == 2 else "mono"
        self._resampler: AudioResampler | None = None
        self._resampled: tuple[str, str, int] | None = None
        self._samples = bytearray()
        self._packet_bytes = OPUS_SAMPLES * channels * SAMPLE_BYTES

    def cut(self, sound: "AudioFrame | ReadableBuffer") -> list[AudioFrame]:
        """The packets that are whole now.

        A buffer of 16-bit integers or plain bytes is s16, one of 32-bit floats is flt; channels take turns.
        Raises `ValueError` for anything else.
        """
        if isinstance(sound, AudioFrame):
            self._samples += self._converted(sound)
        else:
            samples = memoryview(sound)
            if not samples.c_contiguous or samples.format not in ("b", "B", "h", "f"):
                raise ValueError("sound is a contiguous array of 16-bit integers or 32-bit floats")
            self._samples += self._native(samples.cast("B"), "flt" if samples.format == "f" else "s16")
        packets = []
        while len(self._samples) >= self._packet_bytes:
            packet = AudioFrame(format="s16", layout=self._layout, samples=OPUS_SAMPLES)
            packet.planes[0].update(bytes(self._samples[: self._packet_bytes]))
            del self._samples[: self._packet_bytes]
            packets.append(packet)
        return packets

    def _native(self, samples: memoryview, kind: str) -> bytes | memoryview:
        channels = 2 if self._layout == "stereo" else 1
        size = channels * (4 if kind == "flt" else SAMPLE_BYTES)
        if len(samples) % size:
            raise ValueError(f"{len(samples)} bytes are no whole samples of {size} bytes")
        if kind == "s16" and self._rate == Codec.OPUS.clock_rate:
            return samples
        if not samples:
            return b""
        frame = AudioFrame(format=kind, layout=self._layout, samples=len(samples) // size)
        frame.sample_rate = self._rate
        frame.planes[0].update(bytes(samples))
        return self._converted(frame)

    def _converted(self, frame: AudioFrame) -> bytes:
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or form != self._resampled:
            self._resampler = AudioResampler("s16", self._layout, Codec.OPUS.clock_rate)
            self._resampled = form
        frame.pts = None
        return b"".join(_samples(part) for part in self._resampler.resample(frame))


def _samples(frame: AudioFrame) -> bytes:
    """Without the padding at the end of the plane."""
    return bytes(frame.planes[0])[: frame.samples * frame.layout.nb_channels * SAMPLE_BYTES]
