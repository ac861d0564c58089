"""`videocli join` as a process: what it prints, what it obeys, and when it ends by itself."""

import asyncio
import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.process import videocli as run_videocli
from tests.cli.room_server import SERVER_VARIABLES, minted, running_server
from tests.media.sources.support import make_file
from tests.sdk.programs import Line, Program, videocli

PATIENCE = 60.0


def together(*scenes: Callable[[], Awaitable[None]]) -> None:
    async def play() -> None:
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(scene() for scene in scenes))

    asyncio.run(play())


def comings_and_goings(printed: str) -> list[str]:
    """The first word of each event but those of network qualities, which come at times of their own."""
    words = [line.split()[1] for line in printed.splitlines()]
    return [word for word in words if word != "Network"]


def names(program: Program) -> list[str]:
    return [line.event for line in program.events]


class TestLimits:
    def test_until_it_happens(self, url: str) -> None:
        ran = run_videocli("join", "u1", "--url", url, "--json", "--until", "connected", **SERVER_VARIABLES)
        assert (ran.exit_code, ran.stderr) == (0, "")
        events = [json.loads(line) for line in ran.stdout.splitlines()]
        assert [event["event"] for event in events] == ["connected", "disconnected"]
        assert [event["room"]["state"] for event in events] == ["connected", "disconnected"]
        assert events[1]["error"] is None

    def test_until_the_time_is_up(self, url: str) -> None:
        limits = ("--until", "participantConnected:bob", "--timeout", "1.5")
        ran = run_videocli("join", "u2", "--url", url, "--plain", *limits, **SERVER_VARIABLES)
        assert ran.exit_code == 7
        assert "no participantConnected:bob within 1.5 s" in ran.stderr
        assert comings_and_goings(ran.stdout) == ["Connected", "Disconnected"]

    def test_the_time_counts_from_the_start(self, url: str) -> None:
        limits = ("--until", "connected", "--timeout", "0.5", "--token-command", "exec sleep 20")
        began = time.monotonic()
        ran = run_videocli("join", "u3", "--url", url, *limits)
        assert ran.exit_code == 7
        assert time.monotonic() - began < 15

    def test_for_so_long(self, url: str) -> None:
        ran = run_videocli("join", "u4", "--url", url, "--plain", "--duration", "0.2", **SERVER_VARIABLES)
        assert (ran.exit_code, ran.stderr) == (0, "")
        assert comings_and_goings(ran.stdout) == ["Connected", "Disconnected"]

    def test_asked_to_leave_before_it_happened_is_no_failure(self, url: str) -> None:
        async def scene() -> None:
            async with videocli("join", "u5", "--url", url, "--json", "--until", "reconnecting") as program:
                await program.wait_event("connected")
                await program.command("disconnect")
                assert await program.exit_code() == 0
                assert program.stderr == []

        together(scene)

    def test_a_room_that_ends_before_it_happened_is_one(self) -> None:
        async def scene(url: str) -> None:
            async with videocli("join", "u6", "--url", url, "--json", "--until", "reconnecting") as program:
                await program.wait_event("connected")
                server.__exit__(None, None, None)
                assert await program.exit_code() != 0
                assert len(program.stderr) == 2

        server = running_server()
        with_url = server.__enter__()
        together(lambda: scene(with_url))


def test_who_wants_data_alone_gets_it_also_into_a_file(url: str, tmp_path: Path) -> None:
    async def scene() -> None:
        arguments = ("join", "wants", "--url", url, "--json")
        publishing = ("--audio", "tone", "--data", "chat,unordered,max-retransmits=9")
        async with videocli(*arguments, "--identity", "bob", *publishing) as bob:
            await bob.wait_event("localTrackPublished", lambda line: line.fields["track"]["kind"] == "data")
            wanting = ("--subscribe", "data", "--data-out", str(out))
            async with videocli(*arguments, "--identity", "alice", *wanting) as alice:
                present = (await alice.wait_event("connected")).fields["participants"]
                assert {track["name"] for track in present[0]["tracks"]} >= {"chat"}
                await alice.wait_event("trackSubscribed")
                await bob.command("sendMessage", text="grüße")
                message = (await alice.wait_event("trackMessage")).fields
                sid = message["track"]["sid"]
                await alice.command("unsubscribe", track=sid)
                await alice.wait_event("trackUnsubscribed")
                await alice.command("subscribe", rule="bob:audio")
                await alice.wait_event("trackStarted", lambda line: line.fields["track"]["name"] == "tone")
                await alice.command("disconnect")
                assert await alice.exit_code() == 0
            await bob.command("disconnect")
            assert await bob.exit_code() == 0
        (kept,) = [json.loads(line) for line in out.read_text().splitlines()]
        assert kept == {name: message[name] for name in ("time", "participant", "track", "data")}

    out = tmp_path / "messages.ndjson"
    together(scene)


