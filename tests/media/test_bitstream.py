"""Keyframes and sizes, on bytes that libvpx and x264 made."""

import random
from collections.abc import Iterator
from typing import Any

import av
import pytest
from aiortc.codecs.h264 import H264Encoder

from videocli.media.bitstream import (
    frame_dimensions,
    frame_is_keyframe,
    is_whole_vp8_keyframe,
    nals_of_frame,
    payload_dimensions,
    payload_starts_keyframe,
)
from videocli.media.frames import Codec

ENCODERS = {Codec.VP8: "libvpx", Codec.H264: "libx264"}
SIZES = ((320, 240), (322, 182), (16, 16), (1920, 1080))


def encoded(codec: Codec, width: int, height: int, count: int = 2) -> Iterator[bytes]:
    """A keyframe and frames that need it."""
    context = av.CodecContext.create(ENCODERS[codec], "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.gop_size = 100
    zero_delay = {"tune": "zerolatency", "preset": "ultrafast"}
    context.options = zero_delay if codec is Codec.H264 else {"deadline": "realtime", "lag-in-frames": "0"}
    for index in range(count):
        frame = av.VideoFrame(width, height, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([100 + index]) * plane.buffer_size)
        frame.pts = index
        for packet in context.encode(frame):
            yield bytes(packet)


@pytest.mark.parametrize("codec", ENCODERS)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_a_keyframe_tells_its_size(codec: Codec, size: tuple[int, int]) -> None:
    keyframe, delta = encoded(codec, *size)
    assert frame_is_keyframe(codec, keyframe)
    assert frame_dimensions(codec, keyframe) == size
    assert not frame_is_keyframe(codec, delta)
    assert frame_dimensions(codec, delta) is None


def test_a_vp8_keyframe_is_whole_as_far_as_its_first_partition() -> None:
    keyframe, delta = encoded(Codec.VP8, 320, 240)
    first_partition_ends = 10 + (int.from_bytes(keyframe[:3], "little") >> 5)
    assert first_partition_ends < len(keyframe)
    assert is_whole_vp8_keyframe(keyframe)
    assert is_whole_vp8_keyframe(keyframe[:first_partition_ends])
    assert not is_whole_vp8_keyframe(keyframe[: first_partition_ends - 1])
    assert not is_whole_vp8_keyframe(keyframe[:6] + bytes(4) + keyframe[10:]), "no size"
    assert not is_whole_vp8_keyframe(keyframe[:3] + bytes(3) + keyframe[6:]), "no start code"
    assert not is_whole_vp8_keyframe(delta)
    assert not is_whole_vp8_keyframe(b"")


@pytest.mark.parametrize(
    ("descriptor", "starts"),
    [
        (b"\x10", True),
        (b"\x30", True),
        (b"\x90\x80\x07", True),
        (b"\x90\x80\x81\x07", True),
        (b"\x90\xe0\x81\x07\x01\x20", True),
        (b"\x00", False),
        (b"\x11", False),
    ],
)
def test_only_the_first_vp8_payload_starts_a_keyframe(descriptor: bytes, starts: bool) -> None:
    keyframe = next(encoded(Codec.VP8, 320, 240))
    payload = descriptor + keyframe
    assert payload_starts_keyframe(Codec.VP8, payload) is starts
    assert payload_dimensions(Codec.VP8, payload) == ((320, 240) if starts else None)


def test_h264_payloads_as_aiortc_cuts_them() -> None:
    keyframe, delta = encoded(Codec.H264, 640, 360)
    payloads = H264Encoder._packetize(nals_of_frame(keyframe))
    assert payload_starts_keyframe(Codec.H264, payloads[0])
    assert payload_dimensions(Codec.H264, payloads[0]) == (640, 360)
    for payload in H264Encoder._packetize(nals_of_frame(delta)):
        assert not payload_starts_keyframe(Codec.H264, payload)


def test_a_fragmented_idr_starts_a_keyframe_once() -> None:
    idr = b"\x65" + b"\xaa" * 4000
    payloads = H264Encoder._packetize([idr])
    assert [payload_starts_keyframe(Codec.H264, payload) for payload in payloads] == [
        index == 0 for index in range(len(payloads))
    ]
    assert len(payloads) > 2


def test_a_keyframe_of_several_slices_starts_once() -> None:
    context: Any = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = 1280, 720, "yuv420p"
    context.options = {"tune": "zerolatency", "preset": "ultrafast", "slices": "4"}
    context.thread_count = 1
    frame = av.VideoFrame(1280, 720, "yuv420p")
    for plane in frame.planes:
        plane.update(random.Random(1).randbytes(plane.buffer_size))
    (packet,) = context.encode(frame)
    slices = [nal for nal in nals_of_frame(bytes(packet)) if nal[0] & 31 == 5]
    assert len(slices) == 4
    payloads = [payload for nal in slices for payload in H264Encoder._packetize([nal])]
    assert [payload_starts_keyframe(Codec.H264, payload) for payload in payloads] == [
        index == 0 for index in range(len(payloads))
    ]


def test_nal_units_are_split_at_both_start_codes() -> None:
    data = b"\0\0\0\1\x67ab\0\0\1\x68cd\0\0\0\1\x65ef"
    assert list(nals_of_frame(data)) == [b"\x67ab", b"\x68cd", b"\x65ef"]


@pytest.mark.parametrize("codec", ENCODERS)
@pytest.mark.parametrize(
    "data", [b"", b"\0", b"\x67\x42", b"\x10\x10", b"\x98\0\x10", b"\0\0\1", b"\0\0\1\x67\x42"]
)
def test_fragments_and_rubbish_tell_nothing(codec: Codec, data: bytes) -> None:
    assert payload_dimensions(codec, data) is None
    assert frame_dimensions(codec, data) is None


def parameter_set(
    *, blocks: tuple[int, int], crop: tuple[int, int, int, int] = (0, 0, 0, 0), name: int = 0
) -> bytes:
    """An H264 SPS that says it is so many macroblocks wide and high, of which so much is cut off."""

    def number(value: int) -> str:
        digits = f"{value + 1:b}"
        return "0" * (len(digits) - 1) + digits

    size = "".join(number(count - 1) for count in blocks) + "111" + "".join(map(number, crop))
    bits = "".join(map(number, (name, 0, 2, 1))) + "0" + size + "01"
    bits += "0" * (-len(bits) % 8)
    return b"\x67\x42\0\x1e" + int(bits, 2).to_bytes(len(bits) // 8, "big")


def test_a_size_that_no_picture_has_is_none() -> None:
    assert payload_dimensions(Codec.H264, parameter_set(blocks=(40, 23), crop=(0, 0, 0, 4))) == (640, 360)
    for nonsense in (
        parameter_set(blocks=(1, 1), crop=(200, 200, 0, 0)),
        parameter_set(blocks=(1, 1), crop=(0, 0, 4, 4)),
        parameter_set(blocks=(1 << 20, 1)),
    ):
        assert payload_dimensions(Codec.H264, nonsense) is None
        assert frame_dimensions(Codec.H264, b"\0\0\0\1" + nonsense) is None
    keyframe = next(encoded(Codec.VP8, 320, 240))
    assert frame_dimensions(Codec.VP8, keyframe[:6] + bytes(4) + keyframe[10:]) is None


def test_a_number_of_more_than_32_bits_is_none() -> None:
    for name, size in (((1 << 32) - 2, (640, 368)), (1 << 33, None)):
        assert payload_dimensions(Codec.H264, parameter_set(blocks=(40, 23), name=name)) == size


def test_every_opus_packet_stands_alone() -> None:
    assert payload_starts_keyframe(Codec.OPUS, b"\xfc")
    assert frame_is_keyframe(Codec.OPUS, b"\xfc")
    assert frame_dimensions(Codec.OPUS, b"\xfc") is None
