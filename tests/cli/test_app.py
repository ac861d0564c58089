import importlib
import inspect
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType

import pytest

from tests.cli.process import python, videocli
from videocli import __version__
from videocli.cli import app
from videocli.cli.exit_codes import UsageError
from videocli.cli.writing import output
from videocli.errors import SourceError, error

HEAVY = ("aiortc", "av", "rich", "websockets", "jwt", "asyncio", "pydantic")


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


RunIt = Callable[[Callable[[], object], Sequence[str]], int]


@pytest.fixture
def run_it(monkeypatch: pytest.MonkeyPatch) -> RunIt:
    """Run a function as the command `probe`."""

    def run(function: Callable[[], object], arguments: Sequence[str] = ()) -> int:
        module = ModuleType("videocli.cli.probe")

        def probe() -> object:
            """Probe."""
            return function()

        vars(module)["probe"] = probe
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(app.COMMANDS, "probe", app.CommandEntry("probe", "Probe."))
        return app.run([*arguments, "probe"])

    return run


def raising(fault: BaseException) -> Callable[[], object]:
    def function() -> object:
        raise fault

    return function


class TestErrors:
    @pytest.mark.parametrize(
        ("fault", "exit_code", "lines"),
        [
            (
                error(20104, explanation="Mint one."),
                3,
                [
                    "error: 20104 AccessTokenExpired: Access Token expired or expiration date invalid",
                    "Mint one.",
                ],
            ),
            (error(53105, explanation="Wait."), 4, None),
            (error(53000), 5, None),
            (error(53405), 6, None),
            (error(99999, "\x1b[2JYour\nown fault"), 4, ["error: 99999 TwilioError: [2JYour own fault"]),
            (UsageError("no", "yes"), 2, ["error: no", "yes"]),
            (SourceError(message="clip.mp4: no such file", explanation="Check it."), 2, None),
            (FileNotFoundError(2, "No such file", "x"), 1, None),
            (
                ZeroDivisionError("division"),
                1,
                [
                    "error: ZeroDivisionError: division",
                    "This is a fault of ours: please report what -vv shows.",
                ],
            ),
            (ExceptionGroup("tasks", [ValueError("x"), ExceptionGroup("y", [error(53405)])]), 6, None),
            (KeyboardInterrupt(), 130, []),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_an_error_becomes_two_lines_and_an_exit_code(
        self,
        run_it: RunIt,
        capsys: pytest.CaptureFixture[str],
        fault: BaseException,
        exit_code: int,
        lines: list[str] | None,
    ) -> None:
        assert run_it(raising(fault), []) == exit_code
        shown = capsys.readouterr()
        assert shown.out == ""
        assert "Traceback" not in shown.err
        assert len(shown.err.splitlines()) <= 2
        if lines is not None:
            assert shown.err.splitlines() == lines

    def test_a_traceback_shows_with_vv_and_hides_secrets(
        self, run_it: RunIt, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run_it(raising(ValueError("password='abc'")), ["-vv"]) == 1
        shown = capsys.readouterr().err
        assert "Traceback" in shown
        assert "abc" not in shown

    def test_quiet_does_not_hide_an_error(self, run_it: RunIt, capsys: pytest.CaptureFixture[str]) -> None:
        run_it(raising(error(53000)), ["-q"])
        assert capsys.readouterr().err.startswith("error: 53000 ")

    @pytest.mark.parametrize(("result", "exit_code"), [(None, 0), (7, 7)])
    def test_a_command_may_return_its_exit_code(
        self, run_it: RunIt, result: int | None, exit_code: int
    ) -> None:
        assert run_it(lambda: result, []) == exit_code

    def test_a_reader_that_is_gone_ends_it_quietly(
        self, run_it: RunIt, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(app, "_let_go_of_stdout", lambda: None)
        assert run_it(raising(output.ReaderGone()), []) == 0
        assert capfd.readouterr().err == ""


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "problem", "remedy"),
        [
            (["--nonsense"], "No such option: --nonsense", "Try 'videocli --help'."),
            (["mint-tokem"], "Did you mean 'mint-token'", "Try 'videocli --help'."),
            (["jion", "room"], "Did you mean 'join'?", "Try 'videocli --help'."),
            (["inspect"], "Did you mean 'inspect-token'?", "Try 'videocli --help'."),
            (["join", "room", "--dration", "3"], "--duration", "Try 'videocli join --help'."),
            (["mint-token", "--rooom", "x"], "--room", "Try 'videocli mint-token --help'."),
            (["mint-token", "surplus"], "surplus", "Try 'videocli mint-token --help'."),
            (
                ["mint-token", "--ttl", "soon"],
                "'soon' is no whole number",
                "Try 'videocli mint-token --help'.",
            ),
            (["serve", "--port", "-1"], "'-1' is not 0 or more", "Try 'videocli serve --help'."),
            (["serve", "--port", "65536"], "'65536' is not 65535 or less", "Try 'videocli serve --help'."),
            (["join", "x", "--duration", "y"], "'y' is no number", "Try 'videocli join --help'."),
            (["join", "x", "--url"], "'--url' requires an argument", "Try 'videocli join --help'."),
            (["profile", "add", "x", "--url"], "requires an argument", "Try 'videocli profile add --help'."),
            (["join", "x", "--json=1"], "does not take a value", "Try 'videocli join --help'."),
            (["--log-file", "/no/such/file", "mint-token"], "/no/such/file", "Choose another --log-file."),
        ],
    )
    def test_bad_usage_is_two_lines_and_exit_code_2(
        self, arguments: list[str], problem: str, remedy: str
    ) -> None:
        ran = videocli(*arguments)
        assert (ran.exit_code, ran.stdout) == (2, "")
        first, second = ran.stderr.splitlines()
        assert first.startswith("error: ")
        assert problem in first
        assert second == remedy

    def test_no_arguments_show_the_help(self) -> None:
        assert videocli() == videocli("--help")
        assert videocli().exit_code == 0

    def test_the_help_names_every_command_and_exit_code(self) -> None:
        shown = videocli("--help").stdout
        assert all(f"  {name} " in shown for name in app.COMMANDS)
        assert all(f"  {code} " in shown for code in (*range(9), 130))

    @pytest.mark.parametrize("position", ["before", "after"])
    def test_how_much_to_say_may_stand_before_the_command_and_after_it(self, position: str) -> None:
        words = ["-q", "mint-token"] if position == "before" else ["mint-token", "-q"]
        assert videocli("mint-token").stderr != ""
        assert videocli(*words).stderr == ""

    def test_a_closed_pipe_ends_it_quietly(self) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        command = [sys.executable, "-m", "videocli", "mint-token", "-q"]
        ran = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, timeout=30, check=False)
        os.close(writer)
        assert (ran.returncode, ran.stderr) == (0, b"")


class TestBareOptions:
    @pytest.mark.parametrize(
        ("arguments", "filled"),
        [
            (["room", "--token"], ["room", "--token", ""]),
            (["--token", "--json"], ["--token", "", "--json"]),
            (["--token", "-v"], ["--token", "", "-v"]),
            (["--token", "--", "room"], ["--token", "", "--", "room"]),
            (["--token", "-"], ["--token", "-"]),
            (["--token", "abc"], ["--token", "abc"]),
            (["--token=", "room"], ["--token=", "room"]),
            (["--", "--token"], ["--", "--token"]),
            (["--identity"], ["--identity"]),
        ],
    )
    def test_an_option_that_stands_without_its_value_gets_an_empty_one(
        self, arguments: list[str], filled: list[str]
    ) -> None:
        assert app.fill_bare_options(arguments, {"--token"}) == filled


class TestStarting:
    """Modules are counted, not seconds: they are what start-up costs, and the same on every machine."""

    def heavy_after(self, *arguments: str) -> str:
        code = (
            "import sys, videocli.cli.app as app\n"
            f"assert app.run({[*arguments]}) == 0\n"
            f"print(*[name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
        )
        return python("-c", code).stderr

    def test_the_version(self) -> None:
        assert videocli("--version") == (0, f"videocli {__version__}\n", "")

    @pytest.mark.parametrize("argument", ["--version", "--help"])
    def test_nothing_heavy_is_imported_for(self, argument: str) -> None:
        assert self.heavy_after(argument) == "\n"

    @pytest.mark.parametrize("command", app.COMMANDS)
    def test_nothing_heavy_is_imported_for_the_help_of_a_command(self, command: str) -> None:
        assert self.heavy_after(command, "--help") == "\n"

    @pytest.mark.parametrize(
        "arguments",
        [["mint-token", "-q", "--identity", "x"], ["profile", "list", "-q"], ["explain", "53002"]],
        ids=" ".join,
    )
    def test_nothing_heavy_is_imported_for_what_needs_no_room(self, arguments: list[str]) -> None:
        assert self.heavy_after(*arguments) == "\n"

    def test_what_only_some_joins_need_is_imported_by_those(self) -> None:
        code = "import sys, videocli.cli.joining.attend; print(*sys.modules)"
        unneeded = ("videocli.server.", "videocli.media.sources", "videocli.media.sinks")
        names = python("-c", code).stdout.split()
        assert [name for name in names if name.startswith(unneeded)] == []

    @pytest.mark.parametrize("name", app.COMMANDS)
    def test_the_list_of_commands_says_what_the_command_s_own_help_says(self, name: str) -> None:
        entry = app.COMMANDS[name]
        module = importlib.import_module(f"videocli.cli.{entry.module}")
        doc = inspect.getdoc(getattr(module, entry.module)) or ""
        assert doc.splitlines()[0] == entry.summary
