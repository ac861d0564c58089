"""The line that the dashboard leaves behind: how long one was in the room, and what was lost meanwhile."""

from collections.abc import Sequence
from datetime import timedelta


def farewell(room: str, stayed: timedelta, downtimes: Sequence[float], *, has_failed: bool) -> str:
    """How a stay went.

    `downtimes` are the seconds of its outages; `has_failed`: an error ended it.
    """
    verb, preposition = ("was in", "for") if has_failed else ("left", "after")
    words = f"{verb} {room} {preposition} {_length(stayed)}"
    if not downtimes:
        return words
    outages = "1 outage" if len(downtimes) == 1 else f"{len(downtimes)} outages"
    in_all = "" if len(downtimes) == 1 else " in all"
    return f"{words}; {outages}, {sum(downtimes):.1f} s{in_all}"


def _length(stayed: timedelta) -> str:
    """`8 s`, `12 min 34 s`, `27 h 5 min`."""
    seconds = max(int(stayed.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds // 60 % 60} min"
