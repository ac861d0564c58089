from datetime import UTC, datetime, timedelta, timezone

import pytest

from videocli.moments import rfc3339


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 31, 12, 34, 56, 789_999, UTC), "2026-01-31T12:34:56.789Z"),
        (datetime(2026, 1, 31, tzinfo=UTC), "2026-01-31T00:00:00.000Z"),
        (datetime(2026, 1, 31, tzinfo=timezone(timedelta(hours=2))), "2026-01-30T22:00:00.000Z"),
    ],
)
def test_it_is_utc_to_the_millisecond(moment: datetime, text: str) -> None:
    assert rfc3339(moment) == text
