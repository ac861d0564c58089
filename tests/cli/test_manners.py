"""What every command owes to whoever runs it from a script."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import videocli
from tests.cli.process import videocli as run
from tests.cli.room_server import SERVER_VARIABLES

PATIENCE = 60.0
SOURCES = sorted(Path(videocli.__file__).parent.rglob("*.py"))


class TestStdin:
    """Only what asks for it reads it; the rest leaves it to the next program."""

    def left_after(self, *arguments: str) -> str:
        shell = '"$@" >/dev/null; echo code-$?; cat'
        command = [sys.executable, "-m", "videocli", *arguments]
        ran = subprocess.run(
            ["sh", "-c", shell, "sh", *command],
            input="first\nsecond\n",
            env=os.environ | SERVER_VARIABLES,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        assert ran.stdout.startswith("code-0\n"), ran
        return ran.stdout.removeprefix("code-0\n")

    @pytest.mark.parametrize("arguments", [["--help"], ["mint-token"], ["profile", "list"]], ids=" ".join)
    def test_a_command_that_needs_none_leaves_all(self, arguments: list[str]) -> None:
        assert self.left_after(*arguments) == "first\nsecond\n"

    def test_lines_leave_all(self, url: str) -> None:
        assert self.left_after("join", "r", "--url", url, "--plain", "--duration", "0") == "first\nsecond\n"

    def test_a_secret_is_one_line(self) -> None:
        assert self.left_after("profile", "add", "x", "--api-secret", "-") == "second\n"


class TestQuiet:
    def test_nothing_is_said_but_the_result(self, url: str) -> None:
        command = [sys.executable, "-m", "videocli", "join", "r", "--url", url, "--plain", "-q"]
        ran = subprocess.run(
            [*command, "--until", "connected"],
            env=os.environ | SERVER_VARIABLES,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        assert "Connected" in ran.stdout


class TestExitCodes:
    """The rest of the contract's codes end real processes in the tests of what they are about."""

    @pytest.mark.parametrize("arguments", [["mint-token", "-q"], ["--help"], ["--version"]], ids=" ".join)
    def test_a_full_disk_is_1_and_two_lines(self, arguments: list[str]) -> None:
        with Path("/dev/full").open("wb") as full:
            ran = subprocess.run(
                [sys.executable, "-m", "videocli", *arguments],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        assert ran.returncode == 1
        assert ran.stderr.splitlines()[0] == "error: stdout cannot be written: No space left on device"
        assert len(ran.stderr.splitlines()) == 2


def exits_that_are_not_raised(source: str) -> list[int]:
    """The lines that make a `typer.Exit` or `typer.Abort` without raising it: Typer ends with 0 then."""
    tree = ast.parse(source)
    raised = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) and node.exc is not None
        for part in ast.walk(node.exc)
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("Exit", "Abort") and id(node) not in raised
        if not _is_matched(tree, node)
    ]


def _is_matched(tree: ast.AST, wanted: ast.Attribute) -> bool:
    """Whether it stands where exceptions are caught."""
    catching = (
        node.cls if isinstance(node, ast.MatchClass) else node.type
        for node in ast.walk(tree)
        if isinstance(node, ast.MatchClass | ast.ExceptHandler)
    )
    return any(part is wanted for each in catching if each is not None for part in ast.walk(each))


class TestTheRuleOfExits:
    def test_an_exit_is_raised_and_never_returned(self) -> None:
        found = {path.name: exits_that_are_not_raised(path.read_text()) for path in SOURCES}
        assert {name: lines for name, lines in found.items() if lines} == {}

    @pytest.mark.parametrize(
        ("source", "lines"),
        [
            ("def f():\n    return typer.Exit(2)", [2]),
            ("def f():\n    typer.Exit(2)", [2]),
            ("def f():\n    return typer.Abort", [2]),
            ("def f():\n    raise typer.Exit(2)", []),
            ("try:\n    f()\nexcept typer.Exit:\n    pass", []),
            ("match x:\n    case typer.Abort() | KeyboardInterrupt():\n        pass", []),
        ],
    )
    def test_it_sees_one(self, source: str, lines: list[int]) -> None:
        assert exits_that_are_not_raised(source) == lines


def test_a_group_without_a_command_shows_its_help() -> None:
    assert run("profile") == run("profile", "--help")
    assert run("profile").exit_code == 0
