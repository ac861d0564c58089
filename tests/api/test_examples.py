"""The three examples of the README do what they say."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import videocli
from tests.api.rooms import house, run
from tests.cli.room_server import SERVER_VARIABLES, minted, running_server
from tests.examples import counter, greeter, painter
from videocli import events

Bot = Callable[[videocli.Room], Coroutine[Any, Any, None]]


README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize("example", [counter, greeter, painter], ids=lambda module: module.__name__)
def test_the_readme_has_the_example_as_it_is(example: ModuleType) -> None:
    source = Path(str(example.__file__)).read_text(encoding="utf-8")
    _, _, code = source.partition('"""\n\n')
    assert f"```python\n{code}```\n" in README.read_text(encoding="utf-8")


def test_an_example_that_is_interrupted_leaves_and_says_nothing() -> None:
    async def scene() -> tuple[int | None, bytes]:
        with running_server() as url:
            async with videocli.connect(minted("alice", "my-room"), "my-room", url=url) as alice:
                return await interrupted(alice, os.environ | SERVER_VARIABLES | {"VIDEOCLI_URL": url})

    async def interrupted(alice: videocli.Room, environ: Mapping[str, str]) -> tuple[int | None, bytes]:
        connected = alice.events(events.ParticipantConnected)
        disconnected = alice.events(events.ParticipantDisconnected)
        program = await asyncio.create_subprocess_exec(
            sys.executable, str(greeter.__file__), env=environ, stdout=PIPE, stderr=STDOUT
        )
        await anext(connected)
        program.send_signal(signal.SIGINT)
        said, _ = await program.communicate()
        await anext(disconnected)
        return program.returncode, said

    assert run(scene()) == (0, b"")


@asynccontextmanager
async def playing(bot: Bot, room: videocli.Room) -> AsyncIterator[None]:
    """The bot runs for as long as the context; then it is made to leave, and has to end by itself."""
    task = asyncio.create_task(bot(room))
    try:
        yield
    finally:
        room.leave()
        await asyncio.wait({task})
    if not isinstance(task.exception(), videocli.SourceError):
        task.result()


def test_the_greeter_greets_who_comes_and_who_goes() -> None:
    async def scene() -> list[str | bytes]:
        async with (
            house() as join,
            join("greeter", data="greetings") as room,
            playing(greeter.bot, room),
            join("alice") as alice,
        ):
            heard = []
            async for event in alice:
                if isinstance(event, events.TrackMessage):
                    heard.append(event.data)
                    alice.send("bye")
                if len(heard) == 2:
                    return heard
        raise AssertionError("the room ended")

    assert run(scene()) == ["hello alice", "see you, alice"]


def test_the_painters_picture_can_be_looked_at_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    async def scene() -> None:
        async with house() as join, join("counter") as watching, playing(counter.bot, watching):
            started, ended = watching.events(events.TrackStarted), watching.events(events.TrackUnsubscribed)
            async with join("painter") as room, playing(painter.bot, room):
                with watching.pictures((await anext(started)).track) as pictures:
                    for _ in range(3):
                        await anext(pictures)
            await anext(ended)

    run(scene())
    seen, counted = sorted(capsys.readouterr().out.splitlines(), key=len)
    assert seen.startswith("grey: 320x180, luma ")
    assert int(counted.split()[1]) >= 3
    assert counted.endswith("0 dropped")
