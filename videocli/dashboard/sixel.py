"""Pictures as sixels (DEC STD 070, chapter 9: six pixels, one above the other, in a character)."""

import re
from collections.abc import Set
from dataclasses import dataclass

from videocli.dashboard.painting import CellSize, Painting, Place, blank, go_to
from videocli.media.bitmap import Bitmap, Box

MAX_PIXELS = 640 * 360
"""What is more is not scaled up: the picture is smaller than its place then."""

_BAND = 6
_FIRST = 0x3F
_TO_CHARACTERS = bytes((value + _FIRST) & 0xFF for value in range(256))
_EMPTY = b"?"
_RUN = re.compile(rb"\?{4,}|~{4,}")
"""Other runs are rare, and looking for them takes longer than sending them."""
_MASKS = [
    [bytes(1 << line if value == colour else 0 for value in range(256)) for line in range(_BAND)]
    for colour in range(256)
]
"""For a colour and a line of the band: the bit of each pixel that has that colour."""


@dataclass(frozen=True, slots=True)
class Sixel:
    """`Painter` for xterm, foot, mlterm, tmux, and others that say so."""

    place: Place
    cell: CellSize

    @property
    def box(self) -> Box:
        width, height = self.place.columns * self.cell.width, self.place.rows * self.cell.height
        return Box(width, height, format="rgb8", max_pixels=MAX_PIXELS)

    def paint(self, bitmap: Bitmap) -> Painting:
        columns = min(-(-bitmap.width // self.cell.width), self.place.columns)
        place = self.place.centred(columns, min(-(-bitmap.height // self.cell.height), self.place.rows))
        return Painting(self, bitmap, go_to(place.row, place.column) + sixels(bitmap))

    def put(self, painting: Painting, before: Painting | None, erased: Set[int]) -> str:
        is_alike = before is not None and (before.bitmap.width, before.bitmap.height) == (
            painting.bitmap.width,
            painting.bitmap.height,
        )
        return painting.data if is_alike else blank(self.place) + painting.data

    def remove(self) -> str:
        return ""


def sixels(bitmap: Bitmap) -> str:
    """An `rgb8` bitmap as a device control string, with the colours it uses."""
    width, height, pixels = bitmap.width, bitmap.height, bitmap.pixels
    sent = [b'\x1bP0;1;0q"1;1;%d;%d' % (width, height)]
    sent += [_definition(colour) for colour in sorted(set(pixels))]
    bands = []
    for top in range(0, height, _BAND):
        rows = [pixels[y * width : (y + 1) * width] for y in range(top, min(top + _BAND, height))]
        layers = [b"#%d" % colour + _layer(rows, colour) for colour in sorted(set(b"".join(rows)))]
        bands.append(b"$".join(layers))
    return b"".join([*sent, b"-".join(bands), b"\x1b\\"]).decode("ascii")


def _layer(rows: list[bytes], colour: int) -> bytes:
    """One colour of a band, with runs shortened, up to its last pixel."""
    bits = 0
    for row, mask in zip(rows, _MASKS[colour], strict=False):
        bits |= int.from_bytes(row.translate(mask), "big")
    characters = bits.to_bytes(len(rows[0]), "big").translate(_TO_CHARACTERS).rstrip(_EMPTY)
    return _RUN.sub(lambda run: b"!%d%c" % (run.end() - run.start(), characters[run.start()]), characters)


def _definition(colour: int) -> bytes:
    """In hundredths of red, green and blue."""
    red, green, blue = colour >> 5, colour >> 2 & 7, colour & 3
    return b"#%d;2;%d;%d;%d" % (colour, red * 100 // 7, green * 100 // 7, blue * 100 // 3)
