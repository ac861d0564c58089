"""What is published as it lies in a file, seen and heard by the real twilio-video.js in Chromium."""

import asyncio
from pathlib import Path

import pytest

from tests.media.sources.support import make_file
from tests.sdk.programs import mint_token, serve, videocli
from tests.sdk.sdk import Chromium

pytestmark = pytest.mark.chromium

BASELINE = {"profile": "baseline", "preset": "ultrafast"}


@pytest.mark.parametrize(("encoder", "options"), [("libvpx", None), ("libx264", BASELINE)])
def test_the_browser_comes_in_the_middle_of_a_group_of_pictures_and_sees_and_hears_the_file(
    chromium: Chromium, tmp_path: Path, encoder: str, options: dict[str, str] | None
) -> None:
    path = make_file(
        tmp_path / "talk.mkv",
        video=encoder,
        audio="libopus",
        frames=500,
        seconds=20.0,
        size=(320, 192),
        keyframe_every=500,
        options=options,
    )

    async def run() -> None:
        async with chromium.pages() as browser, serve() as server:
            media = ("--video", str(path), "--audio", str(path))
            arguments = ("join", "sources", "--json", "--identity", "bot", "--url", server.url, *media)
            async with videocli(*arguments) as program:
                await program.wait_event("localTrackPublished", lambda line: line.kind == "video")
                page = await browser.page(devices=False)
                token = await mint_token("sdk", "sources")
                await page.connect(token, "sources", server.url, audio=False, video=False)
                await page.wait_event("trackStarted", lambda event: event.kind == "video")
                start = await page.decoded("bot")
                await asyncio.sleep(2)
                end = await page.decoded("bot")
                rate = (end.decoded - start.decoded) / (end.at - start.at) * 1000
                print(f"{rate:.1f} frames/s of {end.width}x{end.height}")
                assert rate >= 12
                assert (end.width, end.height) == (320, 192)
                heard = await page.hear("bot", 500)
                assert heard.frequency == pytest.approx(500, abs=15)
                await program.command("stats")
                stats = (await program.wait_event("stats")).fields["stats"]
                codecs = {row["track"]["kind"]: row["codec"] for row in stats}
                assert codecs == {"video": "VP8" if options is None else "H264", "audio": "opus"}

    asyncio.run(run())
