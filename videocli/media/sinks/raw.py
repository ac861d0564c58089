"""Decodes what comes into what commands read: s16le sound, and yuv4mpeg pictures. For one thread.

Both are streams without timestamps, so what is missing is filled in: silence, or the last picture again.
"""

from collections.abc import Callable, Iterator
from typing import Final, Protocol

from av.audio.resampler import AudioResampler
from av.video.frame import VideoFrame

from videocli.media.frames import EncodedFrame, MediaKind
from videocli.media.sinks.decoder import Decoder

SOUND_RATE: Final = 48_000
PICTURE_RATE: Final = 30
"""Pictures a second: yuv4mpeg has no other timing."""

_SILENCE_SECONDS = 10
_STILL_SECONDS = 1
"""Longer gaps are cut down to this."""
_STEREO_SAMPLE = 4
"""Bytes."""


class RawMaker(Protocol):
    """Makes bytes of frames."""

    def make(self, frame: EncodedFrame) -> Iterator[bytes]:
        """What to write for a frame; one that cannot be decoded is as good as lost."""
        ...


def raw_maker(kind: MediaKind, lose: Callable[[], None]) -> RawMaker:
    """What a command reads of that kind; `lose` is called for each picture that cannot be decoded."""
    return SoundMaker() if kind == "audio" else PictureMaker(lose)


class SoundMaker:
    """s16le, 48 kHz, stereo."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._resampler = AudioResampler("s16", "stereo", SOUND_RATE)
        self._next: int | None = None

    def make(self, frame: EncodedFrame) -> Iterator[bytes]:
        pieces = [
            bytes(piece.planes[0])[: piece.samples * _STEREO_SAMPLE]
            for sound in self._decoder.decode(frame)
            for piece in self._resampler.resample(sound)
        ]
        sound = b"".join(pieces)
        if not sound:
            return
        if self._next is not None and frame.timestamp > self._next:
            missing = min(frame.timestamp - self._next, _SILENCE_SECONDS * SOUND_RATE)
            yield bytes(missing * _STEREO_SAMPLE)
        self._next = frame.timestamp + len(sound) // _STEREO_SAMPLE
        yield sound


class PictureMaker:
    """yuv4mpeg, 4:2:0, at the size of the first picture; others are scaled to it."""

    def __init__(self, lose: Callable[[], None] = lambda: None) -> None:
        self._decoder = Decoder(lose)
        self._size: tuple[int, int] | None = None
        self._first = 0
        self._count = 0
        self._picture = b""

    def make(self, frame: EncodedFrame) -> Iterator[bytes]:
        for decoded in self._decoder.decode(frame):
            if self._size is None:
                self._size = width, height = decoded.width, decoded.height
                self._first = frame.timestamp
                yield f"YUV4MPEG2 W{width} H{height} F{PICTURE_RATE}:1 Ip A1:1 C420jpeg\n".encode()
            yield from self._stills(frame)
            self._picture = b"FRAME\n" + self._planes(decoded)
            if self._due(frame) >= self._count:
                yield self._picture
                self._count += 1

    def _due(self, frame: EncodedFrame) -> int:
        """The number of the picture that belongs to the frame's time."""
        return (frame.timestamp - self._first) * PICTURE_RATE // frame.codec.clock_rate

    def _stills(self, frame: EncodedFrame) -> Iterator[bytes]:
        missing = self._due(frame) - self._count
        if not self._picture or missing <= 0:
            return
        stills = min(missing, _STILL_SECONDS * PICTURE_RATE)
        for _ in range(stills):
            yield self._picture
        self._count += stills
        left_out = missing - stills
        self._first += left_out * frame.codec.clock_rate // PICTURE_RATE

    def _planes(self, decoded: VideoFrame) -> bytes:
        assert self._size is not None
        width, height = self._size
        fitting = decoded.reformat(width=width, height=height, format="yuv420p")
        rows: list[bytes] = []
        for plane in fitting.planes:
            data = memoryview(plane)
            if plane.line_size == plane.width:
                rows.append(bytes(data[: plane.width * plane.height]))
                continue
            rows += [
                bytes(data[start : start + plane.width])
                for start in range(0, plane.line_size * plane.height, plane.line_size)
            ]
        return b"".join(rows)
