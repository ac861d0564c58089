"""The picture of a track: what is decoded, what of it is shown, and when nothing is."""

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pytest

from tests.media.sinks.support import frames, in_loop
from videocli.media.bitmap import Bitmap, Box
from videocli.media.frames import Codec, EncodedFrame
from videocli.media.sinks import viewing as viewing_module
from videocli.media.sinks.viewing import WAITING_FRAMES, Pictures, Viewing
from videocli.media.sources import testsrc
from videocli.media.sources.encode import VideoEncoder

BOX = Box(64, 36)
BARS = [(180, 180, 180), (180, 180, 16), (16, 180, 180), (16, 180, 16), (180, 16, 180), (180, 16, 16)]
"""Of a test picture, roughly: the first six from the left."""
THREAD = "videocli-picture"


@cache
def sent_pictures(codec: Codec, count: int = 30) -> tuple[EncodedFrame, ...]:
    """What `--video testsrc` sends."""
    encoder = VideoEncoder(codec, testsrc.WIDTH, testsrc.HEIGHT, testsrc.FRAME_RATE)
    background = testsrc._background("alice")
    step = codec.clock_rate // testsrc.FRAME_RATE
    encoded = [
        encoder.encode(
            testsrc.draw(background, 200 + number, datetime(2026, 1, 1, tzinfo=UTC)),
            number * step,
            number == 0,
        )
        for number in range(count)
    ]
    return tuple(frame for frame in encoded if frame is not None)


def pixel(bitmap: Bitmap, x: int, y: int) -> tuple[int, ...]:
    at = 3 * (y * bitmap.width + x)
    return tuple(bitmap.pixels[at : at + 3])


