"""What a room hands to a script, item by item: a bounded queue that never holds the room up."""

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Ending:
    """How a room ended, and whether the script has been told."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.is_told = False
        self._over = asyncio.Event()

    @property
    def is_over(self) -> bool:
        """Whether the room has ended."""
        return self._over.is_set()

    async def wait(self) -> None:
        """Wait for the end."""
        await self._over.wait()

    def end(self, error: Exception | None) -> None:
        """The room is over; None: we left, or were sent away without an error. Only the first end counts."""
        if not self.is_over:
            self.error = error
            self._over.set()

    def raise_error(self) -> None:
        """Raise why the room ended, if that was an error."""
        if self.error is not None:
            self.is_told = True
            raise self.error


class Stream(Generic[T]):
    """Items as they come: `async for item in stream`. A slow reader loses the oldest.

    Ends when its subject does: a track that is no longer subscribed to, or the room. What came before the end
    is still given; then, if an error ended the room, that is raised. Close it, or use it as a context
    manager, to stop earlier.
    """

    def __init__(self, limit: int, ending: Ending) -> None:
        if limit < 1:
            raise ValueError(f"a queue of {limit} items holds nothing")
        self.dropped = 0
        """Items that were dropped because the reader was slow."""
        self._items: deque[T] = deque(maxlen=limit)
        self._ending = ending
        self._at_end: list[Callable[[], object]] = []
        self._news = asyncio.Event()
        self._is_ended = False

    def __len__(self) -> int:
        """Items that wait."""
        return len(self._items)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._ending.is_over:
                self._ending.raise_error()
                raise StopAsyncIteration
            if self._is_ended:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._items.popleft()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take nothing more; what waits is forgotten. May be called twice."""
        self._items.clear()
        self.end()

    def at_end(self, callback: Callable[[], object]) -> None:
        """Call when the stream ends."""
        self._at_end.append(callback)

    def lose(self) -> None:
        """Count an item that is lost before it could be handed over."""
        self.dropped += 1

    def put(self, item: T) -> None:
        """Hand an item to the reader."""
        if not self._is_ended:
            self.dropped += len(self._items) == self._items.maxlen
            self._items.append(item)
            self._news.set()

    def end(self) -> None:
        """Nothing more will come."""
        if not self._is_ended:
            self._is_ended = True
            for callback in self._at_end:
                callback()
        self._news.set()
