"""`videocli preflight` as a process: its report, and its exit code as the verdict."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from tests.cli.odd_servers import odd_server, swallows
from tests.cli.process import videocli
from tests.cli.room_server import KEY, SERVER_VARIABLES, minted
from tests.cli.test_demo import IN_FLIGHT_MODE, PATIENCE, VIDEOCLI
from videocli.preflight.steps import Step
from videocli.tokens import Credentials

OF_THE_ENVIRONMENT = "The token is that of VIDEOCLI_TOKEN; do without it: unset VIDEOCLI_TOKEN."
WHY_SILENT = (
    "nothing is published in the token's room, where others may be; "
    "unset VIDEOCLI_TOKEN to try media in one of its own"
)
OTHER_SECRET = {**SERVER_VARIABLES, "TWILIO_API_SECRET": "another secret of the very same key"}


def test_a_good_one_ends_with_0_a_table_and_the_progress_on_stderr(url: str) -> None:
    ran = videocli("preflight", "--url", url, "--duration", "1.5", **SERVER_VARIABLES)
    assert ran.exit_code == 0, ran
    lines = ran.stdout.splitlines()
    assert lines[0] == f"Preflight of {url}"
    assert lines[-1] == "GOOD: signaling and media work"
    assert any(line.startswith("  MOS ") for line in lines)
    assert [line.split()[0] for line in ran.stderr.splitlines()] == ["ok"] * (len(Step) - 2)


def test_json_is_one_object_and_quiet_is_quiet(url: str) -> None:
    ran = videocli("preflight", "--url", url, "--duration", "0.5", "--json", "-q", **SERVER_VARIABLES)
    assert (ran.exit_code, ran.stderr) == (0, "")
    said = json.loads(ran.stdout)
    assert (said["verdict"], said["url"]) == ("ok", url)
    assert [step["status"] for step in said["steps"] if step["status"] != "skipped"] == ["ok"] * (
        len(Step) - 2
    )


def verdict(exit_code: int, *arguments: str, **variables: str) -> tuple[str, int]:
    """The step that failed and its code, by a process that ends with this exit code."""
    ran = videocli("preflight", "--json", "-q", *arguments, **variables)
    assert (ran.exit_code, ran.stderr) == (exit_code, ""), ran
    said = json.loads(ran.stdout)
    assert said["verdict"] == "failed"
    return said["failedStep"], said["error"]["code"]


def test_in_a_given_token_s_room_media_is_not_tried_and_it_says_how_it_would_be(url: str) -> None:
    ran = videocli("preflight", "--url", url, "--duration", "0.5", VIDEOCLI_TOKEN=minted("alice", "room"))
    assert ran.exit_code == 0, ran
    (row,) = [line for line in ran.stdout.splitlines() if "Media out " in line]
    assert row.split(None, 3)[::3] == ["skipped", WHY_SILENT]
    assert ran.stdout.splitlines()[-1].endswith("; media itself was not tried, see Media out")


class TestFailures:
    def test_a_bad_token_ends_with_3(self, url: str) -> None:
        assert verdict(3, "--url", url, **OTHER_SECRET) == ("ice-servers", 20107)

    def test_a_given_token_that_is_bad_ends_with_3_and_is_not_shown(self, url: str) -> None:
        bad = minted("alice", "room", Credentials(KEY.account_sid, KEY.api_key, "another secret"))
        ran = videocli("preflight", "--url", url, VIDEOCLI_TOKEN=bad)
        assert ran.exit_code == 3
        assert "FAILED at Token, ICE servers: 20107" in ran.stdout
        assert bad not in ran.stdout + ran.stderr
        assert ran.stderr.splitlines()[-1] == OF_THE_ENVIRONMENT

    def test_a_given_token_that_is_none_is_said_to_be_the_environment_s(self) -> None:
        ran = videocli("preflight", VIDEOCLI_TOKEN="garbage")
        assert ran.exit_code == 3
        assert ran.stderr.splitlines()[-1].endswith(f" {OF_THE_ENVIRONMENT}")

    def test_a_token_command_s_token_is_tested_as_join_would_use_it(self, url: str) -> None:
        bad = minted("alice", "room", Credentials(KEY.account_sid, KEY.api_key, "another secret"))
        command = f"echo {bad}"
        assert verdict(3, "--url", url, VIDEOCLI_TOKEN_COMMAND=command) == ("ice-servers", 20107)
        failed = videocli("preflight", "--url", url, "--token-command", "exit 4")
        assert (failed.exit_code, failed.stdout) == (3, "")
        assert "ended with exit code 4" in failed.stderr

    def test_a_port_that_refuses_ends_with_5(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        assert verdict(5, "--url", f"ws://127.0.0.1:{port}/signaling") == ("tcp", 53000)

    def test_silence_ends_with_5(self) -> None:
        with odd_server(swallows) as url:
            assert verdict(5, "--url", url, "--timeout", "0.3") == ("websocket", 53002)

    @pytest.mark.parametrize(
        "arguments",
        [["--url", "http://x"], ["--duration", "nan"]],
        ids=" ".join,
    )
    def test_bad_usage_ends_with_2(self, arguments: list[str]) -> None:
        ran = videocli("preflight", *arguments)
        assert (ran.exit_code, ran.stdout) == (2, "")
        assert len(ran.stderr.splitlines()) == 2


def test_a_signal_stops_it_with_a_report_of_what_there_is() -> None:
    with (
        odd_server(swallows) as url,
        subprocess.Popen(
            [sys.executable, "-m", "videocli", "preflight", "--json", "--url", url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ,
        ) as process,
    ):
        assert process.stderr is not None
        while "TCP" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=PATIENCE)
    said = json.loads(stdout)
    assert (process.returncode, said["verdict"]) == (130, "stopped")
    assert {step["step"]: step["status"] for step in said["steps"]}["tcp"] == "ok"


@pytest.mark.netns
def test_without_a_server_it_is_one_itself_and_needs_no_network() -> None:
    command = [*IN_FLIGHT_MODE, *VIDEOCLI, "preflight", "--duration", "0.5", "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    said = json.loads(ran.stdout)
    assert (ran.returncode, said["verdict"]) == (0, "ok")
    assert said["url"] == "ws://127.0.0.1:7780/signaling"
