"""Sources that a script writes to, without a room."""

import asyncio
import threading
from array import array
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from videocli.api.decoding import Decoder
from videocli.api.receiving import Receiving
from videocli.api.sources import AudioSource, EncodedSource, VideoSource, _PictureEncoder
from videocli.api.stream import Ending
from videocli.engine.events import Track
from videocli.engine.taps import FrameTaker
from videocli.errors import SourceError, error
from videocli.media.frames import MAX_SOUND_BYTES, Codec, EncodedFrame

Written = VideoSource | AudioSource | EncodedSource
SIZE = (64, 48)
GREY = bytes([100]) * (64 * 48) + bytes([128]) * (64 * 24)


def run(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scene)


@asynccontextmanager
async def sent(source: Written, codec: Codec) -> AsyncIterator[list[EncodedFrame]]:
    """What the source sends, which runs for as long as the context."""
    frames: list[EncodedFrame] = []
    running = asyncio.create_task(source.run(codec, frames.append))
    try:
        yield frames
    finally:
        source.end()
        await asyncio.wait({running})
    running.result()


async def decoded(frames: list[EncodedFrame]) -> list[Any]:
    pictures: list[Any] = []
    decoder = Decoder(pictures.append, lambda: None, lambda: None)
    for frame in frames:
        decoder.take(frame)
    while len(pictures) < len(frames):  # noqa: ASYNC110  # a thread makes them
        await asyncio.sleep(0.01)
    decoder.close()
    return pictures


@pytest.mark.parametrize("codec", [Codec.VP8, Codec.H264])
def test_pictures_are_encoded_and_can_be_decoded_again(codec: Codec) -> None:
    async def scene() -> None:
        source = VideoSource(frame_rate=200, size=SIZE)
        async with sent(source, codec) as frames:
            for _ in range(3):
                await source.write(GREY)
            source.request_keyframe()
            await source.write(GREY)
        assert [frame.is_keyframe for frame in frames] == [True, False, False, True]
        assert [frame.timestamp for frame in frames] == sorted({frame.timestamp for frame in frames})
        for picture in await decoded(frames):
            assert (picture.width, picture.height) == SIZE
            assert bytes(picture.planes[0])[0] == pytest.approx(100, abs=4)

    run(scene())


def test_another_size_goes_on_with_a_keyframe() -> None:
    async def scene() -> None:
        source = VideoSource(frame_rate=200)
        async with sent(source, Codec.VP8) as frames:
            for width, height in ((64, 48), (64, 48), (32, 24)):
                await source.write(memoryview(bytes(width * height * 3)).cast("B", (height, width, 3)))
        assert [frame.is_keyframe for frame in frames] == [True, False, True]

    run(scene())


def test_a_picture_whose_writing_is_cancelled_is_not_missed_by_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_encode = threading.Event()
    encoded: list[int] = []
    encode = _PictureEncoder.encode

    def encode_later(self: _PictureEncoder, picture: Any, timestamp: int, keyframe: bool) -> Any:
        may_encode.wait()
        encoded.append(timestamp)
        return encode(self, picture, timestamp, keyframe)

    monkeypatch.setattr(_PictureEncoder, "encode", encode_later)

    async def scene() -> None:
        source = VideoSource(frame_rate=1000, size=SIZE)
        async with sent(source, Codec.VP8) as frames:
            may_encode.set()
            await source.write(GREY)
            await source.write(GREY)
            may_encode.clear()
            for _ in range(2):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(source.write(GREY), 0.01)
            may_encode.set()
            await source.write(GREY)
        assert [frame.is_keyframe for frame in frames] == [True, False, True]
        assert len(set(encoded)) == len(encoded)

    run(scene())


def test_sound_becomes_packets_of_20_ms_one_after_another() -> None:
    async def scene() -> None:
        source = AudioSource(rate=16_000)
        async with sent(source, Codec.OPUS) as frames:
            await source.write(array("h", [3000, -3000] * 1600))
        assert len(frames) in (9, 10)
        assert [frame.timestamp for frame in frames] == [number * 960 for number in range(len(frames))]
        sounds = await decoded(frames)
        assert {(sound.samples, sound.sample_rate) for sound in sounds} == {(960, 48_000)}

    run(scene())


def test_what_is_written_before_the_track_is_sent_waits() -> None:
    async def scene() -> None:
        source = VideoSource(size=SIZE)
        writing = asyncio.create_task(source.write(GREY))
        await asyncio.sleep(0)
        assert not writing.done()
        async with sent(source, Codec.VP8) as frames:
            await writing
        assert len(frames) == 1

    run(scene())


