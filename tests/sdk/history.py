"""Events in the order they came, and a way to wait for one of them, whether it came already or not."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class History(Generic[T]):
    """What somebody has said so far, oldest first."""

    def __init__(self) -> None:
        self._items: list[T] = []
        self._news = asyncio.Event()
        self._ended = False

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: T) -> None:
        self._items.append(item)
        self._news.set()

    def forget(self) -> None:
        """Keep nothing of what was said; while somebody waits nothing may be forgotten."""
        self._items.clear()

    def end(self) -> None:
        """There will be no more."""
        self._ended = True
        self._news.set()

    async def wait(self, accept: Callable[[T], bool], within: float, start: int = 0) -> T:
        """The first accepted item at or after place `start`. Raises `TimeoutError`, `EOFError`."""
        async with asyncio.timeout(within):
            while True:
                for item in self._items[start:]:
                    if accept(item):
                        return item
                if self._ended:
                    raise EOFError
                start = len(self._items)
                self._news.clear()
                await self._news.wait()
