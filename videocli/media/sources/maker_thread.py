"""A thread of its own for what makes frames: FFmpeg blocks, and may not be called from two threads."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Protocol

from videocli.media.frames import EncodedFrame

_CLOSE_SECONDS = 1.0
"""How long to wait for a call that is under way; FFmpeg may hang in a read, and cannot be woken."""


class FrameMaker(Protocol):
    """Makes the frames of one track, one after another. Every method may block."""

    def next(self, elapsed: float, wants_keyframe: bool) -> EncodedFrame | None:
        """The next frame; None: there is none.

        Its timestamp counts from the first frame. `elapsed` is how many seconds after the first frame it is
        now. Raises `SourceError`.
        """
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...


_Answer = asyncio.Future[EncodedFrame | None]


class MakerThread:
    """Makes and runs a `FrameMaker` on a thread; closes it there too.

    The thread is a daemon: one that hangs in a read does not keep the process alive.
    """

    def __init__(self, make: Callable[[], FrameMaker], name: str) -> None:
        self._make = make
        self._loop = asyncio.get_running_loop()
        self._requests: queue.SimpleQueue[tuple[_Answer, float, bool] | None] = queue.SimpleQueue()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def next(self, elapsed: float, wants_keyframe: bool) -> EncodedFrame | None:
        """`FrameMaker.next` on the thread; the first call makes the maker."""
        answer: _Answer = self._loop.create_future()
        self._requests.put((answer, elapsed, wants_keyframe))
        return await answer

    async def close(self) -> None:
        """Free everything; a call that hangs is left behind, and frees everything when it returns."""
        self._requests.put(None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._ended.wait()
            self._thread.join()

    def _work(self) -> None:
        maker: FrameMaker | None = None
        try:
            while (request := self._requests.get()) is not None:
                answer, elapsed, wants_keyframe = request
                try:
                    maker = maker or self._make()
                    frame = maker.next(elapsed, wants_keyframe)
                except Exception as error:
                    self._on_loop(_fail, answer, error)
                else:
                    self._on_loop(_succeed, answer, frame)
        finally:
            try:
                if maker is not None:
                    maker.close()
            finally:
                self._on_loop(self._ended.set)

    def _on_loop(self, function: Callable[..., None], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *arguments)


def _succeed(answer: _Answer, frame: EncodedFrame | None) -> None:
    if not answer.done():
        answer.set_result(frame)


def _fail(answer: _Answer, error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
