import pytest

from videocli.media.sources.pass_through import opus_duration


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
