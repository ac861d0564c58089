"""What the keys do, and what a terminal too small for the room still shows."""

from itertools import zip_longest

from rich.text import Text

from videocli.dashboard.actions import BINDINGS, GROUPS, Group
from videocli.dashboard.lines import STATE_STYLES, Part, exactly, fit, line, rule, wrapped
from videocli.engine.room.snapshot import Snapshot

_KEYS_WIDTH = 10
_COLUMN_WIDTH = 40
"""Columns from which a second column of keys has room."""


def help_page(width: int, height: int, top: int) -> list[Text]:
    """Every key, by what it is about, from line `top` on: `height` lines in all."""
    lines = _lines(width)
    end = min(top + height - 1, len(lines))
    is_whole = top == 0 and end == len(lines)
    hint = "? closes" if is_whole else f"j k: {top + 1}-{end} of {len(lines)}  ? closes"
    return exactly(height, [rule(width, ["Keys"], hint), *lines[top:]], width)


def top_of_help(width: int, height: int, wanted: int) -> int:
    """The line nearest to the wanted one with which the help can begin, and still fill its place."""
    return min(wanted, max(len(_lines(width)) - (height - 1), 0))


def too_small(snapshot: Snapshot, width: int, height: int, needed: tuple[int, int]) -> list[Text]:
    """The state, and what is wrong."""
    state = snapshot.room.state
    words = wrapped(f"Terminal too small: {width}x{height}, needs {needed[0]}x{needed[1]}", width, height - 1)
    lines = [line(width, [(state.upper(), STATE_STYLES[state])])]
    return exactly(height, [*lines, *(line(width, [(text, "")]) for text in words)], width)


def _lines(width: int) -> list[Text]:
    left, right = map(_entries, GROUPS)
    if width < 2 * _COLUMN_WIDTH:
        return [line(width, entry) for entry in (*left, [], *right)]
    column = min(width // 2, 60)
    both = zip_longest(left, right)
    return [line(width, [*_padded(one or [], column), *(other or [])]) for one, other in both]


def _entries(groups: tuple[Group, ...]) -> list[list[Part]]:
    """A line for each key under the name of its group, groups parted by empty ones."""
    entries: list[list[Part]] = []
    for group in groups:
        entries += [[]] if entries else []
        entries.append([(f" {group}", "dim")])
        entries += [
            [(f"   {fit(binding.shown, _KEYS_WIDTH)}", "bold"), (binding.words, "")]
            for binding in BINDINGS
            if binding.group == group and binding.shown
        ]
    return entries


def _padded(parts: list[Part], width: int) -> list[Part]:
    used = Text.assemble(*parts).cell_len
    return [*parts, (" " * max(width - used, 0), "")]
