from collections.abc import Mapping, Sequence

import pytest

from videocli.dashboard.graphics import Graphics, Setting, graphics, learn, painter, questions, setting
from videocli.dashboard.half_blocks import HalfBlocks
from videocli.dashboard.keys import REPLY
from videocli.dashboard.kitty import Kitty
from videocli.dashboard.painting import CellSize, Painter, Place
from videocli.dashboard.sixel import Sixel

PLACE = Place(1, 1, 40, 10)
YES_KITTY = f"{REPLY}\x1b_Gi=7779;OK\x1b\\"
NO_KITTY = f"{REPLY}\x1b_Gi=7779;ENOTSUPPORTED:no\x1b\\"
SIXEL = f"{REPLY}\x1b[?62;4;22c"
PLAIN = f"{REPLY}\x1b[?64;1;2c"
CELL = f"{REPLY}\x1b[6;20;10t"


def chosen(
    replies: Sequence[str],
    how: Setting = "auto",
    cell: CellSize | None = None,
    environ: Mapping[str, str] | None = None,
) -> Painter:
    known = graphics(how, {"TERM": "xterm-256color", **(environ or {})}, "truecolor")
    for reply in replies:
        known = learn(known, reply)
    return painter(known, PLACE, cell)


@pytest.mark.parametrize(
    ("replies", "kind"),
    [
        ([], HalfBlocks),
        ([PLAIN], HalfBlocks),
        ([NO_KITTY, CELL, PLAIN], HalfBlocks),
        ([YES_KITTY, CELL, PLAIN], Kitty),
        ([YES_KITTY, CELL, SIXEL], Kitty),
        ([CELL, SIXEL], Sixel),
        ([SIXEL], HalfBlocks),
        ([f"{REPLY}\x1b[?4c"], HalfBlocks),
    ],
)
def test_what_the_terminal_says_decides(replies: list[str], kind: type[Painter]) -> None:
    assert isinstance(chosen(replies), kind)


def test_the_size_of_a_cell_that_the_driver_knows_comes_first() -> None:
    assert chosen([SIXEL, CELL], cell=CellSize(8, 16)) == Sixel(PLACE, CellSize(8, 16))
    assert chosen([SIXEL, CELL]) == Sixel(PLACE, CellSize(10, 20))
    assert chosen([f"{REPLY}\x1b[6;0;99999t"]) == HalfBlocks(PLACE)


@pytest.mark.parametrize(
    ("how", "kind"), [("kitty", Kitty), ("sixel", Sixel), ("blocks", HalfBlocks), ("auto", Kitty)]
)
def test_what_was_chosen_is_used(how: Setting, kind: type[Painter]) -> None:
    assert isinstance(chosen([YES_KITTY, CELL, SIXEL], how), kind)
    if how != "auto":
        assert isinstance(chosen([], how), kind)


@pytest.mark.parametrize("environ", [{"TMUX": "/tmp/x,1,0"}, {"STY": "1.x"}, {"TERM": "tmux-256color"}])
def test_a_multiplexer_lets_no_kitty_through(environ: dict[str, str]) -> None:
    assert isinstance(chosen([YES_KITTY], "kitty", environ=environ), HalfBlocks)
    assert isinstance(chosen([CELL, SIXEL], environ=environ), Sixel)
    assert "\x1b_G" not in questions(graphics("auto", environ, None))


def test_it_is_asked_what_makes_a_difference() -> None:
    def asked(how: Setting, **environ: str) -> str:
        return questions(graphics(how, {"TERM": "xterm", **environ}, None))

    assert asked("auto").startswith("\x1b_G")
    assert asked("auto").endswith("\x1b[c")
    assert asked("blocks") == asked("off") == ""
    assert "\x1b_G" not in asked("sixel")
    assert "\x1b_G" not in asked("auto", TERM="linux")
    assert "\x1b_G" not in asked("auto", TERM_PROGRAM="Apple_Terminal")


def test_the_setting_is_one_of_a_few() -> None:
    assert setting({}) == setting({"VIDEOCLI_PICTURE": ""}) == "auto"
    assert setting({"VIDEOCLI_PICTURE": "sixel"}) == "sixel"
    with pytest.raises(ValueError, match="none of auto, kitty, sixel, blocks, off"):
        setting({"VIDEOCLI_PICTURE": "ascii"})


def test_colours_are_those_of_the_terminal() -> None:
    assert painter(Graphics(depth="256"), PLACE, None) == HalfBlocks(PLACE, None, "256")
