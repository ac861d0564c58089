"""Nothing but the token is waited for, and the command is killed with all that it started."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.simulation.clock import run_virtually
from videocli.cli.token.command import COMMAND_SECONDS, MAX_OUTPUT_BYTES, run_token_command
from videocli.cli.writing.held_text import HeldText
from videocli.errors import TokenError
from videocli.tokens import Credentials, mint

KEY = Credentials("AC" + "0" * 32, "SK" + "0" * 32, "secret")
TOKEN = mint(KEY, "alice", None, 3600, datetime.now(UTC)).token
HANGS = "sleep 60; true"
"""The shell waits for a child, which outlives it if it alone is killed."""


def run(command: str) -> str:
    return asyncio.run(run_token_command(command))


@pytest.fixture
def witness(tmp_path: Path) -> Path:
    """A FIFO: who reads it to its end waits until all are gone that have opened it or inherited it."""
    path = tmp_path / "witness"
    os.mkfifo(path)
    return path


def run_to_the_last_process(command: str, witness: Path) -> str:
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(witness.read_bytes)
        token = run(f"exec 9>{witness}; {command}")
        assert reading.result() == b""
    return token


@pytest.mark.parametrize(
    "command",
    [
        f"echo {TOKEN}",
        f"printf %s {TOKEN}",
        f"printf '  %s\\r\\n' {TOKEN}",
        f"echo 'one moment'; echo {TOKEN}",
    ],
)
def test_the_first_line_that_looks_like_a_token_is_the_token(command: str) -> None:
    assert run(command) == TOKEN


@pytest.mark.parametrize(
    "command",
    [
        f"echo {TOKEN}; {HANGS}",
        f"sleep 60 & echo {TOKEN}",
        f"sleep 60 & printf %s {TOKEN}",
    ],
)
def test_neither_the_commands_end_nor_its_childrens_is_waited_for_and_none_is_left(
    command: str, witness: Path
) -> None:
    assert run_to_the_last_process(command, witness) == TOKEN


def test_cancelling_kills_the_command_and_its_children(witness: Path) -> None:
    async def scene() -> None:
        running = asyncio.create_task(run_token_command(f"exec 9>{witness}; echo begun >&9; {HANGS}"))
        with await asyncio.to_thread(witness.open) as heard:
            assert await asyncio.to_thread(heard.readline) == "begun\n"
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert await asyncio.to_thread(heard.read) == ""

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("printf secret; exit 3", "exit code 3"),
        ("kill -9 $$", "signal 9"),
        ("true", "printed nothing"),
        ("yes secret", f"more than {MAX_OUTPUT_BYTES // 1024} KiB"),
        ("printf 'secret\\377\\n'", "20101"),
        ("sleep 60 & echo secret", "20101"),
        (f": {'secret' * 100_000}", "cannot be started"),
    ],
)
def test_a_command_that_gives_none_is_a_token_error_that_tells_no_token(command: str, words: str) -> None:
    with pytest.raises(TokenError, match=words) as caught:
        run(command)
    assert "secret" not in f"{caught.value} {caught.value.explanation}"
    assert "has to print an access token" in caught.value.explanation


def test_a_command_that_hangs_is_given_up_in_time() -> None:
    async def scene() -> float:
        with pytest.raises(TokenError, match=f"no token within {COMMAND_SECONDS:.0f} s"):
            await run_token_command(HANGS)
        return asyncio.get_running_loop().time()

    assert run_virtually(scene()) == pytest.approx(COMMAND_SECONDS)


def test_it_speaks_for_itself_but_not_into_the_dashboard(capfd: pytest.CaptureFixture[str]) -> None:
    command = f"echo 'no agent' >&2; echo {TOKEN}"
    with redirect_stderr(HeldText()):
        assert run(command) == TOKEN
    assert capfd.readouterr().err == ""
    assert run(command) == TOKEN
    assert capfd.readouterr().err == "no agent\n"
