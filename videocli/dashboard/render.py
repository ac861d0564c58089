"""The picture of a room: a pure function of what is true (`Snapshot`), what was chosen (`View`) and the size.

It holds exactly `rows` lines of at most `columns` cells, and asks no clock: the time is the snapshot's.
"""

from rich.text import Text

from videocli.dashboard.events_panel import events
from videocli.dashboard.footer import footer
from videocli.dashboard.health_panel import health, status_bar
from videocli.dashboard.help_page import help_page, too_small
from videocli.dashboard.lines import Picture, beside, line
from videocli.dashboard.outage_panel import current_outage, history, outage_height, timeline
from videocli.dashboard.participants_panel import participants, participants_height
from videocli.dashboard.view import View
from videocli.engine.room.snapshot import Snapshot

MIN_COLUMNS = 40
MIN_ROWS = 12
_SIDE_BY_SIDE_COLUMNS = 160
_DIVIDER_COLUMNS = 3
_AIRY_ROWS = 30
_MIN_EVENTS = 4
_MIN_PARTICIPANTS = 4


def render(snapshot: Snapshot, view: View, size: tuple[int, int]) -> Picture:
    """Draw the room on a screen of `size` columns and rows."""
    columns, rows = size
    if columns < MIN_COLUMNS or rows < MIN_ROWS:
        return Picture(tuple(too_small(snapshot, columns, rows, (MIN_COLUMNS, MIN_ROWS))))
    top = [status_bar(snapshot, view, columns), *health(snapshot, view, columns)][: rows // 2]
    if rows >= _AIRY_ROWS:
        top.append(line(columns, []))
    middle = _middle(snapshot, view, columns, rows - len(top) - 1)
    return Picture((*top, *middle, footer(snapshot, view, columns)))


def _middle(snapshot: Snapshot, view: View, columns: int, height: int) -> list[Text]:
    match view.page:
        case "help":
            return help_page(columns, height)
        case "outages":
            return history(snapshot, view, columns, height)
        case "room":
            return _room(snapshot, view, columns, height)


def _room(snapshot: Snapshot, view: View, columns: int, height: int) -> list[Text]:
    """Participants and what happened: beside each other where there is room, else one above the other."""
    if columns >= _SIDE_BY_SIDE_COLUMNS:
        left = columns * 3 // 5
        return beside(
            participants(snapshot, view, left, height),
            _happenings(snapshot, view, columns - left - _DIVIDER_COLUMNS, height),
        )
    outage = current_outage(snapshot)
    wanted = _MIN_EVENTS if outage is None else outage_height(outage) + _MIN_EVENTS
    at_most = max(height - max(wanted, height // 3), height // 2 if outage is None else _MIN_PARTICIPANTS)
    upper = min(participants_height(snapshot, view), at_most)
    return [
        *participants(snapshot, view, columns, upper),
        *_happenings(snapshot, view, columns, height - upper),
    ]


def _happenings(snapshot: Snapshot, view: View, columns: int, height: int) -> list[Text]:
    """The outage that goes on, if there is one, above the events."""
    outage = current_outage(snapshot)
    upper = 0 if outage is None else min(outage_height(outage), max(height - _MIN_EVENTS, 0))
    drawn = [] if outage is None else timeline(outage, snapshot, view, columns, upper)
    return [*drawn, *events(snapshot, view, columns, height - upper)]
