from random import Random

import pytest

from tests.dashboard.bitmaps import gradient
from tests.dashboard.emulator import Emulator
from videocli.dashboard.kitty import IMAGE_ID, MAX_PIXELS, Kitty
from videocli.dashboard.painting import CellSize, Place
from videocli.media.bitmap import Bitmap

PLACE = Place(3, 5, 40, 10)
CELL = CellSize(10, 20)


def shown(emulator: Emulator, painter: Kitty, bitmap: Bitmap) -> None:
    emulator.feed(painter.put(painter.paint(bitmap), None, frozenset()))


@pytest.mark.parametrize("size", [(1, 1), (400, 200), (355, 200), (100, 200)])
def test_the_stream_holds_the_picture(size: tuple[int, int]) -> None:
    bitmap = gradient(*size)
    emulator = Emulator(80, 24)
    shown(emulator, Kitty(PLACE, CELL), bitmap)
    image = emulator.images[str(IMAGE_ID)]
    assert (image.keys["s"], image.keys["v"], image.keys["f"]) == (str(size[0]), str(size[1]), "24")
    assert image.pixels == bitmap.pixels


def test_a_picture_comes_in_chunks_of_at_most_4096_characters() -> None:
    noise = Bitmap(200, 100, Random(7).randbytes(60_000))
    stream = Kitty(PLACE, CELL).paint(noise).data
    assert stream.count("m=1;") > 2
    assert stream.count("m=0;") == 1
    emulator = Emulator(80, 24)
    emulator.feed(stream)
    assert emulator.images[str(IMAGE_ID)].pixels == noise.pixels


def test_it_is_in_the_middle_of_its_place_undistorted() -> None:
    painter = Kitty(PLACE, CELL)
    width, height = painter.box.fitted(100, 200)
    emulator = Emulator(80, 24)
    shown(emulator, painter, gradient(width, height))
    image = emulator.images[str(IMAGE_ID)]
    assert (image.row, image.column, image.keys["c"], image.keys["r"]) == (3, 20, "10", "10")


def test_a_large_place_gets_a_picture_that_the_terminal_scales_up() -> None:
    painter = Kitty(Place(1, 1, 200, 60), CELL)
    width, height = painter.box.fitted(1920, 1080)
    assert width * height <= MAX_PIXELS
    emulator = Emulator(200, 60)
    shown(emulator, painter, gradient(width, height))
    image = emulator.images[str(IMAGE_ID)]
    assert (image.keys["c"], image.keys["r"]) == ("200", "56")


def test_the_next_picture_takes_the_place_of_the_former_and_the_end_takes_all_away() -> None:
    painter = Kitty(PLACE, CELL)
    first, second = painter.paint(gradient(40, 20)), painter.paint(gradient(40, 20, shift=9))
    emulator = Emulator(80, 24)
    emulator.feed(painter.put(first, None, frozenset()))
    emulator.feed(painter.put(second, first, frozenset()))
    assert [image.pixels for image in emulator.images.values()] == [second.bitmap.pixels]
    assert painter.put(second, second, {4}) == ""
    emulator.feed(painter.remove())
    assert emulator.images == {}
