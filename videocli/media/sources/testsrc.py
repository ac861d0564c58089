"""`testsrc`: colour bars, a square that wanders over them, and whose picture it is, when, and which.

┌──────────────────────────────┐
│ bars          ▣              │  the square's place follows the frame number
├──────────────────────────────┤
│ alice                        │  identity
│ 2026-02-03T04:05:06.789Z     │  the wall clock when the frame is due, UTC
│ #1234                        │  frame number
└──────────────────────────────┘
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from av.video.frame import VideoFrame

from videocli.media.frames import Codec, EncodedFrame
from videocli.media.sources import font
from videocli.media.sources.encode import VideoEncoder
from videocli.media.sources.paced import Clock, PacedSource

WIDTH, HEIGHT = 640, 360
FRAME_RATE = 24

INK, PAPER = 235, 16
"""Luma of the letters and of what is behind them: white and black of limited range."""

TEXT_LEFT = 16
IDENTITY_TOP, CLOCK_TOP, NUMBER_TOP = 224, 270, 316
TEXT_SCALE = 4
"""Pixels of the picture to one of the font."""

TEXT_LENGTH = (WIDTH - TEXT_LEFT) // (font.ADVANCE * TEXT_SCALE)
"""Characters that fit on a line of full size."""

_SMALL_SCALE = 2
_BARS_HEIGHT = 208
_SQUARE = 48
_STEP = 4
_NEUTRAL = 128

_BARS = (
    (180, 128, 128),
    (162, 44, 142),
    (131, 156, 44),
    (112, 72, 58),
    (84, 184, 198),
    (65, 100, 212),
    (35, 212, 114),
    (16, 128, 128),
)
"""Y, Cb and Cr of grey, yellow, cyan, green, magenta, red, blue (75 %) and black (ITU-R BT.601)."""


class TestPicture(PacedSource):
    """`Source` of the test picture. `utcnow` (aware, UTC) is called on a thread."""

    __test__ = False

    def __init__(self, identity: str, utcnow: Callable[[], datetime], clock: Clock | None = None) -> None:
        super().__init__("video", lambda codec: _PictureMaker(codec, identity, utcnow), clock)


class _PictureMaker:
    ahead = 1

    def __init__(self, codec: Codec, identity: str, utcnow: Callable[[], datetime]) -> None:
        self._encoder = VideoEncoder(codec, WIDTH, HEIGHT, FRAME_RATE)
        self._ticks = codec.clock_rate // FRAME_RATE
        self._background = _background(identity)
        self._utcnow = utcnow
        self._number = 0

    def next(self, elapsed: float, wants_keyframe: bool) -> EncodedFrame:
        while True:
            number = max(self._number, int(elapsed * FRAME_RATE))
            self._number = number + 1
            due = self._utcnow() + timedelta(seconds=number / FRAME_RATE - elapsed)
            picture = draw(self._background, number, due)
            frame = self._encoder.encode(picture, number * self._ticks, wants_keyframe)
            if frame is not None:
                return frame

    def remake(self) -> EncodedFrame | None:
        return self._encoder.encode_again()

    def close(self) -> None:
        pass


def draw(background: tuple[bytes, bytes, bytes], number: int, time: datetime) -> VideoFrame:
    """One picture: the background of `_background` with what changes drawn over it."""
    luma, blue, red = map(bytearray, background)
    x = _to_and_fro(number * _STEP, WIDTH - _SQUARE)
    y = _to_and_fro(number * _STEP, _BARS_HEIGHT - _SQUARE)
    _fill(luma, WIDTH, x, y, _SQUARE, INK)
    for chroma in (blue, red):
        _fill(chroma, WIDTH // 2, x // 2, y // 2, _SQUARE // 2, _NEUTRAL)
    clock = time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03}Z"
    _write(luma, clock, CLOCK_TOP, TEXT_SCALE)
    _write(luma, f"#{number}", NUMBER_TOP, TEXT_SCALE)
    picture = VideoFrame(WIDTH, HEIGHT, "yuv420p")
    for plane, pixels, width in zip(
        picture.planes, (luma, blue, red), (WIDTH, WIDTH // 2, WIDTH // 2), strict=True
    ):
        _copy(pixels, width, memoryview(plane), plane.line_size)
    return picture


def _background(identity: str) -> tuple[bytes, bytes, bytes]:
    """The Y, Cb and Cr planes of what never changes, rows without padding."""
    bar = WIDTH // len(_BARS)
    luma = bytearray(b"".join(bytes([y]) * bar for y, _, _ in _BARS) * _BARS_HEIGHT)
    luma += bytes([PAPER]) * (WIDTH * (HEIGHT - _BARS_HEIGHT))
    scale = TEXT_SCALE if len(identity) <= TEXT_LENGTH else _SMALL_SCALE
    _write(luma, identity[: TEXT_LENGTH * TEXT_SCALE // scale], IDENTITY_TOP, scale)
    chroma = [
        b"".join(bytes([colour[component]]) * (bar // 2) for colour in _BARS) * (_BARS_HEIGHT // 2)
        + bytes([_NEUTRAL]) * (WIDTH // 2 * (HEIGHT - _BARS_HEIGHT) // 2)
        for component in (1, 2)
    ]
    return bytes(luma), chroma[0], chroma[1]


def _to_and_fro(distance: int, span: int) -> int:
    return span - abs(distance % (2 * span) - span)


def _fill(plane: bytearray, width: int, x: int, y: int, size: int, value: int) -> None:
    row = bytes([value]) * size
    for start in range(y * width + x, (y + size) * width + x, width):
        plane[start : start + size] = row


def _write(luma: bytearray, text: str, top: int, scale: int) -> None:
    start = top * WIDTH + TEXT_LEFT
    for row in font.text_rows(text, scale, INK, PAPER):
        for _ in range(scale):
            luma[start : start + len(row)] = row
            start += WIDTH


def _copy(pixels: bytearray, width: int, plane: memoryview, line_size: int) -> None:
    if line_size == width:
        plane[: len(pixels)] = pixels
        return
    for index in range(len(pixels) // width):
        plane[index * line_size : index * line_size + width] = pixels[index * width : (index + 1) * width]
