"""The log pane: what happened, the newest at the bottom, filtered and paused as asked for."""

from rich.text import Text

from videocli.dashboard.lines import Part, exactly, line, rule
from videocli.dashboard.safe_text import MAX_NAME, clean
from videocli.dashboard.units import local_time
from videocli.dashboard.view import View, passing_events
from videocli.dashboard.words import Tone, describe, tone
from videocli.engine.room.snapshot import Snapshot

_STYLES: dict[Tone, str] = {
    "bad": "red",
    "worrying": "yellow",
    "good": "green",
    "spoken": "bold",
    "plain": "",
}


def events(snapshot: Snapshot, view: View, width: int, height: int) -> list[Text]:
    """A heading, then the latest events: `height` lines in all."""
    passing = passing_events(snapshot, view, describe)
    end = view.paused_at
    shown = passing if end is None else [each for each in passing if each.time <= end]
    latest = shown[-(height - 1) :] if height > 1 else []
    lines = [rule(width, *_heading(view, len(passing) - len(shown)))]
    for occurrence in latest:
        at: Part = (f" {local_time(occurrence.time, view.timezone):%H:%M:%S}  ", "dim")
        lines.append(line(width, [at, (describe(occurrence.event), _STYLES[tone(occurrence.event)])]))
    if not latest:
        why = "Nothing passes the filter" if view.event_filter else "Nothing has happened yet"
        lines.append(line(width, [(f"   {why}", "dim")]))
    return exactly(height, lines, width)


def _heading(view: View, held_back: int) -> tuple[list[str], str]:
    narrowed = f'with "{clean(view.event_filter, MAX_NAME)}"' if view.event_filter else ""
    if view.paused_at is None:
        return ["Events"], narrowed
    newer = f"paused, {held_back} newer"
    return ["Events"], ", ".join(filter(None, (narrowed, newer)))
