"""How long until one is in a room, against the real SDK in Chromium: `python -m tests.benchmarks.connecting`.

Both join the room of a bot that publishes picture and sound; media flows once both its tracks have started.
A picture starts with a keyframe, which the bot makes as soon as it is asked: that is in both figures.
All times are in one run on the same machine, in turns. Our modules are compiled before, as installed ones.
"""

import asyncio
import compileall
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import videocli
from tests.benchmarks.clips import FRAME_RATE, HEIGHT, WIDTH, make_clip
from tests.benchmarks.table import Row, table
from tests.cli.room_server import minted
from tests.sdk.programs import bot, serve
from tests.sdk.programs import videocli as program
from tests.sdk.sdk import Browser, Page, SdkEvent, browser
from videocli import events
from videocli.cli import wiring

ROOM = "connecting"
WARM_RUNS, COLD_RUNS = 31, 5
CAMERA = {"width": WIDTH, "height": HEIGHT, "frameRate": FRAME_RATE}
KINDS = ("audio", "video")
PAUSE_SECONDS = 1.0
"""Long enough for the publisher to make a keyframe at once, which it does not do twice in 0.3 s."""
BAR = 0.5


def measure() -> list[Row]:
    """Medians, and their ratios."""
    return wiring.run(_measure())


async def _measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        clip = str(make_clip(Path(folder, "clip.webm")))
        async with serve() as server, bot(server.url, ROOM):
            async with browser() as pages:
                page = await pages.page()
                watching = await _warm(server.url, page, None)
                talking = await _warm(server.url, page, clip)
            cold = await _cold(server.url)
    return [
        *_rows("warm, watching: connect()", *(each[0] for each in watching)),
        *_rows("warm, watching: from token to media flowing", *(each[1] for each in watching)),
        *_rows("warm, publishing: connect()", *(each[0] for each in talking)),
        *_rows("warm, publishing: from token to media flowing", *(each[1] for each in talking)),
        *_rows("from process start (of Chromium) to connected", *cold),
    ]


def _rows(what: str, ours: list[float], theirs: list[float]) -> list[Row]:
    our, their = statistics.median(ours), statistics.median(theirs)
    ratio = our / their
    return [
        Row(f"{what}: videocli", f"{our * 1000:.0f} ms"),
        Row(f"{what}: the SDK", f"{their * 1000:.0f} ms"),
        Row(f"{what}: ratio", f"{ratio:.2f}", f"<= {BAR}", ratio <= BAR),
    ]


Times = tuple[list[float], list[float]]
"""Of each run: until connect() is done, and until media flows."""


async def _warm(url: str, page: Page, clip: str | None) -> tuple[Times, Times]:
    """Ours and theirs, in turns; the first of each is not counted. With a clip both publish."""
    ours, theirs = [], []
    for number in range(WARM_RUNS + 1):
        name = f"{'talking' if clip else 'watching'}-{number}"
        await asyncio.sleep(PAUSE_SECONDS)
        ours.append(await _connect(url, f"our-{name}", clip))
        await asyncio.sleep(PAUSE_SECONDS)
        theirs.append(await _connect_page(page, url, f"their-{name}", clip is not None))
        await page.disconnect()
    return _times(ours[1:]), _times(theirs[1:])


def _times(runs: list[tuple[float, float]]) -> Times:
    return [connected for connected, _ in runs], [flowing for _, flowing in runs]


async def _connect(url: str, identity: str, clip: str | None) -> tuple[float, float]:
    token = minted(identity, ROOM)
    media = clip or ()
    began = time.perf_counter()
    async with videocli.connect(token, ROOM, url=url, video=media, audio=media) as room:
        connected = time.perf_counter() - began
        for kind in KINDS:
            await room.wait_for(events.TrackStarted, _of(kind), past=True)
        return connected, time.perf_counter() - began


def _of(kind: str) -> Callable[[events.TrackStarted], bool]:
    return lambda event: event.track.kind == kind


def _is(kind: str) -> Callable[[SdkEvent], bool]:
    return lambda event: event.kind == kind


async def _connect_page(page: Page, url: str, identity: str, publishes: bool) -> tuple[float, float]:
    """The page's own clock tells when media began, so that talking to it costs nothing."""
    token = minted(identity, ROOM)
    began = time.time() * 1000
    await page.connect(token, ROOM, url, audio=publishes, video=CAMERA if publishes else False)
    connected = time.time() * 1000 - began
    started = [await page.wait_event("trackStarted", _is(kind), after=began) for kind in KINDS]
    return connected / 1000, (max(event.at for event in started) - began) / 1000


async def _cold(url: str) -> tuple[list[float], list[float]]:
    assert videocli.__file__ is not None
    compileall.compile_dir(Path(videocli.__file__).parent, quiet=1)
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
