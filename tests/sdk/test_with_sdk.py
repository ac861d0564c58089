"""The real twilio-video.js in Chromium, bots of `videocli join` and `videocli serve`, in one room."""

import asyncio
import statistics
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

import pytest

from tests.sdk.programs import CREDENTIALS, Line, Program, bot, mint_token, now, serve
from tests.sdk.sdk import Browser, Chromium, Page, RoomView
from videocli.cli.wiring import real_outside
from videocli.server.serve import ServeConfig
from videocli.server.serve import serve as server_here
from videocli.tokens import Credentials

pytestmark = pytest.mark.chromium

ROOM = "with-sdk"
SMALL_CAMERA = {"width": 320, "height": 240, "frameRate": 15}


async def join(browser: Browser, server: Program, identity: str = "sdk", data: bool = False) -> Page:
    """A page in the room, with camera and microphone."""
    page, token = await asyncio.gather(browser.page(), mint_token(identity, ROOM))
    await page.connect(token, ROOM, server.url, video=SMALL_CAMERA, data=data)
    return page


class About(Protocol):
    """An event of either side."""

    @property
    def identity(self) -> str | None: ...
    @property
    def kind(self) -> str | None: ...


def about(identity: str | None, kind: str | None = None) -> Callable[[About], bool]:
    """Whether an event is about that participant and that kind of track; None: any."""
    return lambda event: identity in (None, event.identity) and kind in (None, event.kind)


def test_the_sdk_sees_a_bot_that_comes_later_and_the_bot_finds_the_sdk(chromium: Chromium) -> None:
    async def run() -> None:
        async with chromium.pages() as browser, serve() as server:
            page = await join(browser, server)
            async with bot(server.url, ROOM) as program:
                await page.wait_event("participantConnected", about("bot"))
                connected = await program.wait_event("connected")
                assert [one["identity"] for one in connected.fields["participants"]] == ["sdk"]
            await page.wait_event("participantDisconnected", about("bot"))

    asyncio.run(run())


def test_a_bot_sees_the_sdk_that_comes_later_and_the_sdk_finds_the_bot(chromium: Chromium) -> None:
    async def run() -> None:
        async with chromium.pages() as browser, serve() as server, bot(server.url, ROOM) as program:
            page = await join(browser, server)
            await program.wait_event("participantConnected", about("sdk"))
            room = await page.room()
            assert [one.identity for one in room.participants] == ["bot"]
            await page.disconnect()
            await program.wait_event("participantDisconnected", about("sdk"))

    asyncio.run(run())


async def sees_and_hears(page: Page, identity: str) -> None:
    """Its picture moves, at 12 frames a second or more over three seconds, and its tone is 440 Hz."""
    for kind in ("video", "audio"):
        await page.wait_event("trackStarted", about(identity, kind))
    start, picture = await page.decoded(identity), await page.picture(identity)
    await page.forget_gaps(identity)
    await asyncio.sleep(3)
    end, later = await page.decoded(identity), await page.picture(identity)
    audio = await page.hear(identity, 440)
    rate = (end.decoded - start.decoded) / (end.at - start.at) * 1000
    print(f"{identity}: {rate:.1f} frames/s of {end.width}x{end.height}, gap {end.gap:.3f} s at most")
    print(f"{identity}: {audio.frequency:.0f} Hz at {audio.rms:.3f}")
    assert rate >= 12
    assert end.presented > start.presented
    assert max(abs(one - other) for one, other in zip(later, picture, strict=True)) > 50


def test_the_browser_decodes_the_bots_picture_and_hears_its_tone(chromium: Chromium) -> None:
    async def run() -> None:
        async with chromium.pages() as browser, serve() as server, bot(server.url, ROOM):
            page = await join(browser, server)
            await sees_and_hears(page, "bot")
            assert [path.remote.address for path in await page.paths()] == ["127.0.0.1"]

    asyncio.run(run())


