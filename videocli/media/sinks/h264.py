"""H264 as Matroska keeps it: parameter sets in the head, NAL units with their length before them. Pure.

The sets stay before their pictures as well (as `avc3` has it, ISO/IEC 14496-15, 5.2): other encoders of the
same stream have others, and after these a decoder no longer knows those of the head.
"""

from dataclasses import dataclass

from videocli.media.bitstream import frame_dimensions, nals_of_frame
from videocli.media.frames import Codec

_SPS, _PPS = 7, 8
_LEFT_OUT = frozenset({9, 12})
"""Delimiters and filling, which a file has no use for (ITU-T H.264, table 7-1)."""


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """How the pictures of a stream are coded."""

    sps: bytes
    pps: bytes

    def avcc(self) -> bytes:
        """The decoder configuration record (ISO/IEC 14496-15, 5.3.3.1), with the stream's own profile."""
        return b"".join(
            (
                bytes([1]),
                self.sps[1:4],
                bytes([0xFF, 0xE1]),
                len(self.sps).to_bytes(2, "big"),
                self.sps,
                bytes([1]),
                len(self.pps).to_bytes(2, "big"),
                self.pps,
            )
        )

    def need_another_file(self, other: "ParameterSets") -> bool:
        """Whether profile or size differ.

        Another level alone does not: a file that is sent as it is has one, and what is encoded for a request
        for a keyframe another, which is no harder to decode at that size.
        """
        return self.sps[1] != other.sps[1] or self.size != other.size

    @property
    def size(self) -> tuple[int, int] | None:
        """Pixels; None: the SPS makes no sense."""
        return frame_dimensions(Codec.H264, b"\0\0\1" + self.sps)


def parameter_sets(data: bytes) -> ParameterSets | None:
    """Those of an Annex B frame; None: it has not both."""
    found = {nal[0] & 31: nal for nal in nals_of_frame(data) if len(nal) < 1 << 16}
    if _SPS not in found or _PPS not in found or len(found[_SPS]) < 4:
        return None
    return ParameterSets(found[_SPS], found[_PPS])


def length_prefixed(data: bytes) -> bytes:
    """An Annex B frame with lengths of four bytes."""
    parts = []
    for nal in nals_of_frame(data):
        if nal[0] & 31 not in _LEFT_OUT:
            parts += [len(nal).to_bytes(4, "big"), nal]
    return b"".join(parts)
