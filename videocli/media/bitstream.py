"""What the bytes of VP8 and H264 say: whether a keyframe begins, and how large its picture is."""

from collections.abc import Iterator

from videocli.media.frames import Codec

_NAL_IDR = 5
_NAL_SPS = 7
_NAL_STAP_A = 24
_NAL_FU_A = 28

_VP8_HEADER_BYTES = 10
"""Of a keyframe (RFC 6386, 9.1)."""

_CHROMA_PROFILES = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})
"""H264 profiles whose SPS says more about chroma and scaling (ITU-T H.264, 7.3.2.1.1)."""

_LARGEST_SIDE = 16_880
"""Pixels: of a picture in H264 level 6.2 (ITU-T H.264, A.3.1); VP8 has no more than 16,383."""
_LONGEST_NUMBER = 32
"""Zeros at the beginning of an Exp-Golomb number (ITU-T H.264, 9.1); with more, it is none."""
_MOST_OFFSETS = 255
"""`num_ref_frames_in_pic_order_cnt_cycle` (ITU-T H.264, 7.4.2.1.1)."""


def payload_starts_keyframe(codec: Codec, payload: bytes) -> bool:
    """Whether an RTP payload is the first of a keyframe; every audio payload is.

    H264: it holds a sequence parameter set, or the first slice of an IDR picture begins in it.
    """
    match codec:
        case Codec.VP8:
            frame = _vp8_frame_start(payload)
            return bool(frame) and not frame[0] & 1
        case Codec.H264:
            return any(map(_starts_keyframe, _nals_of_payload(payload)))
        case Codec.OPUS:
            return True


