from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dashboard.bitmaps import gradient, plain
from tests.dashboard.emulator import Colour, Emulator
from videocli.dashboard.half_blocks import Depth, HalfBlocks, cells_of
from videocli.dashboard.painting import CellSize, Place
from videocli.media.bitmap import Bitmap

PLACE = Place(3, 2, 8, 4)


def pixels_on(emulator: Emulator, place: Place) -> list[Colour]:
    """What the half blocks of a place show, row by row."""
    return [
        emulator.at(row, place.column + column).pixels()[half]
        for row, half, column in product(place.lines(), (0, 1), range(place.columns))
    ]


def rounded(bitmap: Bitmap) -> list[Colour]:
    values = [value & 0xFC | value >> 6 for value in bitmap.pixels]
    return [tuple(values[at : at + 3]) for at in range(0, len(values), 3)]


def test_half_blocks_show_the_picture_pixel_by_pixel() -> None:
    painter = HalfBlocks(PLACE)
    bitmap = gradient(8, 8)
    emulator = Emulator(20, 10)
    emulator.feed(painter.put(painter.paint(bitmap), None, frozenset()))
    assert pixels_on(emulator, PLACE) == rounded(bitmap)
    assert emulator.at(2, 2) == emulator.at(3, 1) == emulator.at(3, 10) == emulator.at(7, 2)


def test_a_smaller_picture_is_in_the_middle_and_a_missing_last_line_is_black() -> None:
    painter = HalfBlocks(PLACE)
    emulator = Emulator(20, 10)
    emulator.feed(painter.put(painter.paint(plain(4, 3, (255, 255, 255))), None, frozenset()))
    assert pixels_on(emulator, Place(4, 4, 4, 2)) == [(255, 255, 255)] * 12 + [(0, 0, 0)] * 4


def test_equal_neighbours_share_their_colours() -> None:
    row = bytes((8, 8, 8)) * 40
    assert cells_of(row, row, "truecolor") == "\x1b[48;2;8;8;8m" + " " * 40 + "\x1b[0m"


def test_only_cells_between_changes_are_sent() -> None:
    painter = HalfBlocks(PLACE)
    before = painter.paint(plain(8, 8, (0, 0, 0)))
    pixels = bytearray(before.bitmap.pixels)
    pixels[3 * (8 * 5 + 6)] = 255
    after = painter.paint(Bitmap(8, 8, bytes(pixels)))
    assert painter.put(after, before, frozenset()) == ("\x1b[5;8H\x1b[48;2;255;0;0m\x1b[38;2;0;0;0m▀\x1b[0m")
    assert painter.put(before, before, frozenset()) == ""
    assert painter.put(before, before, {4}).startswith("\x1b[4;2H\x1b[48;2;0;0;0m        \x1b[0m")


def test_steps_too_small_to_see_are_not_sent() -> None:
    painter = HalfBlocks(PLACE)
    before, after = (painter.paint(plain(8, 8, (100, 100, level))) for level in (100, 101))
    assert painter.put(after, before, frozenset()) == ""


BITMAPS = st.tuples(st.integers(1, 8), st.integers(1, 8)).flatmap(
    lambda size: st.builds(
        lambda pixels: Bitmap(*size, pixels), st.binary(min_size=3 * size[0] * size[1], max_size=3 * 64)
    ).map(lambda bitmap: Bitmap(bitmap.width, bitmap.height, bitmap.pixels[: 3 * size[0] * size[1]]))
)


@settings(deadline=None)
@given(st.lists(st.tuples(BITMAPS, st.sets(st.integers(3, 6))), min_size=1, max_size=5))
def test_what_differs_is_enough(shown: list[tuple[Bitmap, set[int]]]) -> None:
    """A screen that followed all pictures shows what one shows that saw only the last."""
    painter, before = HalfBlocks(PLACE), None
    followed, fresh = Emulator(20, 10), Emulator(20, 10)
    for bitmap, erased in shown:
        for row in erased:
            followed.feed(f"\x1b[{row};1H\x1b[2K")
        painting = painter.paint(bitmap)
        followed.feed(painter.put(painting, before, erased))
        before = painting
    assert before is not None
    fresh.feed(painter.put(before, None, frozenset()))
    everywhere = list(product(range(1, 11), range(1, 21)))
    assert [followed.at(*place) for place in everywhere] == [fresh.at(*place) for place in everywhere]


@pytest.mark.parametrize(
    ("depth", "colour", "shown"),
    [
        ("256", (255, 0, 0), (196,)),
        ("256", (0, 0, 0), (16,)),
        ("256", (118, 118, 118), (243,)),
        ("256", (95, 135, 175), (67,)),
        ("standard", (250, 10, 10), (9,)),
        ("standard", (200, 10, 10), (1,)),
        ("standard", (0, 0, 0), (0,)),
        ("standard", (255, 255, 255), (15,)),
    ],
)
def test_fewer_colours_are_the_nearest(depth: Depth, colour: tuple[int, int, int], shown: Colour) -> None:
    painter = HalfBlocks(PLACE, depth=depth)
    emulator = Emulator(20, 10)
    emulator.feed(painter.put(painter.paint(plain(8, 8, colour)), None, frozenset()))
    assert set(pixels_on(emulator, PLACE)) == {shown}
    emulator.feed(painter.put(painter.paint(gradient(8, 8)), None, frozenset()))
    assert all(len(pixel or ()) == 1 for pixel in pixels_on(emulator, PLACE))


def test_without_colours_there_are_shades() -> None:
    painter = HalfBlocks(PLACE, depth=None)
    steps = bytes(value for step in (0, 60, 120, 180, 240) for value in (step, step, step))
    emulator = Emulator(20, 10)
    emulator.feed(painter.put(painter.paint(Bitmap(5, 2, 2 * steps)), None, frozenset()))
    assert "".join(emulator.at(4, column).text for column in range(3, 8)) == " ░▒▓█"
    assert "m" not in painter.put(painter.paint(gradient(8, 8)), None, frozenset())


def test_a_known_size_of_cells_makes_circles_round() -> None:
    assert HalfBlocks(PLACE).box.fitted(160, 160) == (8, 8)
    assert HalfBlocks(Place(1, 1, 80, 20), CellSize(8, 20)).box.fitted(160, 160) == (50, 40)
