"""`videocli bots` as a user runs it."""

import asyncio
import itertools
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.cli.process import Ran, videocli
from tests.cli.room_server import SERVER_VARIABLES, running_server
from videocli.cli.exit_codes import ExitCode


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running_server("--max-participants", "4") as url:
        yield url


STAYS = r"""
async def bot(room):
    print("here\n", end="", flush=True)
    await room.wait_ended()
"""
"""Two workers share a stderr, so the line is written at once, its end included."""

ROOMS = (f"load{number}" for number in itertools.count())
"""A room for each run, since a loaded machine may still hold the bots of the one before."""


def bots(url: str, *arguments: str) -> Ran:
    return videocli("bots", next(ROOMS), "--url", url, "--ramp", "20/s", *arguments, **SERVER_VARIABLES)


def command(url: str, *arguments: str) -> list[str]:
    """The same, for who starts it in a way of his own."""
    return [sys.executable, "-m", "videocli", "bots", next(ROOMS), "--url", url, *arguments]


def report(ran: Ran) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def test_bots_of_two_processes_hear_each_other_and_are_reported_on(url: str, tmp_path: Path) -> None:
    xml = tmp_path / "report.xml"
    options = ("--audio", "tone", "--publishers", "2", "--duration", "1.5", "--processes", "2")
    ran = bots(url, "-n", "4", *options, "--junit", str(xml), "--json", "--fail-if", "loss>50%")
    assert ran.exit_code == 0, ran.stderr
    told = report(ran)
    assert (told["processes"], told["rooms"], told["failures"]) == (2, 1, [])
    assert (told["metrics"]["joined"], told["metrics"]["tracks"]) == (4, 6)
    assert list(told["received"]) == ["audio"], "nothing is published that was not asked for"
    assert told["metrics"]["packets"] > 0
    assert told["metrics"]["connect_p95"] > 0
    assert ET.parse(xml).getroot().get("tests") == "5"


def test_a_junit_file_that_cannot_be_written_costs_no_report(url: str, tmp_path: Path) -> None:
    xml = tmp_path / "missing" / "report.xml"
    ran = bots(url, "-n", "1", "--duration", "0", "--junit", str(xml))
    assert ran.exit_code == ExitCode.USAGE
    assert "joined         1 of 1" in ran.stdout
    assert f"error: {xml} cannot be written: No such file or directory" in ran.stderr


def test_a_terminal_that_goes_away_costs_no_report(url: str, tmp_path: Path) -> None:
    """As when an ssh connection breaks in the midst of a run whose report goes to a file."""
    terminal, ours = pty.openpty()
    with (tmp_path / "report").open("wb") as out:
        process = subprocess.Popen(
            command(url, "-n", "1", "--duration", "2.5"),
            env={**os.environ, **SERVER_VARIABLES, "TERM": "xterm"},
            stdout=out,
            stderr=ours,
        )
    os.close(ours)
    shown = b""
    while b"1 of 1 joined" not in shown:
        shown += os.read(terminal, 1024)
    os.close(terminal)
    assert process.wait(60) == 0
    assert "joined         1 of 1" in (tmp_path / "report").read_text()


def test_a_condition_that_holds_sets_the_exit_code(url: str) -> None:
    ran = bots(url, "-n", "6", "--duration", "1", "--fail-if", "failed>0", "--fail-if", "joined<1")
    assert ran.exit_code == ExitCode.FAIL_IF
    assert "joined         4 of 6" in ran.stdout
    assert "53105 RoomMaxParticipantsExceeded" in ran.stdout
    assert "error: --fail-if failed>0: failed is 2" in ran.stderr
    assert "joined<1" not in ran.stderr


def test_if_nobody_can_join_it_says_why_and_has_joins_exit_code() -> None:
    ran = bots("ws://127.0.0.1:9/signaling", "-n", "2")
    assert ran.exit_code == ExitCode.SIGNALING
    assert "error: nobody could join: 53000 SignalingConnection" in ran.stderr
    assert "joined         0 of 2" in ran.stdout


def test_a_script_is_run_for_each_bot_and_its_prints_leave_stdout_alone(url: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("async def bot(room):\n    print('I am', room.local_participant.identity)\n")
    ran = bots(url, "-n", "2", "--rooms", "2", "--script", str(script), "--json")
    assert ran.exit_code == 0
    assert report(ran)["rooms"] == 2
    assert {"I am bot-1", "I am bot-2"} <= set(ran.stderr.splitlines())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("import nonexistent", "ModuleNotFoundError: No module named 'nonexistent'"),
        ("raise SystemExit(5)", "ScriptExited: the script called sys.exit(5)"),
    ],
)
def test_a_script_that_cannot_be_loaded_is_at_fault_and_not_the_room(
    tmp_path: Path, line: str, words: str
) -> None:
    script = tmp_path / "broken.py"
    script.write_text(f"{line}\nasync def bot(room): pass\n")
    ran = bots("ws://127.0.0.1:9/signaling", "-n", "2", "--script", str(script))
    assert ran.exit_code == ExitCode.USAGE
    assert f"error: nobody could join, since the script {script} cannot be loaded: {words}" in ran.stderr
    assert "videocli join" not in ran.stderr