def test_a_watcher_who_gives_no_leave_for_devices_sees_and_hears_the_bot(chromium: Chromium) -> None:
    async def run() -> None:
        async with chromium.pages() as browser, serve() as server, bot(server.url, ROOM):
            page = await browser.page(devices=False)
            await page.connect(await mint_token("sdk", ROOM), ROOM, server.url, audio=False, video=False)
            await sees_and_hears(page, "bot")

    asyncio.run(run())


def test_the_sdk_learns_who_speaks_loudest(chromium: Chromium) -> None:
    async def run() -> None:
        async with chromium.pages() as browser, serve() as server:
            page, token = await asyncio.gather(browser.page(), mint_token("sdk", ROOM))
            await page.connect(
                token, ROOM, server.url, audio=False, video=False, options={"dominantSpeaker": True}
            )
            async with bot(server.url, ROOM):
                named = await page.wait_event("dominantSpeakerChanged", about("bot"))
            await page.wait_event("dominantSpeakerChanged", about(None), after=named.at)

    asyncio.run(run())


def test_the_sdk_learns_how_good_networks_are(chromium: Chromium) -> None:
    async def run() -> None:
        async with chromium.pages() as browser, serve() as server, bot(server.url, ROOM) as program:
            page, token = await asyncio.gather(browser.page(), mint_token("sdk", ROOM))
            quality = {"networkQuality": {"local": 1, "remote": 1}}
            await page.connect(token, ROOM, server.url, video=SMALL_CAMERA, options=quality)
            await page.wait_event("networkQualityLevelChanged", source="localParticipant")
            await page.wait_event("networkQualityLevelChanged", about("bot"), source="remoteParticipant")
            await program.wait_event("networkQualityLevelChanged", lambda line: line.identity == "bot")
            await program.wait_event("networkQualityLevelChanged", lambda line: line.identity == "sdk")

    asyncio.run(run())


def received(line: Line, kind: str) -> int:
    """Bytes of the SDK's track of that kind, by a `stats` event; 0 while it is not in it."""
    return sum(
        row["bytes"]
        for row in line.fields["stats"]
        if row["direction"] == "received"
        and (row["participant"]["identity"], row["track"]["kind"]) == ("sdk", kind)
    )


def grown(line: Line, before: Mapping[str, int]) -> bool:
    """Whether more bytes of every kind came than before."""
    return all(received(line, kind) > count for kind, count in before.items())


def test_the_bot_gets_the_browsers_audio_and_video(chromium: Chromium) -> None:
    async def run() -> None:
        async with (
            chromium.pages() as browser,
            serve() as server,
            bot(server.url, ROOM, "bot", "--stats-interval", "0.5") as program,
        ):
            await join(browser, server)
            for kind in ("audio", "video"):
                await program.wait_event("trackSubscribed", about("sdk", kind))
                await program.wait_event("trackStarted", about("sdk", kind))
            before = {"audio": 0, "video": 0}
            for _ in range(3):
                line = await program.wait_event("stats", partial(grown, before=before))
                before = {kind: received(line, kind) for kind in before}
            print(f"bytes received by the bot: {before}")

    asyncio.run(run())


def test_what_the_sdk_does_to_its_tracks_arrives_at_the_bot(chromium: Chromium) -> None:
    async def run() -> None:
        async with chromium.pages() as browser, serve() as server, bot(server.url, ROOM) as program:
            page = await join(browser, server, data=True)
            for kind in ("audio", "video"):
                await program.wait_event("trackStarted", about("sdk", kind))
                await page.disable(kind)
                await program.wait_event("trackDisabled", about("sdk", kind))
                await page.enable(kind)
                await program.wait_event("trackEnabled", about("sdk", kind))
                await page.unpublish(kind)
                unsubscribed = await program.wait_event("trackUnsubscribed", about("sdk", kind))
                await program.wait_event("trackUnpublished", about("sdk", kind))
                await page.publish(kind)
                for event in ("trackPublished", "trackSubscribed", "trackStarted"):
                    await program.wait_event(event, about("sdk", kind), after=unsubscribed.at)
            await program.wait_event("trackSubscribed", about("sdk", "data"))
            await page.send_data("from the SDK")
            text = await program.wait_event("trackMessage", about("sdk", "data"))
            assert text.fields["data"] == "from the SDK"
            await page.send_data(b"\x00\xff")
            data = await program.wait_event("trackMessage", lambda line: "encoding" in line.fields)
            assert (data.fields["encoding"], data.fields["data"]) == ("base64", "AP8=")

    asyncio.run(run())


