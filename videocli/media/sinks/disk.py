"""Writes files on a thread: a slow disk never holds up the room, what it cannot keep up with is refused."""

import asyncio
import contextlib
import errno
import os
import queue
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from videocli.tasks import call_on

WAITING_BYTES = 32 << 20
"""How much may wait for the disk, of all files together."""

Write = Callable[[int, memoryview], int]
"""`os.write`."""


class Disk:
    """The thread. Made and used on the loop's thread."""

    def __init__(self, write: Write = os.write, waiting_bytes: int = WAITING_BYTES) -> None:
        self._write = write
        self._room = waiting_bytes
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._texts: dict[Path, str] = {}
        self._outdated: set[Path] = set()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._work, name="videocli-disk", daemon=True)
        self._thread.start()

    def create(self, path: Path, on_error: Callable[[OSError], None]) -> "DiskFile":
        """A new file, which must not be there yet; its directory is made if it is not there any more.

        `on_error` is called once, on the loop's thread.
        """
        return DiskFile(self, path, on_error)

    def replace(self, path: Path, text: str, on_error: Callable[[OSError], None]) -> None:
        """Let a file hold just this, at once or not at all; of several texts in a row the last one counts.

        A disk that cannot take it keeps the old one. `on_error` is called on the loop's thread, once until
        a text is taken again.
        """
        with self._lock:
            is_first = path not in self._texts
            self._texts[path] = text
        if is_first:
            self._jobs.put(lambda: self._replace(path, on_error))

    async def close(self, within: float) -> bool:
        """End the thread when all is written; False: that would take longer than so many seconds."""
        self._jobs.put(None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._ended.wait()
            self._thread.join()
            return True
        return False

    def enqueue(self, size: int, is_needed: bool, job: Callable[[], None]) -> bool:
        """Run a job that writes so many bytes; False: too much waits already, and it is not needed."""
        with self._lock:
            if size > self._room and not is_needed:
                return False
            self._room -= size
        self._jobs.put(lambda: self._run(size, job))
        return True

    def write_all(self, descriptor: int, data: bytes) -> None:
        """Write everything. Raises `OSError`."""
        view = memoryview(data)
        while view:
            view = view[self._write(descriptor, view) :]

    def on_loop(self, function: Callable[[], None]) -> None:
        """Call something on the loop's thread; nobody waits for it when the loop is closed."""
        call_on(self._loop, function)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
        self.on_loop(self._ended.set)

    def _run(self, size: int, job: Callable[[], None]) -> None:
        try:
            job()
        finally:
            with self._lock:
                self._room += size

    def _replace(self, path: Path, on_error: Callable[[OSError], None]) -> None:
        with self._lock:
            text = self._texts.pop(path)
        fresh = path.with_name(f".{path.name}.new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o666)
            try:
                self.write_all(descriptor, text.encode())
            finally:
                os.close(descriptor)
            fresh.replace(path)
            self._outdated.discard(path)
        except OSError as fault:
            if path not in self._outdated:
                self._outdated.add(path)
                self.on_loop(partial(on_error, fault))
            with contextlib.suppress(OSError):
                fresh.unlink()


class DiskFile:
    """A file that grows. After an error it keeps what was written whole, and takes no more."""

    def __init__(self, disk: Disk, path: Path, on_error: Callable[[OSError], None]) -> None:
        self._disk = disk
        self._path = path
        self._on_error = on_error
        self._descriptor: int | None = None
        self.kept = 0
        """Bytes that were written whole; what the file has once `on_error` is called."""
        self.is_removed = False
        """Whether somebody removed it while it was written."""
        disk.enqueue(0, True, self._open)

    def append(self, data: bytes, is_needed: bool = False) -> bool:
        """Write at the end; False: the disk is too slow, and these bytes are left out, unless needed."""
        return self._disk.enqueue(len(data), is_needed, self._guarded(lambda: self._append(data)))

    def finish(self, tail: bytes, patches: Sequence[tuple[int, bytes]]) -> None:
        """Write the end, and what belongs elsewhere, and close."""

        def write() -> None:
            self._append(tail)
            for at, data in patches:
                assert self._descriptor is not None
                os.lseek(self._descriptor, at, os.SEEK_SET)
                self._disk.write_all(self._descriptor, data)

        self._disk.enqueue(len(tail), True, self._guarded(write))
        self._disk.enqueue(0, True, self._close)

    # On the thread.

    def _open(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except OSError as fault:
            self._fail(fault)

    def _append(self, data: bytes) -> None:
        assert self._descriptor is not None
        self._disk.write_all(self._descriptor, data)
        self.kept += len(data)
        if not os.fstat(self._descriptor).st_nlink:
            self.kept, self.is_removed = 0, True
            raise FileNotFoundError(errno.ENOENT, "it was removed")

    def _guarded(self, work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            if self._descriptor is not None:
                try:
                    work()
                except OSError as fault:
                    self._fail(fault)

        return run

    def _fail(self, fault: OSError) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self.kept)
        self._close()
        self._disk.on_loop(lambda: self._on_error(fault))

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(descriptor)
