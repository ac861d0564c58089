"""A thread of its own for what makes frames: FFmpeg blocks, and may not be called from two threads."""

import asyncio
import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol, runtime_checkable

from videocli.media.frames import EncodedFrame
from videocli.tasks import call_on

_CLOSE_SECONDS = 1.0
"""How long to wait for a call that is under way; FFmpeg may hang in a read, and cannot be woken."""


class FrameMaker(Protocol):
    """Makes the frames of one track, one after another. Every method may block."""

    @property
    def ahead(self) -> int:
        """How many frames may be made at once, because they take no time, and are the same if made early."""
        ...

    def next(self, elapsed: float, wants_keyframe: bool) -> EncodedFrame | None:
        """The next frame; None: there is none.

        Its timestamp counts from the first frame. `elapsed` is how many seconds after the first frame it is
        now. Raises `SourceError`.
        """
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...


@runtime_checkable
class FrameRemaker(Protocol):
    """A `FrameMaker` that need not wait for its next frame to make a keyframe."""

    def remake(self) -> EncodedFrame | None:
        """The frame that it made last, as a keyframe; None: it can be none.

        Whichever of the two is sent, the next frame goes on from the one that was made last; a keyframe
        needs nothing that was not sent.
        """
        ...


@runtime_checkable
class FrameTaker(Protocol):
    """A `FrameMaker` that takes frames back which were made ahead."""

    def take_back(self, count: int) -> None:
        """The last `count` frames that it made were not sent, and none is a keyframe: they come once more."""
        ...


_Answer = asyncio.Future[list[EncodedFrame]]
"""The next frames; none: there are no more."""

_Work = Callable[[FrameMaker, list[EncodedFrame]], None]
"""Has frames made, into a list that holds what was made before it raises."""


class MakerThread:
    """Makes and runs a `FrameMaker` on a thread; closes it there too.

    The thread is a daemon: one that hangs in a read does not keep the process alive.
    """

    def __init__(self, make: Callable[[], FrameMaker], name: str) -> None:
        self._make = make
        self._loop = asyncio.get_running_loop()
        self._requests: queue.SimpleQueue[tuple[_Answer, _Work] | None] = queue.SimpleQueue()
        self._ended = asyncio.Event()
        self._made: deque[EncodedFrame] = deque()
        self.can_remake = False
        """Whether `remake` may give something; known with the first frame."""
        self.can_take_back = False
        """Whether `take_back` may be called; not once the maker has failed."""
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @property
    def has_next(self) -> bool:
        """Whether the next frame has been made already."""
        return bool(self._made)

    async def next(self, elapsed: float, wants_keyframe: bool) -> EncodedFrame | None:
        """`FrameMaker.next` on the thread; the first call makes the maker.

        What has been made ahead comes first, whatever is wanted meanwhile.
        """
        if not self._made:
            self._made.extend(await self._ask(partial(_make, elapsed, wants_keyframe)))
        return self._made.popleft() if self._made else None

    async def remake(self) -> EncodedFrame | None:
        """`FrameRemaker.remake` on the thread, of the frame that came last."""
        remade = await self._ask(_remake)
        return remade[0] if remade else None

    async def take_back(self, count: int) -> None:
        """`FrameTaker.take_back` on the thread; every frame that was made has come from `next`."""
        await self._ask(partial(_take_back, count))

    async def _ask(self, work: _Work) -> list[EncodedFrame]:
        answer: _Answer = self._loop.create_future()
        self._requests.put((answer, work))
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
        failure: Exception | None = None
        try:
            while (request := self._requests.get()) is not None:
                answer, work = request
                frames: list[EncodedFrame] = []
                try:
                    if maker is None:
                        maker = self._make()
                        self.can_remake = isinstance(maker, FrameRemaker)
                    if failure is None:
                        work(maker, frames)
                except Exception as error:
                    failure = error
                self.can_take_back = failure is None and isinstance(maker, FrameTaker)
                if frames or failure is None:
                    call_on(self._loop, _succeed, answer, frames)
                else:
                    call_on(self._loop, _fail, answer, failure)
        finally:
            try:
                if maker is not None:
                    maker.close()
            finally:
                call_on(self._loop, self._ended.set)


def _make(elapsed: float, wants_keyframe: bool, maker: FrameMaker, frames: list[EncodedFrame]) -> None:
    while len(frames) < maker.ahead:
        frame = maker.next(elapsed, wants_keyframe and not frames)
        if frame is None:
            return
        frames.append(frame)


def _remake(maker: FrameMaker, frames: list[EncodedFrame]) -> None:
    frame = maker.remake() if isinstance(maker, FrameRemaker) else None
    if frame is not None:
        frames.append(frame)


def _take_back(count: int, maker: FrameMaker, frames: list[EncodedFrame]) -> None:
    assert isinstance(maker, FrameTaker)
    maker.take_back(count)


def _succeed(answer: _Answer, frames: list[EncodedFrame]) -> None:
    if not answer.done():
        answer.set_result(frames)


def _fail(answer: _Answer, error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