def test_each_is_told_how_good_its_own_network_and_the_others_is(url: str) -> None:
    async def scene() -> None:
        arguments = ("join", "networks", "--url", url, "--json")
        async with videocli(*arguments, "--identity", "bob") as bob:
            async with videocli(*arguments, "--identity", "alice") as alice:
                for program in (bob, alice):
                    for identity in ("bob", "alice"):
                        line = await program.wait_event("networkQualityLevelChanged", about(identity))
                        assert line.fields["participant"]["state"] == "connected"
                        assert 1 <= line.fields["level"] <= 5
                await alice.command("disconnect")
                assert await alice.exit_code() == 0
            await bob.command("disconnect")
            assert await bob.exit_code() == 0

    def about(identity: str) -> Callable[[Line], bool]:
        return lambda line: line.identity == identity

    together(scene)


def test_two_see_each_other(url: str) -> None:
    async def scene() -> None:
        arguments = ("join", "two", "--url", url, "--json")
        async with videocli(*arguments, "--identity", "bob", "--no-subscribe") as bob:
            await bob.wait_event("connected")
            async with videocli(*arguments, "--identity", "alice", "--data", "chat") as alice:
                present = (await alice.wait_event("connected")).fields["participants"]
                assert [participant["identity"] for participant in present] == ["bob"]
                await bob.wait_event("participantConnected", lambda line: line.identity == "alice")
                await bob.wait_event("trackPublished", lambda line: line.fields["track"]["name"] == "chat")
                await alice.command("disconnect")
                assert await alice.exit_code() == 0
                await bob.wait_event("participantDisconnected", lambda line: line.identity == "alice")
                await bob.command("disconnect")
                assert await bob.exit_code() == 0
                assert "trackSubscribed" not in names(bob)
                assert names(alice)[-1] == names(bob)[-1] == "disconnected"

    together(scene)


