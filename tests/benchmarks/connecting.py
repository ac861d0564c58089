"""How long until one is in a room, against the real SDK in Chromium: `python -m tests.benchmarks.connecting`.

Both join the room of a bot that publishes picture and sound, and publish nothing themselves. Media flows once
both tracks have started. All times are in one run on the same machine, in turns.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Callable

import videocli
from tests.benchmarks.table import Row, table
from tests.cli.room_server import minted
from tests.sdk.programs import bot, serve
from tests.sdk.programs import videocli as program
from tests.sdk.sdk import Browser, Page, SdkEvent, browser
from videocli import events
from videocli.cli import wiring

ROOM = "connecting"
WARM_RUNS, COLD_RUNS = 15, 3
KINDS = ("audio", "video")
PAUSE_SECONDS = 1.0
"""Long enough for the publisher to make a keyframe at once, which it does not do twice in 0.3 s."""
BAR = 0.5


def measure() -> list[Row]:
    """Medians, and their ratios."""
    return wiring.run(_measure())


async def _measure() -> list[Row]:
    async with serve() as server, bot(server.url, ROOM):
        ours, theirs = await _warm(server.url)
        our_start, their_start = await _cold(server.url)
    return [
        *_rows("from token to media flowing, warm", ours, "the SDK, warm page", theirs),
        *_rows(
            "from process start to connected", our_start, "launching Chromium, then connect()", their_start
        ),
    ]


def _rows(what: str, ours: list[float], against: str, theirs: list[float]) -> list[Row]:
    our, their = statistics.median(ours), statistics.median(theirs)
    ratio = our / their
    return [
        Row(f"{what}: videocli", f"{our * 1000:.0f} ms"),
        Row(f"{what}: {against}", f"{their * 1000:.0f} ms"),
        Row(f"{what}: ratio", f"{ratio:.2f}", f"<= {BAR}", ratio <= BAR),
    ]


async def _warm(url: str) -> tuple[list[float], list[float]]:
    """Of both, in turns; the first of each is not counted."""
    ours, theirs = [], []
    async with browser() as pages:
        page = await pages.page()
        for number in range(WARM_RUNS + 1):
            await asyncio.sleep(PAUSE_SECONDS)
            ours.append(await _connect(url, f"ours-{number}"))
            await asyncio.sleep(PAUSE_SECONDS)
            theirs.append(await _connect_page(page, url, f"theirs-{number}"))
            await page.disconnect()
    return ours[1:], theirs[1:]


async def _connect(url: str, identity: str) -> float:
    token = minted(identity, ROOM)
    began = time.perf_counter()
    async with videocli.connect(token, ROOM, url=url) as room:
        for kind in KINDS:
            await room.wait_for(events.TrackStarted, _of(kind), past=True)
        return time.perf_counter() - began


def _of(kind: str) -> Callable[[events.TrackStarted], bool]:
    return lambda event: event.track.kind == kind


def _is(kind: str) -> Callable[[SdkEvent], bool]:
    return lambda event: event.kind == kind


async def _connect_page(page: Page, url: str, identity: str) -> float:
    """The page's own clock tells when media began, so that talking to it costs nothing."""
    token = minted(identity, ROOM)
    began = time.time() * 1000
    await page.connect(token, ROOM, url, audio=False, video=False)
    started = [await page.wait_event("trackStarted", _is(kind), after=began) for kind in KINDS]
    return (max(event.at for event in started) - began) / 1000


async def _cold(url: str) -> tuple[list[float], list[float]]:
    ours, theirs = [], []
    for number in range(COLD_RUNS):
        began = time.perf_counter()
        token = minted(f"cold-{number}", ROOM)
        async with program("join", ROOM, "--json", "--url", url, "--token", token) as joined:
            await joined.wait_event("connected")
            ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        async with browser() as pages:
            await _connect_cold(pages, url, minted(f"cold-page-{number}", ROOM))
            theirs.append(time.perf_counter() - began)
    return ours, theirs


async def _connect_cold(pages: Browser, url: str, token: str) -> None:
    page = await pages.page()
    await page.connect(token, ROOM, url, audio=False, video=False)


def main() -> None:
    """Print the table."""
    sys.stdout.write(table(measure()))


if __name__ == "__main__":
    main()
