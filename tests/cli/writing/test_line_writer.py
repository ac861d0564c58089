"""A reader who does not read holds up nobody; lines are neither lost nor out of order."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.room_server import SERVER_VARIABLES
from tests.sdk.programs import videocli
from videocli.cli.writing.line_writer import LineWriter
from videocli.cli.writing.slow_reader import STALLED_SECONDS

PATIENCE = 60.0
LINES = [f"line {number} {'x' * (number % 200)}" for number in range(5000)]
"""More than a pipe holds."""


def with_pipe(scene: Callable[[LineWriter, int, list[str]], Awaitable[None]], blocking: bool = True) -> None:
    """Play a scene with a writer, the read end of its pipe, and the failures it told of."""

    async def play() -> None:
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, blocking)
        failures: list[str] = []
        try:
            writer = LineWriter(lambda: failures.append("failed"), write_end, "utf-8")
            async with asyncio.timeout(PATIENCE):
                await scene(writer, read_end, failures)
        finally:
            for end in (read_end, write_end):
                with suppress(OSError):
                    os.close(end)

    asyncio.run(play())


def read_all(fd: int, pause: float = 0.0) -> str:
    data = b""
    while chunk := os.read(fd, 32_768):
        data += chunk
        time.sleep(pause)
        if data.endswith(b"end\n"):
            break
    return data.decode()


@pytest.mark.parametrize("blocking", [True, False], ids=["blocking", "non-blocking"])
def test_a_slow_reader_gets_every_line_in_order(blocking: bool) -> None:
    async def scene(writer: LineWriter, read_end: int, failures: list[str]) -> None:
        reading = asyncio.create_task(asyncio.to_thread(read_all, read_end, 0.01))
        for line in LINES:
            writer.write(line)
        writer.write("end")
        await writer.close()
        assert (await reading).splitlines() == [*LINES, "end"]
        assert failures == []

    with_pipe(scene, blocking)


def test_a_line_is_there_at_once() -> None:
    async def scene(writer: LineWriter, read_end: int, failures: list[str]) -> None:
        writer.write("höllo")
        assert await asyncio.to_thread(os.read, read_end, 100) == "höllo\n".encode()
        await writer.close()

    with_pipe(scene)


def test_a_reader_who_never_reads_is_not_waited_for_long() -> None:
    async def scene(writer: LineWriter, read_end: int, failures: list[str]) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for line in LINES:
            writer.write(line)
        assert loop.time() - began < STALLED_SECONDS
        await writer.close()
        assert failures == []

    with_pipe(scene)


def test_a_reader_who_goes_is_told_of_once() -> None:
    async def scene(writer: LineWriter, read_end: int, failures: list[str]) -> None:
        os.close(read_end)
        for line in LINES[:10]:
            writer.write(line)
        await writer.close()
        assert failures == ["failed"]

    with_pipe(scene)


def test_a_full_disk_is_an_error() -> None:
    async def play(full: int) -> None:
        failures: list[str] = []
        writer = LineWriter(lambda: failures.append("failed"), full, "utf-8")
        writer.write("line")
        with pytest.raises(OSError, match="No space left"):
            await writer.close()
        assert failures == ["failed"]

    with Path("/dev/full").open("wb") as full:
        asyncio.run(play(full.fileno()))


class TestJoin:
    def test_a_reader_who_does_not_read_does_not_stall_the_room(self, url: str) -> None:
        """The pipe holds far less than all these errors; what comes after them is still obeyed."""
        references = [f"track {number} {'x' * 200}" for number in range(400)]

        async def scene() -> None:
            arguments = ("join", "stuck", "--url", url, "--json")
            read_end, write_end = os.pipe()
            stuck = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "videocli", *arguments, "--identity", "stuck"),
                stdin=subprocess.PIPE,
                stdout=write_end,
                env={**os.environ, **SERVER_VARIABLES},
            )
            os.close(write_end)
            assert stuck.stdin is not None
            try:
                async with videocli(*arguments, "--identity", "watcher") as watcher:
                    await watcher.wait_event("connected")
                    for reference in references:
                        stuck.stdin.write(
                            json.dumps({"command": "disable", "track": reference}).encode() + b"\n"
                        )
                    stuck.stdin.write(b'{"command":"publish","kind":"audio","source":"tone"}\n')
                    await watcher.wait_event("trackStarted", lambda line: line.identity == "stuck")
                    reading = asyncio.create_task(
                        asyncio.to_thread(read_until, read_end, b'"disconnected","time"')
                    )
                    stuck.stdin.write(b'{"command":"disconnect"}\n')
                    events = [json.loads(line) for line in (await reading).splitlines()]
                    assert await stuck.wait() == 0
            finally:
                if stuck.returncode is None:
                    stuck.kill()
                    await stuck.wait()
            os.close(read_end)
            complaints = [event["error"]["message"] for event in events if event["event"] == "error"]
            assert complaints == [f"We publish no such track: {reference}" for reference in references]

        async def in_time() -> None:
            async with asyncio.timeout(PATIENCE):
                await scene()

        asyncio.run(in_time())

    @pytest.mark.parametrize("face", ["--json", "--plain"])
    def test_it_leaves_quietly_when_nobody_reads_any_more(self, url: str, face: str) -> None:
        shell = '"$@" | head -n 1; echo "${PIPESTATUS[0]}"'
        join = (sys.executable, "-m", "videocli", "join", "gone", "--url", url, face)
        ran = subprocess.run(
            ["bash", "-c", shell, "bash", *join, "--stats-interval", "0.1"],
            env={**os.environ, **SERVER_VARIABLES},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ran.stderr == ""
        assert ran.stdout.splitlines()[1:] == ["0"]


def read_until(fd: int, text: bytes) -> bytes:
    """Whole lines, up to one that has this."""
    data = b""
    while text not in data or not data.endswith(b"\n"):
        chunk = os.read(fd, 65536)
        assert chunk, data[-2000:]
        data += chunk
    return data
