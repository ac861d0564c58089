"""Numbers as small pictures of a known width. Each can be read without colour."""

import math
from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"
_EIGHTHS = "▏▎▍▌▋▊▉"
_QUALITY = "▁▂▄▆█"
_HEADROOM = 1.3
_QUIET_DB = 60.0
"""This far below full scale counts as silence."""


def sparkline(values: Sequence[float], width: int) -> str:
    """The latest values, the newest at the right end, each as high as its share of the highest of them.

    The highest stays a little below the top, so that a steady flow does not look like a wall.
    """
    shown = values[-width:] if width > 0 else ()
    top = _HEADROOM * max(shown, default=0.0)
    last = len(_BLOCKS) - 1
    heights = (_BLOCKS[min(round(value / top * last), last)] if top > 0 else _BLOCKS[0] for value in shown)
    return "".join(heights).rjust(max(width, 0))


def bar(share: float, width: int, rest: str = " ") -> str:
    """A share, 0 to 1, as a bar that is `width` cells long when full; the rest is filled with `rest`."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    full, part = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[part - 1] if part else "")).ljust(width, rest)


def loudness(level: float, width: int) -> str:
    """An audio level, 0 to 1, as a bar of its decibels, as an ear would judge."""
    decibels = 20 * math.log10(level) if level > 0 else -_QUIET_DB
    return bar(1 + decibels / _QUIET_DB, width)


def quality(level: int | None) -> str:
    """A network quality level, 0 to 5, in five cells; blank: not known."""
    if level is None:
        return " " * len(_QUALITY)
    level = min(max(level, 0), len(_QUALITY))
    return _QUALITY[:level] + "·" * (len(_QUALITY) - level)
