import shutil
import subprocess
from pathlib import Path

import pytest

from videocli.cli.app import COMMANDS
from videocli.cli.exit_codes import ExitCode
from videocli.cli.help import man as man_pages

PAGES = man_pages.pages()


def test_there_is_a_page_for_each_command_and_each_of_its_commands() -> None:
    assert {"videocli.1", *(f"videocli-{name}.1" for name in COMMANDS)} <= PAGES.keys()
    assert "videocli-profile-add.1" in PAGES


def test_a_page_has_its_sections_in_the_order_of_man_pages_7() -> None:
    sections = [line[4:] for line in PAGES["videocli.1"].splitlines() if line.startswith(".SH ")]
    assert sections == [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "COMMANDS",
        "OPTIONS",
        "EXIT STATUS",
        "ENVIRONMENT",
        "FILES",
        "EXAMPLES",
        "SEE ALSO",
    ]


def test_the_first_page_has_every_exit_code() -> None:
    assert all(f"\n\\fB{code.value}\\fR\n" in PAGES["videocli.1"] for code in ExitCode)


def test_an_option_is_in_bold_and_its_value_in_italics() -> None:
    assert "\n.TP\n\\fB\\-\\-until\\fR \\fIEVENT\\fR\n" in PAGES["videocli-join.1"]
    assert "\n.TP\n\\fB\\-v\\fR, \\fB\\-\\-verbose\\fR\n" in PAGES["videocli-join.1"]
    assert "\n.TP\n\\fB\\-\\-token\\fR [\\fITOKEN\\fR]\n" in PAGES["videocli-join.1"]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        (".SH x", "\\&.SH x"),
        ("'br", "\\(aqbr"),
        ("a\\fBb", "a\\efBb"),
        ("a-b…", "a\\-b..."),
        ("Zoë", "Zo\\[u00EB]"),
    ],
)
def test_no_text_means_anything_to_the_formatter(text: str, escaped: str) -> None:
    assert man_pages._escaped(text) == escaped


@pytest.mark.parametrize(
    "formatter",
    [["groff", "-man", "-ww", "-Tutf8", "-z"], ["mandoc", "-T", "lint", "-W", "warning"]],
    ids=["groff", "mandoc"],
)
def test_the_formatter_warns_of_nothing(tmp_path: Path, formatter: list[str]) -> None:
    if shutil.which(formatter[0]) is None:
        pytest.skip(f"{formatter[0]} is not installed")
    for name, text in PAGES.items():
        (tmp_path / name).write_text(text)
    ran = subprocess.run(
        [*formatter, *sorted(PAGES)], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )
    warnings = [line for line in (ran.stdout + ran.stderr).splitlines() if "missing date" not in line]
    assert warnings == [], "but for the date: a page that is generated has the version instead"
