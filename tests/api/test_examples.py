"""The three examples of the README do what they say."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import videocli
from tests.api.rooms import house, run
from tests.examples import counter, greeter, painter
from videocli import events

Bot = Callable[[videocli.Room], Coroutine[Any, Any, None]]


README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize("example", [counter, greeter, painter], ids=lambda module: module.__name__)
def test_the_readme_has_the_example_as_it_is(example: ModuleType) -> None:
    source = Path(str(example.__file__)).read_text(encoding="utf-8")
    _, _, code = source.partition('"""\n\n')
    assert f"```python\n{code}```\n" in README.read_text(encoding="utf-8")


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
