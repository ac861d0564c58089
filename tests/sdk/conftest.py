"""One browser for all the tests that ask for it."""

from collections.abc import Iterator

import pytest

from tests.sdk.sdk import Chromium, Missing, chromium_process


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """The browser; the test is skipped, with the reason, where it cannot be had."""
    try:
        with chromium_process() as process:
            yield process
    except Missing as missing:
        pytest.skip(str(missing))
