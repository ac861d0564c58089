"""What is wrong with the input is told in two lines, with the contract's exit code."""

import json
import logging
import os
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.odd_servers import HTTP_200, HTTP_404, Talk, answers, odd_server, opens_and, says, swallows
from tests.cli.process import videocli
from tests.cli.room_server import KEY, SERVER_VARIABLES, minted
from videocli.cli import app
from videocli.tokens import Credentials

OTHER_SECRET = Credentials(KEY.account_sid, KEY.api_key, "another secret of the very same key")
OTHER_KEY = Credentials(KEY.account_sid, "SK" + "f" * 32, "a secret that this server does not know")
NOWHERE = "ws://127.0.0.1:9/signaling"
"""Not to be reached: these tests are refused before."""

Complaint = Callable[..., str]
"""Runs videocli with these arguments, and gives its two lines on stderr; fails for any other end."""


@pytest.fixture
def complaint(capfd: pytest.CaptureFixture[str]) -> Iterator[Complaint]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def run(exit_code: int, *arguments: str) -> str:
        code = app.run(arguments)
        stdout, stderr = capfd.readouterr()
        lines = stderr.splitlines()
        assert (code, len(lines), stdout) == (exit_code, 2, ""), (code, stderr, stdout)
        assert "Traceback" not in stderr
        assert all(len(line.split()) > 2 for line in lines), "each line says something"
        return stderr

    yield run
    root.handlers[:] = handlers
    root.setLevel(level)


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["join", "room", "--frobnicate"], "--frobnicate"),
            (["join"], "ROOM"),
            (["join", "room", "--json", "--plain"], "exclude each other"),
            (["join", "room", "--timeout", "5"], "--until"),
            (["join", "room", "--record", "/dev/null/talks"], "cannot record into '/dev/null/talks'"),
            (["join", "room", "--record", ""], "--record names no directory"),
            (["join", "room", "--record", "/dev/null"], "cannot record into '/dev/null'"),
            (["join", "room", "--pipe", "audio=cat"], "KIND:IDENTITY=COMMAND"),
            (["join", "room", "--pipe", "data:alice=cat"], "KIND:IDENTITY=COMMAND"),
            (["join", "room", "--pipe", "audio:alice= "], "KIND:IDENTITY=COMMAND"),
            (["join", "room", "--until", "lunch"], "'lunch' cannot be waited for"),
            (["join", "room", "--duration", "nan"], "--duration"),
            (["join", "room", "--data", "chat,unorderd"], "--data"),
            (["join", "room", "--subscribe", ":video"], "names nobody"),
            (["join", "room", "--url", NOWHERE, "--data-out", "-"], "stdout is taken"),
            (["join", "room", "--url", NOWHERE, "--data-out", "/nowhere/x"], "No such file"),
            (["join", "room", "--url", NOWHERE, "--data-out", "/tmp"], "directory"),
            (["join", "room", "--stats-interval", "nan"], "--stats-interval"),
            (["join", "room", "--until", "connected", "--timeout", "inf"], "--timeout"),
            (["join", "room", "--url", "http://127.0.0.1/"], "no room server's URL"),
            (["join", "room", "--url", NOWHERE, "--token"], "VIDEOCLI_TOKEN"),
            (["join", "room", "--url", NOWHERE, "--token", "-"], "stdin ended without a token"),
            (["join", "room", "--video", "-", "--json"], "--video - and the commands of --json cannot both"),
            (["join", "room", "--audio", "-", "--audio", "-"], "--audio - is there twice"),
            (["join", "room", "--exit-after-publish"], "--video or --audio"),
            (["join", "room", "--audio", "tone", "--exit-after-publish"], "tone never ends"),
            (["serve", "--port", "65536"], "--port"),
            (["serve", "--frobnicate"], "--frobnicate"),
            (["demo", "--frobnicate"], "--frobnicate"),
            (["frobnicate"], "frobnicate"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else None,
    )
    def test_what_cannot_be_asked_for(self, complaint: Complaint, arguments: list[str], words: str) -> None:
        assert words in complaint(2, *arguments)

    def test_a_port_that_is_taken(self, complaint: Complaint) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            told = complaint(2, "serve", "--port", port)
        assert f"port {port}: Address already in use" in told
        assert "--port" in told

    @pytest.mark.parametrize("host", ["192.0.2.7", "no-such-host.invalid", "", "127.0.0.1:80"])
    def test_a_host_that_is_not_ours(self, complaint: Complaint, host: str) -> None:
        assert "--host" in complaint(2, "serve", "--port", "0", "--host", host)


@pytest.mark.parametrize(
    ("room", "code"),
    [("r" * 129, "53101 RoomNameTooLong"), ("", "53100 RoomNameInvalid"), ("a\x07b", "53102 RoomNameChars")],
)
def test_a_bad_room_name(complaint: Complaint, room: str, code: str) -> None:
    assert code in complaint(4, "join", room, "--url", NOWHERE)


