"""What aiortc's own reader makes of a packet, ours does."""

import struct

import pytest
from aiortc import rtp
from hypothesis import given
from hypothesis import strategies as st

from videocli.media.aiortc_inside.codecs import extensions_to_offer
from videocli.media.aiortc_inside.rtp_packet import RtpPacket, extensions_map, parse_rtp, unwrap_rtx

EXTENSIONS = extensions_map(extensions_to_offer("audio", ()))

packets = st.builds(
    rtp.RtpPacket,
    payload_type=st.integers(0, 127),
    marker=st.integers(0, 1),
    sequence_number=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=40),
)


def theirs(data: bytes) -> tuple[object, ...]:
    packet = rtp.RtpPacket.parse(data, EXTENSIONS)
    return (
        packet.payload_type,
        bool(packet.marker),
        packet.sequence_number,
        packet.timestamp,
        packet.ssrc,
        packet.payload,
        packet.extensions,
    )


def ours(data: bytes) -> tuple[object, ...]:
    packet = parse_rtp(data)
    return (
        packet.payload_type,
        packet.marker,
        packet.sequence_number,
        packet.timestamp,
        packet.ssrc,
        packet.payload,
        packet.extensions(EXTENSIONS),
    )


@given(
    packets,
    st.lists(st.integers(0, 0xFFFFFFFF), max_size=15),
    st.none() | st.text(st.characters(codec="ascii"), min_size=1, max_size=16),
    st.none() | st.tuples(st.booleans(), st.integers(0, 127)),
    st.integers(0, 255),
)
def test_what_can_be_written_is_read(
    packet: rtp.RtpPacket,
    csrc: list[int],
    mid: str | None,
    audio_level: tuple[bool, int] | None,
    padding: int,
) -> None:
    packet.csrc, packet.padding_size = csrc, padding
    packet.extensions.mid, packet.extensions.audio_level = mid, audio_level
    data = packet.serialize(EXTENSIONS)
    assert ours(data) == theirs(data)


@given(st.binary(max_size=60).map(lambda rest: b"\x90" + rest) | st.binary(max_size=60))
def test_what_is_no_packet_is_none_for_both_but_for_its_extensions(data: bytes) -> None:
    try:
        expected = theirs(data)
    except (ValueError, struct.error):
        try:
            packet = parse_rtp(data)
        except ValueError:
            return
        assert packet.extensions(EXTENSIONS) == rtp.HeaderExtensions()
    else:
        assert ours(data) == expected


def test_a_retransmission_says_which_packet_it_was() -> None:
    packet = RtpPacket(97, True, 9, 3000, 21, b"\x01\x02picture", (0xBEDE, b"\x10a\0\0"))
    original = unwrap_rtx(packet, 96, 11)
    assert original == RtpPacket(96, True, 0x0102, 3000, 11, b"picture", (0xBEDE, b"\x10a\0\0"))


@pytest.mark.parametrize("payload", [b"", b"\x01"])
def test_padding_on_the_retransmission_stream_is_no_packet(payload: bytes) -> None:
    assert unwrap_rtx(RtpPacket(97, False, 9, 3000, 21, payload), 96, 11) is None
