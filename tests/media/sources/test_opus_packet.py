import pytest

from videocli.media.sources.opus_packet import opus_duration, single_frames

CELT = 31 << 3
"""20 ms, mono, full band; the lowest two bits say how many frames there are (RFC 6716, section 3.1)."""
STEREO = 4


@pytest.mark.parametrize(
    ("packet", "milliseconds"),
    [
        (bytes([31 << 3 | 0]), 20),
        (bytes([28 << 3 | 0]), 2.5),
        (bytes([28 << 3 | 1]), 5),
        (bytes([15 << 3 | 2]), 40),
        (bytes([3 << 3 | 0]), 60),
        (bytes([9 << 3 | 3, 0x80 | 3]), 60),
    ],
)
def test_an_opus_packet_tells_how_long_it_lasts(packet: bytes, milliseconds: float) -> None:
    """RFC 6716, table 2 and section 3.2."""
    assert opus_duration(packet) == milliseconds * 48


def test_a_cut_opus_packet_does_not() -> None:
    assert opus_duration(bytes([9 << 3 | 3])) is None


@pytest.mark.parametrize(
    ("packet", "frames"),
    [
        (b"\0aaaa", [b"aaaa"]),
        (b"\1aabb", [b"aa", b"bb"]),
        (b"\2\1abb", [b"a", b"bb"]),
        (b"\2\xfd\1" + b"a" * 257 + b"b", [b"a" * 257, b"b"]),
        (b"\2\0bb", [b"", b"bb"]),
        (b"\3\3aabbcc", [b"aa", b"bb", b"cc"]),
        (b"\3\x83\1\2abbccc", [b"a", b"bb", b"ccc"]),
        (b"\3\x42\2aabb..", [b"aa", b"bb"]),
        (b"\3\xc2\xff\0\1abb" + b"." * 254, [b"a", b"bb"]),
    ],
)
def test_each_frame_of_a_packet_becomes_a_packet(packet: bytes, frames: list[bytes]) -> None:
    """RFC 6716, sections 3.2.2 to 3.2.5: codes 0 to 3, of one size or several, padded or not."""
    packet = bytes([CELT | STEREO | packet[0]]) + packet[1:]
    assert single_frames(packet) == [bytes([CELT | STEREO]) + frame for frame in frames]


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\0" + b"a" * 1276,
        b"\1aab",
        b"\2",
        b"\2\xfc",
        b"\2\3ab",
        b"\3",
        b"\3\0aa",
        b"\3\3aabb",
        b"\3\x82",
        b"\3\x82\4abc",
        b"\3\x41",
        b"\3\x41\xff\xff",
        b"\3\x41\5aa",
    ],
)
def test_a_damaged_packet_has_no_frames(packet: bytes) -> None:
    """RFC 6716, section 3.4."""
    assert single_frames(packet) == []
