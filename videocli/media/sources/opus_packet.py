"""What an Opus packet says: how long it lasts, and what frames are in it (RFC 6716, section 3). Pure."""

_MAX_FRAME_BYTES = 1275
"""RFC 6716, section 3.2.1."""


def opus_duration(packet: bytes) -> int | None:
    """Samples at 48 kHz, by the packet's own words; a file calls its last one shorter (RFC 6716, 3.1)."""
    configuration, code = packet[0] >> 3, packet[0] & 3
    if configuration < 12:
        samples = (480, 960, 1920, 2880)[configuration % 4]
    elif configuration < 16:
        samples = (480, 960)[configuration % 2]
    else:
        samples = (120, 240, 480, 960)[configuration % 4]
    if code == 3:
        return samples * (packet[1] & 63) if len(packet) > 1 else None
    return samples * (1 if code == 0 else 2)


def single_frames(packet: bytes) -> list[bytes]:
    """The frames of a packet, each as a packet of its own; none where it is damaged."""
    try:
        at, end, sizes = _layout(packet)
    except IndexError:
        return []
    if sum(sizes) != end - at or not all(0 <= size <= _MAX_FRAME_BYTES for size in sizes):
        return []
    alone = bytes([packet[0] & ~3])
    packets = []
    for size in sizes:
        packets.append(alone + packet[at : at + size])
        at += size
    return packets


def _layout(packet: bytes) -> tuple[int, int, list[int]]:
    """Where the frames begin and end, and their sizes, as the packet says. Raises `IndexError`."""
    length = len(packet)
    match packet[0] & 3:
        case 0:
            return 1, length, [length - 1]
        case 1:
            return 1, length, [(length - 1) // 2] * 2
        case 2:
            at, size = _size(packet, 1)
            return at, length, [size, length - at - size]
        case _:
            return _layout_of_many(packet)


def _layout_of_many(packet: bytes) -> tuple[int, int, list[int]]:
    """RFC 6716, section 3.2.5."""
    is_variable, is_padded, count = packet[1] & 0x80, packet[1] & 0x40, packet[1] & 63
    at, end = 2, len(packet)
    while is_padded:
        padding = packet[at]
        at += 1
        end -= min(padding, 254)
        is_padded = padding == 255
    sizes: list[int] = []
    if is_variable:
        for _ in range(count - 1):
            at, size = _size(packet, at)
            sizes.append(size)
        sizes.append(end - at - sum(sizes))
    elif count:
        sizes = [(end - at) // count] * count
    return at, end, sizes


def _size(packet: bytes, at: int) -> tuple[int, int]:
    """Where what follows the size of a frame begins, and the size (RFC 6716, section 3.2.1)."""
    if packet[at] < 252:
        return at + 1, packet[at]
    return at + 2, packet[at] + 4 * packet[at + 1]