@pytest.mark.parametrize("reason", [error(53405), None], ids=["error", "gracefully"])
def test_writing_after_the_end_raises_why(reason: Any) -> None:
    async def scene() -> None:
        source = AudioSource()
        waiting = asyncio.create_task(source.write(b""))
        await asyncio.sleep(0)
        source.end(reason)
        for writing in (waiting, source.write(b"")):
            with pytest.raises(SourceError if reason is None else type(reason)) as raised:
                await writing
            assert reason is None or raised.value is reason

    run(scene())


def test_a_source_is_one_tracks() -> None:
    async def scene() -> None:
        source = VideoSource(size=SIZE)
        async with sent(source, Codec.VP8):
            await source.write(GREY)
        with pytest.raises(SourceError, match="twice"):
            await source.run(Codec.VP8, lambda frame: None)

    run(scene())


def test_sound_that_no_packet_carries_is_refused_and_the_track_goes_on() -> None:
    async def scene() -> None:
        source = EncodedSource(Codec.OPUS)
        async with sent(source, Codec.OPUS) as frames:
            await asyncio.sleep(0)
            source.send(EncodedFrame(bytes(MAX_SOUND_BYTES), 0, True, Codec.OPUS))
            with pytest.raises(ValueError, match="1301 bytes"):
                source.send(EncodedFrame(bytes(MAX_SOUND_BYTES + 1), 960, True, Codec.OPUS))
            source.send(EncodedFrame(b"after", 1920, True, Codec.OPUS))
        assert [len(frame.data) for frame in frames] == [MAX_SOUND_BYTES, 5]

    run(scene())


def test_no_decoder_is_left_behind_for_a_track_without_a_sid() -> None:
    async def scene() -> None:
        receiving = Receiving(lambda sid, take: lambda: None, Ending())
        before = set(threading.enumerate())
        with pytest.raises(ValueError, match="no SID"):
            receiving.decoded(Track(None, "cam", "video", True, "standard"), 4)
        assert set(threading.enumerate()) <= before

    run(scene())


def test_a_damaged_frame_is_counted_and_the_next_one_is_decoded() -> None:
    async def scene() -> None:
        source = VideoSource(frame_rate=200, size=SIZE)
        async with sent(source, Codec.VP8) as frames:
            await source.write(GREY)
        pictures: list[Any] = []
        lost: list[None] = []
        decoder = Decoder(pictures.append, lambda: lost.append(None), lambda: None)
        decoder.take(EncodedFrame(b"\x00\x01", 0, True, Codec.VP8))
        decoder.take(frames[0])
        while not pictures:  # noqa: ASYNC110  # a thread makes them
            await asyncio.sleep(0.01)
        decoder.close()
        assert len(lost) == 1

    run(scene())


def test_after_a_damaged_frame_a_keyframe_is_asked_for_until_it_comes() -> None:
    async def scene() -> None:
        source = VideoSource(frame_rate=200, size=SIZE)
        async with sent(source, Codec.VP8) as frames:
            for _ in range(3):
                await source.write(GREY)
        key, *deltas = frames
        takers: list[FrameTaker] = []

        def tap(sid: str, take: FrameTaker) -> Callable[[], None]:
            takers.append(take)
            return lambda: None

        stream = Receiving(tap, Ending()).decoded("MT1", 4)
        take = takers[0]
        take(replace(key, data=key.data[:20]))
        while not stream.dropped:  # noqa: ASYNC110  # a thread finds out
            await asyncio.sleep(0.001)
        for delta in deltas:
            take(delta)
        assert len(takers) == 1 + len(deltas)
        take(key)
        take(deltas[0])
        assert await anext(stream)
        assert len(takers) == 1 + len(deltas)
        assert stream.dropped == 1 + len(deltas)
        stream.close()

    run(scene())


def test_a_picture_that_is_too_large_is_counted_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("videocli.media.sinks.decoder.MAX_PIXELS", SIZE[0] * SIZE[1] - 1)

    async def scene() -> None:
        source = VideoSource(frame_rate=200, size=SIZE)
        async with sent(source, Codec.VP8) as frames:
            await source.write(GREY)
        pictures: list[Any] = []
        lost = asyncio.Event()
        decoder = Decoder(pictures.append, lost.set, lambda: None)
        decoder.take(frames[0])
        await lost.wait()
        decoder.close()
        assert pictures == []

    run(scene())


@pytest.mark.parametrize("codec", ["vp8", 5, None])
def test_what_is_no_codec_is_refused(codec: object) -> None:
    with pytest.raises(ValueError, match="is not a valid Codec"):
        EncodedSource(codec)  # type: ignore[arg-type]  # which it is to refuse
