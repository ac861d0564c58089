"""Pictures by kitty's graphics protocol (sw.kovidgoyal.net/kitty/graphics-protocol).

The terminal scales them to the cells they are for, so they need not be sent larger than they look good.
"""

import base64
import zlib
from collections.abc import Set
from dataclasses import dataclass, replace

from videocli.dashboard.painting import CellSize, Painting, Place, blank, go_to
from videocli.media.bitmap import Bitmap, Box

MAX_PIXELS = 480 * 270
IMAGE_ID = 7780
"""A later image with the same number takes the place of the former."""
_USUAL_CELL = CellSize(10, 20)
_CHUNK = 4096
"""Characters of base64 in one escape sequence, at most."""


@dataclass(frozen=True, slots=True)
class Kitty:
    """`Painter` for kitty, Ghostty, WezTerm, Konsole."""

    place: Place
    cell: CellSize | None = None

    @property
    def box(self) -> Box:
        cell = self.cell or _USUAL_CELL
        width, height = self.place.columns * cell.width, self.place.rows * cell.height
        return Box(width, height, max_pixels=MAX_PIXELS)

    def paint(self, bitmap: Bitmap) -> Painting:
        packed = base64.standard_b64encode(zlib.compress(bitmap.pixels, 1)).decode("ascii")
        chunks = [packed[start : start + _CHUNK] for start in range(0, len(packed), _CHUNK)]
        place = self._place_of(bitmap)
        # Quiet (q=2), with the cursor left where it is (C=1): the answers would come in like keys.
        keys = (
            f"a=T,q=2,C=1,i={IMAGE_ID},p=1,f=24,o=z,s={bitmap.width},v={bitmap.height},"
            f"c={place.columns},r={place.rows},"
        )
        sent = [go_to(place.row, place.column)]
        for number, chunk in enumerate(chunks, start=1):
            sent.append(f"\x1b_G{keys}m={int(number < len(chunks))};{chunk}\x1b\\")
            keys = "q=2,"
        return Painting(self, bitmap, "".join(sent))

    def put(self, painting: Painting, before: Painting | None, erased: Set[int]) -> str:
        """Text that was written anew does not touch an image, which is above it."""
        if painting is before:
            return ""
        return painting.data if before is not None else blank(self.place) + painting.data

    def remove(self) -> str:
        return f"\x1b_Ga=d,d=I,q=2,i={IMAGE_ID}\x1b\\"

    def _place_of(self, bitmap: Bitmap) -> Place:
        cell = self.cell or _USUAL_CELL
        width, height = replace(self.box, max_pixels=None).fitted(bitmap.width, bitmap.height)
        return self.place.centred(max(round(width / cell.width), 1), max(round(height / cell.height), 1))