class TestToken:
    @pytest.mark.parametrize("token", ["no-token-at-all", "a.b.c", "eyJhbGciOiJIUzI1NiJ9.e30.x"])
    def test_no_token_at_all(self, complaint: Complaint, token: str) -> None:
        told = complaint(3, "join", "room", "--url", NOWHERE, "--token", token)
        assert "2010" in told
        assert token not in told

    @pytest.mark.parametrize(
        ("token", "code"),
        [
            (minted("alice", "room", age=timedelta(days=2)), "20104 AccessTokenExpired"),
            (minted("alice", "another"), "20106 AccessTokenGrantsInvalid"),
            (minted("alice", "room", OTHER_KEY), "20103 AccessTokenIssuerInvalid"),
            (minted("alice", "room", OTHER_SECRET), "20107 AccessTokenSignatureInvalid"),
        ],
        ids=["expired", "another room", "unknown key", "another secret"],
    )
    def test_one_that_the_server_refuses(self, url: str, token: str, code: str) -> None:
        refused(url, 3, code, VIDEOCLI_TOKEN=token)

    @pytest.mark.parametrize(
        ("command", "words"),
        [("exit 3", "exit code 3"), ("true", "printed nothing"), ("echo no token at all", "20101")],
    )
    def test_a_token_command_that_gives_none(self, complaint: Complaint, command: str, words: str) -> None:
        assert words in complaint(3, "join", "room", "--url", NOWHERE, "--token-command", command)


def refused(url: str, exit_code: int, code: str, *options: str, **variables: str) -> str:
    """A real process is refused at the URL: two lines, one event, and no token even with the log.

    The second line.
    """
    log = Path(os.environ["VIDEOCLI_STATE_DIR"], "log")
    arguments = ("join", "room", "--url", url, "--json", "--log-file", str(log), *options)
    ran = videocli(*arguments, **SERVER_VARIABLES, **variables)
    lines = ran.stderr.splitlines()
    assert (ran.exit_code, len(lines)) == (exit_code, 2), ran
    assert code in lines[0]
    events = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [(event["event"], str(event["error"]["code"])) for event in events] == [("disconnected", code[:5])]
    assert not any(token in ran.stderr + ran.stdout + log.read_text() for token in variables.values())
    return lines[1]


class TestMedia:
    @pytest.mark.parametrize(
        ("option", "name", "words"),
        [
            ("--video", "missing.mp4", "does not exist"),
            ("--audio", "missing.mp4", "does not exist"),
            ("--video", "empty.mp4", "is empty"),
            ("--video", "text.mp4", "is not media"),
            ("--audio", "text.mp4", "is not media"),
            ("--video", "folder", "is a folder"),
            ("--video", "https://127.0.0.1:9/x.mp4", "cannot be reached"),
            ("--video", "tone", "--audio tone"),
        ],
    )
    def test_what_cannot_be_published(
        self,
        complaint: Complaint,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        option: str,
        name: str,
        words: str,
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("empty.mp4").touch()
        Path("text.mp4").write_text("To be, or not to be: that is the question.\n" * 100)
        Path("folder").mkdir()
        assert words in complaint(2, "join", "room", "--url", NOWHERE, option, name)

    def test_no_permission(
        self, complaint: Complaint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("locked.mp4").write_bytes(b"x")
        Path("locked.mp4").chmod(0)
        user = os.geteuid()
        for name, value in SERVER_VARIABLES.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("VIDEOCLI_CONFIG_DIR", "/nowhere")
        if user == 0:
            os.seteuid(65534)
        try:
            told = complaint(2, "join", "room", "--url", NOWHERE, "--video", "locked.mp4")
        finally:
            os.seteuid(user)
        assert "may not be read" in told


class TestServer:
    @pytest.mark.parametrize(
        "talk",
        [
            answers(HTTP_200),
            answers(HTTP_404),
            answers(b"\x00\xff garbage\r\n\r\n" * 10),
            answers(b""),
            opens_and(says('{"type":"bad","reason":"x"}')),
            opens_and(lambda client: None),
        ],
        ids=["HTTP 200", "HTTP 404", "garbage", "closes", "bad", "WebSocket closes"],
    )
    def test_what_is_no_room_server(self, talk: Talk) -> None:
        with odd_server(talk) as url:
            assert f" ({url}). The server " in refused(url, 5, "53000 SignalingConnection")

    def test_one_that_refuses(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            place = f"127.0.0.1:{closed.getsockname()[1]}/signaling"
        told = refused(f"ws://alice:sesame@{place}?key=sesame", 5, "53000 SignalingConnection")
        assert told.startswith(f"Connection refused (ws://{place}). The server refused")

    def test_one_without_tls(self, url: str) -> None:
        told = refused(url.replace("ws://", "wss://"), 5, "53000 SignalingConnection")
        assert told.endswith("). The port may speak no TLS: then the URL is ws:// in place of wss://.")

    def test_a_name_that_nobody_knows(self) -> None:
        url = "ws://no-such-host.invalid/signaling"
        told = refused(url, 5, "53002 SignalingConnectionTimeout")
        assert told.startswith("No address for the host: ")
        assert f" ({url}). Check the host's name" in told
        assert "in time" not in told

    @pytest.mark.parametrize(
        "talk",
        [swallows, opens_and(swallows), opens_and(says("garbage"))],
        ids=["TCP", "WebSocket", "WebSocket garbage"],
    )
    def test_one_that_hangs_is_left_when_the_time_is_up(self, talk: Talk) -> None:
        with odd_server(talk) as url:
            ran = videocli("join", "room", "--url", url, "--until", "connected", "--timeout", "0.5")
        assert ran.exit_code == 7
        first, second = ran.stderr.splitlines()
        assert "no connected within 0.5 s" in first
        assert "--timeout" in second
