"""What blocks the event loop of this process: a thread looks, since the loop itself cannot say."""

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from videocli.bots.results import Blocked
from videocli.cli.writing.redaction import one_line

BEAT_SECONDS = 0.5
LOOK_SECONDS = 1.0
LATE_SECONDS = 2.0
"""A loop that is later than this is blocked: whatever computes so long should not do so there."""
SCRIPT_OF = "script of "
"""How the name of a task begins that runs the script of a bot, whose identity is the rest of it."""


class Watchdog:
    """Watches the running loop, which is of the calling thread, from now on until `stop`."""

    def __init__(self, script: Path | None, say: Callable[[Blocked], object]) -> None:
        """`say` is called on another thread, once for each time that the loop is blocked."""
        self._script = script
        self._say = say
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._is_over = threading.Event()
        self._beat()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Watch no more."""
        self._is_over.set()
        self._timer.cancel()

    def _beat(self) -> None:
        self._beaten_at = time.monotonic()
        self._timer = self._loop.call_later(BEAT_SECONDS, self._beat)

    def _watch(self) -> None:
        was_late = False
        while not self._is_over.wait(LOOK_SECONDS):
            is_late = time.monotonic() - self._beaten_at > LATE_SECONDS
            if is_late and not was_late:
                self._say(self._what_blocks())
            was_late = is_late

    def _what_blocks(self) -> Blocked:
        place = place_in(self._script, sys._current_frames().get(self._loop_thread))
        task = asyncio.current_task(self._loop)
        name = "" if task is None else task.get_name()
        return Blocked(name.removeprefix(SCRIPT_OF) if name.startswith(SCRIPT_OF) else None, place)


def place_in(script: Path | None, frame: FrameType | None) -> str | None:
    """The line of the script that a thread with this innermost frame runs; None: it runs none of it."""
    while frame is not None and frame.f_code.co_filename != str(script):
        frame = frame.f_back
    return (
        None if frame is None else one_line(f"{Path(frame.f_code.co_filename).name}, line {frame.f_lineno}")
    )
