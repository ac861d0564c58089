import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from videocli.api.stream import Ending, Stream
from videocli.errors import VideoError, error

T = TypeVar("T")


def run(scene: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(scene)


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def test_items_come_in_order() -> None:
    async def scene() -> list[int]:
        stream: Stream[int] = Stream(10, Ending())
        reading = asyncio.create_task(_all(stream))
        for number in range(5):
            stream.put(number)
            await asyncio.sleep(0)
        stream.end()
        return await reading

    assert run(scene()) == [0, 1, 2, 3, 4]


async def _all(stream: Stream[T]) -> list[T]:
    return [item async for item in stream]


def test_a_slow_reader_loses_the_oldest_and_the_loss_is_counted() -> None:
    async def scene() -> tuple[list[int], int]:
        stream: Stream[int] = Stream(3, Ending())
        for number in range(10):
            stream.put(number)
        assert len(stream) == 3
        stream.end()
        return await _all(stream), stream.dropped

    assert run(scene()) == ([7, 8, 9], 7)


def test_what_came_before_the_end_of_the_room_is_given_before_its_error_is_raised() -> None:
    async def scene() -> None:
        ending = Ending()
        stream: Stream[int] = Stream(3, ending)
        stream.put(1)
        ending.end(error(53405))
        stream.end()
        stream.put(2)
        assert await anext(stream) == 1
        assert not ending.is_told
        with pytest.raises(VideoError, match="53405"):
            await anext(stream)
        assert ending.is_told

    run(scene())


def test_a_reader_that_waits_is_told_of_the_end() -> None:
    async def scene() -> None:
        ending = Ending()
        stream: Stream[int] = Stream(3, ending)
        reading = asyncio.create_task(_all(stream))
        await settle()
        ending.end(None)
        stream.end()
        assert await reading == []

    run(scene())


def test_a_reader_that_is_cancelled_loses_nothing() -> None:
    async def scene() -> None:
        stream: Stream[int] = Stream(3, Ending())
        reading = asyncio.create_task(_all(stream))
        await settle()
        stream.put(1)
        reading.cancel()
        await settle()
        assert reading.cancelled()
        assert await anext(stream) == 1

    run(scene())


def test_closing_forgets_what_waits_and_says_so_once() -> None:
    async def scene() -> None:
        closed: list[str] = []
        with Stream[int](3, Ending()) as stream:
            stream.at_end(lambda: closed.append("closed"))
            stream.put(1)
        stream.close()
        stream.put(2)
        assert await _all(stream) == []
        assert closed == ["closed"]

    run(scene())


def test_a_queue_holds_something() -> None:
    with pytest.raises(ValueError, match="holds nothing"):
        Stream(0, Ending())


def test_only_the_first_end_counts() -> None:
    ending = Ending()
    ending.end(None)
    ending.end(error(53000))
    ending.raise_error()
    assert ending.error is None
