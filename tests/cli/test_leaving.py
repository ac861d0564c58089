"""Leaving: the others see it at once, the process ends with 0, and a second signal with 130 at once."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.cli.odd_servers import odd_server, opens_and, swallows
from tests.cli.room_server import SERVER_VARIABLES
from tests.dashboard.tmux import Tmux
from tests.sdk.programs import videocli

PATIENCE = 60.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_the_others_see_it_at_once(url: str, number: signal.Signals) -> None:
    async def scene() -> None:
        arguments = ("join", number.name, "--url", url, "--json")
        async with (
            videocli(*arguments, "--identity", "watcher") as watcher,
            videocli(*arguments, "--identity", "bot", "--audio", "tone") as bot,
        ):
            await watcher.wait_event("connected")
            await watcher.wait_event("trackStarted", lambda line: line.kind == "audio")
            asked = time.time() * 1000
            os.kill(bot.pid, number)
            seen = await watcher.wait_event("participantDisconnected", lambda line: line.identity == "bot")
            assert await bot.exit_code() == 0
            assert seen.at - asked < 1000
            assert next(reversed(list(bot.events))).event == "disconnected"
            assert bot.stderr == []

    asyncio.run(scene())


class SilentServer:
    """Opens the WebSocket and never says anything, not even goodbye."""

    def __init__(self) -> None:
        self._has_client = threading.Event()

    def talk(self, client: socket.socket) -> None:
        self._has_client.set()
        swallows(client)

    async def has_client(self) -> None:
        assert await asyncio.to_thread(self._has_client.wait, PATIENCE)


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_a_second_signal_ends_it_at_once(second: signal.Signals) -> None:
    async def scene(url: str) -> None:
        async with videocli("join", "slow", "--url", url, "--json") as program:
            await server.has_client()
            os.kill(program.pid, signal.SIGTERM)
            await program.wait_event("disconnected")
            os.kill(program.pid, second)
            asked = time.monotonic()
            assert await program.exit_code() == 130
            assert time.monotonic() - asked < 0.7, "less than the grace for a server that does not answer"

    server = SilentServer()
    with odd_server(opens_and(server.talk)) as url:
        asyncio.run(scene(url))


def test_a_server_that_never_answers_holds_up_nobody_for_long() -> None:
    async def scene(url: str) -> None:
        async with videocli("join", "slow", "--url", url, "--json") as program:
            await server.has_client()
            program.terminate()
            asked = time.monotonic()
            assert await program.exit_code() == 0
            assert time.monotonic() - asked < 4

    server = SilentServer()
    with odd_server(opens_and(server.talk)) as url:
        asyncio.run(scene(url))


def test_it_can_be_left_while_a_token_is_waited_for(tmp_path: Path) -> None:
    asked = tmp_path / "asked"

    async def scene() -> None:
        command = ("--token-command", f"touch {asked}; exec sleep 60")
        async with videocli(
            "join", "room", "--url", "ws://127.0.0.1:9/signaling", "--json", *command
        ) as program:
            async with asyncio.timeout(PATIENCE):
                while not asked.exists():  # noqa: ASYNC110  # another process makes it
                    await asyncio.sleep(0.02)
            program.terminate()
            assert await program.exit_code() == 0
            assert program.stderr == []

    asyncio.run(scene())


def start(tmux: Tmux, folder: Path, url: str, options: str = "") -> None:
    """Run the dashboard in the foreground, with its process id in a file and its exit code on the screen."""
    join = f"{sys.executable} -m videocli join dash --url {url} {options}"
    (folder / "start").write_text(f"{join} &\necho $! >{folder}/pid\nfg\necho code-$?\n")
    tmux.type(f"clear; . {folder}/start", "Enter")


def kill(folder: Path, number: signal.Signals) -> None:
    os.kill(int((folder / "pid").read_text()), number)


@pytest.mark.tmux
@pytest.mark.parametrize("how", ["q", "C-c", "SIGTERM", "SIGHUP", "--duration"])
def test_the_dashboard_leaves_the_terminal_as_it_was(tmp_path: Path, url: str, how: str) -> None:
    with Tmux(tmp_path, **SERVER_VARIABLES) as tmux:
        before = tmux.mode()
        start(tmux, tmp_path, url, "--duration 1" if how == "--duration" else "")
        tmux.shows("CONNECTED")
        if how.startswith("SIG"):
            kill(tmp_path, signal.Signals[how])
        elif how != "--duration":
            tmux.type(how)
        tmux.shows("\ncode-0")
        assert tmux.mode() == before


@pytest.mark.tmux
def test_a_second_signal_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    server = SilentServer()
    with odd_server(opens_and(server.talk)) as url, Tmux(tmp_path, **SERVER_VARIABLES) as tmux:
        before = tmux.mode()
        start(tmux, tmp_path, url)
        tmux.shows("CONNECTING")
        asyncio.run(server.has_client())
        for number in (signal.SIGTERM, signal.SIGHUP):
            kill(tmp_path, number)
        tmux.shows("\ncode-130")
        assert tmux.mode() == before


@pytest.mark.tmux
def test_a_quit_from_the_keyboard_gives_the_terminal_back_before_it_kills(tmp_path: Path, url: str) -> None:
    with Tmux(tmp_path, **SERVER_VARIABLES) as tmux:
        before = tmux.mode()
        tmux.type("ulimit -c 0", "Enter")
        start(tmux, tmp_path, url)
        tmux.shows("CONNECTED")
        tmux.type("C-\\")
        tmux.shows(f"\ncode-{128 + signal.SIGQUIT}")
        assert tmux.run("display-message", "-p", "#{alternate_on} #{cursor_flag}") == "0 1\n"
        assert tmux.mode() == before


LOADS_FOR_LONG = """
import sys, time

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "videocli.cli.app":
            print("loading", flush=True)
            time.sleep(60)

sys.meta_path.insert(0, Slow())
from videocli.__main__ import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_a_signal_while_its_modules_load_ends_it_without_a_word(
    user_state: Path, number: signal.Signals
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LOADS_FOR_LONG], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "loading\n"
        process.send_signal(number)
        assert process.communicate(timeout=PATIENCE) == ("", "")
        assert process.returncode == -number
    assert list(user_state.iterdir()) == []
