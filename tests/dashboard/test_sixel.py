import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dashboard.emulator import Emulator, sixel_pixels
from videocli.dashboard.painting import CellSize, Place
from videocli.dashboard.sixel import MAX_PIXELS, Sixel, sixels
from videocli.media.bitmap import Bitmap

PLACE = Place(3, 5, 40, 10)


def hundredths(pixel: int) -> tuple[int, int, int]:
    red, green, blue = pixel >> 5, pixel >> 2 & 7, pixel & 3
    return red * 100 // 7, green * 100 // 7, blue * 100 // 3


def drawn(bitmap: Bitmap) -> tuple[int, int, list[tuple[int, ...]]]:
    emulator = Emulator(80, 24)
    emulator.feed(sixels(bitmap))
    return sixel_pixels(emulator.sixels[0][2])


@pytest.mark.parametrize("size", [(1, 1), (16, 6), (40, 20), (7, 13)])
def test_the_stream_holds_the_picture(size: tuple[int, int]) -> None:
    pixels = bytes((x * 7 + y * 31) & 0xFF for y in range(size[1]) for x in range(size[0]))
    assert drawn(Bitmap(*size, pixels, "rgb8")) == (*size, [hundredths(pixel) for pixel in pixels])


@settings(deadline=None)
@given(st.integers(1, 12), st.lists(st.sampled_from([0, 1, 64, 255]), min_size=1, max_size=200))
def test_runs_are_shortened_and_nothing_is_lost(width: int, colours: list[int]) -> None:
    colours += [0] * (-len(colours) % width)
    bitmap = Bitmap(width, len(colours) // width, bytes(colours), "rgb8")
    assert drawn(bitmap)[2] == [hundredths(pixel) for pixel in colours]


def test_a_plain_picture_is_short() -> None:
    assert sixels(Bitmap(400, 6, bytes([255]) * 2400, "rgb8")) == (
        '\x1bP0;1;0q"1;1;400;6#255;2;100;100;100#255!400~\x1b\\'
    )


def test_it_is_in_the_middle_of_its_place() -> None:
    painter = Sixel(PLACE, CellSize(10, 20))
    width, height = painter.box.fitted(100, 200)
    assert (width, height, painter.box.format) == (100, 200, "rgb8")
    painting = painter.paint(Bitmap(width, height, bytes(width * height), "rgb8"))
    emulator = Emulator(80, 24)
    emulator.feed(painter.put(painting, None, frozenset()))
    assert emulator.sixels[0][:2] == (3, 20)


def test_it_is_sent_again_over_text_that_was_written_anew() -> None:
    painter = Sixel(PLACE, CellSize(10, 20))
    painting = painter.paint(Bitmap(10, 20, bytes(200), "rgb8"))
    assert painter.put(painting, painting, {5}) == painting.data
    assert painter.remove() == ""


def test_a_large_place_gets_a_picture_of_a_bounded_size() -> None:
    width, height = Sixel(Place(1, 1, 400, 100), CellSize(10, 20)).box.fitted(1920, 1080)
    assert width * height <= MAX_PIXELS
