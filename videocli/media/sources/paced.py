"""Runs what makes frames, on a thread, and sends them at their pace, on the loop."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from videocli.media.frames import Codec, EncodedFrame, MediaKind
from videocli.media.sources.maker_thread import FrameMaker, MakerThread

KEYFRAME_SECONDS = 0.3
"""The least time between a keyframe and the next one that is made only because it was asked for."""

_MAX_LATE_SECONDS = 0.5
"""A source that is later than this does not catch up: what follows is put off."""


class Alarm(Protocol):
    """A call to come."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """What frames are paced by, in seconds on any clock that never goes back."""

    def time(self) -> float: ...

    def call_at(self, at: float, call: Callable[[], None]) -> Alarm:
        """Have it called at `at`, which is not past."""
        ...

    async def sleep_until(self, at: float) -> None:
        """Return at `at`, or at once if that is past."""
        ...


class LoopClock:
    """The running event loop's clock."""

    def time(self) -> float:
        return asyncio.get_running_loop().time()

    def call_at(self, at: float, call: Callable[[], None]) -> Alarm:
        return asyncio.get_running_loop().call_at(at, call)

    async def sleep_until(self, at: float) -> None:
        await asyncio.sleep(max(at - self.time(), 0.0))


class Delay:
    """Seconds by which what is still to come is later than was thought. Any thread may use it.

    Shared by what has to keep step: what one cannot send in time, the other sends later, too.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        """It only grows."""
        self._lock = threading.Lock()

    def at_least(self, seconds: float) -> None:
        """Grow to so much."""
        with self._lock:
            self.seconds = max(self.seconds, seconds)


class PacedSource:
    """`Source` of the frames interface around a `FrameMaker`.

    A frame is sent when its timestamp says, counted from the first one. What comes a little late is sent at
    once; after a longer stall the timestamps jump by as much, so that they stay in step with the clock. It
    ends when its last frame has lasted.

    A keyframe that is asked for while a picture waits for its time is made of that picture, and sent at once
    with the time it is then: who asks sees nothing until it comes. Where only the next picture can be one,
    those that were made ahead are made once more.

    `starts_at`: asked once, with the time at which the first frame is there; when that frame is, or was, due.
    `make_delay`: the delay of a run; without it each run has its own.
    """

    def __init__(
        self,
        kind: MediaKind,
        make: Callable[[Codec], FrameMaker],
        clock: Clock | None = None,
        starts_at: Callable[[float], float] = lambda now: now,
        make_delay: Callable[[], Delay] = Delay,
    ) -> None:
        self._kind: MediaKind = kind
        self._make = make
        self._clock = clock or LoopClock()
        self._starts_at = starts_at
        self._make_delay = make_delay
        self._wishes: set[_Wish] = set()

    @property
    def kind(self) -> MediaKind:
        return self._kind

    def request_keyframe(self) -> None:
        """As `Source` says; any number of requests before the next keyframe are one."""
        for wish in self._wishes:
            wish.make()

    async def run(self, codec: Codec, send: Callable[[EncodedFrame], None]) -> None:
        thread = MakerThread(partial(self._make, codec), name=f"videocli-{self._kind}-source")
        wish = _Wish()
        self._wishes.add(wish)
        run = _Run(thread, codec.clock_rate, send, self._clock, self._starts_at, self._make_delay(), wish)
        try:
            await run.pump()
        finally:
            self._wishes.discard(wish)
            run.cancel()
            await thread.close()


class _Wish:
    """That the next picture of a run be a keyframe; it wakes the run, should it sleep."""

    def __init__(self) -> None:
        self.is_open = False
        self._sleeping: asyncio.Task[None] | None = None

    def make(self) -> None:
        self.is_open = True
        if self._sleeping is not None:
            self._sleeping.cancel()

    async def sleep(self, clock: Clock, until: float) -> None:
        """Return then, or once it is made anew."""
        self._sleeping = sleeping = asyncio.create_task(clock.sleep_until(until))
        try:
            await asyncio.wait({sleeping})
        finally:
            self._sleeping = None
            sleeping.cancel()


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A frame that is sent by an alarm."""

    frame: EncodedFrame
    due_before: float
    """When the frame before it is due."""
    alarm: Alarm


