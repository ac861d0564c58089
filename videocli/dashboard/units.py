"""Numbers as people read them."""

from datetime import datetime, timedelta, tzinfo


def bits(rate: float) -> str:
    """A bitrate (bits a second) in the unit that keeps it short."""
    if rate < 999_500:
        return f"{rate / 1000:.0f} kb/s"
    return f"{rate / 1_000_000:.1f} Mb/s"


def clock(length: timedelta) -> str:
    """`0:06`, `12:34`, `1:02:03`; never negative."""
    seconds = max(int(length.total_seconds()), 0)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def number(value: float | None, factor: float = 1, unit: str = "", digits: int = 0) -> str:
    """A value times a factor with its unit; nothing if it is not known."""
    return "" if value is None else f"{value * factor:.{digits}f}{unit}"


def local_time(time: datetime, timezone: tzinfo | None) -> datetime:
    """The time where the reader is; None: in this machine's time zone."""
    return time.astimezone(timezone)
