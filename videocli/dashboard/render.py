"""The picture of a room: a pure function of what is true (`Snapshot`), what was chosen (`View`) and the size.

It holds exactly `rows` lines of at most `columns` cells, and asks no clock: the time is the snapshot's.
"""

from rich.text import Text

from videocli.dashboard import panels
from videocli.dashboard.lines import Picture, beside, line
from videocli.dashboard.participants_panel import participants, participants_height
from videocli.dashboard.view import View
from videocli.engine.room.snapshot import Snapshot

MIN_COLUMNS = 40
MIN_ROWS = 12
_SIDE_BY_SIDE_COLUMNS = 160
_DIVIDER_COLUMNS = 3
_AIRY_ROWS = 30
_MIN_EVENTS = 4


def render(snapshot: Snapshot, view: View, size: tuple[int, int]) -> Picture:
    """Draw the room on a screen of `size` columns and rows."""
    columns, rows = size
    if columns < MIN_COLUMNS or rows < MIN_ROWS:
        return Picture(tuple(panels.too_small(snapshot, columns, rows, (MIN_COLUMNS, MIN_ROWS))))
    top = [panels.status_bar(snapshot, view, columns), *panels.health(snapshot, view, columns)][: rows // 2]
    if rows >= _AIRY_ROWS:
        top.append(line(columns, []))
    bottom = panels.footer(snapshot, view, columns)
    middle = _middle(snapshot, view, columns, rows - len(top) - 1)
    return Picture((*top, *middle, bottom))


def _middle(snapshot: Snapshot, view: View, columns: int, height: int) -> list[Text]:
    """Participants and events: beside each other where there is room, otherwise one above the other."""
    if view.is_help_open:
        return panels.help_page(columns, height)
    if columns >= _SIDE_BY_SIDE_COLUMNS:
        left = columns * 3 // 5
        return beside(
            participants(snapshot, view, left, height),
            panels.events(snapshot, view, columns - left - _DIVIDER_COLUMNS, height),
        )
    at_most = max(height - max(_MIN_EVENTS, height // 3), height // 2)
    upper = min(participants_height(snapshot), at_most)
    return [
        *participants(snapshot, view, columns, upper),
        *panels.events(snapshot, view, columns, height - upper),
    ]
