"""How this terminal shows pictures: what we were told, what it says when it is asked, what follows from both.

Nobody waits for its answers: until they come, and if they never do, pictures are made of half blocks.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from videocli.dashboard.half_blocks import Depth, HalfBlocks
from videocli.dashboard.keys import REPLY
from videocli.dashboard.kitty import Kitty
from videocli.dashboard.painting import CellSize, Painter, Place
from videocli.dashboard.sixel import Sixel

VARIABLE = "VIDEOCLI_PICTURE"
Setting = Literal["auto", "kitty", "sixel", "blocks", "off"]
SETTINGS: tuple[Setting, ...] = get_args(Setting)

_ASK_KITTY = "\x1b_Gi=7779,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
"""Would you take this pixel? (kitty's graphics protocol, "Querying support")"""
_ASK_CELL = "\x1b[16t"
"""How large is a cell, in pixels? (xterm's ctlseqs)"""
_ASK_ATTRIBUTES = "\x1b[c"
"""What are you? Everybody answers that (DA1); `4` among the answers is sixel."""

_ATTRIBUTES = re.compile(r"\x1b\[\?([\d;]*)c")
_CELL = re.compile(r"\x1b\[6;(\d+);(\d+)t")
_MAX_CELL = 1000
_USUAL_CELL = CellSize(10, 20)


@dataclass(frozen=True, slots=True)
class Graphics:
    """What is known of the terminal."""

    setting: Setting = "blocks"
    depth: Depth | None = None
    is_multiplexed: bool = False
    """tmux or screen is in between: kitty's sequences would not get through, or not to the right place."""
    prints_unknown: bool = False
    """It would print kitty's question."""
    has_kitty: bool = False
    has_sixel: bool = False
    cell: CellSize | None = None


def setting(environ: Mapping[str, str]) -> Setting:
    """What `VIDEOCLI_PICTURE` says. Raises `ValueError` with a line for people."""
    said = environ.get(VARIABLE, "") or "auto"
    for known in SETTINGS:
        if said == known:
            return known
    raise ValueError(f"{VARIABLE} is none of {', '.join(SETTINGS)}")


def graphics(chosen: Setting, environ: Mapping[str, str], depth: Depth | None) -> Graphics:
    """What can be known before the terminal is asked."""
    term = environ.get("TERM", "")
    is_multiplexed = bool(environ.get("TMUX") or environ.get("STY")) or term.startswith(("tmux", "screen"))
    prints_unknown = term.startswith(("linux", "vt")) or environ.get("TERM_PROGRAM") == "Apple_Terminal"
    return Graphics(chosen, depth, is_multiplexed, prints_unknown)


def questions(known: Graphics) -> str:
    """What to ask the terminal; empty: nothing."""
    if known.setting in ("blocks", "off"):
        return ""
    may_ask_kitty = known.setting != "sixel" and not known.is_multiplexed and not known.prints_unknown
    return (_ASK_KITTY if may_ask_kitty else "") + _ASK_CELL + _ASK_ATTRIBUTES


def learn(known: Graphics, reply: str) -> Graphics:
    """What is known after a reply (`keys.REPLY`)."""
    reply = reply.removeprefix(REPLY)
    if attributes := _ATTRIBUTES.fullmatch(reply):
        return replace(known, has_sixel="4" in attributes[1].split(";")[1:])
    if size := _CELL.fullmatch(reply):
        height, width = int(size[1]), int(size[2])
        is_sane = 0 < width <= _MAX_CELL and 0 < height <= _MAX_CELL
        return replace(known, cell=CellSize(width, height)) if is_sane else known
    return replace(known, has_kitty=known.has_kitty or reply == "\x1b_Gi=7779;OK\x1b\\")


def painter(known: Graphics, place: Place, cell: CellSize | None) -> Painter:
    """Who puts pictures there; `cell` is the size of a cell if the terminal's driver knows it."""
    cell = cell or known.cell
    is_free = known.setting == "auto"
    if not known.is_multiplexed and (known.setting == "kitty" or (is_free and known.has_kitty)):
        return Kitty(place, cell)
    if known.setting == "sixel" or (is_free and known.has_sixel and cell is not None):
        return Sixel(place, cell or _USUAL_CELL)
    return HalfBlocks(place, cell, known.depth)
