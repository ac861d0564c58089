"""An RTP packet as it came (RFC 3550, 5.1), read only as far as somebody asks.

aiortc's own makes three objects of each packet and looks at every extension: a fifth of what it costs to
receive a picture at which nobody looks.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace

from aiortc import rtp
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters

_HEADER = struct.Struct("!BBHLL")
_EXTENSION = struct.Struct("!HH")
_SEQUENCE_NUMBER_BYTES = 2


@dataclass(slots=True)
class RtpPacket:
    """Not frozen, since that would double what it costs to make one."""

    payload_type: int
    marker: bool
    sequence_number: int
    timestamp: int
    ssrc: int
    payload: bytes
    """Without padding."""
    extension: tuple[int, bytes] | None = None
    """Its profile and value."""

    def extensions(self, known: rtp.HeaderExtensionsMap) -> rtp.HeaderExtensions:
        """The header extensions that are `known` (RFC 8285); none of them where they are malformed."""
        if self.extension is not None:
            try:
                return known.get(*self.extension)
            except (ValueError, struct.error, IndexError):
                pass
        return rtp.HeaderExtensions()


def extensions_map(parameters: Iterable[RTCRtpHeaderExtensionParameters]) -> rtp.HeaderExtensionsMap:
    """What the ids of a description's header extensions mean."""
    known = rtp.HeaderExtensionsMap()
    known.configure(RTCRtpParameters(headerExtensions=list(parameters)))
    return known


def parse_rtp(data: bytes) -> RtpPacket:
    """Raises `ValueError` for what is no RTP packet."""
    if len(data) < _HEADER.size:
        raise ValueError(f"it has only {len(data)} bytes")
    first, second, sequence_number, timestamp, ssrc = _HEADER.unpack_from(data)
    if first >> 6 != 2:
        raise ValueError("its version is not 2")
    start, end = _HEADER.size + 4 * (first & 15), len(data)
    extension = None
    if first & 16:
        if end < start + _EXTENSION.size:
            raise ValueError("its extension is cut off")
        profile, words = _EXTENSION.unpack_from(data, start)
        value_at = start + _EXTENSION.size
        start = value_at + 4 * words
        extension = (profile, data[value_at:start])
    if first & 32:
        end -= data[-1] or end
    if end < start:
        raise ValueError("its header or its padding is longer than it")
    return RtpPacket(second & 127, second > 127, sequence_number, timestamp, ssrc, data[start:end], extension)


def unwrap_rtx(packet: RtpPacket, payload_type: int, ssrc: int) -> RtpPacket | None:
    """The packet that was sent again (RFC 4588, 4); None: it is padding."""
    if len(packet.payload) < _SEQUENCE_NUMBER_BYTES:
        return None
    return replace(
        packet,
        payload_type=payload_type,
        ssrc=ssrc,
        sequence_number=int.from_bytes(packet.payload[:_SEQUENCE_NUMBER_BYTES], "big"),
        payload=packet.payload[_SEQUENCE_NUMBER_BYTES:],
    )
