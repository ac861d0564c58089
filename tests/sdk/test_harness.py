"""The harness itself: what it promises holds before anybody serves a room."""

import asyncio
import time

import pytest

from tests.sdk.sdk import Chromium, SdkError

pytestmark = pytest.mark.chromium

NOBODY_LISTENS = "ws://127.0.0.1:9/signaling"


def test_times_of_a_page_compare_with_our_clock(chromium: Chromium) -> None:
    async def run() -> None:
        async with chromium.pages() as pages:
            page = await pages.page()
            before = time.time() * 1000
            now = await page.call("now")
            after = time.time() * 1000
            assert before - 5 <= now <= after + 5

    asyncio.run(run())


def test_a_refused_connection_is_the_sdks_error_and_its_console_errors_can_be_allowed(
    chromium: Chromium,
) -> None:
    async def run() -> None:
        async with chromium.pages() as pages:
            page = await pages.page()
            page.allow("ERR_UNSAFE_PORT|ERR_CONNECTION_REFUSED|signaling")
            with pytest.raises(SdkError) as caught:
                await page.connect("token", "room", NOBODY_LISTENS, audio=False, video=False)
            assert caught.value.code == 53000

    asyncio.run(run())


@pytest.mark.parametrize(
    "mishap",
    [
        "console.error('a mishap')",
        "setTimeout(() => { throw new Error('a mishap') }) && null",
        "Promise.reject(new Error('a mishap')) && null",
    ],
)
def test_an_error_in_the_page_fails_the_test(chromium: Chromium, mishap: str) -> None:
    async def run() -> None:
        async with chromium.pages() as pages:
            page = await pages.page()
            await page.evaluate(mishap)
            await page.evaluate("new Promise((resolve) => setTimeout(resolve))")

    with pytest.raises(AssertionError, match="a mishap"):
        asyncio.run(run())
