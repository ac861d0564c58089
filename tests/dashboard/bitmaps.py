"""Pictures that the tests show."""

from videocli.media.bitmap import Bitmap


def gradient(width: int, height: int, shift: int = 0) -> Bitmap:
    """Every pixel differs from its neighbours; `shift` makes another picture of it."""
    pixels = bytes(
        value & 0xFF
        for y in range(height)
        for x in range(width)
        for value in (x * 255 // width + shift, y * 255 // height, (x + y) * 16 + 2 * shift)
    )
    return Bitmap(width, height, pixels)


def plain(width: int, height: int, colour: tuple[int, int, int]) -> Bitmap:
    return Bitmap(width, height, bytes(colour) * (width * height))


def stripes(width: int, height: int, shift: int = 0) -> Bitmap:
    """Lines of one colour each."""
    lines = (bytes(((y * 40 + shift) & 0xFF, y & 0xFF, shift & 0xFF)) * width for y in range(height))
    return Bitmap(width, height, b"".join(lines))
