"""Media signaling: who speaks loudest, how good networks are. Over the whole server, in virtual time."""

import asyncio
import json
from typing import Any

from tests.server.client import Client
from tests.server.world import World, served
from videocli.media import peer as mp
from videocli.media.frames import AudioLevel, Codec, EncodedFrame
from videocli.protocol import rsp
from videocli.server.channels import ActiveSpeaker, NetworkQuality
from videocli.server.house import MAX_EARLY_MESSAGES


async def listening(here: World, identity: str) -> tuple[Client, str]:
    """Somebody who asked for the channel, with its label, and is ready."""
    one = await here.client(identity)
    connected = await one.connect(here.url, media_signaling=(ActiveSpeaker.name, "render_hints"))
    ((channel, label),) = connected.state.media_signaling
    assert channel == ActiveSpeaker.name
    opened = await one.until(
        lambda: next(
            (
                e.channel
                for e in one.events
                if isinstance(e, mp.DataChannelOpened) and e.channel.label == label
            ),
            None,
        )
    )
    opened.send('{"type":"ready"}')
    await one.until(lambda: told(one, label))
    return one, label


def told(one: Client, label: str) -> list[str | None]:
    """Whom the server named, in order."""
    said = [json.loads(data) for heard, data in one.heard if heard == label]
    assert all(message["type"] == ActiveSpeaker.name for message in said)
    return [message["participant"] for message in said]


async def speak(sender: mp.Sender, attenuation: int, seconds: float) -> None:
    for number in range(round(seconds * 50)):
        level = AudioLevel(True, attenuation)
        sender.send_frame(EncodedFrame(b"sound", number * 960, True, Codec.OPUS, audio_level=level))
        await asyncio.sleep(0.02)


async def with_microphone(here: World, identity: str) -> tuple[mp.Sender, str]:
    one = await here.joined(identity)
    sender = await one.publish("mic-id", "audio", name="mic")
    await one.until(lambda: sender.codec)
    connected = await one.message(rsp.Connected)
    return sender, connected.participant_sid


@served()
async def test_who_asks_is_told_who_speaks_loudest_and_when_nobody_does(here: World) -> None:
    alice, label = await listening(here, "alice")
    bob, bob_sid = await with_microphone(here, "bob")
    carol, carol_sid = await with_microphone(here, "carol")
    await speak(bob, 20, 2.0)
    assert told(alice, label) == [None, bob_sid]
    await asyncio.gather(speak(bob, 90, 3.0), speak(carol, 15, 3.0))
    assert told(alice, label) == [None, bob_sid, carol_sid]
    await alice.until(lambda: told(alice, label)[-1] is None)


@served()
async def test_who_comes_later_is_told_at_once_who_speaks(here: World) -> None:
    await listening(here, "alice")
    bob, bob_sid = await with_microphone(here, "bob")
    talking = asyncio.create_task(speak(bob, 20, 60.0))
    await asyncio.sleep(2.0)
    carol, label = await listening(here, "carol")
    assert told(carol, label) == [bob_sid]
    talking.cancel()


@served()
async def test_who_does_not_ask_is_granted_nothing(here: World) -> None:
    one = await here.joined("alice")
    connected = await one.message(rsp.Connected)
    assert connected.state.media_signaling == ()


@served()
async def test_the_grant_is_repeated_after_a_resume_and_the_channel_goes_on(here: World) -> None:
    alice, label = await listening(here, "alice")
    await alice.drop()
    await alice.resume(here.url)
    synced = await alice.message(rsp.Synced)
    assert synced.state.media_signaling == ((ActiveSpeaker.name, label),)
    bob, bob_sid = await with_microphone(here, "bob")
    await speak(bob, 20, 1.0)
    assert told(alice, label) == [None, bob_sid]


def test_without_listeners_no_timer_runs() -> None:
    class Leg:
        def open_channel(self, label: str) -> None:
            return None

    async def check() -> None:
        channels = ActiveSpeaker(dict)
        leg: Any = Leg()
        for sid in ("PA1", "PA2"):
            channels.open(sid, "label", leg)
        channels.close("PA1")
        assert channels._timer is not None
        channels.close("PA2")
        channels.close("PA2")
        assert channels._timer is None

    asyncio.run(check())


async def reporting(here: World, identity: str) -> tuple[Client, mp.DataChannel]:
    """Somebody who asked for `network_quality`, and the channel."""
    one = await here.client(identity)
    connected = await one.connect(here.url, media_signaling=(NetworkQuality.name,))
    ((_, label),) = connected.state.media_signaling
    channel = await one.until(
        lambda: next(
            (
                e.channel
                for e in one.events
                if isinstance(e, mp.DataChannelOpened) and e.channel.label == label
            ),
            None,
        )
    )
    channel.send('{"type":"ready"}')
    return one, channel


async def answer(one: Client, channel: mp.DataChannel, **report: object) -> object:
    """What the server says to a report."""
    before = len(one.heard)
    channel.send(json.dumps({"type": "network_quality", **report}))
    return json.loads((await one.until(lambda: one.heard[before:]))[0][1])


@served()
async def test_each_report_is_answered_with_levels(here: World) -> None:
    alice, channel = await reporting(here, "alice")
    _, bob_sid = await with_microphone(here, "bob")
    await asyncio.sleep(3.0)
    assert await answer(alice, channel) == {"type": "network_quality", "local": 5}
    assert await answer(alice, channel, remoteReportLevel=1) == {
        "type": "network_quality",
        "local": 5,
        "remotes": [{"sid": bob_sid, "level": 5}],
    }
    assert len(alice.heard) == 2, "nothing is said unasked, nor to `ready`"


@served()
async def test_a_report_before_anything_is_known_is_answered_once_when_it_is(here: World) -> None:
    alice, channel = await reporting(here, "alice")
    for _ in range(3):
        channel.send('{"type": "network_quality"}')
    await asyncio.sleep(3.0)
    assert [json.loads(data) for _, data in alice.heard] == [{"type": "network_quality", "local": 5}]


@served()
async def test_odd_words_on_a_channel_change_nothing(here: World) -> None:
    alice, channel = await reporting(here, "alice")
    await asyncio.sleep(3.0)
    for words in ("", "null", "[1]", "{", "[" * 100_000, '{"type":["network_quality"]}', b"\x00"):
        channel.send(words)
    assert await answer(alice, channel, remoteReportLevel=[]) == {"type": "network_quality", "local": 5}
    assert len(alice.heard) == 1


@served()
async def test_what_is_said_on_a_channel_takes_no_room_of_messages_that_wait_for_their_track(
    here: World,
) -> None:
    alice, channel = await reporting(here, "alice")
    bob = await here.joined("bob")
    for _ in range(MAX_EARLY_MESSAGES):
        channel.send('{"type":"network_quality"}')
    assert alice.peer is not None
    alice.peer.open_data_channel("chat").send("hello")
    await asyncio.sleep(1.0)
    alice.announce("chat", "data")
    alice.update()
    await bob.until(lambda: [data for _, data in bob.heard] == ["hello"])
