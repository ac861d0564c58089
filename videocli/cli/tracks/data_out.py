"""`--data-out FILE`: every message that comes on a data track, one JSON object a line."""

import contextlib
import errno
import json
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from videocli.cli.exit_codes import UsageError
from videocli.cli.joining.faces import Face
from videocli.cli.joining.stay import Stay
from videocli.cli.words import event_lines
from videocli.cli.writing import output
from videocli.cli.writing.line_writer import LineWriter
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.errors import VideoError
from videocli.outside import Outside

MAX_UNWRITTEN_BYTES = 16 << 20
"""What waits for a slow disk; messages beyond it are not written."""

_MISSING = "Messages at the end are missing in it."


def open_data_out(path: Path) -> int:
    """The file to append to. Raises `UsageError` when it cannot be written.

    A FIFO needs its reader by now: waiting for one could take for ever.
    """
    if str(path) == "-":
        raise UsageError(
            "--data-out takes a file, and stdout is taken",
            "Name a file, or use --json: its trackMessage events have every message.",
        )
    flags = (
        os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    )
    try:
        fd = os.open(path, flags, 0o666)
    except OSError as fault:
        why = "nobody reads the pipe" if fault.errno == errno.ENXIO else fault.strerror
        raise UsageError(f"{path} cannot be written: {why}", "Choose another --data-out.") from fault
    if not stat.S_ISFIFO(os.fstat(fd).st_mode) and hasattr(os, "set_blocking"):
        os.set_blocking(fd, True)
    return fd


class DataOutFace:
    """A face that also writes the messages to a file. What goes wrong with the file is no end of the stay."""

    def __init__(self, face: Face, path: Path, fd: int) -> None:
        self._face = face
        self._path = path
        self._fd = fd
        self._writer: LineWriter | None = None
        self._stay: Stay | None = None
        self._is_late = False

    def show(self, occurrence: ev.Occurrence) -> None:
        """Write it, if it is a message; and show it."""
        if isinstance(occurrence.event, ev.TrackMessage) and self._writer is not None:
            self._write(self._writer, occurrence)
        self._face.show(occurrence)

    @asynccontextmanager
    async def around(self, stay: Stay, outside: Outside) -> AsyncIterator[None]:
        """Writes, until all that came is written."""
        self._stay = stay
        writer = self._writer = LineWriter(self._failed, self._fd, "ascii")
        try:
            async with self._face.around(stay, outside):
                yield
        finally:
            was_told, self._writer, self._stay = self._writer is None, None, None
            await self._end(writer, was_told)

    def abandon(self) -> None:
        """Leave everything as it should be left, and end the process at once."""
        self._face.abandon()

    async def _end(self, writer: LineWriter, was_told: bool) -> None:
        with contextlib.suppress(OSError):
            await writer.close()
        if writer.failure is None and writer.unwritten_bytes:
            # Its thread hangs in a write: the file stays open until the process ends.
            output.complain(self._problem("it takes nothing"), _MISSING)
            return
        os.close(self._fd)
        if writer.failure is not None and not was_told:
            output.complain(self._problem(writer.failure.strerror), _MISSING)

    def _write(self, writer: LineWriter, occurrence: ev.Occurrence) -> None:
        fields = event_lines.to_json(occurrence)
        del fields["event"], fields["room"]
        if writer.unwritten_bytes < MAX_UNWRITTEN_BYTES:
            self._is_late = False
            writer.write(json.dumps(fields, separators=(",", ":")))
        elif not self._is_late:
            self._is_late = True
            self._complain("the disk is too slow", "Messages are missing in it until the disk has caught up.")

    def _failed(self) -> None:
        """The file takes no more: said once, and nothing is tried again."""
        if self._writer is not None:
            failure = self._writer.failure
            self._writer = None
            why = failure.strerror if failure is not None else None
            self._complain(why, "No message is written from now on. Join again with another --data-out.")

    def _complain(self, why: str | None, what_now: str) -> None:
        if self._stay is not None:
            problem = VideoError(name="DataOutFailed", message=self._problem(why), explanation=what_now)
            self._stay.post(cmd.Complain(problem))

    def _problem(self, why: str | None) -> str:
        return f"{self._path} cannot be written: {why or 'unknown fault'}"
