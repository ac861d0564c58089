"""What a script hands in, checked when it does: what is wrong is raised there, and harms no room.

The session takes commands later and one at a time; what it cannot make sense of would end it.
"""

from math import isfinite
from typing import TypeVar, get_args

from videocli.engine import events as ev
from videocli.engine.reports import Priority

MIN_STATS_SECONDS = 0.1
"""As `--stats-interval`."""

Message = str | bytes | bytearray | memoryview
T = TypeVar("T", bound=ev.Track | str)


def text(value: object, what: str) -> str:
    """Text that can be sent as UTF-8. Raises `TypeError` and `ValueError`, which call it `what`."""
    if not isinstance(value, str):
        raise TypeError(f"{what} is a str, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError as fault:
        raise ValueError(f"{what} has half a character in it, at {fault.start}: a lone surrogate") from None
    return value


def message(data: object) -> str | bytes:
    """A message of a data track; bytes are copied where they may change. Raises as `text`."""
    match data:
        case bytes():
            return data
        case bytearray() | memoryview():
            return bytes(data)
        case str():
            return text(data, "a message")
    raise TypeError(f"a message is a str or bytes, not {type(data).__name__}")


def interval(seconds: object) -> float | None:
    """How often to say `Stats`. Raises `TypeError` and `ValueError`."""
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"stats_seconds is a number or None, not {type(seconds).__name__}")
    if not isfinite(seconds) or seconds < MIN_STATS_SECONDS:
        raise ValueError(f"stats_seconds is at least {MIN_STATS_SECONDS}, not {seconds}")
    return float(seconds)


def whole(number: object) -> int | None:
    """A whole number that may be left out. Raises `TypeError`."""
    if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
        raise TypeError(f"a limit is a whole number or None, not {type(number).__name__}")
    return number


def priority(value: Priority) -> Priority:
    """A publish priority. Raises `ValueError`."""
    if value not in get_args(Priority):
        raise ValueError(f"a priority is {', '.join(get_args(Priority))}, not {value!r}")
    return value


def track(value: T) -> T:
    """A remote track, or its SID. Raises `TypeError`."""
    if not isinstance(value, str | ev.Track):
        raise TypeError(f"a Track or a SID is received, not {type(value).__name__}")
    return value
