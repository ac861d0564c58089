"""Small pictures as plain bytes, and how large a picture may be."""

from dataclasses import dataclass
from typing import Literal

PixelFormat = Literal["rgb24", "rgb8"]
"""Three bytes a pixel; or one, with 3 bits of red, 3 of green and 2 of blue (FFmpeg's names)."""


@dataclass(frozen=True, slots=True)
class Bitmap:
    """A picture: rows from the top, pixels from the left, no padding."""

    width: int
    height: int
    pixels: bytes
    format: PixelFormat = "rgb24"


@dataclass(frozen=True, slots=True)
class Box:
    """What a picture has to fit into, in pixels."""

    width: int
    height: int
    pixel_shape: float = 1.0
    """Width of a pixel to its height."""
    format: PixelFormat = "rgb24"
    max_pixels: int | None = None
    """How many a picture may have; None: as many as there is room for."""

    def fitted(self, width: int, height: int) -> tuple[int, int]:
        """The largest size in the box that shows a picture of `width` to `height` undistorted."""
        wanted = width / (height * self.pixel_shape)
        across, down = min(self.width, self.height * wanted), min(self.height, self.width / wanted)
        if self.max_pixels is not None:
            share = min((self.max_pixels / (across * down)) ** 0.5, 1.0)
            across, down = across * share, down * share
        return max(round(across), 1), max(round(down), 1)
