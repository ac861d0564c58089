import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from videocli.cli.app import COMMANDS
from videocli.cli.help.completions import FILES, MANUAL, main

CHECKED_IN = Path(__file__).parents[3] / "completions"


def contents(directory: Path) -> dict[str, str]:
    return {str(path.relative_to(directory)): path.read_text() for path in directory.rglob("*.*")} | {
        path.name: path.read_text() for path in directory.glob("_*")
    }


def test_what_is_checked_in_is_what_is_generated(tmp_path: Path) -> None:
    (tmp_path / MANUAL).mkdir()
    (tmp_path / MANUAL / "videocli-gone.1").write_text("of a command that is gone")
    main(tmp_path)
    assert contents(CHECKED_IN) == contents(tmp_path)


def test_there_is_a_script_for_each_of_the_four_shells() -> None:
    assert {path.name for path in CHECKED_IN.iterdir()} == {*FILES.values(), MANUAL}
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


SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")


def answer(shell: str, line: str, folder: Path | None = None) -> tuple[str, set[str]]:
    """What a shell is told to offer after this line, and the packages that were imported to find it."""
    words = line.split(" ")
    environment = os.environ | {
        "_VIDEOCLI_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_WORD_TO_COMPLETE": words[-1],
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "videocli"],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    modules = {each.rpartition("|")[2].strip().partition(".")[0] for each in ran.stderr.splitlines()}
    return ran.stdout, modules


@pytest.mark.parametrize("shell", SHELLS)
def test_nothing_heavy_is_imported_to_answer(shell: str) -> None:
    offered, imported = answer(shell, "videocli join r --")
    assert "--until" in offered
    assert "typer" in imported
    assert not imported & {"aiortc", "av", "rich", "pydantic", "jwt", "websockets", "asyncio"}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_of_every_command_complete_without_media_libraries(command: str) -> None:
    offered, imported = answer("bash", f"videocli {command} --")
    assert "--help" in offered
    assert not imported & {"aiortc", "av", "rich", "pydantic"}


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("videocli join r --region ", "gll au1 br1 de1 ie1 in1 jp1 sg1 us1 us2"),
        ("videocli join r --until trackStarted", "trackStarted trackStarted:audio trackStarted:video"),
        ("videocli join r --until=recon", "reconnecting reconnected"),
        ("videocli join r --video ", "testsrc clip.mp4"),
        ("videocli join r --video t", "testsrc"),
        ("videocli join r --video c", ""),
        ("videocli join r --audio ", "tone silence clip.mp4"),
        ("videocli bots r --audio t", "tone"),
        ("videocli join r --profile ", "lab work"),
        ("videocli --profile l", "lab"),
        ("videocli profile ", "add list use remove show"),
        ("videocli profile show w", "work"),
        ("videocli profile add x --region i", "ie1 in1"),
    ],
)
def test_values_complete(tmp_path: Path, user_state: Path, line: str, offered: str) -> None:
    (user_state / "config").mkdir()
    (user_state / "config" / "profiles.toml").write_text("[profile.lab]\n[profile.work]\n")
    for name in ("clip.mp4", "my clip.mp4", "$(evil).mp4", "notes.txt"):
        (tmp_path / name).touch()
    assert answer("bash", line, tmp_path)[0].split() == offered.split()


def test_a_damaged_file_of_profiles_offers_none_and_says_nothing(user_state: Path) -> None:
    (user_state / "config").mkdir()
    (user_state / "config" / "profiles.toml").write_text("[profile")
    assert answer("bash", "videocli join r --profile ")[0].strip() == ""


@pytest.mark.parametrize("program", ["bash", "zsh"])
def test_the_shell_accepts_its_script(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    checked = subprocess.run(
        [program, "-n", str(CHECKED_IN / FILES[program])], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("videocli mint", "mint-token"),
        ("videocli join r --until trackStarted:v", "video"),
        ("videocli join r --until=trackStarted:", "audio video"),
        ("videocli join r --video nothing-like-it", ""),
    ],
)
def test_bash_completes_with_the_script(tmp_path: Path, line: str, offered: str) -> None:
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    program = tmp_path / "videocli"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m videocli "$@"\n')
    program.chmod(0o755)
    script = (
        f"source {CHECKED_IN / 'videocli.bash'}; COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}};"
        f'_videocli_completion {program}; echo "${{COMPREPLY[@]}}"'
    )
    answer = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert answer.stdout == f"{offered}\n"
