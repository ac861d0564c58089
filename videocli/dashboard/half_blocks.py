"""Pictures of half blocks: two pixels a cell, one above the other, in as many colours as there are.

Where there are none, a cell is a shade.
"""

from collections.abc import Set
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from videocli.dashboard.painting import CellSize, Painting, Place, blank, go_to
from videocli.media.bitmap import Bitmap, Box

Depth = Literal["truecolor", "256", "standard"]
"""How many colours, by rich's names; `standard` is sixteen."""

_SHADES = " ░▒▓█"
_ROUNDED: dict[Depth | None, bytes] = {
    "truecolor": bytes(value & 0xFC | value >> 6 for value in range(256)),
    "256": bytes(value & 0xF8 | value >> 5 for value in range(256)),
    "standard": bytes(value & 0xF0 | value >> 4 for value in range(256)),
    None: bytes(range(256)),
}
"""Steps too small to see cost bytes, for each cell that they make differ from its neighbour or its past."""

_SIXTEEN = (
    *((0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205)),
    *((229, 229, 229), (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255)),
    *((255, 0, 255), (0, 255, 255), (255, 255, 255)),
)
"""As xterm has them; terminals differ."""
_STEPS = (0, 95, 135, 175, 215, 255)
"""Levels of the 6x6x6 cube that are the colours 16 to 231."""


@dataclass(frozen=True, slots=True)
class HalfBlocks:
    """`Painter` for any terminal."""

    place: Place
    cell: CellSize | None = None
    """None: not known, so taken for 1 to 2."""
    depth: Depth | None = "truecolor"
    """None: no colours."""

    @property
    def box(self) -> Box:
        shape = 1.0 if self.cell is None else 2 * self.cell.width / self.cell.height
        return Box(self.place.columns, 2 * self.place.rows, shape)

    def paint(self, bitmap: Bitmap) -> Painting:
        pixels = bitmap.pixels.translate(_ROUNDED[self.depth])
        if bitmap.height % 2:
            pixels += bytes(3 * bitmap.width)
        return Painting(self, replace(bitmap, height=bitmap.height + bitmap.height % 2, pixels=pixels))

    def put(self, painting: Painting, before: Painting | None, erased: Set[int]) -> str:
        bitmap = painting.bitmap
        place = self.place.centred(bitmap.width, bitmap.height // 2)
        sent = []
        if before is None or (before.bitmap.width, before.bitmap.height) != (bitmap.width, bitmap.height):
            sent.append(blank(self.place))
            before = None
        step = 6 * bitmap.width
        for number, row in enumerate(place.lines()):
            cells = bitmap.pixels[number * step : (number + 1) * step]
            first, end = 0, bitmap.width
            if before is not None and row not in erased:
                old = before.bitmap.pixels[number * step : (number + 1) * step]
                if cells == old:
                    continue
                first, end = _changed(cells, old, bitmap.width)
            upper, lower = cells[: step // 2], cells[step // 2 :]
            sent.append(go_to(row, place.column + first))
            sent.append(cells_of(upper[3 * first : 3 * end], lower[3 * first : 3 * end], self.depth))
        return "".join(sent)

    def remove(self) -> str:
        return ""


def cells_of(upper: bytes, lower: bytes, depth: Depth | None) -> str:
    """A row of cells from two rows of pixels; colours end with it."""
    if depth is None:
        return _shades(upper, lower)
    code = _CODES[depth]
    foreground = background = None
    sent = []
    for at in range(0, len(upper), 3):
        above, below = upper[at : at + 3], lower[at : at + 3]
        if below != background:
            background = below
            sent.append(code(below)[1])
        if above == below:
            sent.append(" ")
            continue
        if above != foreground:
            foreground = above
            sent.append(code(above)[0])
        sent.append("▀")
    sent.append("\x1b[0m")
    return "".join(sent)


def _changed(cells: bytes, old: bytes, width: int) -> tuple[int, int]:
    """The first cell that changed, and the one behind the last."""
    half = 3 * width

    def differs(at: int) -> bool:
        return cells[at : at + 3] != old[at : at + 3] or cells[half + at :][:3] != old[half + at :][:3]

    first = next(at for at in range(0, half, 3) if differs(at))
    last = next(at for at in range(half - 3, -1, -3) if differs(at))
    return first // 3, last // 3 + 1


def _shades(upper: bytes, lower: bytes) -> str:
    shades = []
    for at in range(0, len(upper), 3):
        red, green, blue = (upper[at + part] + lower[at + part] for part in range(3))
        luma = (299 * red + 587 * green + 114 * blue) // 2000
        shades.append(_SHADES[luma * len(_SHADES) // 256])
    return "".join(shades)


_Codes = tuple[str, str]
"""Select Graphic Rendition (ECMA-48 section 8.3.117; xterm's ctlseqs), for the foreground and background."""


@lru_cache(1 << 14)
def _true_colour(pixel: bytes) -> _Codes:
    red, green, blue = pixel
    return f"\x1b[38;2;{red};{green};{blue}m", f"\x1b[48;2;{red};{green};{blue}m"


@lru_cache(1 << 14)
def _one_of_256(pixel: bytes) -> _Codes:
    """The nearest of the cube and of the 24 greys, which are 232 to 255."""
    cube = [min(range(6), key=lambda step: abs(_STEPS[step] - value)) for value in pixel]
    grey = min(max(round((sum(pixel) / 3 - 8) / 10), 0), 23)
    of_cube = _distance(pixel, tuple(_STEPS[step] for step in cube))
    of_grey = _distance(pixel, (8 + 10 * grey,) * 3)
    number = 232 + grey if of_grey < of_cube else 16 + 36 * cube[0] + 6 * cube[1] + cube[2]
    return f"\x1b[38;5;{number}m", f"\x1b[48;5;{number}m"


@lru_cache(1 << 14)
def _one_of_16(pixel: bytes) -> _Codes:
    """The nearest; the bright ones have numbers of their own."""
    number = min(range(16), key=lambda number: _distance(pixel, _SIXTEEN[number]))
    base = 30 if number < 8 else 82
    return f"\x1b[{base + number}m", f"\x1b[{base + 10 + number}m"


def _distance(pixel: bytes, colour: tuple[int, ...]) -> int:
    return sum((value - other) ** 2 for value, other in zip(pixel, colour, strict=True))


_CODES = {"truecolor": _true_colour, "256": _one_of_256, "standard": _one_of_16}