def payload_dimensions(codec: Codec, payload: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, if the RTP payload tells them."""
    match codec:
        case Codec.VP8:
            return _vp8_dimensions(_vp8_frame_start(payload))
        case Codec.H264:
            return _first_sps_dimensions(_nals_of_payload(payload))
        case Codec.OPUS:
            return None


def frame_is_keyframe(codec: Codec, data: bytes) -> bool:
    """Whether a whole frame (H264: Annex B) can be decoded without those before it."""
    match codec:
        case Codec.VP8:
            return bool(data) and not data[0] & 1
        case Codec.H264:
            return any(nal[0] & 31 in (_NAL_IDR, _NAL_SPS) for nal in nals_of_frame(data))
        case Codec.OPUS:
            return True


def frame_dimensions(codec: Codec, data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, if the whole frame (H264: Annex B) tells them."""
    match codec:
        case Codec.VP8:
            return _vp8_dimensions(data)
        case Codec.H264:
            return _first_sps_dimensions(nals_of_frame(data))
        case Codec.OPUS:
            return None


def is_whole_vp8_keyframe(data: bytes) -> bool:
    """Whether it has a size, and its first partition ends within it (RFC 6386, 9.1 and 9.2)."""
    size = _vp8_dimensions(data)
    partition_bytes = int.from_bytes(data[:3], "little") >> 5
    return size is not None and _VP8_HEADER_BYTES + partition_bytes <= len(data)


def nals_of_frame(data: bytes) -> Iterator[bytes]:
    """The NAL units of an Annex B frame, without start codes (ITU-T H.264, Annex B)."""
    start = data.find(b"\0\0\1")
    while start >= 0:
        end = data.find(b"\0\0\1", start + 3)
        nal = data[start + 3 : end if end >= 0 else len(data)]
        if end >= 0:
            nal = nal.rstrip(b"\0")
        if nal:
            yield nal
        start = end


def _vp8_frame_start(payload: bytes) -> bytes:
    """The frame's bytes, if the payload begins a frame, without the payload descriptor (RFC 7741, 4.2)."""
    if not payload or payload[0] & 0x17 != 0x10:
        return b""
    offset = 1
    if payload[0] & 0x80:
        if len(payload) < 3:
            return b""
        extensions = payload[1]
        offset = 2
        if extensions & 0x80:
            offset += 2 if payload[2] & 0x80 else 1
        offset += bool(extensions & 0x40) + bool(extensions & 0x30)
    return payload[offset:]


def _vp8_dimensions(frame: bytes) -> tuple[int, int] | None:
    """RFC 6386, 9.1: a keyframe has a start code and then two little-endian numbers of 14 bits."""
    if len(frame) < _VP8_HEADER_BYTES or frame[0] & 1 or frame[3:6] != b"\x9d\x01\x2a":
        return None
    width = int.from_bytes(frame[6:8], "little") & 0x3FFF
    height = int.from_bytes(frame[8:10], "little") & 0x3FFF
    return _credible(width, height)


def _nals_of_payload(payload: bytes) -> Iterator[bytes]:
    """The NAL units that begin in an RTP payload, of a fragment its first part (RFC 6184, 5.6 to 5.8)."""
    if len(payload) < 2:
        return
    nal_type = payload[0] & 31
    if nal_type == _NAL_STAP_A:
        offset = 1
        while offset + 2 < len(payload):
            size = int.from_bytes(payload[offset : offset + 2], "big")
            nal = payload[offset + 2 : offset + 2 + size]
            if nal:
                yield nal
            offset += 2 + size
    elif nal_type == _NAL_FU_A:
        if payload[1] & 0x80:
            yield bytes([payload[0] & 0xE0 | payload[1] & 31]) + payload[2:]
    else:
        yield payload


def _starts_keyframe(nal: bytes) -> bool:
    """A picture's first slice begins with a 1: it is that of macroblock 0 (ITU-T H.264, 7.3.3 and 9.1)."""
    kind = nal[0] & 31
    return kind == _NAL_SPS or (kind == _NAL_IDR and len(nal) > 1 and nal[1] >= 0x80)


def _first_sps_dimensions(nals: Iterator[bytes]) -> tuple[int, int] | None:
    sps = next((nal for nal in nals if nal[0] & 31 == _NAL_SPS), None)
    if sps is None:
        return None
    try:
        return _credible(*_sps_dimensions(sps))
    except IndexError:
        return None


def _credible(width: int, height: int) -> tuple[int, int] | None:
    """A size that a picture can have; anybody may send any numbers."""
    return (width, height) if 0 < width <= _LARGEST_SIDE and 0 < height <= _LARGEST_SIDE else None


class _Bits:
    """Bits and Exp-Golomb numbers (ITU-T H.264, 9.1). Raises `IndexError` at the end, and for nonsense."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def one(self) -> int:
        byte = self._data[self._position >> 3]
        bit = byte >> (7 - (self._position & 7)) & 1
        self._position += 1
        return bit

    def many(self, count: int) -> int:
        value = 0
        for _ in range(count):
            value = value << 1 | self.one()
        return value

    def unsigned(self) -> int:
        zeros = 0
        while not self.one():
            zeros += 1
            if zeros > _LONGEST_NUMBER:
                raise IndexError("no Exp-Golomb number")
        return (1 << zeros) - 1 + self.many(zeros)

    def signed(self) -> int:
        value = self.unsigned()
        return (value + 1) // 2 if value & 1 else -(value // 2)


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _sps_dimensions(nal: bytes) -> tuple[int, int]:
    """ITU-T H.264, 7.3.2.1.1 and 7.4.2.1.1. Raises `IndexError` if it is cut short, or nonsense."""
    bits = _Bits(nal[1:].replace(b"\0\0\3", b"\0\0"))
    profile = bits.many(8)
    bits.many(16)
    bits.unsigned()
    chroma_format = 1
    separate_planes = 0
    if profile in _CHROMA_PROFILES:
        chroma_format = bits.unsigned()
        if chroma_format == 3:
            separate_planes = bits.one()
        bits.unsigned()
        bits.unsigned()
        bits.one()
        if bits.one():
            for index in range(12 if chroma_format == 3 else 8):
                if bits.one():
                    _skip_scaling_list(bits, 16 if index < 6 else 64)
    bits.unsigned()
    order_type = bits.unsigned()
    if order_type == 0:
        bits.unsigned()
    elif order_type == 1:
        bits.one()
        bits.signed()
        bits.signed()
        for _ in range(min(bits.unsigned(), _MOST_OFFSETS)):
            bits.signed()
    bits.unsigned()
    bits.one()
    width = (bits.unsigned() + 1) * 16
    map_height = bits.unsigned() + 1
    frames_only = bits.one()
    height = map_height * 16 * (2 - frames_only)
    if not frames_only:
        bits.one()
    bits.one()
    if bits.one():
        left, right, top, bottom = (bits.unsigned() for _ in range(4))
        chroma = 0 if separate_planes else chroma_format
        width -= (left + right) * (2 if chroma in (1, 2) else 1)
        height -= (top + bottom) * (2 if chroma == 1 else 1) * (2 - frames_only)
    return width, height
