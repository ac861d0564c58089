"""`videocli profile` and `--profile`, as a user meets them."""

import json
import logging
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.process import Ran, videocli
from tests.cli.room_server import KEY, running_server
from videocli.cli import app, settings
from videocli.cli.exit_codes import UsageError
from videocli.cli.profiles.format import Profile

SECRET = "a-secret-that-nobody-may-see"
WORK = ("--account-sid", f"AC{1:032x}", "--api-key", f"SK{1:032x}")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    settings.choose(None)


Run = Callable[..., Ran]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> Ran:
        code = app.run(arguments)
        ran = Ran(code, *capfd.readouterr())
        assert SECRET not in ran.stdout + ran.stderr
        return ran

    return run


@pytest.fixture
def file(user_state: Path) -> Path:
    path = user_state / "config" / "profiles.toml"
    path.parent.mkdir()
    path.write_text(
        f"[profile.work]\naccount_sid = 'AC1'\napi_key = 'SK1'\napi_secret = '{SECRET}'\n"
        "identity = 'worker'\n"
        "[profile.lab]\nidentity = 'probe'\ntoken_command = 'curl -H Authorization:token=abc'\n"
    )
    path.chmod(0o600)
    return path


def minted(ran: Ran) -> tuple[str, str]:
    assert ran.exit_code == 0, ran
    token = json.loads(ran.stdout)
    return token["identity"], token["apiKey"]


