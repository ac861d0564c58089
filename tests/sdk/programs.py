"""The command line as a user runs it: subprocesses that print NDJSON and take commands on stdin."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sdk.history import History

CREDENTIALS = {
    "TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000001",
    "TWILIO_API_KEY": "SK00000000000000000000000000000001",
    "TWILIO_API_SECRET": "a secret only these tests know",
}
LINE_LIMIT = 1 << 20


def now() -> float:
    """Milliseconds since the epoch."""
    return time.time() * 1000


@dataclass(frozen=True, slots=True)
class Line:
    """One event of the contract; `at` is when it was read, in milliseconds since the epoch."""

    at: float
    event: str
    fields: Mapping[str, Any]

    @property
    def identity(self) -> str | None:
        """Of the participant it is about."""
        participant = self.fields.get("participant")
        return participant["identity"] if participant else None

    @property
    def kind(self) -> str | None:
        """Of the track it is about."""
        track = self.fields.get("track")
        return track["kind"] if track else None


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a process holds."""

    threads: int
    sockets: int
    files: int
    """All open descriptors, sockets too."""

    def within(self, other: "Footprint") -> bool:
        """Whether it holds no more than the other of anything."""
        return self.threads <= other.threads and self.sockets <= other.sockets and self.files <= other.files


class Program:
    """A running videocli."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.events: History[Line] = History()
        self.stderr: list[str] = []
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def url(self) -> str:
        """Where a server listens."""
        url: str = next(line.fields["url"] for line in self.events if line.event == "listening")
        return url

    async def read(self) -> None:
        """Read all that it says, until it ends."""
        await asyncio.gather(self._read_events(), self._read_stderr())

    async def _read_events(self) -> None:
        assert self._process.stdout is not None
        async for text in self._process.stdout:
            fields = json.loads(text)
            self.events.add(Line(now(), fields["event"], fields))
        self.events.end()

    async def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        async for text in self._process.stderr:
            self.stderr.append(text.decode())

    async def wait_event(
        self,
        name: str,
        accept: Callable[[Line], bool] = lambda line: True,
        within: float = 30,
        *,
        after: float = 0,
    ) -> Line:
        """The first such event read after `after`, come already or not.

        Raises `TimeoutError`, and `EOFError` when the program ends without it.
        """

        def wanted(line: Line) -> bool:
            return line.event == name and line.at > after and accept(line)

        try:
            return await self.events.wait(wanted, within)
        except TimeoutError:
            raise TimeoutError(f"no {name} within {within} s. {self.account()}") from None
        except EOFError:
            raise EOFError(f"it ended without {name}. {self.account()}") from None

    def account(self) -> str:
        """What happened so far, for the message of a failing test."""
        events = [f"{line.event} {line.identity or ''} {line.kind or ''}" for line in self.events]
        return "\n  ".join(["Events:", *events, "Standard error:", *self.stderr])

    async def command(self, command: str, **fields: object) -> None:
        """Write a command of the contract to its stdin."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"command": command, **fields}).encode() + b"\n")
        await self._process.stdin.drain()

    def terminate(self) -> float:
        """Send SIGTERM; the time of it, in milliseconds since the epoch."""
        asked = now()
        self._send(signal.SIGTERM)
        return asked

    def _send(self, number: signal.Signals) -> None:
        """As `Process.send_signal`, which in a race with asyncio's watcher takes the exit code for itself."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    async def exit_code(self, within: float = 10) -> int:
        """Wait for its end. Raises `TimeoutError`."""
        async with asyncio.timeout(within):
            return await self._process.wait()

    def descriptors(self) -> list[str]:
        """What its open file descriptors point at."""
        return sorted(_target(link) for link in Path("/proc", str(self.pid), "fd").iterdir())

    def footprint(self) -> Footprint:
        """What it holds now."""
        descriptors = self.descriptors()
        sockets = sum(target.startswith("socket:") for target in descriptors)
        return Footprint(len(list(Path("/proc", str(self.pid), "task").iterdir())), sockets, len(descriptors))

    async def shrinks_to(self, before: Footprint, within: float = 10) -> Footprint:
        """Wait until it holds no more than before; what it holds then. Raises `TimeoutError`."""
        deadline = time.monotonic() + within
        while not (held := self.footprint()).within(before):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{before} before, {held} now: {self.descriptors()}")
            await asyncio.sleep(0.05)
        return held

    async def stop(self) -> None:
        """SIGTERM if it still runs, and SIGKILL if that does not help."""
        if self._process.returncode is None:
            self.terminate()
            try:
                await self.exit_code(5)
            except TimeoutError:
                self._send(signal.SIGKILL)
                await self._process.wait()


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return "closed meanwhile"


@asynccontextmanager
async def videocli(*arguments: str, prefix: tuple[str, ...] = ()) -> AsyncIterator[Program]:
    """`videocli ARGUMENTS`, for as long as the context. Raises `AssertionError` if it printed a traceback."""
    process = await asyncio.create_subprocess_exec(
        *prefix,
        sys.executable,
        "-m",
        "videocli",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LINE_LIMIT,
        env={**os.environ, **CREDENTIALS},
    )
    program = Program(process)
    reading = asyncio.create_task(program.read())
    try:
        yield program
    finally:
        await program.stop()
        await reading
    text = "".join(program.stderr)
    assert "Traceback" not in text, f"videocli {' '.join(arguments)}: {text}"


@asynccontextmanager
async def serve(*options: str) -> AsyncIterator[Program]:
    """A server on a free port, listening."""
    async with videocli("serve", "--port", "0", "--json", *options) as server:
        await server.wait_event("listening")
        yield server


@asynccontextmanager
async def bot(url: str, room: str, identity: str = "bot", *options: str) -> AsyncIterator[Program]:
    """A bot in the room that publishes `testsrc` and `tone`, connected."""
    media = ("--video", "testsrc", "--audio", "tone")
    arguments = ("join", room, "--json", "--identity", identity, "--url", url, *media, *options)
    async with videocli(*arguments) as program:
        await program.wait_event("connected")
        yield program


async def mint_token(identity: str, room: str) -> str:
    """A token from `videocli mint-token`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "videocli", "mint-token", "--identity", identity, "--room", room),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **CREDENTIALS},
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode().strip()
