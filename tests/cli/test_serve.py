import asyncio
import json
import os
import pty
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from urllib.request import urlopen

import pytest

from tests.server.client import client, token
from videocli.cli import settings
from videocli.media.aiortc_peer import make_peer
from videocli.outside import Outside
from videocli.protocol import rsp
from videocli.tokens import mint
from videocli.websocket import dial, listen

PATIENCE = 60.0
"""Seconds after which something that should happen is taken not to happen."""


@contextmanager
def serving(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`videocli serve` on a free port, not yet listening."""
    command = [sys.executable, "-m", "videocli", "serve", "--port", "0", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def listening_url(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert first == {"event": "listening", "url": first["url"]}
    return str(first["url"])


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    stdout, stderr = process.communicate(timeout=PATIENCE)
    return process.returncode, stdout, stderr


async def visit(url: str) -> str:
    """Alice comes with a data track, and leaves; the room's SID."""
    credentials = settings.development_credentials()
    given = mint(credentials, "alice", "standup", 60, datetime.now(UTC)).token
    outside = Outside(dial, listen, make_peer, lambda: datetime.now(UTC), random.Random(1))
    async with client(outside, "alice") as alice:
        connected = await alice.connect(url, room="standup", with_token=given, data=["chat"])
        await alice.until(lambda: alice.is_ready("chat"))
        alice.leave()
        await alice.end()
    return connected.sid


def test_it_listens_answers_and_stops_on_a_signal() -> None:
    with serving("--json") as process:
        url = listening_url(process)
        health = url.replace("ws://", "http://").replace("/signaling", "/healthz")
        with urlopen(health, timeout=PATIENCE) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        assert ended(process) == (0, "", "")


def test_a_second_signal_stops_at_once() -> None:
    async def socket_open(url: str, process: subprocess.Popen[str]) -> None:
        transport = await dial(url)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        await asyncio.to_thread(process.wait, PATIENCE)
        await transport.close(1000, "")

    with serving("--json") as process:
        asyncio.run(socket_open(listening_url(process), process))
        assert ended(process) == (130, "", "")


def test_it_stays_when_nohup_had_the_hangup_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # which a process inherits
    try:
        with serving("--json") as process:
            listening_url(process)
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGTERM)
            assert ended(process) == (0, "", ""), "the first signal, not the second"
    finally:
        signal.signal(signal.SIGHUP, before)


def test_it_tells_people_where_it_is_on_stderr() -> None:
    with serving() as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert "videocli join" in line
        assert "ws://127.0.0.1:" in line
        process.send_signal(signal.SIGINT)
        assert ended(process)[:2] == (0, "")


def test_events_of_rooms_are_lines_of_json() -> None:
    with serving("--json") as process:
        sid = asyncio.run(visit(listening_url(process)))
        process.send_signal(signal.SIGTERM)
        code, stdout, stderr = ended(process)
    events = [json.loads(line) for line in stdout.splitlines()]
    assert (code, stderr) == (0, "")
    assert [event["event"] for event in events] == [
        "roomCreated",
        "participantConnected",
        "trackPublished",
        "participantDisconnected",
        "roomEnded",
    ]
    assert all(event["room"] == {"sid": sid, "name": "standup"} for event in events)
    assert events[1]["participant"]["identity"] == "alice"
    assert events[2]["track"]["kind"] == "data"
    assert events[3]["participant"]["state"] == "disconnected"
    assert datetime.fromisoformat(events[0]["time"]).tzinfo is UTC


JOB = """
import subprocess, sys
job = subprocess.Popen([sys.executable, "-m", "videocli", "serve", "--port", "0", *sys.argv[2:]],
                       process_group=0 if sys.argv[1] == "&" else None)
print(f"job={job.pid}", flush=True)
job.wait()
"""
"""Serves in a terminal as a shell would do it: with "&" in the background."""


@pytest.mark.parametrize(
    ("arguments", "hears_of_rooms"), [(["&"], False), (["&", "-v"], True), (["in front"], True)]
)
def test_in_the_background_of_a_terminal_only_the_log_hears_of_rooms(
    arguments: list[str], hears_of_rooms: bool
) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", JOB, *arguments])
    shown = ""
    while "job=" not in shown or not (found := re.search(r"--url (\S+)\s", shown)):
        shown += os.read(terminal, 1024).decode()
    asyncio.run(visit(found[1]))
    os.kill(int(shown.partition("job=")[2].split()[0]), signal.SIGTERM)
    with suppress(OSError):  # Linux' way to say that the other end is closed
        while chunk := os.read(terminal, 1024):
            shown += chunk.decode()
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert ("alice has joined standup" in shown) == hears_of_rooms
    assert "room standup is closed" in shown or not hears_of_rooms


def test_an_unknown_key_is_refused() -> None:
    async def join(url: str) -> int:
        outside = Outside(dial, listen, make_peer, lambda: datetime.now(UTC), random.Random(1))
        async with client(outside, "alice") as alice:
            await alice.dial(url)
            alice.send(rsp.IceRequest(token("alice")))
            end = await alice.end()
            assert isinstance(end, rsp.ServerError)
            return end.code

    with serving("--json") as process:
        assert asyncio.run(join(listening_url(process))) == 20103


def test_a_port_that_is_taken_is_an_error_that_says_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serving("--port", str(port)) as process:
            code, stdout, stderr = ended(process)
    assert (code, stdout) == (2, "")
    first, second = stderr.splitlines()
    assert first == f"error: cannot listen on 127.0.0.1, port {port}: Address already in use"
    assert "--port" in second


def test_a_host_that_is_not_ours_is_an_error() -> None:
    with serving("--host", "192.0.2.7") as process:
        code, stdout, stderr = ended(process)
    assert (code, stdout) == (2, "")
    assert "cannot listen on 192.0.2.7" in stderr.splitlines()[0]
