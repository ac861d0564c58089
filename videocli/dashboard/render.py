"""The picture of a room: a pure function of what is true (`Snapshot`), what was chosen (`View`) and the size.

It holds exactly `rows` lines of at most `columns` cells, and asks no clock: the time is the snapshot's.
"""

from rich.text import Text

from videocli.dashboard.events_panel import events
from videocli.dashboard.footer import footer
from videocli.dashboard.health_panel import health, status_bar
from videocli.dashboard.help_page import help_page, too_small, top_of_help
from videocli.dashboard.lines import Picture, beside, line
from videocli.dashboard.outage_panel import current_outage, history, outage_height, timeline
from videocli.dashboard.painting import Place
from videocli.dashboard.participants_panel import participants, participants_height
from videocli.dashboard.video_panel import screening, video, video_height
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
    height = rows - len(top) - 1
    middle = _middle(snapshot, view, columns, height)
    shown = None
    if view.is_video_open and view.page == "room":
        width = _left_columns(columns)
        below_heading = Place(len(top) + 2, 1, width, _video_height(view, width, height) - 1)
        shown = screening(snapshot, view, below_heading)
    help_top = top_of_help(columns, height, view.help_top)
    return Picture((*top, *middle, footer(snapshot, view, columns)), shown, help_top)


def _middle(snapshot: Snapshot, view: View, columns: int, height: int) -> list[Text]:
    match view.page:
        case "help":
            return help_page(columns, height, top_of_help(columns, height, view.help_top))
        case "outages":
            return history(snapshot, view, columns, height)
        case "room":
            return _room(snapshot, view, columns, height)


def _room(snapshot: Snapshot, view: View, columns: int, height: int) -> list[Text]:
    """Participants and what happened: beside each other where there is room, else one above the other.

    Above the participants their picture, if it is open; what happened goes where there is no room for all.
    """
    left = _left_columns(columns)
    upper = _video_height(view, left, height)
    drawn = video(snapshot, view, left, upper) if upper else []
    if left < columns:
        return beside(
            [*drawn, *participants(snapshot, view, left, height - upper)],
            _happenings(snapshot, view, columns - left - _DIVIDER_COLUMNS, height),
        )
    if upper and height - upper < _MIN_PARTICIPANTS + _MIN_EVENTS:
        return [*drawn, *participants(snapshot, view, columns, height - upper)]
    return [*drawn, *_stacked(snapshot, view, columns, height - upper)]


def _left_columns(columns: int) -> int:
    """How wide the panels at the left edge are."""
    return columns * 3 // 5 if columns >= _SIDE_BY_SIDE_COLUMNS else columns


def _video_height(view: View, width: int, height: int) -> int:
    """Lines for the picture, of those between top and footer."""
    return video_height(width, height, max(_MIN_PARTICIPANTS, height // 4)) if view.is_video_open else 0


def _stacked(snapshot: Snapshot, view: View, columns: int, height: int) -> list[Text]:
    """Participants above what happened."""
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
