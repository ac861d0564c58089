"""A moment as all our JSON writes it."""

from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """RFC 3339, in UTC, to the millisecond: `2026-01-31T12:34:56.789Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