class _Run:
    """The frames of one codec, from the first to the last.

    Of frames that were made at once the last is slept for, those before it only have alarms set: an alarm
    costs half of what it does to sleep, which wakes a task in a second turn of the loop.
    """

    def __init__(
        self,
        thread: MakerThread,
        rate: int,
        send: Callable[[EncodedFrame], None],
        clock: Clock,
        starts_at: Callable[[float], float],
        delay: Delay,
        wish: _Wish,
    ) -> None:
        self._thread = thread
        self._rate = rate
        self._send = send
        self._clock = clock
        self._starts_at = starts_at
        self._wish = wish
        self._started_at: float | None = None
        self._max_late = _MAX_LATE_SECONDS
        self._delay = delay
        self._put_off = 0
        """The delay when the latest frame was placed, in units of its timestamp."""
        self._waiting: deque[_Waiting] = deque()
        self._due_at = self._step = 0.0
        """When the latest frame is due, and how long after the one before it."""
        self._elapsed = 0.0
        self._sent_timestamp = 0
        self._keyframe_timestamp = 0
        self._has_taken_back = False
        """And no keyframe has come of it yet."""

    async def pump(self) -> None:
        """Return when the last frame has lasted."""
        while (frame := await self._thread.next(self._elapsed, self._is_keyframe_due())) is not None:
            due_before = self._place(frame)
            if self._thread.has_next and self._clock.time() < self._due_at:
                alarm = self._clock.call_at(self._due_at, partial(self._deliver_waiting, self._put_off))
                self._waiting.append(_Waiting(frame, due_before, alarm))
            elif (ready := await self._when_due(frame, due_before)) is not None:
                self._deliver(ready, self._put_off)
                self._sent_timestamp = ready.timestamp
                self._elapsed = self._clock.time() - self._begun_at
        await self._clock.sleep_until(self._due_at + self._step)

    def cancel(self) -> None:
        """Send nothing more."""
        for each in self._waiting:
            each.alarm.cancel()
        self._waiting.clear()

    def _place(self, frame: EncodedFrame) -> float:
        """Work out when it is due; when the one before it is, or was."""
        if self._started_at is None:
            now = self._clock.time()
            self._started_at = self._due_at = self._starts_at(now)
            self._max_late += max(now - self._started_at, 0.0)
        self._put_off = round(self._delay.seconds * self._rate)
        due_before, self._due_at = self._due_at, self._begun_at + frame.timestamp / self._rate
        self._step = self._due_at - due_before
        late = self._clock.time() - self._due_at
        if late > self._max_late:
            self._delay.at_least(self._put_off / self._rate + late)
            self._put_off = round(self._delay.seconds * self._rate)
        return due_before

    @property
    def _begun_at(self) -> float:
        """When timestamp 0 was due, or would have been."""
        return (self._started_at or 0.0) + self._put_off / self._rate

    async def _when_due(self, frame: EncodedFrame, due_before: float) -> EncodedFrame | None:
        """The frame, when it is due; a keyframe in its place, and earlier; None: it was taken back."""
        thread = self._thread
        takes_back = thread.can_take_back and bool(self._waiting) and not self._has_taken_back
        if not frame.is_keyframe and (thread.can_remake or takes_back) and await self._is_hurried():
            if thread.can_remake:
                if (remade := await thread.remake()) is not None:
                    now = round((self._clock.time() - self._begun_at) * self._rate)
                    timestamp = min(max(now, self._sent_timestamp + 1), frame.timestamp)
                    return replace(remade, timestamp=timestamp)
            elif not any(each.frame.is_keyframe for each in self._waiting):
                await self._take_back(due_before)
                return None
        await self._clock.sleep_until(self._due_at)
        return frame

    async def _take_back(self, due_before: float) -> None:
        """All that was not sent, the latest frame too."""
        count = len(self._waiting) + 1
        self._due_at = self._waiting[0].due_before if self._waiting else due_before
        self._elapsed = self._clock.time() - self._begun_at
        self._has_taken_back = True
        self.cancel()
        await self._thread.take_back(count)

    async def _is_hurried(self) -> bool:
        """Wait until the latest frame is due; True: it is to be a keyframe, and now."""
        while not (is_hurried := self._is_keyframe_due()) and self._clock.time() < self._due_at:
            until = min(self._due_at, self._keyframe_allowed_at) if self._wish.is_open else self._due_at
            await self._wish.sleep(self._clock, until)
        return is_hurried

    def _is_keyframe_due(self) -> bool:
        return self._wish.is_open and self._clock.time() >= self._keyframe_allowed_at

    @property
    def _keyframe_allowed_at(self) -> float:
        return self._begun_at + self._keyframe_timestamp / self._rate + KEYFRAME_SECONDS

    def _deliver_waiting(self, put_off: int) -> None:
        self._deliver(self._waiting.popleft().frame, put_off)

    def _deliver(self, frame: EncodedFrame, put_off: int) -> None:
        if frame.is_keyframe:
            self._wish.is_open = False
            self._keyframe_timestamp = frame.timestamp
            self._has_taken_back = False
        self._send(replace(frame, timestamp=frame.timestamp + put_off) if put_off else frame)