def is_near(colour: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(abs(one - two) <= 30 for one, two in zip(colour, other, strict=True))


class TestPictures:
    @pytest.mark.parametrize("codec", [Codec.VP8, Codec.H264])
    def test_the_test_picture_is_recognised(self, codec: Codec) -> None:
        pictures = Pictures()
        assert pictures.cut(BOX, 0.0) is None
        for frame in sent_pictures(codec):
            pictures.take(frame)
        bitmap = pictures.cut(BOX, 0.0)
        assert bitmap is not None
        assert (bitmap.width, bitmap.height, len(bitmap.pixels)) == (64, 36, 64 * 36 * 3)
        assert all(is_near(pixel(bitmap, 8 * bar + 3, 19), colour) for bar, colour in enumerate(BARS))

    def test_at_most_ten_a_second_are_due(self) -> None:
        pictures = Pictures()
        first, second, third = sent_pictures(Codec.VP8)[:3]
        assert pictures.due_at() is None
        pictures.take(first)
        assert pictures.due_at() == 0.0
        pictures.cut(BOX, 5.0)
        assert pictures.due_at() is None
        pictures.take(second)
        pictures.take(third)
        assert pictures.due_at() == 5.1

    def test_what_takes_long_is_done_less_often(self) -> None:
        pictures = Pictures()
        first, second = sent_pictures(Codec.VP8)[:2]
        pictures.take(first)
        pictures.cut(BOX, 5.0)
        pictures.rest(5.0, 5.01)
        pictures.take(second)
        assert pictures.due_at() == 5.1
        pictures.rest(5.0, 5.2)
        assert pictures.due_at() == pytest.approx(5.8)

    def test_another_resolution_and_another_codec_go_on(self) -> None:
        pictures = Pictures()
        shapes = []
        for some in (
            sent_pictures(Codec.VP8, 3),
            frames(Codec.VP8, size=(96, 160)),
            sent_pictures(Codec.H264, 3),
        ):
            for frame in some:
                pictures.take(frame)
            bitmap = pictures.cut(BOX, 0.0)
            assert bitmap is not None
            shapes.append((bitmap.width, bitmap.height))
        assert shapes == [(64, 36), (22, 36), (64, 36)]

    def test_a_frame_that_cannot_be_decoded_is_as_good_as_lost(self) -> None:
        pictures = Pictures()
        for number, frame in enumerate(sent_pictures(Codec.VP8)):
            if number % 5 == 3:
                pictures.take(EncodedFrame(frame.data[:7], frame.timestamp, False, Codec.VP8))
            elif number % 5 != 4:
                pictures.take(frame)
        pictures.take(EncodedFrame(b"\xff\x00", 0, True, Codec.H264))
        bitmap = pictures.cut(BOX, 0.0)
        assert bitmap is not None
        assert is_near(pixel(bitmap, 3, 19), BARS[0])

    def test_one_byte_a_pixel(self) -> None:
        pictures = Pictures()
        pictures.take(sent_pictures(Codec.VP8)[0])
        bitmap = pictures.cut(Box(62, 36, format="rgb8"), 0.0)
        assert bitmap is not None
        assert (bitmap.format, len(bitmap.pixels)) == ("rgb8", bitmap.width * bitmap.height)


class Watcher:
    """Somebody watching, with a clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0
        self.restarts = 0
        self.restarted = asyncio.Event()
        self.shown: asyncio.Queue[tuple[int, int]] = asyncio.Queue()
        self.viewing = Viewing(
            BOX,
            lambda bitmap: (bitmap.width, bitmap.height),
            show=self.shown.put_nowait,
            restart=self._restart,
            clock=lambda: self.now,
        )

    def _restart(self) -> None:
        self.restarts += 1
        self.restarted.set()


def is_decoding() -> bool:
    return any(thread.name == THREAD for thread in threading.enumerate())


class TestViewing:
    def test_a_picture_is_shown_and_the_last_one_is_not_forgotten(self) -> None:
        async def play() -> None:
            watcher = Watcher()
            frame, *others = sent_pictures(Codec.VP8)
            watcher.viewing.take(frame)
            assert await watcher.shown.get() == (64, 36)
            for other in others[:20]:
                watcher.viewing.take(other)
            watcher.now = 0.1
            assert await watcher.shown.get() == (64, 36)
            await watcher.viewing.close()
            assert watcher.shown.empty()
            assert not is_decoding()

        in_loop(play)

    def test_nothing_is_taken_before_a_keyframe(self) -> None:
        async def play() -> None:
            watcher = Watcher()
            frame, delta, *_ = sent_pictures(Codec.VP8)
            watcher.viewing.take(delta)
            assert not watcher.viewing._frames
            watcher.viewing.take(frame)
            await watcher.shown.get()
            await watcher.viewing.close()

        in_loop(play)

    def test_another_shape_shows_the_latest_picture_at_once(self) -> None:
        async def play() -> None:
            watcher = Watcher()
            watcher.viewing.take(sent_pictures(Codec.VP8)[0])
            await watcher.shown.get()
            watcher.viewing.reshape(Box(32, 36), lambda bitmap: (bitmap.height, bitmap.width))
            assert await watcher.shown.get() == (18, 32)
            await watcher.viewing.close()

        in_loop(play)

    def test_a_thread_that_lags_drops_everything_and_asks_for_a_keyframe(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        goes_on = threading.Event()

        class SlowPictures(Pictures):
            def take(self, frame: EncodedFrame) -> None:
                assert goes_on.wait(20)
                super().take(frame)

        monkeypatch.setattr(viewing_module, "Pictures", SlowPictures)

        async def play() -> None:
            watcher = Watcher()
            frame, delta, *_ = sent_pictures(Codec.VP8)
            for one in (frame, *([delta] * (2 * WAITING_FRAMES))):
                watcher.viewing.take(one)
            assert watcher.restarts == 1
            assert not watcher.viewing._frames
            watcher.viewing.take(frame)
            assert len(watcher.viewing._frames) == 1
            goes_on.set()
            await watcher.shown.get()
            await watcher.viewing.close()
            assert not is_decoding()

        in_loop(play)

    def test_a_keyframe_that_cannot_be_decoded_is_asked_for_again(self) -> None:
        async def play() -> None:
            watcher = Watcher()
            frame, delta, *_ = sent_pictures(Codec.VP8)
            for turn in (1, 2):
                watcher.viewing.take(replace(frame, data=frame.data[:20]))
                await watcher.restarted.wait()
                watcher.restarted.clear()
                watcher.viewing.take(delta)
                assert not watcher.viewing._frames
                assert watcher.restarts == turn
            watcher.viewing.take(frame)
            await watcher.shown.get()
            await watcher.viewing.close()
            assert watcher.restarts == 2

        in_loop(play)

    def test_a_fault_ends_the_thread_and_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        async def play() -> None:
            watcher = Watcher()
            watcher.viewing.reshape(BOX, lambda bitmap: (1 // 0, 0))
            watcher.viewing.take(sent_pictures(Codec.VP8)[0])
            await watcher.viewing._ended.wait()
            await watcher.viewing.close()
            assert not is_decoding()

        in_loop(play)
        assert "showing a track failed" in caplog.text