class TestCommands:
    def test_what_is_asked_for_happens(self, url: str) -> None:
        async def scene() -> None:
            arguments = ("join", "commands", "--url", url, "--json")
            async with (
                videocli(*arguments, "--identity", "alice") as alice,
                videocli(*arguments, "--identity", "bob") as bob,
            ):
                await bob.wait_event("connected")
                await alice.wait_event("connected")
                await alice.command("publish", kind="data", name="chat")
                await bob.wait_event("trackSubscribed", lambda line: line.kind == "data")
                await alice.command("sendMessage", text="hi")
                await bob.wait_event("trackMessage", lambda line: line.fields["data"] == "hi")
                await alice.command("publish", kind="audio", source="tone")
                await bob.wait_event("trackStarted", lambda line: line.kind == "audio")
                for command, event in (("disable", "trackDisabled"), ("enable", "trackEnabled")):
                    await alice.command(command, track="audio")
                    await bob.wait_event(event, lambda line: line.kind == "audio")
                await alice.command("setPriority", track="tone", priority="high")
                await bob.wait_event("trackPublishPriorityChanged")
                await alice.command("stats")
                assert (await alice.wait_event("stats")).fields["stats"]
                await alice.command("unpublish", track="tone")
                await bob.wait_event("trackUnpublished", lambda line: line.kind == "audio")
                await alice.command("disconnect")
                assert await alice.exit_code() == 0

        together(scene)

    def test_to_leave_nobody_waits_for_a_source_that_does_not_open(self, url: str) -> None:
        async def scene() -> None:
            asked = asyncio.Event()

            async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                asked.set()
                try:
                    while await reader.read(1024):
                        pass
                finally:
                    writer.close()

            dead = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
            source = f"http://127.0.0.1:{dead.sockets[0].getsockname()[1]}/a.mp4"
            async with dead, videocli("join", "slow", "--url", url, "--json") as program:
                await program.wait_event("connected")
                await program.command("publish", kind="video", source=source)
                await asked.wait()
                await program.command("stats")
                await program.command("disconnect")
                assert await program.exit_code() == 0
                assert names(program)[-2:] == ["stats", "disconnected"]
                assert "error" not in names(program), "which says that it did not open"

        together(scene)

    @pytest.mark.parametrize(
        "line",
        [
            b"garbage",
            b"{}",
            b"[]",
            b'{"command":"dance"}',
            b'{"command":"publish","kind":"video","source":"/missing.mp4"}',
            b'{"command":"disable","track":"no such track"}',
            b'{"command":"sendMessage","text":"hi","track":"no such track"}',
            b"\xff\xfe",
            b"x" * 3_000_000,
        ],
        ids=lambda line: line[:40].decode(errors="replace"),
    )
    def test_what_is_no_command_is_an_error_and_changes_nothing(self, url: str, line: bytes) -> None:
        done = b'{"command":"stats"}\n{"command":"disconnect"}\n'
        ran = join_with_input(url, line + b"\n" + done)
        events = [json.loads(text) for text in ran.stdout.splitlines()]
        others = ("connected", "networkQualityLevelChanged")
        heard = [event["event"] for event in events if event["event"] not in others]
        assert heard.count("error") >= 1
        assert set(heard) == {"error", "stats", "disconnected"}
        assert all(event["error"]["explanation"] for event in events if event["event"] == "error")
        assert (ran.returncode, ran.stderr) == (0, b"")

    @pytest.mark.parametrize("stdin", ["pipe", "file", "null", "closed"])
    def test_the_end_of_stdin_is_not_the_end(self, url: str, tmp_path: Path, stdin: str) -> None:
        commands = tmp_path / "commands"
        commands.write_text('{"command":"stats"}')
        ends = {"pipe": "</dev/null cat |", "file": "", "null": "", "closed": ""}
        redirections = {
            "pipe": "",
            "file": f"<{commands}",
            "null": "</dev/null",
            "closed": "<&-",
        }
        shell = f'{ends[stdin]} "$@" {redirections[stdin]}'
        videocli = (sys.executable, "-m", "videocli", "join", "eof", "--url", url, "--json")
        ran = subprocess.run(
            ["sh", "-c", shell, "sh", *videocli, "--duration", "0.3"],
            env={**os.environ, **SERVER_VARIABLES},
            capture_output=True,
            check=False,
            timeout=PATIENCE,
        )
        heard = {json.loads(line)["event"] for line in ran.stdout.splitlines()}
        assert heard == {"connected", "disconnected"} | ({"stats"} if stdin == "file" else set())
        assert (ran.returncode, ran.stderr) == (0, b"")


def join_with_input(url: str, text: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "videocli", "join", "input", "--url", url, "--json"],
        input=text,
        env={**os.environ, **SERVER_VARIABLES},
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )


