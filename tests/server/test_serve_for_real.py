"""The server over loopback: real WebSockets, real ICE, DTLS, SRTP and SCTP."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from tests.server.client import KNOWN, NOW, Client, client, token
from videocli.media import peer as mp
from videocli.media.aiortc_peer import make_peer
from videocli.media.frames import Codec, EncodedFrame
from videocli.outside import Outside
from videocli.protocol import rsp
from videocli.server.events import ServerEvent
from videocli.server.serve import ServeConfig, serve
from videocli.websocket import dial, listen

VP8_KEY = b"\x10\x00\x00\x9d\x01\x2a\x40\x01\xf0\x00"
"""A VP8 keyframe of 320x240 begins like this (RFC 6386, section 9.1)."""
VP8_DELTA = b"\x11\x00\x00"


@dataclass
class Camera:
    """Sends a picture thirty times a second, and a keyframe when asked to."""

    sender: mp.Sender
    asked: int = 0
    keyframe_wanted: bool = True

    def __post_init__(self) -> None:
        self.sender.on_keyframe_request = self.request

    def request(self) -> None:
        self.asked += 1
        self.keyframe_wanted = True

    async def run(self) -> None:
        for number in range(10_000):
            head = VP8_KEY if self.keyframe_wanted else VP8_DELTA
            data = head + bytes(1500)
            self.sender.send_frame(EncodedFrame(data, 3000 * number, self.keyframe_wanted, Codec.VP8))
            self.keyframe_wanted = False
            await asyncio.sleep(1 / 30)


@asynccontextmanager
async def filming(sender: mp.Sender) -> AsyncIterator[Camera]:
    camera = Camera(sender)
    task = asyncio.ensure_future(camera.run())
    try:
        yield camera
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def asking(receiver: mp.Receiver) -> AsyncIterator[None]:
    """Ask for keyframes, again and again: one request may come too soon after another."""

    async def ask() -> None:
        while True:
            receiver.request_keyframe()
            await asyncio.sleep(0.1)

    task = asyncio.ensure_future(ask())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@dataclass
class Place:
    """Where a test happens."""

    outside: Outside
    url: str
    events: list[ServerEvent]


def over_loopback(test: Callable[[Place], Awaitable[None]]) -> None:
    """Run a test against a server, and see that nothing is left of it."""

    async def run() -> None:
        outside = Outside(dial, listen, make_peer, lambda: NOW, random.Random(1))
        events: list[ServerEvent] = []
        async with serve(ServeConfig(port=0), outside, KNOWN, events.append) as listener:
            await test(Place(outside, listener.url, events))
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


async def joined(one: Client, url: str) -> None:
    """Join, with media up: a data channel is open."""
    await one.connect(url, data=[f"chat-{one.identity}"])
    await one.until(lambda: any(isinstance(event, mp.DataChannelOpened) for event in one.events))


async def receiving(one: Client, identity: str, name: str) -> tuple[str, mp.Receiver]:
    media_id = await one.until(lambda: one.media_id(identity, name))
    return media_id, await one.until(lambda: one.receiver(media_id))


def test_picture_sound_and_messages_pass() -> None:
    async def run(place: Place) -> None:
        async with client(place.outside, "alice") as alice, client(place.outside, "bob") as bob:
            await joined(alice, place.url)
            await joined(bob, place.url)
            picture = await alice.publish("cam-id", "video", name="cam")
            sound = await alice.publish("mic-id", "audio", name="mic")
            picture_id, receiver = await receiving(bob, "alice", "cam")
            sound_id, _ = await receiving(bob, "alice", "mic")
            assert receiver.mid == "video0"
            async with filming(picture):
                frames = bob.frames[picture_id]
                await bob.until(lambda: len(frames) >= 5)
                assert frames[0] == VP8_KEY + bytes(1500)
                assert frames[1] == VP8_DELTA + bytes(1500)
                await alice.until(lambda: sound.codec)
                for number in range(200):
                    sound.send_frame(EncodedFrame(b"opus", 960 * number, False, Codec.OPUS))
                    await asyncio.sleep(0.02)
                    if bob.frames[sound_id]:
                        break
                assert bob.frames[sound_id][0] == b"opus"
            label = await bob.until(lambda: bob.media_id("alice", "chat-alice"))
            opened = await alice.until(
                lambda: [e for e in alice.events if isinstance(e, mp.DataChannelOpened)]
            )
            for data in ("hello", b"\x00\xff"):
                opened[0].channel.send(data)
            await bob.until(lambda: len(bob.heard) == 2)
            assert bob.heard == [(label, "hello"), (label, b"\x00\xff")]

    over_loopback(run)


def test_a_keyframe_request_travels_back_to_the_publisher() -> None:
    async def run(place: Place) -> None:
        async with client(place.outside, "alice") as alice, client(place.outside, "bob") as bob:
            await joined(alice, place.url)
            await joined(bob, place.url)
            sender = await alice.publish("cam-id", "video", name="cam")
            media_id, receiver = await receiving(bob, "alice", "cam")
            async with filming(sender) as camera:
                frames = bob.frames[media_id]
                await bob.until(lambda: frames)
                asked, shown = camera.asked, len(frames)
                async with asking(receiver):
                    await bob.until(lambda: VP8_KEY + bytes(1500) in frames[shown:])
                assert camera.asked > asked

    over_loopback(run)


def test_a_newcomer_gets_a_keyframe_at_once() -> None:
    async def run(place: Place) -> None:
        async with client(place.outside, "alice") as alice, client(place.outside, "bob") as bob:
            await joined(alice, place.url)
            sender = await alice.publish("cam-id", "video", name="cam")
            async with filming(sender):
                await joined(bob, place.url)
                media_id, _ = await receiving(bob, "alice", "cam")
                frames = bob.frames[media_id]
                await bob.until(lambda: frames)
                assert frames[0] == VP8_KEY + bytes(1500)

    over_loopback(run)


def test_mute_unpublish_and_leave_are_seen() -> None:
    async def run(place: Place) -> None:
        async with client(place.outside, "alice") as alice, client(place.outside, "bob") as bob:
            await joined(alice, place.url)
            await joined(bob, place.url)
            sender = await alice.publish("cam-id", "video", name="cam")
            media_id, _ = await receiving(bob, "alice", "cam")
            alice.enable("cam-id", enabled=False)
            alice.update()

            def is_muted() -> bool:
                track = bob.track("alice", "cam")
                return track is not None and not track.enabled

            await bob.until(is_muted)
            assert alice.peer is not None
            alice.withdraw("cam-id")
            alice.peer.remove_sender(sender)
            alice.update()
            alice.offer()
            await bob.until(lambda: not bob.track("alice", "cam"))
            await bob.until(lambda: not bob.receiver(media_id))
            alice.leave()
            await bob.until(lambda: not bob.remote("alice"))

    over_loopback(run)


def test_media_goes_on_while_signaling_is_away() -> None:
    async def run(place: Place) -> None:
        async with client(place.outside, "alice") as alice, client(place.outside, "bob") as bob:
            await joined(alice, place.url)
            await joined(bob, place.url)
            sender = await alice.publish("cam-id", "video", name="cam")
            media_id, _ = await receiving(bob, "alice", "cam")
            async with filming(sender):
                frames = bob.frames[media_id]
                await bob.until(lambda: frames)
                await alice.drop()

                def state() -> rsp.ParticipantState | None:
                    remote = bob.remote("alice")
                    return remote.state if remote is not None else None

                await bob.until(lambda: state() == "reconnecting")
                seen = len(frames)
                await bob.until(lambda: len(frames) > seen + 3)
                await alice.resume(place.url)
                await alice.message(rsp.Synced)
                await bob.until(lambda: state() == "connected")

    over_loopback(run)


def test_a_client_whose_media_is_closed_costs_the_others_nothing() -> None:
    async def run(place: Place) -> None:
        async with (
            client(place.outside, "alice") as alice,
            client(place.outside, "bob") as bob,
            client(place.outside, "carol") as carol,
        ):
            await joined(alice, place.url)
            await joined(bob, place.url)
            assert bob.peer is not None
            await bob.peer.close()
            await joined(carol, place.url)
            await alice.until(lambda: alice.media_id("carol", "chat-carol"))
            await carol.until(lambda: carol.media_id("alice", "chat-alice"))

    over_loopback(run)


def test_a_newcomer_with_the_same_identity_ends_the_older_one() -> None:
    async def run(place: Place) -> None:
        async with client(place.outside, "alice") as older, client(place.outside, "alice") as newer:
            await joined(older, place.url)
            await joined(newer, place.url)
            end = await older.end()
            assert isinstance(end, rsp.ServerError)
            assert end.code == 53205

    over_loopback(run)


@pytest.mark.parametrize("text", ["x" * (1 << 20) + "x", "{", '{"type":"msg","body":{"type":"update"}}'])
def test_bad_messages_end_their_sender_only(text: str) -> None:
    async def run(place: Place) -> None:
        async with client(place.outside, "alice") as alice, client(place.outside, "bob") as bob:
            await joined(alice, place.url)
            await joined(bob, place.url)
            await bob.send_text(text)

            def is_affected() -> bool:
                remote = alice.remote("bob")
                return remote is None or remote.state == "reconnecting"

            await alice.until(lambda: alice.remote("bob"))
            await alice.until(is_affected)
            alice.announce("chat", "data")
            alice.update()
            await alice.until(lambda: alice.is_ready("chat"))

    over_loopback(run)


def test_a_server_that_stops_says_so_and_leaves_nothing() -> None:
    async def run() -> None:
        outside = Outside(dial, listen, make_peer, lambda: NOW, random.Random(1))
        async with client(outside, "alice") as alice:
            async with serve(ServeConfig(port=0), outside, KNOWN, lambda event: None) as listener:
                await joined(alice, listener.url)
                loop = asyncio.get_running_loop()
                before = loop.time()
            assert loop.time() - before < 1.5
            assert await alice.end() == rsp.Disconnected("completed")
            closed = await alice.until(lambda: alice.closed)
            assert closed.code == 1001
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


def test_a_bad_token_is_refused() -> None:
    async def run(place: Place) -> None:
        async with client(place.outside, "alice") as alice:
            assert await alice.refusal(place.url, with_token=token("alice", room="another")) == 20106

    over_loopback(run)
