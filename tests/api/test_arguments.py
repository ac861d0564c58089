"""What a script hands in that is wrong is raised there, and the room goes on."""

import asyncio
from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest

import videocli
from tests.api.test_room import joins, scene
from tests.engine.test_session import Ticker
from tests.simulation.house import House
from videocli import events
from videocli.api import arguments

Call = Callable[[videocli.Room], Any]


@pytest.mark.parametrize("data", [b"\x01\x02", bytearray(b"\x01\x02"), memoryview(b"\x01\x02")])
def test_all_kinds_of_bytes_are_a_message(data: arguments.Message) -> None:
    assert arguments.message(data) == b"\x01\x02"


def test_a_message_is_what_its_bytes_were() -> None:
    data = bytearray(b"before")
    message = arguments.message(data)
    data[:] = b"after!"
    assert message == b"before"


@pytest.mark.parametrize("seconds", [-1, 0, 1e-6, nan, inf])
def test_an_interval_that_would_spin_or_never_come_is_none(seconds: float) -> None:
    with pytest.raises(ValueError, match="stats_seconds is at least"):
        arguments.interval(seconds)


@pytest.mark.parametrize("seconds", ["1", True])
def test_an_interval_is_a_number(seconds: object) -> None:
    with pytest.raises(TypeError, match="is a number or None"):
        arguments.interval(seconds)


@pytest.mark.parametrize(("seconds", "value"), [(None, None), (0.1, 0.1), (5, 5.0)])
def test_an_interval_may_be_any_other(seconds: float | None, value: float | None) -> None:
    assert arguments.interval(seconds) == value


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda room: room.send(5), TypeError, "a message is a str or bytes, not int"),
        (lambda room: room.send("\ud800"), ValueError, "half a character"),
        (lambda room: room.on("x", print), TypeError, "a kind of event is a class"),
        (lambda room: room.on(events.TrackMessage, None), TypeError, "can be called"),
        (lambda room: room.events("x"), TypeError, "a kind of event is a class"),
        (lambda room: room.wait_for("x"), TypeError, "a kind of event is a class"),
        (lambda room: room.publish_video("testsrc", 5), TypeError, "a track's name is a str, not int"),
        (lambda room: room.publish_video("testsrc", "\ud800"), ValueError, "half a character"),
        (lambda room: room.publish_video("testsrc", "n" * 129), videocli.VideoError, "53302"),
        (lambda room: room.publish_video(Ticker(), "n" * 5000), videocli.VideoError, "53302"),
        (lambda room: room.publish_video(None), TypeError, "a str or a Source is published"),
        (lambda room: room.publish_video(5), TypeError, "a str or a Source is published"),
        (lambda room: room.publish_data(5), TypeError, "a track's name is a str, not int"),
        (lambda room: room.publish_data("\ud800"), ValueError, "half a character"),
        (lambda room: room.publish_data("n" * 5000), videocli.VideoError, "53302"),
        (lambda room: room.publish_data("d", max_retransmits=1.5), TypeError, "a whole number or None"),
        (lambda room: room.frames(5), TypeError, "a Track or a SID is received, not int"),
        (lambda room: room.pictures(None), TypeError, "a Track or a SID is received, not NoneType"),
        (lambda room: room.subscribe(None), TypeError, "a rule is a str, not NoneType"),
    ],
)
def test_a_wrong_argument_is_raised_to_the_caller_and_the_room_goes_on(
    call: Call, kind: type[Exception], words: str
) -> None:
    async def play(house: House) -> None:
        async with joins(house, "alice") as room:
            with pytest.raises(kind, match=words):
                await call(room)
            async with joins(house, "bob"):
                await room.wait_for(events.ParticipantConnected, past=True)
            await asyncio.sleep(1)
            assert (room.state, room.error) == ("connected", None)

    scene(play)


def test_a_track_checks_what_it_is_told_too() -> None:
    async def play(house: House) -> None:
        async with joins(house, "alice") as room:
            chat: Any = await room.publish_data("n" * 128)
            with pytest.raises(TypeError):
                chat.send(None)
            with pytest.raises(ValueError, match="a priority is low, standard, high"):
                chat.set_priority("urgent")
            chat.send(bytearray(b"hello"))
            await asyncio.sleep(1)
            assert room.state == "connected"

    scene(play)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"stats_seconds": nan}, ValueError),
        ({"video": None}, TypeError),
        ({"url": 5}, TypeError),
        ({"data": "n" * 129}, ValueError),
        ({"data": "\ud800"}, ValueError),
    ],
)
def test_joining_raises_it_before_anything_is_dialed(options: dict[str, Any], kind: type[Exception]) -> None:
    async def play(house: House) -> None:
        with pytest.raises(kind):
            async with joins(house, "alice", **options):
                raise AssertionError("nobody is let in")
        assert [type(event).__name__ for event in house.server_events] == ["Listening"]

    scene(play)


def test_pictures_are_of_video_and_sounds_of_audio() -> None:
    async def play(house: House) -> None:
        async with joins(house, "alice", video=Ticker()), joins(house, "bob") as bob:
            track = (await bob.wait_for(events.TrackStarted, past=True)).track
            assert track.sid is not None
            for reference in (track, track.sid):
                with pytest.raises(ValueError, match="video is a track of video, not audio"):
                    bob.sounds(reference)
                bob.pictures(reference).close()

    scene(play)


def test_a_callback_that_raises_a_cancellation_harms_no_room(caplog: pytest.LogCaptureFixture) -> None:
    async def play(house: House) -> None:
        def give_up(event: object) -> None:
            raise asyncio.CancelledError

        async with joins(house, "alice") as room:
            room.on(events.ParticipantConnected, give_up)
            async with joins(house, "bob"):
                await asyncio.sleep(1)
            assert room.state == "connected"
        assert "a callback for ParticipantConnected failed" in caplog.text

    scene(play)
