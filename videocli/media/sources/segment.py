"""Whether a Matroska or WebM file ends before the size that it states. Pure.

FFmpeg takes such an end for a whole file's, if it lies between two blocks.
"""

HEAD_BYTES = 4096
"""What `stated_size` needs of the file's beginning."""

_EBML, _SEGMENT = 0x1A45DFA3, 0x18538067
"""Element ids (RFC 8794 section 11.2.1, RFC 9559 section 5.1)."""


def stated_size(head: bytes) -> int | None:
    """How many bytes the file has by its own words; None: it is no Matroska, or was written as a stream."""
    position = 0
    for expected in (_EBML, _SEGMENT):
        element = _element(head, position)
        if element is None or element[0] != expected:
            return None
        _, position, size = element
        if size is None:
            return None
        position += size
    return position


def _element(head: bytes, position: int) -> tuple[int, int, int | None] | None:
    """An element's id, where its content begins, and its size, if known (RFC 8794 sections 4 to 6)."""
    identity = head[position : position + 4]
    first = head[position + 4 : position + 5]
    if len(identity) < 4 or not first or not first[0]:
        return None
    length = 9 - first[0].bit_length()
    field = head[position + 4 : position + 4 + length]
    if len(field) < length:
        return None
    ones = (1 << 7 * length) - 1
    size = int.from_bytes(field) & ones
    return int.from_bytes(identity), position + 4 + length, None if size == ones else size
