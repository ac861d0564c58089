"""Lines of an exact width, from which panels are built.

Widths are terminal cells: an emoji or a Chinese character takes two. Text from the network comes in cleaned
(`safe_text`), and only ever as `Text`, never as markup.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

from videocli.dashboard.painting import Place


class Screening(NamedTuple):
    """What picture belongs where on the screen."""

    participant_sid: str
    track_sid: str
    place: Place


STATE_STYLES = {
    "connecting": "bold yellow",
    "connected": "bold green",
    "reconnecting": "bold yellow",
    "disconnected": "bold red",
}
"""How the state of a room, a leg or a participant looks everywhere."""

STATE_MARKS = {"connecting": "○", "connected": "●", "reconnecting": "◐", "disconnected": "✗"}
"""The same without colour."""

Part = tuple[str, str]
"""A text and its style."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A whole screen: one `Text` a row, none wider than the screen."""

    lines: tuple[Text, ...]
    screening: Screening | None = None
    """The picture of a participant that belongs over a part of them."""
    help_top: int = 0
    """The line of the help that is shown first."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for number, line in enumerate(self.lines):
            if number:
                yield Segment.line()
            yield from line.render(console)


def fit(text: str, width: int) -> str:
    """The text in exactly `width` cells, the end of a longer one replaced by an ellipsis."""
    if cell_len(text) <= width:
        return set_cell_size(text, max(width, 0))
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""


def line(width: int, left: Sequence[Part], right: Sequence[Part] = (), style: str = "") -> Text:
    """One line of exactly `width` cells; `right` ends at the edge, and goes if there is no room for both."""
    if width <= 0:
        return Text()
    ends = Text.assemble(*right)
    text = Text.assemble(*left, style=style, no_wrap=True, overflow="crop")
    if ends.plain and text.cell_len + 1 + ends.cell_len <= width:
        text.append(" " * (width - text.cell_len - ends.cell_len))
        text.append_text(ends)
    text.truncate(width, overflow="ellipsis", pad=True)
    return text


def rule(width: int, titles: Sequence[str], right: str = "") -> Text:
    """A heading: a title in a horizontal line, and words at its right end.

    The first title that leaves room for the right end is taken; if none does, the right end goes.
    """
    ends = f" {right}" if right else ""
    fitting = (title for title in titles if cell_len(f"── {title} {ends}") <= width)
    title = next(fitting, None)
    if title is None:
        title, ends = titles[0], ""
    dashes = "─" * (width - cell_len(f"── {title} {ends}"))
    return line(width, [("── ", "dim"), (f"{title} ", "bold"), (dashes, "dim"), (ends, "dim")])


def wrapped(text: str, width: int, limit: int) -> list[str]:
    """The text broken at blanks into at most `limit` lines of at most `width` cells."""
    lines: list[str] = []
    words = text.split(" ")
    while words and len(lines) < limit:
        taken = 1
        while taken < len(words) and cell_len(" ".join(words[: taken + 1])) <= width:
            taken += 1
        if len(lines) == limit - 1:
            taken = len(words)
        lines.append(fit(" ".join(words[:taken]), width).rstrip())
        words = words[taken:]
    return lines


def beside(left: Sequence[Text], right: Sequence[Text]) -> list[Text]:
    """Two columns of the same height with a line between them."""
    return [
        Text.assemble(one, (" │ ", "dim"), other, no_wrap=True, overflow="crop")
        for one, other in zip(left, right, strict=True)
    ]


def exactly(height: int, lines: Sequence[Text], width: int) -> list[Text]:
    """Exactly `height` lines: blank ones added, or the last ones left out."""
    blank = line(width, [])
    return [*lines, *([blank] * (height - len(lines)))][: max(height, 0)]
