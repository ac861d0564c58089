"""What a bot costs, against the real SDK in headless Chromium: `python -m tests.benchmarks.against_browser`.

Each publishes a picture of 640x360 at 30 frames and receives one such: Chromium its fake camera, the bots a
VP8 file whose packets pass through. CPU time and the sum of PSS are of all processes that a bot needs, the
server's not among them.
"""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.benchmarks.clips import FRAME_RATE, HEIGHT, WIDTH, make_clip
from tests.benchmarks.footprint import Usage, children_of, usage
from tests.benchmarks.table import Row, table
from tests.cli.room_server import minted
from tests.sdk.programs import CREDENTIALS, Program, serve, videocli
from tests.sdk.sdk import browser

WARM_UP_SECONDS, MEASURED_SECONDS = 5.0, 15.0
CROWD = 20
CAMERA = {"width": WIDTH, "height": HEIGHT, "frameRate": FRAME_RATE}
CPU_BAR, PSS_BAR, CROWD_PSS_BAR = 1 / 5, 1 / 6, 1 / 40


def measure(seconds: float = MEASURED_SECONDS) -> list[Row]:
    """One run: Chromium, one bot in a process, twenty in a process."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(make_clip(Path(folder, "clip.webm")), seconds))


async def _measure(clip: Path, seconds: float) -> list[Row]:
    async with serve() as server:
        chromium = await _chromium(server.url, clip, seconds)
        one = await _one(server.url, clip, seconds)
        each = await _crowd(server.url, clip, seconds)
    return [
        Row("Chromium with the SDK: CPU, share of a core", f"{chromium.cpu_seconds:.2%}"),
        Row("Chromium with the SDK: memory (PSS)", f"{chromium.pss_bytes / 1e6:.0f} MB"),
        *_rows("one bot in a process", one, chromium, PSS_BAR),
        *_rows(f"each of {CROWD} bots in a process", each, chromium, CROWD_PSS_BAR),
    ]


def _rows(what: str, bot: Usage, chromium: Usage, pss_bar: float) -> list[Row]:
    cpu, pss = bot.cpu_seconds / chromium.cpu_seconds, bot.pss_bytes / chromium.pss_bytes
    return [
        Row(f"{what}: CPU, share of a core", f"{bot.cpu_seconds:.2%}"),
        Row(f"{what}: CPU, ratio", f"1/{1 / cpu:.1f}", f"<= 1/{1 / CPU_BAR:.0f}", cpu <= CPU_BAR),
        Row(f"{what}: memory (PSS)", f"{bot.pss_bytes / 1e6:.1f} MB"),
        Row(f"{what}: memory, ratio", f"1/{1 / pss:.1f}", f"<= 1/{1 / pss_bar:.0f}", pss <= pss_bar),
    ]


async def _over(seconds: float, *roots: int) -> Usage:
    """CPU as a share of a core, and the memory at the end."""
    await asyncio.sleep(WARM_UP_SECONDS)
    before = usage(*roots)
    await asyncio.sleep(seconds)
    after = usage(*roots)
    return Usage((after.cpu_seconds - before.cpu_seconds) / seconds, after.pss_bytes)


@asynccontextmanager
async def _publisher(url: str, room: str, identity: str, clip: Path) -> AsyncIterator[Program]:
    async with videocli(
        *("join", room, "--json", "--identity", identity, "--url", url, "--video", str(clip))
    ) as program:
        await program.wait_event("connected")
        yield program


async def _chromium(url: str, clip: Path, seconds: float) -> Usage:
    async with _publisher(url, "chromium", "partner", clip), browser() as pages:
        page = await pages.page()
        await page.connect(minted("sdk", "chromium"), "chromium", url, audio=False, video=CAMERA)
        await page.wait_event("trackStarted", lambda event: event.identity == "partner")
        (node,) = children_of(os.getpid(), "node")
        return await _over(seconds, *children_of(node))


async def _one(url: str, clip: Path, seconds: float) -> Usage:
    async with (
        _publisher(url, "one", "partner", clip),
        _publisher(url, "one", "bot", clip) as program,
    ):
        await program.wait_event("trackStarted")
        return await _over(seconds, program.pid)


async def _crowd(url: str, clip: Path, seconds: float) -> Usage:
    """Pairs, each in a room of its own. The process that started them counts too."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "videocli", "bots", "crowd", "-n", str(CROWD), "--rooms", str(CROWD // 2)),
        *("--processes", "1", "--ramp", "20/s", "--video", str(clip), "--url", url, "-q"),
        env={**os.environ, **CREDENTIALS},
        stdout=asyncio.subprocess.DEVNULL,
    )
    await asyncio.sleep(WARM_UP_SECONDS)
    total = await _over(seconds, process.pid)
    process.send_signal(signal.SIGTERM)
    await process.wait()
    return Usage(total.cpu_seconds / CROWD, total.pss_bytes // CROWD)


def main() -> None:
    """Print the table; an argument is how many seconds to measure each."""
    sys.stdout.write(table(measure(*map(float, sys.argv[1:2]))))


if __name__ == "__main__":
    main()
