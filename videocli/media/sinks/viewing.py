"""Decodes one video track for somebody who watches, on a thread of its own.

Every frame has to be decoded, since the next one builds on it; but at most `PICTURES_A_SECOND` are scaled,
converted and handed over; fewer, if that would take more than a part of a core.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from videocli.media.bitmap import Bitmap, Box
from videocli.media.frames import EncodedFrame
from videocli.media.sinks.decoder import Decoder
from videocli.tasks import call_on

PICTURES_A_SECOND = 10
WAITING_FRAMES = 30
"""How many frames may wait for the thread, about a second of them; then all are dropped."""
CLOSE_SECONDS = 1.0
"""How long to wait for a picture that is being decoded."""

LARGEST_SHARE = 0.25
"""Of a core, for what `draw` does with pictures."""

_SHORTEST = 1 / PICTURES_A_SECOND
_BYTES_A_PIXEL = {"rgb24": 3, "rgb8": 1}
_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Pictures:
    """Frames in, pictures out, some of them. For one thread; times are seconds on any clock."""

    def __init__(self, lose: Callable[[], None] = lambda: None) -> None:
        """`lose` is called for each frame that cannot be decoded."""
        self._decoder = Decoder(lose)
        self._scaler = VideoReformatter()
        self._latest: VideoFrame | None = None
        self._is_new = False
        self._next_at = 0.0

    def take(self, frame: EncodedFrame) -> None:
        """Decode a frame."""
        for decoded in self._decoder.decode(frame):
            self._latest = decoded
            self._is_new = True

    def due_at(self) -> float | None:
        """From when on there is a picture to `cut`; None: there is no new one."""
        return self._next_at if self._is_new else None

    def rest(self, cut_at: float, now: float) -> None:
        """What was made of the picture `cut` then is ready now: keep the pace to `LARGEST_SHARE`."""
        self._next_at = max(self._next_at, cut_at + (now - cut_at) / LARGEST_SHARE)

    def cut(self, box: Box, now: float) -> Bitmap | None:
        """The latest picture, new or not, scaled to fit; None: there is none yet."""
        if self._latest is None:
            return None
        self._is_new = False
        self._next_at = now + _SHORTEST
        width, height = box.fitted(self._latest.width, self._latest.height)
        scaled = self._scaler.reformat(
            self._latest, width=width, height=height, format=box.format, interpolation=Interpolation.AREA
        )
        plane = scaled.planes[0]
        data, step, used = bytes(plane), plane.line_size, width * _BYTES_A_PIXEL[box.format]
        rows = (data[start : start + used] for start in range(0, step * height, step))
        return Bitmap(width, height, b"".join(rows), box.format)


class Viewing(Generic[_T]):
    """Somebody watching one track. Made and used on the loop's thread.

    `draw` makes of a picture what can be shown, on the decoding thread; `show` gets it, on the loop's.
    `restart` is called when frames were dropped, or cannot be decoded: what is to come should begin with a
    keyframe.
    """

    def __init__(
        self,
        box: Box,
        draw: Callable[[Bitmap], _T],
        *,
        show: Callable[[_T], None],
        restart: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shape = (box, draw)
        self._is_reshaped = False
        self._show = show
        self._restart = restart
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._frames: deque[EncodedFrame] = deque()
        self._news = threading.Condition()
        self._needs_keyframe = True
        self._is_closing = False
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="videocli-picture", daemon=True)
        self._thread.start()

    def take(self, frame: EncodedFrame) -> None:
        """A frame came; when too many wait, all go, and none is taken until the next keyframe."""
        with self._news:
            if self._needs_keyframe and not frame.is_keyframe:
                return
            is_full = len(self._frames) >= WAITING_FRAMES
            if is_full:
                self._frames.clear()
            self._needs_keyframe = is_full and not frame.is_keyframe
            if not self._needs_keyframe:
                self._frames.append(frame)
                self._news.notify()
        if self._needs_keyframe:
            self._restart()

    def reshape(self, box: Box, draw: Callable[[Bitmap], _T]) -> None:
        """Show the pictures in another way, beginning with the latest one, at once."""
        with self._news:
            self._shape, self._is_reshaped = (box, draw), True
            self._news.notify()

    def stop(self) -> None:
        """Show and decode nothing more; the thread ends as soon as it can."""
        with self._news:
            self._is_closing = True
            self._news.notify()

    async def close(self) -> None:
        """`stop`, and wait for the thread, though not for ever."""
        self.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._ended.wait()
            self._thread.join()

    def _deliver(self, drawn: _T) -> None:
        if not self._is_closing:
            self._show(drawn)

    # On the thread.

    def _run(self) -> None:
        try:
            self._work()
        except Exception:
            _log.exception("showing a track failed")
        finally:
            call_on(self._loop, self._ended.set)

    def _work(self) -> None:
        pictures = Pictures(self._lose)
        while True:
            with self._news:
                while not (self._frames or self._is_reshaped or self._is_closing):
                    due_at = pictures.due_at()
                    if due_at is not None and not self._news.wait(max(due_at - self._clock(), 0.0)):
                        break
                    if due_at is None:
                        self._news.wait()
                if self._is_closing:
                    return
                frame = self._frames.popleft() if self._frames else None
                (box, draw), is_reshaped = self._shape, self._is_reshaped
                self._is_reshaped = False
            if frame is not None:
                pictures.take(frame)
            now, due_at = self._clock(), pictures.due_at()
            if is_reshaped or (due_at is not None and due_at <= now):
                bitmap = pictures.cut(box, now)
                if bitmap is not None:
                    drawn = draw(bitmap)
                    pictures.rest(now, self._clock())
                    call_on(self._loop, self._deliver, drawn)

    def _lose(self) -> None:
        """A frame cannot be decoded, nor can what builds on it: go on with the next keyframe."""
        with self._news:
            while self._frames and not self._frames[0].is_keyframe:
                self._frames.popleft()
            if self._frames or self._needs_keyframe:
                return
            self._needs_keyframe = True
        call_on(self._loop, self._restart)
