from tests.dashboard.bitmaps import gradient
from tests.dashboard.emulator import Emulator
from videocli.dashboard.canvas import Canvas
from videocli.dashboard.half_blocks import HalfBlocks
from videocli.dashboard.kitty import IMAGE_ID, Kitty
from videocli.dashboard.painting import Place

PLACE = Place(3, 2, 8, 4)
BLOCKS, KITTY = HalfBlocks(PLACE), Kitty(PLACE)


def test_an_empty_canvas_has_nothing_to_clear() -> None:
    canvas = Canvas()
    assert canvas.clear(None) == ("", frozenset())
    assert canvas.show(None, {3}) == canvas.forget() == ""


def test_the_same_picture_is_sent_once_until_its_rows_are_written_over() -> None:
    canvas, painting = Canvas(), BLOCKS.paint(gradient(8, 8))
    assert canvas.show(painting, frozenset())
    assert canvas.show(painting, {2, 7}) == ""
    assert canvas.show(painting, {2, 4}).startswith("\x1b[4;2H")


def test_a_picture_that_ends_uncovers_its_rows() -> None:
    canvas = Canvas()
    canvas.show(BLOCKS.paint(gradient(8, 8)), frozenset())
    assert canvas.clear(BLOCKS.paint(gradient(8, 8, shift=1))) == ("", frozenset())
    assert canvas.clear(None) == ("", {3, 4, 5, 6})
    assert canvas.clear(None) == ("", frozenset())


def test_an_image_is_deleted_before_anything_else_is_shown() -> None:
    canvas, emulator = Canvas(), Emulator(80, 24)
    emulator.feed(canvas.show(KITTY.paint(gradient(8, 8)), frozenset()))
    assert str(IMAGE_ID) in emulator.images
    blocks = BLOCKS.paint(gradient(8, 8))
    removal, rows = canvas.clear(blocks)
    assert rows == {3, 4, 5, 6}
    emulator.feed(removal)
    assert emulator.images == {}
    assert canvas.show(blocks, rows).startswith("\x1b[3;2H\x1b[8X")


def test_a_forgotten_picture_is_deleted_and_sent_whole() -> None:
    canvas, painting = Canvas(), KITTY.paint(gradient(8, 8))
    sent = canvas.show(painting, frozenset())
    assert canvas.forget() == KITTY.remove()
    assert canvas.show(painting, frozenset()) == sent