class TestChoosing:
    MINT = ("mint-token", "--room", "r", "--json")

    def test_a_profile_s_values_are_used_when_it_is_named(self, run: Run, file: Path) -> None:
        assert minted(run(*self.MINT, "--profile", "work")) == ("worker", "SK1")
        assert minted(run("--profile", "work", *self.MINT)) == ("worker", "SK1")

    def test_an_option_comes_before_it(self, run: Run, file: Path) -> None:
        assert minted(run(*self.MINT, "--profile", "work", "--identity", "me")) == ("me", "SK1")

    def test_the_environment_comes_before_it_and_that_is_said(
        self, run: Run, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in (("ACCOUNT_SID", "AC2"), ("API_KEY", "SK2"), ("API_SECRET", "another-secret")):
            monkeypatch.setenv(f"TWILIO_{name}", value)
        ran = run(*self.MINT, "--profile", "work")
        assert minted(ran) == ("worker", "SK2")
        assert ran.stderr == (
            "warning: profile 'work' is overruled by TWILIO_ACCOUNT_SID, TWILIO_API_KEY, TWILIO_API_SECRET "
            "of the environment\n"
        )
        assert run(*self.MINT, "--profile", "work", "-q").stderr == ""

    def test_option_variable_and_use_come_in_this_order(
        self, run: Run, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run("profile", "use", "work")
        assert minted(run(*self.MINT))[0] == "worker"
        monkeypatch.setenv("VIDEOCLI_PROFILE", "lab")
        assert minted(run(*self.MINT))[0] == "probe"
        assert minted(run(*self.MINT, "--profile", "work"))[0] == "worker"
        assert minted(run("--profile", "work", *self.MINT))[0] == "worker"
        assert minted(run("--profile", "work", *self.MINT, "--profile", "lab"))[0] == "probe"
        assert minted(run(*self.MINT, "--profile", ""))[0] not in ("worker", "probe")

    def test_a_run_without_a_profile_forgets_the_last_one(self, run: Run, file: Path) -> None:
        assert minted(run(*self.MINT, "--profile", "work"))[1] == "SK1"
        assert minted(run(*self.MINT))[1] == settings.development_credentials().api_key

    @pytest.mark.parametrize(
        "words", [("mint-token", "--profile", "wrok"), ("--profile", "wrok", "mint-token")]
    )
    def test_one_that_is_not_there_is_two_lines(self, run: Run, file: Path, words: tuple[str, ...]) -> None:
        assert run(*words) == (2, "", "error: there is no profile 'wrok'\nDid you mean 'work'?\n")

    def test_a_damaged_file_is_two_lines_and_help_still_helps(self, run: Run, file: Path) -> None:
        file.write_text("[profile.work")
        ran = run("mint-token")
        assert (ran.exit_code, ran.stdout, len(ran.stderr.splitlines())) == (2, "", 2)
        assert str(file) in ran.stderr
        assert run("mint-token", "--help").exit_code == 0
        assert file.read_text() == "[profile.work"

    def test_a_file_that_is_another_user_s_matters_only_to_whoever_asks_for_a_profile(
        self, run: Run, file: Path
    ) -> None:
        file.parent.chmod(0)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            with pytest.MonkeyPatch.context() as environment:
                for name in ("ACCOUNT_SID", "API_KEY", "API_SECRET"):
                    environment.setenv(f"TWILIO_{name}", "x" * 32)
                ran = run(*self.MINT)
                asked = run(*self.MINT, "--profile", "work")
        finally:
            os.seteuid(user)
            file.parent.chmod(0o700)
        assert (ran.exit_code, ran.stderr) == (
            0,
            f"warning: the profiles {file} cannot be read: Permission denied\n",
        )
        assert asked.exit_code == 2

    def test_help_names_the_variable(self, run: Run) -> None:
        for command in ("join", "mint-token", "serve"):
            assert "VIDEOCLI_PROFILE" in run(command, "--help").stdout


class TestCredentials:
    PROFILE = Profile(account_sid="AC1", api_key="SK1", api_secret="secret of SK1")

    def test_a_secret_may_come_from_the_environment(self) -> None:
        settings.choose(Profile(account_sid="AC1", api_key="SK1"))
        found = settings.credentials({"TWILIO_API_SECRET": "from outside"})
        assert (found.account_sid, found.api_key, found.api_secret) == ("AC1", "SK1", "from outside")

    def test_a_secret_is_never_used_with_another_key(self) -> None:
        settings.choose(self.PROFILE)
        with pytest.raises(UsageError, match=r"^TWILIO_API_SECRET is not set"):
            settings.credentials({"TWILIO_API_KEY": "SK2"})

    def test_what_is_missing_beside_a_profile_s_names_the_profile_and_the_way_out(self) -> None:
        settings.choose(Profile(account_sid="AC1", api_key="SK1"), "work")
        with pytest.raises(UsageError) as caught:
            settings.credentials({})
        assert caught.value.problem == (
            "TWILIO_API_SECRET is not set, but TWILIO_ACCOUNT_SID and TWILIO_API_KEY are, by profile 'work'"
        )
        assert "--profile ''" in caught.value.remedy
        assert "'videocli profile remove work'" in caught.value.remedy
        with pytest.raises(UsageError, match=r"are, TWILIO_ACCOUNT_SID by profile 'work'$"):
            settings.credentials({"TWILIO_API_KEY": "SK2"})

    def test_a_server_accepts_them_and_the_development_key(self) -> None:
        settings.choose(self.PROFILE)
        assert set(settings.known_credentials()) == {"SK1", settings.development_credentials().api_key}


class TestAdd:
    def test_the_first_one_is_used(self, run: Run) -> None:
        assert run("profile", "add", "lab", "--identity", "x").stderr == (
            "profile 'lab' is kept and used from now on\n"
        )
        assert run("profile", "add", "other", "--identity", "y").stderr == "profile 'other' is kept\n"
        assert run("profile", "list").stdout == "* lab\n  other\n"

    def test_a_secret_comes_from_stdin(self, run: Run, user_state: Path) -> None:
        command = [sys.executable, "-m", "videocli", "profile", "add", "work", *WORK, "--api-secret", "-"]
        ran = subprocess.run(
            command, input=f"{SECRET}\nnot read", capture_output=True, text=True, timeout=30, check=False
        )
        assert (ran.returncode, ran.stdout, ran.stderr) == (
            0,
            "",
            "profile 'work' is kept and used from now on\n",
        )
        path = user_state / "config" / "profiles.toml"
        assert f'api_secret = "{SECRET}"' in path.read_text()
        assert path.stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize("options", [(), ("--api-secret",)])
    def test_a_terminal_is_asked_without_echo(self, user_state: Path, options: tuple[str, ...]) -> None:
        pid, terminal = pty.fork()
        if pid == 0:
            command = [sys.executable, "-m", "videocli", "profile", "add", "work", *WORK, *options]
            os.execv(sys.executable, command)
        shown = b""
        while b"API secret" not in shown:
            shown += os.read(terminal, 1024)
        os.write(terminal, f"{SECRET}\n".encode())
        try:
            while chunk := os.read(terminal, 1024):
                shown += chunk
        except OSError:  # Linux' way to say that the other end is closed
            pass
        os.close(terminal)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert SECRET.encode() not in shown
        assert SECRET in (user_state / "config" / "profiles.toml").read_text()

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["x"], "there is nothing to keep in profile 'x'"),
            (["x y", "--identity", "i"], "'x y' is no name for a profile"),
            (["x", "--url", "http://x/"], "is no room server's URL"),
            (["x", "--api-secret", SECRET], "can be read by every user"),
            (["x", f"--api-secret={SECRET}"], "can be read by every user"),
            (["work", "--identity", "i"], "there is a profile 'work' already"),
            (["x", "--api-key", SECRET], "api_key does not begin with SK"),
            (
                ["x", "--account-sid", "AC…"],
                "account_sid is not an account SID: AC and 32 hexadecimal digits",
            ),
            (
                ["x", "--api-key", f"SK{1:031x}"],
                "api_key is not an API key's SID: SK and 32 hexadecimal digits",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_what_is_no_good_is_two_lines_and_changes_nothing(
        self, run: Run, file: Path, arguments: list[str], words: str
    ) -> None:
        before = file.read_bytes()
        ran = run("profile", "add", *arguments)
        assert (ran.exit_code, ran.stdout, len(ran.stderr.splitlines())) == (2, "", 2)
        assert words in ran.stderr
        assert file.read_bytes() == before

    def test_a_key_without_a_secret_is_warned_of_and_not_used(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "stdin", Path(os.devnull).open())  # noqa: SIM115  # closed by the next line
        with sys.stdin:
            assert run("profile", "add", "work", *WORK).stderr == (
                "profile 'work' is kept\n"
                "warning: it has no api_secret: TWILIO_API_SECRET has to be set where it is used; "
                "it is not in use until 'videocli profile use work'\n"
            )
            assert run("profile", "list").stdout.startswith("  work")
            assert run("mint-token").exit_code == 0
            assert "used from now on" in run("profile", "add", "work", *WORK, "--replace", "--use").stderr


class TestLooking:
    def test_list_marks_the_one_in_use_and_tells_no_secret(self, run: Run, file: Path) -> None:
        run("profile", "use", "work")
        assert run("profile", "list").stdout == "* work                 AC1\n  lab\n"
        listed = [json.loads(line) for line in run("profile", "list", "--json").stdout.splitlines()]
        assert [(each["name"], each["used"], each["hasApiSecret"]) for each in listed] == [
            ("work", True, True),
            ("lab", False, False),
        ]

    def test_show_has_everything_but_secrets(self, run: Run, file: Path) -> None:
        assert run("profile", "show", "work").stdout == (
            "account_sid   AC1\napi_key       SK1\napi_secret    (kept, not shown)\nidentity      worker\n"
        )
        shown = run("profile", "show", "lab", "--json").stdout
        assert "abc" not in shown
        assert json.loads(shown)["identity"] == "probe"

    def test_show_without_a_name_shows_the_one_in_use(self, run: Run, file: Path) -> None:
        assert run("profile", "show").exit_code == 2
        run("profile", "use", "lab")
        assert "probe" in run("profile", "show").stdout

    def test_remove_says_when_it_was_in_use(self, run: Run, file: Path) -> None:
        run("profile", "use", "lab")
        assert run("profile", "remove", "lab").stderr == (
            "profile 'lab' is removed; no profile is used from now on\n"
        )
        assert run("profile", "remove", "lab").exit_code == 2

    @pytest.mark.parametrize("arguments", [[], ["work", "--none"]])
    def test_use_takes_a_name_or_none(self, run: Run, file: Path, arguments: list[str]) -> None:
        assert run("profile", "use", *arguments).exit_code == 2
        assert run("profile", "use", "--none").exit_code == 0


def test_join_goes_where_the_profile_says_as_whom_it_says(user_state: Path) -> None:
    with running_server() as url:
        path = user_state / "config" / "profiles.toml"
        path.parent.mkdir()
        path.write_text(
            f"use = 'lab'\n[profile.lab]\nurl = '{url}'\nidentity = 'probe'\n"
            f"account_sid = '{KEY.account_sid}'\napi_key = '{KEY.api_key}'\napi_secret = '{KEY.api_secret}'\n"
        )
        path.chmod(0o600)
        ran = videocli("join", "profiled", "--json", "--until", "connected")
        assert ran.exit_code == 0, ran
        assert json.loads(ran.stdout.splitlines()[0])["localParticipant"]["identity"] == "probe"
        ran = videocli("join", "profiled", "--json", "--until", "connected", VIDEOCLI_URL="ws://127.0.0.1:9/")
        assert ran.exit_code == 5, "the environment comes first"
        assert "Profile 'lab'" not in ran.stderr
        assert KEY.api_secret not in ran.stderr + ran.stdout


@pytest.mark.parametrize("command", [("join", "r"), ("preflight",)])
def test_who_cannot_reach_a_server_hears_which_profile_chose_it(command: tuple[str, ...]) -> None:
    assert videocli("profile", "add", "gone", "--url", "ws://127.0.0.1:9/signaling").exit_code == 0
    ran = videocli(*command)
    assert ran.exit_code == 5
    assert "Profile 'gone' chose this server; do without the profile: --profile ''" in ran.stderr
    assert "'videocli profile remove gone'" in ran.stderr
