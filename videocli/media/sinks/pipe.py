"""Feeds the decoded frames of one track to a command's stdin, on a thread of its own."""

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import IO

from videocli.media.frames import EncodedFrame, MediaKind
from videocli.media.sinks.raw import RawMaker, raw_maker
from videocli.tasks import call_on

_log = logging.getLogger(__name__)

WAITING_FRAMES: Mapping[MediaKind, int] = {"audio": 100, "video": 60}
"""How many frames may wait for a slow command: some 2 s."""

FINISH_SECONDS = 3.0
"""How long a command has from the end of its stdin until SIGTERM."""
TERMINATE_SECONDS = 1.0
"""And from there until SIGKILL."""

_NOT_STARTED = (126, 127)
"""With these the shell ends for a command that it found but could not execute, or did not find (POSIX.1-2017,
Shell and Utilities, 2.8.2)."""


class Pipe:
    """One command. Made and used on the loop's thread.

    `restart` is called when video was dropped, or cannot be decoded: what is to come should begin with a
    keyframe. `gone` is called once, with the reason in words, when the command ends before `close`, or cannot
    be started.
    """

    def __init__(
        self,
        command: str,
        kind: MediaKind,
        variables: Mapping[str, str],
        *,
        output: IO[bytes] | int | None,
        restart: Callable[[], None],
        gone: Callable[[str], None],
    ) -> None:
        """`variables` are added to the command's environment; it writes to `output`."""
        self.dropped = 0
        """Frames that the command was too slow for."""
        self._command = command
        self._kind: MediaKind = kind
        self._variables = variables
        self._output = output
        self._restart = restart
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._frames: deque[EncodedFrame] = deque()
        self._news = threading.Condition()
        self._is_closing = False
        self._needs_keyframe = kind == "video"
        self._is_undecodable = False
        """What came last; a keyframe is awaited, though the command was not too slow."""
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="videocli-pipe", daemon=True)
        self._thread.start()

    def take(self, frame: EncodedFrame) -> None:
        """A frame came; dropped if too many wait."""
        with self._news:
            is_full = len(self._frames) >= WAITING_FRAMES[self._kind]
            is_useless = (self._needs_keyframe or self._is_undecodable) and not frame.is_keyframe
            if not (is_full or is_useless):
                self._needs_keyframe = self._is_undecodable = False
                self._frames.append(frame)
                self._news.notify()
                return
        self.dropped += is_full or self._needs_keyframe
        if is_full and self._kind == "video" and not self._needs_keyframe:
            self._needs_keyframe = True
            self._restart()

    async def close(self) -> None:
        """End the command, in bounded time: its stdin ends after what waits, then SIGTERM, then SIGKILL."""
        with self._news:
            self._is_closing = True
            self._news.notify()
        for seconds, number in ((FINISH_SECONDS, signal.SIGTERM), (TERMINATE_SECONDS, signal.SIGKILL)):
            if await self._ends_within(seconds):
                return
            self._signal(number)
        await self._ends_within(TERMINATE_SECONDS)

    async def _ends_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()
            self._thread.join()
            return True
        return False

    def _signal(self, number: signal.Signals) -> None:
        """To the command and all that it started: it is a session of its own, which Ctrl-C does not reach."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    # On the thread.

    def _run(self) -> None:
        try:
            reason = self._feed()
        except OSError as fault:
            reason = f"it cannot be started: {fault.strerror}"
        except Exception:
            _log.exception("feeding a command failed")
            reason = "feeding it failed"
        call_on(self._loop, self._end, reason)

    def _end(self, reason: str) -> None:
        self._ended.set()
        if not self._is_closing:
            self._gone(reason)

    def _feed(self) -> str:
        process = self._process = subprocess.Popen(
            self._command,
            shell=True,
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=self._output,
            env={**os.environ, **self._variables},
            start_new_session=True,
            bufsize=0,
        )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), contextlib.closing(process.stdin):
            self._write_all(process.stdin.fileno(), raw_maker(self._kind, self._lose))
        status = process.wait()
        if status in _NOT_STARTED:
            return f"it cannot be found or started (exit code {status})"
        return f"it ended by signal {-status}" if status < 0 else f"it ended with {status}"

    def _write_all(self, descriptor: int, maker: RawMaker) -> None:
        """Until `close`, or until the command is gone, which raises `BrokenPipeError`."""
        while (frame := self._next()) is not None:
            for data in maker.make(frame):
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]

    def _lose(self) -> None:
        """A picture cannot be decoded, nor can what builds on it: go on with the next keyframe."""
        with self._news:
            while self._frames and not self._frames[0].is_keyframe:
                self._frames.popleft()
            if self._frames or self._needs_keyframe or self._is_undecodable:
                return
            self._is_undecodable = True
        call_on(self._loop, self._restart)

    def _next(self) -> EncodedFrame | None:
        """The next frame; None: there will be none."""
        with self._news:
            while not self._frames and not self._is_closing:
                self._news.wait()
            return self._frames.popleft() if self._frames else None
