"""Frames as commands read them."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.media.sinks.support import frames, later
from videocli.media.frames import Codec, EncodedFrame
from videocli.media.sinks.raw import PictureMaker, RawMaker, SoundMaker

HEADER = b"YUV4MPEG2 W160 H96 F30:1 Ip A1:1 C420jpeg\n"
PICTURE_SIZE = len(b"FRAME\n") + 160 * 96 * 3 // 2


def made(maker: RawMaker, some: Sequence[EncodedFrame]) -> bytes:
    return b"".join(data for frame in some for data in maker.make(frame))


class TestSound:
    def test_every_sample_comes_out_as_stereo(self) -> None:
        sound = made(SoundMaker(), frames(Codec.OPUS))
        assert len(sound) == len(frames(Codec.OPUS)) * 960 * 4
        assert any(sound)

    def test_a_gap_is_silence(self) -> None:
        some = frames(Codec.OPUS)[:50]
        sound = made(SoundMaker(), [*some, *later(some, 1.5)])
        assert len(sound) == int(2.5 * 48_000) * 4
        assert not any(sound[48_000 * 4 : int(1.5 * 48_000) * 4])

    def test_a_long_gap_is_cut_down(self) -> None:
        some = frames(Codec.OPUS)[:50]
        assert len(made(SoundMaker(), [*some, *later(some, 3600)])) == 12 * 48_000 * 4

    def test_what_cannot_be_decoded_is_as_good_as_lost(self) -> None:
        some = list(frames(Codec.OPUS)[:10])
        some[5] = replace(some[5], data=b"\xff\xff\xff")
        assert len(made(SoundMaker(), some)) == 10 * 960 * 4


class TestPictures:
    @pytest.mark.parametrize("codec", [Codec.VP8, Codec.H264])
    def test_they_come_at_thirty_a_second(self, codec: Codec) -> None:
        stream = made(PictureMaker(), frames(codec))
        assert stream.startswith(HEADER)
        body = stream[len(HEADER) :]
        assert body[::PICTURE_SIZE] == b"F" * (len(body) // PICTURE_SIZE)
        assert len(body) // PICTURE_SIZE == pytest.approx(2 * 30, abs=2)

    def test_another_size_is_scaled_to_the_first(self) -> None:
        large = later(frames(Codec.VP8, size=(320, 240)), 2)
        stream = made(PictureMaker(), [*frames(Codec.VP8), *large])
        assert stream.count(b"YUV4MPEG2") == 1
        assert (len(stream) - len(HEADER)) % PICTURE_SIZE == 0
        assert (len(stream) - len(HEADER)) // PICTURE_SIZE == pytest.approx(4 * 30, abs=2)

    def test_a_gap_repeats_the_last_picture_for_a_second_at_most(self) -> None:
        some = frames(Codec.VP8)[:25]
        stream = made(PictureMaker(), [*some, *later(some, 3600)])
        assert (len(stream) - len(HEADER)) // PICTURE_SIZE == pytest.approx(3 * 30, abs=2)
