"""H264 as files keep it."""

from tests.media.sinks.support import frames
from videocli.media.frames import Codec
from videocli.media.sinks.h264 import ParameterSets, length_prefixed, parameter_sets

SPS, PPS, IDR = b"\x67\x42\xe0\x1f\xab", b"\x68\xce", b"\x65picture"


def annex_b(*nals: bytes) -> bytes:
    return b"".join(b"\0\0\0\1" + nal for nal in nals)


def test_parameter_sets_are_found_only_together() -> None:
    assert parameter_sets(annex_b(SPS, PPS, IDR)) == ParameterSets(SPS, PPS)
    assert parameter_sets(annex_b(SPS, IDR)) is None
    assert parameter_sets(annex_b(IDR)) is None
    assert parameter_sets(annex_b(b"\x67\x42", PPS)) is None
    assert parameter_sets(b"") is None


def test_what_says_nothing_is_left_out_and_parameter_sets_stay() -> None:
    frame = length_prefixed(annex_b(b"\x09\x10", SPS, PPS, IDR))
    assert frame == b"".join(len(nal).to_bytes(4, "big") + nal for nal in (SPS, PPS, IDR))


def test_only_another_profile_or_size_needs_another_file() -> None:
    small = parameter_sets(frames(Codec.H264)[0].data)
    large = parameter_sets(frames(Codec.H264, size=(320, 240))[0].data)
    assert small is not None
    assert large is not None
    assert small.size == (160, 96)
    assert small.need_another_file(large)
    assert not small.need_another_file(ParameterSets(small.sps, b"\x68\xcf"))
    assert not small.need_another_file(ParameterSets(small.sps[:3] + b"\x0d" + small.sps[4:], small.pps))
    assert small.need_another_file(ParameterSets(bytes([0x67, 77]) + small.sps[2:], small.pps))
