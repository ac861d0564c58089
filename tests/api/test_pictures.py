from array import array
from math import inf, nan
from typing import Any

import pytest
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from videocli.api.pictures import PacketCutter, checked_frame_rate, checked_size, to_picture
from videocli.media.sources.encode import OPUS_SAMPLES


def shaped(pixels: bytes, *shape: int) -> memoryview:
    return memoryview(pixels).cast("B", shape)


def planes(frame: VideoFrame) -> list[bytes]:
    """Without the padding of the rows."""
    return [
        b"".join(
            bytes(plane)[row * plane.line_size : row * plane.line_size + plane.width]
            for row in range(plane.height)
        )
        for plane in frame.planes
    ]


class TestPictures:
    def test_flat_bytes_are_yuv420p_of_the_given_size(self) -> None:
        luma, blue, red = bytes(range(24)), b"abcdef", b"ghijkl"
        assert planes(to_picture(luma + blue + red, (6, 4))) == [luma, blue, red]

    def test_two_dimensions_are_yuv420p_as_pyav_gives_it(self) -> None:
        luma, blue, red = bytes(range(24)), b"abcdef", b"ghijkl"
        picture = to_picture(shaped(luma + blue + red, 6, 6))
        assert (picture.width, picture.height) == (6, 4)
        assert planes(picture) == [luma, blue, red]

    @pytest.mark.parametrize("pixel", [b"\xff\xff\xff", b"\xff\xff\xff\x00"], ids=["RGB", "RGBA"])
    def test_three_dimensions_are_colours(self, pixel: bytes) -> None:
        picture = to_picture(shaped(pixel * 64, 8, 8, len(pixel)))
        assert picture.format.name == "yuv420p"
        assert planes(picture)[0] == b"\xeb" * 64

    def test_odd_sizes_are_made_even(self) -> None:
        picture = to_picture(VideoFrame(33, 17, "rgb24"))
        assert (picture.width, picture.height) == (32, 16)

    def test_what_is_right_already_is_not_copied(self) -> None:
        picture = VideoFrame(32, 16, "yuv420p")
        assert to_picture(picture) is picture

    @pytest.mark.parametrize(
        "pixels",
        [b"", b"123", shaped(bytes(20), 5, 4), shaped(bytes(36), 6, 6)[::2], array("f", [0.0])],
    )
    def test_anything_else_is_refused(self, pixels: bytes) -> None:
        with pytest.raises(ValueError, match=r"picture"):
            to_picture(pixels, (6, 4))


def samples(packets: list[AudioFrame]) -> list[int]:
    found = array("h")
    for packet in packets:
        found.frombytes(bytes(packet.planes[0])[: packet.samples * packet.layout.nb_channels * 2])
    return list(found)


class TestSound:
    def test_it_is_cut_into_packets_and_the_rest_waits(self) -> None:
        cutter = PacketCutter(48_000, 1)
        sound = array("h", range(2000))
        first = cutter.cut(sound[:1500])
        second = cutter.cut(sound[1500:].tobytes())
        assert [packet.samples for packet in first + second] == [OPUS_SAMPLES] * 2
        assert samples(first + second) == list(range(2 * OPUS_SAMPLES))

    def test_floats_are_taken(self) -> None:
        (packet,) = PacketCutter(48_000, 1).cut(array("f", [0.5] * OPUS_SAMPLES))
        assert set(samples([packet])) == {16384}

    def test_another_rate_is_resampled(self) -> None:
        cutter = PacketCutter(16_000, 1)
        packets = cutter.cut(array("h", [1000] * 16_000))
        assert len(packets) in (49, 50)
        assert samples(packets)[10_000] == pytest.approx(1000, abs=2)

    def test_frames_of_pyav_are_taken_whatever_their_layout(self) -> None:
        frame = AudioFrame(format="fltp", layout="mono", samples=OPUS_SAMPLES * 2)
        frame.sample_rate = 48_000
        frame.planes[0].update(array("f", [0.25] * OPUS_SAMPLES * 2).tobytes())
        packets = PacketCutter(48_000, 2).cut(frame)
        assert packets
        assert packets[0].layout.nb_channels == 2
        assert samples(packets)[100] > 0

    @pytest.mark.parametrize("sound", [b"1", array("d", [0.0]), memoryview(b"123456")[::2]])
    def test_anything_else_is_refused(self, sound: bytes) -> None:
        with pytest.raises(ValueError, match=r"sound|samples"):
            PacketCutter(48_000, 1).cut(sound)

    def test_there_are_one_or_two_channels(self) -> None:
        with pytest.raises(ValueError, match="channels"):
            PacketCutter(48_000, 3)


@pytest.mark.parametrize("size", [(0, 0), (63, 48), (64, 47), (-2, 2), (1_000_000, 2)])
def test_a_size_that_no_encoder_takes_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"not {size[0]}x{size[1]}"):
        checked_size(size)


@pytest.mark.parametrize("rate", [0, -1, 1001])
def test_a_frame_rate_out_of_range_is_refused(rate: int) -> None:
    with pytest.raises(ValueError, match=f"the frame rate is 1 to 1000, not {rate}"):
        checked_frame_rate(rate)


@pytest.mark.parametrize("rate", [nan, inf, 29.97, "30", None])
def test_a_frame_rate_is_a_whole_number(rate: Any) -> None:
    with pytest.raises(TypeError):
        checked_frame_rate(rate)


def test_a_picture_of_one_pixel_is_too_small() -> None:
    with pytest.raises(ValueError, match="not 0x0"):
        to_picture(shaped(b"\xff" * 3, 1, 1, 3))