def test_what_the_bot_does_to_its_tracks_arrives_at_the_sdk(chromium: Chromium) -> None:
    async def run() -> None:
        async with (
            chromium.pages() as browser,
            serve() as server,
            bot(server.url, ROOM, "bot", "--data", "chat") as program,
        ):
            page = await join(browser, server)
            for kind, source in (("audio", "tone"), ("video", "testsrc")):
                await page.wait_event("trackStarted", about("bot", kind))
                await program.command("disable", track=kind)
                await page.wait_event("trackDisabled", about("bot", kind))
                await program.command("enable", track=kind)
                await page.wait_event("trackEnabled", about("bot", kind))
                published = await program.wait_event("localTrackPublished", about(None, kind))
                await program.command("unpublish", track=published.fields["track"]["sid"])
                unsubscribed = await page.wait_event("trackUnsubscribed", about("bot", kind))
                await page.wait_event("trackUnpublished", about("bot", kind))
                await program.command("publish", kind=kind, source=source)
                for event in ("trackPublished", "trackSubscribed", "trackStarted"):
                    await page.wait_event(event, about("bot", kind), after=unsubscribed.at)
            await page.wait_event("trackSubscribed", about("bot", "data"))
            await program.command("sendMessage", text="from the bot")
            message = await page.wait_event("trackMessage", about("bot"))
            assert message.data == "from the bot"
            await sees_and_hears(page, "bot")

    asyncio.run(run())


def sees(view: RoomView, others: set[str]) -> bool:
    """Whether exactly these others are there, each with sound and picture started."""
    seen = {one.identity: {track.kind for track in one.tracks if track.started} for one in view.participants}
    return seen == {identity: {"audio", "video"} for identity in others}


def test_three_browsers_and_three_bots_that_join_at_once_all_see_everyone(chromium: Chromium) -> None:
    sdks, bots = ["sdk-1", "sdk-2", "sdk-3"], ["bot-1", "bot-2", "bot-3"]
    everyone = {*sdks, *bots}

    async def be_a_bot(url: str, identity: str, complete: asyncio.Barrier) -> None:
        async with bot(url, ROOM, identity) as program:
            for other in everyone - {identity}:
                for event in ("trackSubscribed", "trackStarted"):
                    for kind in ("audio", "video"):
                        await program.wait_event(event, about(other, kind), 60)
            await complete.wait()

    async def run() -> None:
        async with chromium.pages() as browser, serve() as server, asyncio.TaskGroup() as tasks:
            complete = asyncio.Barrier(len(bots) + 1)
            for identity in bots:
                tasks.create_task(be_a_bot(server.url, identity, complete))
            pages = await asyncio.gather(*(join(browser, server, identity) for identity in sdks))
            for identity, page in zip(sdks, pages, strict=True):
                await page.wait_room(partial(sees, others=everyone - {identity}), 60)
            await complete.wait()

    asyncio.run(run())


async def visit_of_sdk(page: Page, token: str, url: str, host: Program) -> None:
    """It joins with all kinds of tracks, pictures arrive on both sides, and it leaves."""
    start = now()
    await page.connect(token, ROOM, url, video=SMALL_CAMERA, data=True)
    await host.wait_event("trackStarted", about("sdk", "video"), after=start)
    await page.wait_event("trackStarted", about("host", "video"), after=start)
    await page.disconnect()
    await host.wait_event("participantDisconnected", about("sdk"), after=start)


