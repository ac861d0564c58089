"""A stderr that nobody reads costs its reader words, and nobody else anything."""

import asyncio
import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from tests.server.client import client, token
from videocli.cli.writing import stderr_writer
from videocli.cli.writing.stderr_writer import MAX_WAITING_BYTES, StderrWriter
from videocli.media.aiortc_peer import make_peer
from videocli.outside import Outside
from videocli.protocol import rsp
from videocli.websocket import dial, listen

PATIENCE = 60.0


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        with suppress(OSError):
            os.close(end)


def read_until(fd: int, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        data += os.read(fd, 65536)
    return data


@pytest.mark.parametrize("blocking", [True, False])
def test_words_arrive_in_their_order(pipe: tuple[int, int], blocking: bool) -> None:
    read_end, write_end = pipe
    os.set_blocking(write_end, blocking)
    writer = StderrWriter(write_end, "utf-8")
    lines = [f"line {number} {'ö' * 100}\n" for number in range(1000)]
    for line in lines:
        writer.write(line)
    assert read_until(read_end, lines[-1].encode()).decode() == "".join(lines)
    writer.flush()


def test_what_nobody_reads_is_bounded_and_its_number_is_told(pipe: tuple[int, int]) -> None:
    read_end, write_end = pipe
    writer = StderrWriter(write_end, "utf-8")
    line = "x" * 1023 + "\n"
    sent = MAX_WAITING_BYTES // 1024 + 500
    for _ in range(sent):
        writer.write(line)
    read = read_until(read_end, b")\n").decode().splitlines()
    kept = [each for each in read if each.startswith("x")]
    assert len(kept) <= MAX_WAITING_BYTES // 1024
    assert read[-1] == f"(lines left out, since nobody read them: {sent - len(kept)})"
    writer.write("and on\n")
    assert read_until(read_end, b"and on\n") == b"and on\n"


def test_a_reader_who_does_not_read_is_not_waited_for_at_the_end(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stderr_writer, "STALLED_SECONDS", 0.01)
    writer = StderrWriter(pipe[1], "utf-8")
    writer.write("x" * 200_000)
    flushing = threading.Thread(target=writer.flush)
    flushing.start()
    flushing.join(PATIENCE)
    assert not flushing.is_alive()
    os.read(pipe[0], 1)


def test_a_reader_who_is_gone_is_nobody_s_trouble(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    writer = StderrWriter(pipe[1], "utf-8")
    for _ in range(3):
        writer.write("x\n")
        writer.flush()


def test_a_server_goes_on_serving_and_ends_as_asked_where_nobody_reads_its_words() -> None:
    async def visits(url: str) -> None:
        """Enough of them to fill the pipe with what is said of each."""
        for _ in range(12):
            await asyncio.gather(*(refused_visit(url) for _ in range(5)))

    async def refused_visit(url: str) -> None:
        outside = Outside(dial, listen, make_peer, lambda: datetime.now(UTC), random.Random(1))
        async with client(outside, "alice") as alice:
            await alice.dial(url)
            alice.send(rsp.IceRequest(token("alice")))
            await alice.end()

    read_end, write_end = os.pipe()
    size = fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 4096)
    with subprocess.Popen(
        [sys.executable, "-m", "videocli", "serve", "--port", "0", "--json", "-vv"],
        stdout=subprocess.PIPE,
        stderr=write_end,
        text=True,
    ) as serve:
        os.close(write_end)
        try:
            assert serve.stdout is not None
            asyncio.run(visits(json.loads(serve.stdout.readline())["url"]))
            waiting = int.from_bytes(fcntl.ioctl(read_end, termios.FIONREAD, bytes(4)), sys.byteorder)
            assert waiting > size // 2, "the pipe is full but for what does not fit whole"
            serve.send_signal(signal.SIGTERM)
            assert serve.wait(PATIENCE) == 0
        finally:
            serve.kill()
            os.close(read_end)
