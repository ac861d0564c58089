import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from videocli.cli.app import COMMANDS
from videocli.cli.completions import FILES, main

CHECKED_IN = Path(__file__).parents[2] / "completions"


def test_the_scripts_checked_in_are_those_that_are_generated(tmp_path: Path) -> None:
    main(tmp_path)
    assert {path.name: path.read_text() for path in CHECKED_IN.iterdir()} == {
        path.name: path.read_text() for path in tmp_path.iterdir()
    }


def test_there_is_a_script_for_each_of_the_four_shells() -> None:
    assert {path.name for path in CHECKED_IN.iterdir()} == set(FILES.values())
    assert set(FILES) == {"bash", "zsh", "fish", "pwsh"}


def completions(*words: str) -> tuple[list[str], str]:
    """What bash would offer for the last word, and what was imported to find it."""
    environment = os.environ | {
        "COMP_WORDS": " ".join(("videocli", *words)),
        "COMP_CWORD": str(len(words)),
        "_VIDEOCLI_COMPLETE": "complete_bash",
    }
    answer = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "videocli"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return answer.stdout.split(), answer.stderr


def test_commands_complete() -> None:
    assert set(completions("")[0]) == set(COMMANDS)
    assert completions("mint")[0] == ["mint-token"]


def test_options_of_a_command_complete() -> None:
    assert completions("mint-token", "--i")[0] == ["--identity"]


@pytest.mark.parametrize("command", COMMANDS)
def test_completing_an_option_imports_no_media_library(command: str) -> None:
    offered, imported = completions(command, "--")
    assert "--help" in offered
    assert "typer.main" in imported
    assert "aiortc" not in imported
    assert " av\n" not in imported


@pytest.mark.parametrize("program", ["bash", "zsh"])
def test_the_shell_accepts_its_script(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    checked = subprocess.run(
        [program, "-n", str(CHECKED_IN / FILES[program])], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_bash_completes_with_the_script(tmp_path: Path) -> None:
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    program = tmp_path / "videocli"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m videocli "$@"\n')
    program.chmod(0o755)
    script = (
        f"source {CHECKED_IN / 'videocli.bash'}; COMP_WORDS=(videocli mint); COMP_CWORD=1;"
        f'_videocli_completion {program}; echo "${{COMPREPLY[@]}}"'
    )
    answer = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert answer.stdout == "mint-token\n"