async def visit_of_bot(url: str, host: Program) -> None:
    """The same for a bot."""
    start = now()
    async with bot(url, ROOM, "bot", "--data", "chat") as program:
        await host.wait_event("trackStarted", about("bot", "video"), after=start)
        await program.wait_event("trackStarted", about("host", "video"))
        program.terminate()
        await host.wait_event("participantDisconnected", about("bot"), after=start)


def test_twenty_joins_and_leaves_leave_the_server_as_it_was(chromium: Chromium) -> None:
    async def run() -> None:
        async with chromium.pages() as browser, serve() as server:
            page, token = await asyncio.gather(browser.page(), mint_token("sdk", ROOM))
            empty = server.footprint()
            async with bot(server.url, ROOM, "host", "--data", "chat") as host:
                before = server.footprint()
                for _ in range(10):
                    await visit_of_sdk(page, token, server.url, host)
                    await visit_of_bot(server.url, host)
                after = await server.shrinks_to(before)
                room = await page.connect(token, ROOM, server.url)
                assert [one.identity for one in room.participants] == ["host"]
                await page.disconnect()
            await server.wait_event("roomEnded")
            names = [line.event for line in server.events]
            assert names.count("participantConnected") == names.count("participantDisconnected") == 22
            end = await server.shrinks_to(empty)
        print(f"beside the host {before}, then {after}; without anybody {empty}, then {end}")

    asyncio.run(run())


async def tasks_shrink_to(count: int) -> None:
    """Wait until no more tasks than that run. Raises `TimeoutError`."""
    running = asyncio.all_tasks()
    try:
        async with asyncio.timeout(10):
            while len(running) > count:
                await asyncio.wait(running - {asyncio.current_task()}, return_when=asyncio.FIRST_COMPLETED)
                running = asyncio.all_tasks()
    except TimeoutError:
        raise TimeoutError(f"{count} tasks before, now {running}") from None


def thread_names() -> list[str]:
    """Of the threads that run, but for those with which asyncio waits for subprocesses."""
    return sorted(one.name for one in threading.enumerate() if "waitpid" not in one.name)


def test_joins_and_leaves_leave_no_task_in_the_server(chromium: Chromium) -> None:
    credentials = Credentials(*CREDENTIALS.values())

    async def run() -> None:
        async with chromium.pages() as browser:
            page, token = await asyncio.gather(browser.page(), mint_token("sdk", ROOM))
            tasks, threads = len(asyncio.all_tasks()), thread_names()
            async with server_here(
                ServeConfig(port=0), real_outside(), {credentials.api_key: credentials}
            ) as server:
                listening = len(asyncio.all_tasks())
                async with bot(server.url, ROOM, "host", "--data", "chat") as host:
                    for _ in range(2):
                        await visit_of_sdk(page, token, server.url, host)
                        await visit_of_bot(server.url, host)
                await tasks_shrink_to(listening)
            await tasks_shrink_to(tasks)
            assert thread_names() == threads

    asyncio.run(run())


def test_on_sigterm_the_bot_leaves_at_once_and_the_sdk_sees_it(chromium: Chromium) -> None:
    async def run() -> None:
        noticed: list[float] = []
        ended: list[float] = []
        async with chromium.pages() as browser, serve() as server:
            page = await join(browser, server)
            for number in range(5):
                identity = f"bot-{number}"
                async with bot(server.url, ROOM, identity) as program:
                    await page.wait_event("trackStarted", about(identity, "video"))
                    asked = program.terminate()
                    assert await program.exit_code() == 0
                    ended.append(now() - asked)
                    event = await page.wait_event("participantDisconnected", about(identity))
                    noticed.append(event.at - asked)
        print(f"participantDisconnected after {sorted(noticed)} ms, exit after {sorted(ended)} ms")
        assert statistics.median(noticed) <= 250
        assert max(ended) <= 2000

    asyncio.run(run())
