"""A script's stay in a room, in virtual time."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

import pytest

import videocli
from tests.engine.test_session import Ticker
from tests.simulation.clock import run_virtually
from tests.simulation.house import URL, House
from videocli import events
from videocli.engine.media_leg import Fault
from videocli.errors import TokenError
from videocli.media.frames import Codec, EncodedFrame


def joins(house: House, identity: str, **options: Any) -> AbstractAsyncContextManager[videocli.Room]:
    options = {"url": URL, "outside": house.outside_of(identity), **options}
    return videocli.connect(options.pop("token", house.token(identity)), "my-room", **options)


def scene(play: Callable[[House], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        house = House()
        async with asyncio.timeout(600), house.open():
            await play(house)

    run_virtually(run())


class TestJoining:
    def test_a_script_gets_a_room_that_it_is_in(self) -> None:
        async def play(house: House) -> None:
            async with joins(house, "alice") as room:
                assert (room.name, room.state, room.sid[:2]) == ("my-room", "connected", "RM")
                assert room.local_participant.identity == "alice"
                assert room.participants == ()
                assert isinstance(await anext(aiter(room)), events.Connected)
            assert room.state == "disconnected"
            assert room.error is None

        scene(play)

    def test_a_refusal_is_raised_by_entering(self) -> None:
        async def play(house: House) -> None:
            with pytest.raises(TokenError, match="20101"):
                async with joins(house, "alice", token="nonsense"):
                    raise AssertionError("nobody is let in")

        scene(play)

    def test_it_can_be_cancelled(self) -> None:
        async def play(house: House) -> None:
            house.signaling.line("alice").stall()

            async def join() -> None:
                async with joins(house, "alice"):
                    raise AssertionError("nobody answers")

            joining = asyncio.create_task(join())
            await asyncio.sleep(1.0)
            joining.cancel()
            await asyncio.wait({joining})
            assert joining.cancelled()
            house.signaling.line("alice").resume()

        scene(play)

    def test_tokens_may_come_from_a_function(self) -> None:
        async def play(house: House) -> None:
            async def token() -> str:
                return house.token("alice")

            async with joins(house, "alice", token=token) as room:
                assert room.local_participant.identity == "alice"

        scene(play)


class TestEvents:
    def test_the_room_gives_every_event_since_we_came(self) -> None:
        async def play(house: House) -> None:
            async with joins(house, "alice") as room:
                async with joins(house, "bob"):
                    await asyncio.sleep(0.5)
                await asyncio.sleep(0.5)
                room.leave()
                names = [type(event).__name__ async for event in room]
            assert names == ["Connected", "ParticipantConnected", "ParticipantDisconnected", "Disconnected"]

        scene(play)

    def test_how_good_networks_are_is_an_event_where_it_is_wanted(self) -> None:
        async def play(house: House) -> None:
            async with joins(house, "alice", network_quality=True) as alice, joins(house, "bob") as bob:
                levels = alice.events(events.NetworkQualityLevelChanged)
                said = [await anext(levels), await anext(levels)]
                assert {(event.participant.identity, event.level) for event in said} == {
                    ("alice", 5),
                    ("bob", 5),
                }
                bob.leave()
                names = [type(event).__name__ async for event in bob]
            assert "NetworkQualityLevelChanged" not in names

        scene(play)

    def test_callbacks_and_streams_get_the_kinds_they_asked_for(self) -> None:
        async def play(house: House) -> None:
            told: list[str] = []

            async def slowly(event: events.ParticipantConnected) -> None:
                await asyncio.sleep(0.1)
                told.append(f"slowly {event.participant.identity}")

            async with joins(house, "alice") as room:
                off = room.on(events.ParticipantConnected, lambda e: told.append(e.participant.identity))
                room.on(events.ParticipantConnected, slowly)
                with room.events(events.ParticipantConnected, events.ParticipantDisconnected) as stream:
                    async with joins(house, "bob"):
                        first = await anext(stream)
                        await asyncio.sleep(0.5)
                    off()
                    second = await anext(stream)
                    async with joins(house, "carol"):
                        await asyncio.sleep(0.5)
            assert [type(event).__name__ for event in (first, second)] == [
                "ParticipantConnected",
                "ParticipantDisconnected",
            ]
            assert told == ["bob", "slowly bob", "slowly carol"]

        scene(play)

    def test_a_callback_that_fails_is_logged_and_costs_the_others_nothing(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def play(house: House) -> None:
            def fail(event: object) -> None:
                raise RuntimeError("no")

            async def fail_later(event: object) -> None:
                raise RuntimeError("not that either")

            told: list[object] = []
            async with joins(house, "alice") as room:
                room.on(events.ParticipantConnected, fail)
                room.on(events.ParticipantConnected, fail_later)
                room.on(events.ParticipantConnected, told.append)
                async with joins(house, "bob"):
                    await asyncio.sleep(0.5)
            assert len(told) == 1
            assert caplog.text.count("a callback for ParticipantConnected failed") == 2

        scene(play)

    def test_waiting_for_what_never_comes_ends_with_the_room(self) -> None:
        async def play(house: House) -> None:
            async with joins(house, "alice") as room:
                waiting = asyncio.create_task(room.wait_for(events.DominantSpeakerChanged))
                await asyncio.sleep(0.5)
                room.leave()
                with pytest.raises(EOFError, match="DominantSpeakerChanged"):
                    await waiting

        scene(play)


class TestTheEnd:
    def test_an_error_that_ends_the_room_is_raised_by_what_waits(self) -> None:
        async def play(house: House) -> None:
            async with joins(house, "alice") as room:
                house.signaling.line("alice").stall()
                with pytest.raises(videocli.VideoError, match="53002"):
                    async for _ in room:
                        pass
                with pytest.raises(videocli.VideoError, match="53002"):
                    await room.wait_ended()
                house.signaling.line("alice").resume()
            assert room.error is not None

        scene(play)

    def test_it_is_raised_by_leaving_the_context_if_nobody_was_told(self) -> None:
        async def play(house: House) -> None:
            async def stay() -> None:
                async with joins(house, "alice"):
                    house.signaling.line("alice").stall()
                    await asyncio.sleep(120)

            with pytest.raises(videocli.VideoError, match="53002"):
                await stay()
            house.signaling.line("alice").resume()

        scene(play)

    def test_an_error_of_the_script_is_its_own_and_the_others_see_us_leave(self) -> None:
        async def play(house: House) -> None:
            async with joins(house, "bob") as bob:
                with pytest.raises(ZeroDivisionError):
                    async with joins(house, "alice"):
                        raise ZeroDivisionError
                await bob.wait_for(events.ParticipantDisconnected, past=True)

        scene(play)

    def test_cancelling_leaves_too_however_often(self) -> None:
        async def play(house: House) -> None:
            inside = asyncio.Event()

            async def stay() -> None:
                async with joins(house, "alice") as room:
                    room.on(events.ParticipantConnected, linger)
                    inside.set()
                    await room.wait_ended()

            async def linger(event: object) -> None:
                try:
                    await asyncio.sleep(600)
                finally:
                    lingered.set()

            lingered = asyncio.Event()
            async with joins(house, "bob") as bob:
                gone = bob.events(events.ParticipantDisconnected)
                staying = asyncio.create_task(stay())
                await inside.wait()
                async with joins(house, "carol"):
                    await asyncio.sleep(0.5)
                for _ in range(3):
                    staying.cancel()
                    await asyncio.sleep(0)
                await asyncio.wait({staying})
                assert staying.cancelled()
                assert lingered.is_set()
                assert {(await anext(gone)).participant.identity for _ in range(2)} == {"alice", "carol"}

        scene(play)


class TestPublishing:
    def test_a_source_is_published_and_its_frames_arrive_encoded(self) -> None:
        async def play(house: House) -> None:
            async with joins(house, "bob") as bob, joins(house, "alice") as alice:
                subscribed = bob.events(events.TrackSubscribed)
                track = await alice.publish_video(Ticker(), "camera")
                assert (track.name, track.kind, track.sid[:2]) == ("camera", "video", "MT")
                with bob.frames((await anext(subscribed)).track) as frames:
                    first = await anext(frames)
                    assert first.is_keyframe
                    await asyncio.sleep(0.5)
                    await track.unpublish()
                    assert [frame async for frame in frames]
                await track.wait_ended()

        scene(play)

    def test_a_slow_reader_of_frames_loses_the_oldest(self) -> None:
        async def play(house: House) -> None:
            async with joins(house, "alice", video=Ticker()), joins(house, "bob") as bob:
                started = await bob.wait_for(events.TrackStarted, past=True)
                with bob.frames(started.track, limit=5) as frames:
                    await asyncio.sleep(2.0)
                    assert len(frames) == 5
                    assert frames.dropped > 30

        scene(play)

    def test_a_name_is_taken_once(self) -> None:
        async def play(house: House) -> None:
            async with joins(house, "alice", video=[Ticker(), Ticker()], data="chat") as room:
                with pytest.raises(videocli.VideoError, match="53304"):
                    await room.publish_data("chat")
                assert (await room.publish_data()).name == "data"
                local = room.snapshot().local
                assert local is not None
                assert [track.track.name for track in local.tracks] == ["video", "video 2", "chat", "data"]

        scene(play)

    def test_a_name_is_free_again_when_its_track_is_over(self) -> None:
        async def play(house: House) -> None:
            async with joins(house, "alice") as room:
                track = await room.publish_video(Ticker(count=50), "camera")
                await track.wait_ended()
                await (await room.publish_video(Ticker(), "camera")).unpublish()
                assert (await room.publish_video(Ticker(), "camera")).name == "camera"

        scene(play)

    def test_a_source_that_cannot_go_on_says_so_to_whoever_waits(self) -> None:
        async def play(house: House) -> None:
            async with joins(house, "alice") as room:
                track = await room.publish_video(Ticker(count=50, fails=True))
                with pytest.raises(videocli.SourceError, match="pulled out"):
                    await track.wait_ended()
                assert room.state == "connected"

        scene(play)

    def test_a_fault_of_ours_ends_the_tracks_too(self) -> None:
        async def play(house: House) -> None:
            async with joins(house, "alice") as alice:
                track = await alice.publish_video(Ticker(), "camera")
                alice._session.post(cast(Any, Fault(RuntimeError("a bug"))))
                with pytest.raises(RuntimeError, match="a bug"):
                    await track.wait_ended()

        scene(play)

    def test_encoded_frames_are_sent_as_they_are(self) -> None:
        async def play(house: House) -> None:
            asked: list[None] = []
            source = videocli.EncodedSource(Codec.VP8, lambda: asked.append(None))
            async with joins(house, "alice") as alice, joins(house, "bob") as bob:
                started = bob.events(events.TrackStarted)
                await alice.publish_video(source)
                subscribed = await bob.wait_for(events.TrackSubscribed, past=True)
                frames = bob.frames(subscribed.track)
                for number in range(50):
                    source.send(EncodedFrame(b"%d" % number, number * 3000, number % 10 == 0, Codec.VP8))
                    await asyncio.sleep(0.05)
                await anext(started)
                assert int((await anext(frames)).data) % 10 == 0
                assert asked
                with pytest.raises(ValueError, match="H264 is not VP8"):
                    source.send(EncodedFrame(b"", 0, True, Codec.H264))
            with pytest.raises(videocli.SourceError, match="no longer published"):
                source.send(EncodedFrame(b"", 0, True, Codec.VP8))

        scene(play)

    def test_a_codec_that_the_room_does_not_take_fails(self) -> None:
        async def play(house: House) -> None:
            async with joins(house, "alice") as alice:
                source = videocli.EncodedSource(Codec.H264)
                with pytest.raises(videocli.SourceError, match="takes VP8, not H264"):
                    await (await alice.publish_video(source)).wait_ended()

        scene(play)

    def test_a_source_is_of_its_kind(self) -> None:
        async def play(house: House) -> None:
            async with joins(house, "alice") as alice:
                with pytest.raises(ValueError, match="makes video, not audio"):
                    await alice.publish_audio(Ticker())

        scene(play)


def test_messages_go_both_ways() -> None:
    async def play(house: House) -> None:
        async with joins(house, "alice") as alice, joins(house, "bob", data="answers") as bob:
            heard_by_alice, heard_by_bob = alice.events(events.TrackMessage), bob.events(events.TrackMessage)
            chat = await alice.publish_data("chat", ordered=False, max_retransmits=3)
            await bob.wait_for(events.TrackSubscribed, past=True)
            chat.send("hello")
            message = await anext(heard_by_bob)
            assert (message.participant.identity, message.track.name, message.data) == (
                "alice",
                "chat",
                "hello",
            )
            await alice.wait_for(events.TrackSubscribed, past=True)
            bob.send(b"\x00")
            assert (await anext(heard_by_alice)).data == b"\x00"

    scene(play)


def test_who_drains_after_each_message_loses_none_of_many() -> None:
    async def play(house: House) -> None:
        async with joins(house, "alice") as alice, joins(house, "bob") as bob:
            heard = bob.events(events.TrackMessage)
            failed = alice.events(events.Error)
            chat = await alice.publish_data("chat")
            await bob.wait_for(events.TrackSubscribed, past=True)
            house.media.lose("alice")
            asyncio.get_running_loop().call_later(1, house.media.carry, "alice")
            for _ in range(600):
                chat.send(bytes(16_384))
                await chat.drain()
            for _ in range(600):
                await anext(heard)
            failed.close()
            assert [event async for event in failed] == []

    scene(play)


def test_counters_can_be_asked_for() -> None:
    async def play(house: House) -> None:
        async with joins(house, "alice", video=Ticker()), joins(house, "bob") as bob:
            await bob.wait_for(events.TrackStarted, past=True)
            await asyncio.sleep(1.0)
            (row,) = await bob.stats()
            assert (row.participant.identity, row.direction) == ("alice", "received")
            assert row.counters.packets > 0

    scene(play)


def test_what_is_not_wanted_is_not_received() -> None:
    async def play(house: House) -> None:
        async with (
            joins(house, "alice", video=Ticker(), audio=Ticker("audio")),
            joins(house, "bob", subscribe="audio") as bob,
        ):
            started = bob.events(events.TrackStarted)
            assert (await anext(started)).track.kind == "audio"
            await asyncio.sleep(2.0)
            assert not len(started)
            bob.subscribe("video")
            assert (await anext(started)).track.kind == "video"
            with pytest.raises(ValueError, match="says no twice"):
                bob.subscribe("-none")

    scene(play)
