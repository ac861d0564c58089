"""Runs what makes frames, on a thread, and sends them at their pace, on the loop."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Protocol

from videocli.media.frames import Codec, EncodedFrame, MediaKind
from videocli.media.sources.maker_thread import FrameMaker, MakerThread

KEYFRAME_SECONDS = 0.3
"""The least time between a keyframe and the next one that is made only because it was asked for."""

_MAX_AHEAD = 64
"""Frames that wait for their time at once, at most."""

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


class PacedSource:
    """`Source` of the frames interface around a `FrameMaker`.

    A frame is sent when its timestamp says, counted from the first one. What comes a little late is sent at
    once; after a longer stall the timestamps jump by as much, so that they stay in step with the clock. It
    ends when its last frame has lasted.

    A keyframe that is asked for while a picture waits for its time is made of that picture, and sent at once
    with the time it is then: who asks sees nothing until it comes.

    `starts_at`: asked once, with the time at which the first frame is there; when that frame is, or was, due.
    """

    def __init__(
        self,
        kind: MediaKind,
        make: Callable[[Codec], FrameMaker],
        clock: Clock | None = None,
        starts_at: Callable[[float], float] = lambda now: now,
    ) -> None:
        self._kind: MediaKind = kind
        self._make = make
        self._clock = clock or LoopClock()
        self._starts_at = starts_at
        self._wants_keyframe = False
        self._keyframe_timestamp = 0
        self._dozing: set[asyncio.Task[None]] = set()

    @property
    def kind(self) -> MediaKind:
        return self._kind

    def request_keyframe(self) -> None:
        """As `Source` says; any number of requests before the next keyframe are one."""
        self._wants_keyframe = True
        for dozing in self._dozing:
            dozing.cancel()

    async def run(self, codec: Codec, send: Callable[[EncodedFrame], None]) -> None:
        thread = MakerThread(partial(self._make, codec), name=f"videocli-{self._kind}-source")
        alarms: deque[Alarm] = deque(maxlen=_MAX_AHEAD)
        try:
            await self._pump(thread, codec.clock_rate, send, alarms)
        finally:
            for alarm in alarms:
                alarm.cancel()
            await thread.close()

    async def _pump(
        self, thread: MakerThread, rate: int, send: Callable[[EncodedFrame], None], alarms: deque[Alarm]
    ) -> None:
        """The last of the frames that were made at once is slept for, those before it only have alarms set.

        An alarm costs half of what it does to sleep, which wakes a task in a second turn of the loop.
        """
        clock = self._clock
        elapsed = 0.0
        started_at: float | None = None
        max_late = _MAX_LATE_SECONDS
        put_off = 0
        self._keyframe_timestamp = 0
        sent = 0
        due_at = step = 0.0
        while True:
            frame = await thread.next(elapsed, self._is_keyframe_due(elapsed, rate))
            if frame is None:
                await clock.sleep_until(due_at + step)
                return
            if started_at is None:
                now = clock.time()
                started_at = due_at = self._starts_at(now)
                max_late += max(now - started_at, 0.0)
            before, due_at = due_at, started_at + (frame.timestamp + put_off) / rate
            step = due_at - before
            late = clock.time() - due_at
            if late > max_late:
                put_off += round(late * rate)
            if thread.has_next and late < 0:
                alarms.append(clock.call_at(due_at, partial(self._deliver, frame, put_off, send)))
                continue
            begun_at = started_at + put_off / rate
            if not thread.can_remake or frame.is_keyframe:
                await clock.sleep_until(due_at)
            elif await self._hurries(due_at, begun_at, rate) and (remade := await thread.remake()):
                now = round((clock.time() - begun_at) * rate)
                frame = replace(remade, timestamp=min(max(now, sent + 1), frame.timestamp))
            self._deliver(frame, put_off, send)
            sent = frame.timestamp
            elapsed = clock.time() - begun_at

    def _is_keyframe_due(self, elapsed: float, rate: int) -> bool:
        return self._wants_keyframe and elapsed - self._keyframe_timestamp / rate >= KEYFRAME_SECONDS

    async def _hurries(self, due_at: float, begun_at: float, rate: int) -> bool:
        """Wait until a frame is due; True: it is to be a keyframe, and now."""
        clock = self._clock
        while not (hurries := self._is_keyframe_due(clock.time() - begun_at, rate)) and clock.time() < due_at:
            await self._doze(due_at)
        return hurries

    async def _doze(self, due_at: float) -> None:
        """Sleep until then, or until a keyframe is asked for."""
        dozing = asyncio.create_task(self._clock.sleep_until(due_at))
        self._dozing.add(dozing)
        try:
            await asyncio.wait({dozing})
        finally:
            self._dozing.discard(dozing)
            dozing.cancel()

    def _deliver(self, frame: EncodedFrame, put_off: int, send: Callable[[EncodedFrame], None]) -> None:
        if frame.is_keyframe:
            self._wants_keyframe = False
            self._keyframe_timestamp = frame.timestamp
        send(replace(frame, timestamp=frame.timestamp + put_off) if put_off else frame)