def short_of_files(url: str, limit: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", *command(url, *arguments)],
        env={**os.environ, **SERVER_VARIABLES},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_too_few_descriptors_fail_the_bots_that_have_none_left(tmp_path: Path) -> None:
    with running_server() as url:
        options = ("-n", "24", "--processes", "1", "--ramp", "0", "--audio", "tone", "--duration", "1")
        ran = short_of_files(url, 48, *options, "--json")
    told = json.loads(ran.stdout)
    assert {(each["name"], each["message"]) for each in told["failures"]} == {
        ("TooManyOpenFiles", "too many open files: ulimit -n is 48")
    }
    assert told["bottleneck"].startswith("too many open files: ulimit -n is 48")


def test_a_script_that_reads_stdin_reads_nothing_and_takes_no_orders(url: str, tmp_path: Path) -> None:
    script = tmp_path / "reads.py"
    script.write_text(
        "import asyncio, sys\n"
        "async def bot(room):\n"
        "    line = await asyncio.to_thread(sys.stdin.readline)\n"
        "    print('read', repr(line), flush=True)\n"
    )
    ran = bots(url, "-n", "1", "--duration", "5", "--script", str(script), "--json")
    assert (ran.exit_code, report(ran)["failures"]) == (0, [])
    assert "read ''" in ran.stderr


def test_with_vv_and_in_the_log_file_a_script_that_fails_says_where(url: str, tmp_path: Path) -> None:
    script, log = tmp_path / "fails.py", tmp_path / "log"
    script.write_text("async def bot(room):\n    {}['nothing']\n")
    ran = bots(url, "-n", "1", "--script", str(script), "--log-file", str(log))
    assert "failed         1 script: KeyError: 'nothing'" in ran.stdout
    assert "Traceback" not in ran.stderr
    assert f'File "{script}", line 2, in bot' in log.read_text()
    ran = bots(url, "-n", "1", "--script", str(script), "-vv")
    assert f'File "{script}", line 2, in bot' in ran.stderr


def test_a_closed_stdout_is_warned_of(url: str) -> None:
    ran = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *command(url, "-n", "1", "--duration", "0")],
        env={**os.environ, **SERVER_VARIABLES},
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0
    assert "warning: stdout is closed, so the report will be lost" in ran.stderr


@asynccontextmanager
async def running(url: str, script: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Three bots, all of which have come and run the script, which says `here`."""
    process = await asyncio.create_subprocess_exec(
        *command(url, "-n", "3", "--json", "--ramp", "0", "--script", str(script)),
        env={**os.environ, **SERVER_VARIABLES},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            here = 0
            while here < 3:
                here += await process.stderr.readline() == b"here\n"
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_signal_sends_all_away_and_the_report_still_comes(
    url: str, number: signal.Signals, tmp_path: Path
) -> None:
    script = tmp_path / "stays.py"
    script.write_text(STAYS)

    async def scene() -> tuple[int | None, bytes]:
        async with running(url, script) as process:
            process.send_signal(number)
            out, _ = await process.communicate()
        return process.returncode, out

    exit_code, out = asyncio.run(scene())
    assert exit_code == 0
    told = json.loads(out)
    assert (told["metrics"]["joined"], told["failures"]) == (3, [])


def test_a_second_signal_ends_it_at_once(url: str, tmp_path: Path) -> None:
    script = tmp_path / "lingers.py"
    script.write_text(
        "import asyncio\n"
        "async def bot(room):\n"
        "    print('here\\n', end='', flush=True)\n"
        "    try:\n"
        "        await room.wait_ended()\n"
        "    finally:\n"
        "        print('lingering', flush=True)\n"
        "        await asyncio.shield(asyncio.sleep(3600))\n"
        "        await asyncio.sleep(3600)\n"
    )

    async def scene() -> int | None:
        async with running(url, script) as process:
            process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            while await process.stderr.readline() != b"lingering\n":
                pass
            process.send_signal(signal.SIGINT)
            await process.communicate()
        return process.returncode

    assert asyncio.run(scene()) == ExitCode.STOPPED


def test_a_process_that_dies_takes_only_its_own_bots_along(url: str, tmp_path: Path) -> None:
    script = tmp_path / "dies.py"
    script.write_text(
        "import os, signal\n"
        "async def bot(room):\n"
        "    print('here\\n', end='', flush=True)\n"
        "    if room.local_participant.identity == 'bot-2':\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ran = bots(url, "-n", "2", "--processes", "2", "--script", str(script), "--json")
    assert ran.exit_code == 0
    told = report(ran)
    assert [(failure["name"], failure["count"]) for failure in told["failures"]] == [("ProcessDied", 1)]
    assert (told["metrics"]["joined"], told["metrics"]["failed"], told["metrics"]["broken"]) == (2, 0, 1)


def test_a_script_that_swallows_every_cancellation_does_not_keep_the_report(url: str, tmp_path: Path) -> None:
    script = tmp_path / "hangs.py"
    script.write_text(
        "import asyncio\n"
        "async def bot(room):\n"
        "    while True:\n"
        "        try: await asyncio.sleep(3600)\n"
        "        except asyncio.CancelledError: pass\n"
    )
    ran = bots(url, "-n", "2", "--duration", "0.2", "--processes", "1", "--script", str(script), "--json")
    assert ran.exit_code == 0
    told = report(ran)
    assert [(each["name"], each["count"]) for each in told["failures"]] == [("ScriptDoesNotEnd", 2)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--ramp", "soon"), "neither seconds, like 10, nor bots a second"),
        (("--fail-if", "speed>1"), "'speed' is no metric"),
        (("--duration", "inf"), "inf is no number of seconds"),
        (("--subscribe", "some"), "--subscribe"),
        (("--script", "/no/such.py"), "the script /no/such.py cannot be used"),
        (("--audio", "/no/such.ogg"), "/no/such.ogg"),
        (("--video", "-"), "stdin can be read only once"),
        (("-n", "0"), "-n"),
    ],
)
def test_bad_usage_is_two_lines_and_exit_code_2(arguments: tuple[str, ...], words: str) -> None:
    ran = videocli("bots", "load", "--url", "ws://127.0.0.1:9/signaling", *arguments, **SERVER_VARIABLES)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert len(ran.stderr.splitlines()) == 2
    assert words in ran.stderr
