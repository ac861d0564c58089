import asyncio
import json
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.request import urlopen

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


def test_it_tells_people_where_it_is_on_stderr() -> None:
    with serving() as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert "videocli join" in line
        assert "ws://127.0.0.1:" in line
        process.send_signal(signal.SIGINT)
        assert ended(process)[:2] == (0, "")


def test_events_of_rooms_are_lines_of_json() -> None:
    async def visit(url: str) -> str:
        credentials = settings.development_credentials()
        given = mint(credentials, "alice", "standup", 60, datetime.now(UTC)).token
        outside = Outside(dial, listen, make_peer, lambda: datetime.now(UTC), random.Random(1))
        async with client(outside, "alice") as alice:
            connected = await alice.connect(url, room="standup", with_token=given, data=["chat"])
            await alice.until(lambda: alice.is_ready("chat"))
            alice.leave()
            await alice.end()
        return connected.sid

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