def test_who_brings_a_token_of_twilio_s_needs_no_place_for_a_development_key(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    state = str(tmp_path / "file" / "state")
    options = ("--token", minted("carol", "cloud"), "--region", "not one")
    ran = run_videocli("join", "cloud", *options, VIDEOCLI_STATE_DIR=state)
    assert (ran.exit_code, ran.stderr.splitlines()[0]) == (2, "error: 'not one' is no region")


class TestToken:
    """Only the token makes these join as `carol`: the development key is not the server's."""

    LIMITS = ("--json", "--until", "connected")

    def joined_as(self, stdout: str) -> str:
        identity: str = json.loads(stdout.splitlines()[0])["localParticipant"]["identity"]
        return identity

    @pytest.mark.parametrize(
        ("options", "variables"),
        [
            (["--token", "TOKEN"], {}),
            (["--token"], {"VIDEOCLI_TOKEN": "TOKEN"}),
            ([], {"VIDEOCLI_TOKEN": "TOKEN"}),
            (["--token-command", "echo TOKEN"], {}),
            ([], {"VIDEOCLI_TOKEN_COMMAND": "echo TOKEN"}),
            (["--token", "TOKEN", "--token-command", "exit 1"], {}),
        ],
    )
    def test_every_way_to_give_one(self, url: str, options: list[str], variables: dict[str, str]) -> None:
        token = minted("carol", "tokens")
        given = [option.replace("TOKEN", token) if "VIDEOCLI" not in option else option for option in options]
        environment = {name: value.replace("TOKEN", token) for name, value in variables.items()}
        ran = run_videocli("join", "tokens", "--url", url, *self.LIMITS, *given, **environment)
        assert (ran.exit_code, ran.stderr) == (0, "")
        assert self.joined_as(ran.stdout) == "carol"
        assert token not in ran.stdout

    def test_an_identity_that_a_token_overrules_is_warned_of(self, url: str) -> None:
        options = ("--url", url, *self.LIMITS, "--identity", "zoe")
        ran = run_videocli("join", "tokens", *options, VIDEOCLI_TOKEN=minted("carol", "tokens"))
        assert (ran.exit_code, self.joined_as(ran.stdout)) == (0, "carol")
        (warning,) = ran.stderr.splitlines()
        assert warning.startswith(
            "warning: --identity zoe is not used: the token from VIDEOCLI_TOKEN names carol"
        )

    @pytest.mark.parametrize(
        ("token", "code"),
        [
            (minted("carol", "another"), 20106),
            (minted("carol", "tokens", age=timedelta(days=2)), 20104),
            ("garbage", 20101),
        ],
        ids=["room", "expired", "garbage"],
    )
    def test_a_token_that_is_refused_is_said_to_be_the_environment_s(
        self, url: str, token: str, code: int
    ) -> None:
        ran = run_videocli("join", "tokens", "--url", url, "--plain", VIDEOCLI_TOKEN=token)
        assert ran.exit_code == 3
        error, remedy = ran.stderr.splitlines()[-2:]
        assert error.startswith(f"error: {code} ")
        assert remedy.endswith(" The token is that of VIDEOCLI_TOKEN; do without it: unset VIDEOCLI_TOKEN.")

    def test_a_token_command_that_is_not_run_yet_is_said_to_be_so_with_v(self, url: str) -> None:
        options = ("--url", url, *self.LIMITS, "--token-command", "exit 1")
        ran = run_videocli("join", "tokens", *options, "-v", VIDEOCLI_TOKEN=minted("carol", "tokens"))
        assert ran.exit_code == 0
        assert "the token from VIDEOCLI_TOKEN is used as long as it lives" in ran.stderr

    def test_a_line_of_stdin_and_then_commands(self, url: str) -> None:
        ran = subprocess.run(
            [sys.executable, "-m", "videocli", "join", "tokens", "--url", url, "--json", "--token", "-"],
            input=minted("carol", "tokens") + '\n{"command":"stats"}\n{"command":"disconnect"}\n',
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        events = [json.loads(line)["event"] for line in ran.stdout.splitlines()]
        assert events[-2:] == ["stats", "disconnected"]

    def test_a_prompt_shows_nothing_of_it(self, url: str) -> None:
        token = minted("carol", "tokens")
        terminal = Pty("join", "tokens", "--url", url, *self.LIMITS, "--token")
        terminal.wait_for("Access token:")
        terminal.type(token + "\n")
        assert terminal.exit_code() == 0
        assert '"identity":"carol"' in terminal.shown
        assert token not in terminal.shown

    def test_a_prompt_can_be_refused(self, url: str) -> None:
        for keys, exit_code, words in (
            ("\x03", 130, ""),
            ("\x04", 2, "no token was entered"),
            ("\n", 2, "no"),
        ):
            terminal = Pty("join", "tokens", "--url", url, "--token")
            terminal.wait_for("Access token:")
            terminal.type(keys)
            assert terminal.exit_code() == exit_code
            assert words in terminal.shown
            assert "Traceback" not in terminal.shown


class Pty:
    """videocli on a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self.shown = ""
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.execv(sys.executable, [sys.executable, "-m", "videocli", *arguments])

    def type(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            assert self._read(), self.shown

    def exit_code(self) -> int:
        while self._read():
            pass
        _, status = os.waitpid(self._pid, 0)
        os.close(self._fd)
        return os.waitstatus_to_exitcode(status)

    def _read(self) -> bool:
        """Whether there may be more to read."""
        assert select.select([self._fd], [], [], PATIENCE)[0], self.shown
        with suppress(OSError):
            data = os.read(self._fd, 65536)
            self.shown += data.decode()
            return bool(data)
        return False


class TestPublishing:
    def make(self, tmp_path: Path, frames: int = 10) -> Path:
        return make_file(
            tmp_path / "talk.mkv", video="libvpx", audio="libopus", frames=frames, seconds=frames / 25
        )

    def test_a_file_is_played_once_and_then_we_leave(self, url: str, tmp_path: Path) -> None:
        talk = str(self.make(tmp_path))
        ran = run_videocli(
            *("join", "p1", "--url", url, "--json", "--exit-after-publish"),
            *("--video", talk, "--audio", talk, "--audio", "silence"),
            **SERVER_VARIABLES,
        )
        assert (ran.exit_code, ran.stderr) == (0, "")
        events = [json.loads(line) for line in ran.stdout.splitlines()]
        gone = [event for event in events if event["event"] == "localTrackUnpublished"]
        assert {event["track"]["name"] for event in gone} == {"talk.mkv", "talk.mkv audio"}
        assert [event["error"] for event in gone] == [None, None]
        assert events[-1]["event"] == "disconnected"

    def test_the_others_hear_of_the_end_and_the_room_goes_on(self, url: str, tmp_path: Path) -> None:
        async def scene() -> None:
            arguments = ("join", "p2", "--url", url, "--json")
            async with (
                videocli(*arguments, "--identity", "alice") as alice,
                videocli(*arguments, "--identity", "bob") as bob,
            ):
                await alice.wait_event("connected")
                await bob.wait_event("connected")
                talk = str(self.make(tmp_path))
                await bob.command("publish", kind="video", source=talk, loop=False)
                await alice.wait_event("trackUnpublished", lambda line: line.kind == "video")
                gone = await bob.wait_event("localTrackUnpublished")
                assert gone.fields["track"]["name"] == "talk.mkv"
                await bob.command("publish", kind="video", source="-")
                failure = await bob.wait_event("error")
                assert "stdin" in failure.fields["error"]["message"]
                await bob.command("disconnect")
                assert await bob.exit_code() == 0

        together(scene)

    def test_stdin_is_published_for_both_kinds(self, url: str, tmp_path: Path) -> None:
        talk = self.make(tmp_path, frames=25)
        with talk.open("rb") as stdin:
            ran = subprocess.run(
                [
                    *(sys.executable, "-m", "videocli", "join", "p3", "--url", url, "--plain"),
                    *("--video", "-", "--audio", "-", "--exit-after-publish"),
                ],
                stdin=stdin,
                env={**os.environ, **SERVER_VARIABLES},
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE,
            )
        assert (ran.returncode, ran.stderr) == (0, "")
        assert "No longer publishing our video track stdin" in ran.stdout
        assert 'No longer publishing our audio track "stdin audio"' in ran.stdout

    def test_stdin_that_is_not_media_is_bad_usage(self, url: str) -> None:
        ran = subprocess.run(
            [sys.executable, "-m", "videocli", "join", "p4", "--url", url, "--video", "-"],
            input=b"no media at all\n" * 100,
            env={**os.environ, **SERVER_VARIABLES},
            capture_output=True,
            check=False,
            timeout=PATIENCE,
        )
        assert ran.returncode == 2
        assert b"'stdin' is not media" in ran.stderr
        assert len(ran.stderr.splitlines()) == 2

    def test_a_source_that_fails_while_it_is_awaited_is_no_success(self, url: str, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)

        async def scene() -> None:
            arguments = ("join", "p5", "--url", url, "--json", "--video", str(pipe), "--exit-after-publish")
            async with videocli(*arguments) as program:
                await program.wait_event("localTrackPublished")
                await asyncio.to_thread(pipe.write_bytes, b"no media at all\n" * 100)
                gone = await program.wait_event("localTrackUnpublished")
                assert "is not media" in gone.fields["error"]["message"]
                assert await program.exit_code() == 2
                assert len(program.stderr) == 2

        together(scene)
