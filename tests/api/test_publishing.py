"""What a script publishes, told of by hand."""

import asyncio
import gc
import weakref
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, cast

import pytest

from tests.engine.test_session import Ticker
from tests.simulation.clock import run_virtually
from videocli.api.listeners import Listeners
from videocli.api.publishing import MAX_AFTER_DRAIN, LocalTrack, Publisher
from videocli.api.sources import VideoSource
from videocli.api.stream import Ending
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.errors import SourceError, VideoError, error
from videocli.media.frames import Source
from videocli.outside import Outside

TRACK = ev.Track("MT1", "cam", "video", enabled=True, priority="standard")


class Room:
    """A publisher, and a room of which the test says what happens in it."""

    def __init__(self) -> None:
        self.ending = Ending()
        self.unsent: dict[str, int] = {}
        self.commands: asyncio.Queue[cmd.Command] = asyncio.Queue()
        self._listeners = Listeners(self.ending)
        self.publisher = Publisher(
            self.commands.put_nowait,
            lambda: self._listeners.stream(
                (ev.LocalTrackPublished, ev.LocalTrackPublicationFailed, ev.LocalTrackUnpublished), 100
            ),
            cast(Outside, None),
            self.ending,
            "alice",
            lambda track_sid: self.unsent.get(track_sid, 0),
        )

    async def publish(self, source: Source, *events: ev.Event, name: str = "cam") -> LocalTrack:
        """Publish a source; all of that happens at once when it is asked for."""
        publishing = asyncio.create_task(self.publisher.media("video", source, name))
        await self.commands.get()
        self.tell(*events)
        return await publishing

    def tell(self, *events: ev.Event) -> None:
        for event in events:
            self.publisher.tell(event)
            self._listeners.tell(event)


def play(scene: Coroutine[Any, Any, None]) -> None:
    async def patiently() -> None:
        async with asyncio.timeout(10):
            await scene

    run_virtually(patiently())


def test_a_track_that_is_over_as_soon_as_it_is_published_says_so() -> None:
    async def scene() -> None:
        room, reason = Room(), error(53404)
        published, gone = ev.LocalTrackPublished(TRACK), ev.LocalTrackUnpublished(TRACK, reason)
        track = await room.publish(VideoSource(), published, gone)
        with pytest.raises(VideoError, match="53404"):
            await track.wait_ended()

    play(scene())


def test_a_track_whose_room_is_over_as_soon_as_it_is_published_says_so() -> None:
    async def scene() -> None:
        room = Room()
        track = await room.publish(VideoSource(), ev.LocalTrackPublished(TRACK), ev.Disconnected(None))
        await track.wait_ended()

    play(scene())


def test_writing_for_a_track_that_is_refused_raises_why() -> None:
    async def scene() -> None:
        room, source = Room(), VideoSource(size=(2, 2))
        writing = asyncio.create_task(source.write(bytes(6)))
        with pytest.raises(VideoError, match="53404"):
            await room.publish(source, ev.LocalTrackPublicationFailed(TRACK, error(53404)))
        with pytest.raises(VideoError, match="53404"):
            await writing

    play(scene())


def test_a_source_is_forgotten_when_its_track_is_over() -> None:
    async def scene() -> None:
        room, source = Room(), VideoSource()
        await room.publish(source, ev.LocalTrackPublished(TRACK))
        room.tell(ev.LocalTrackUnpublished(TRACK))
        known = weakref.ref(source)
        del source
        room.commands = asyncio.Queue()
        gc.collect()
        assert known() is None

    play(scene())


def test_a_source_that_is_published_cannot_be_again_and_goes_on() -> None:
    async def scene() -> None:
        room, source = Room(), VideoSource(size=(2, 2))
        await room.publish(source, ev.LocalTrackPublished(TRACK))
        for other in (room, Room()):
            with pytest.raises(SourceError, match="twice"):
                await other.publisher.media("video", source, "again")
            assert other.commands.empty()
        assert not source.is_over
        assert room.publisher.free_name("again") == "again"

    play(scene())


def test_a_source_of_any_make_is_one_tracks_until_that_is_over() -> None:
    async def scene() -> None:
        room, source = Room(), Ticker()
        await room.publish(source, ev.LocalTrackPublished(TRACK))
        with pytest.raises(SourceError, match="twice"):
            await room.publisher.media("video", source, "again")
        room.tell(ev.LocalTrackUnpublished(TRACK))
        assert (await room.publish(source, ev.LocalTrackPublished(TRACK))).name == "cam"

    play(scene())


def test_a_name_that_is_taken_leaves_the_source_to_be_published_under_another() -> None:
    async def scene() -> None:
        room, source = Room(), VideoSource()
        await room.publisher.first([], [cmd.PublishData("cam")])
        with pytest.raises(VideoError, match="53304"):
            await room.publisher.media("video", source, "cam")
        published = ev.LocalTrackPublished(replace(TRACK, name="other"))
        assert (await room.publish(source, published, name="other")).name == "other"

    play(scene())


def test_what_is_written_for_a_room_that_was_never_joined_raises_why() -> None:
    async def scene() -> None:
        room, source = Room(), VideoSource(size=(2, 2))
        writing = asyncio.create_task(source.write(bytes(6)))
        with pytest.raises(SourceError, match="twice"):
            await room.publisher.first([("video", source), ("video", source)], [])
        with pytest.raises(SourceError, match="twice"):
            await writing

    play(scene())


def test_a_track_that_is_over_is_unpublished_without_a_word() -> None:
    async def scene() -> None:
        room = Room()
        track = await room.publish(VideoSource(), ev.LocalTrackPublished(TRACK))
        room.tell(ev.LocalTrackUnpublished(TRACK))
        await track.unpublish()
        assert room.commands.empty()

    play(scene())


def test_draining_waits_until_little_waits_to_be_sent_or_the_track_is_over() -> None:
    async def scene() -> None:
        room = Room()
        track = await room.publish(VideoSource(), ev.LocalTrackPublished(TRACK))
        await track.drain()
        room.unsent[track.sid] = MAX_AFTER_DRAIN + 1
        draining = asyncio.create_task(track.drain())
        await asyncio.sleep(1)
        assert not draining.done()
        room.unsent[track.sid] = MAX_AFTER_DRAIN
        await draining
        room.unsent[track.sid] = MAX_AFTER_DRAIN + 1
        draining = asyncio.create_task(track.drain())
        await asyncio.sleep(1)
        room.tell(ev.LocalTrackUnpublished(TRACK))
        await draining

    play(scene())
