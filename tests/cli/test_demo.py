"""`videocli demo`, and rooms where there is nothing but a loopback interface."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.cli.process import videocli

PATIENCE = 60.0
IN_FLIGHT_MODE = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
"""What runs behind it has a loopback interface and nothing else."""
VIDEOCLI = (sys.executable, "-m", "videocli")


def test_without_a_terminal_it_shows_a_room_and_leaves() -> None:
    ran = videocli("demo")
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert "Video track testsrc of bot started" in ran.stdout
    assert ran.stdout.splitlines()[-1].endswith(" Disconnected")


@pytest.mark.netns
def test_demo_in_flight_mode() -> None:
    ran = subprocess.run(
        [*IN_FLIGHT_MODE, *VIDEOCLI, "demo"], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    for kind in ("Video track testsrc", "Audio track tone"):
        assert f"{kind} of bot started" in ran.stdout


@contextmanager
def flight_mode() -> Iterator[list[str]]:
    """A network namespace with loopback only; what to put before a command to run it there."""
    holder = subprocess.Popen(
        [*IN_FLIGHT_MODE, "sh", "-c", "echo up; exec cat"], stdin=-1, stdout=-1, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "up\n"
        yield ["nsenter", f"--net=/proc/{holder.pid}/ns/net"]
        assert holder.stdin is not None
        holder.stdin.close()


@contextmanager
def started(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)


def first_line(process: subprocess.Popen[str]) -> dict[str, object]:
    assert process.stdout is not None
    line: dict[str, object] = json.loads(process.stdout.readline())
    return line


@pytest.mark.netns
@pytest.mark.parametrize("is_embedded", [False, True], ids=["serve", "embedded"])
def test_a_bot_and_a_watcher_in_flight_mode(is_embedded: bool) -> None:
    """Without `--url`: the server is the one on the default port, or the first who joins becomes it."""
    with flight_mode() as inside:
        join = [*inside, *VIDEOCLI, "join", "cabin", "--json"]
        bot = [*join, "--identity", "bot", "--video", "testsrc", "--audio", "tone"]
        watch = [*join, "--identity", "watcher", "--until", "trackStarted:video", "--timeout", "30"]
        with ExitStack() as others:
            if not is_embedded:
                server = others.enter_context(started([*inside, *VIDEOCLI, "serve", "--json"]))
                assert first_line(server)["url"] == "ws://127.0.0.1:7780/signaling"
            assert first_line(others.enter_context(started(bot)))["event"] == "connected"
            ran = subprocess.run(watch, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert {"connected", "trackStarted"} <= {json.loads(line)["event"] for line in ran.stdout.splitlines()}


@pytest.mark.netns
def test_whoever_is_slower_joins_the_server_of_the_faster() -> None:
    with flight_mode() as inside:
        join = [*inside, *VIDEOCLI, "join", "race", "--plain", "--until", "participantConnected"]
        join += ["--timeout", "30", "--identity"]
        with started([*join, "alice"]) as alice, started([*join, "bob"]) as bob:
            codes = [process.wait(PATIENCE) for process in (alice, bob)]
    assert 0 in codes
