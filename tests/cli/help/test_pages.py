from typing import Any

import pytest

from videocli.cli import app
from videocli.cli.help import pages as help_pages
from videocli.cli.help.pages import Text, take_apart


def test_a_docstring_is_taken_apart() -> None:
    docstring = """Do it.

    More
    words.

    \b
    videocli it     an example

    \b
    A table:
      x  y
    """
    assert take_apart(docstring) == Text(
        "Do it.", ("More words.", "\b\nA table:\n  x  y"), "videocli it     an example"
    )


def shown(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert app.run([*arguments, "--help"]) == 0
    return capsys.readouterr().out


def commands() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, entry in app.COMMANDS.items():
        command: Any = app.LazyCommand(name, entry).command()
        found += [(name,), *((name, each) for each in getattr(command, "commands", {}))]
    return found


@pytest.mark.parametrize("arguments", [(), *commands()], ids=" ".join)
def test_every_page_has_usage_summary_and_examples_before_the_options(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    page = shown(*arguments, capsys=capsys)
    positions = [
        page.index(word) for word in ("Usage: videocli", "\n\n  ", "\nExamples:\n", "\nEverywhere:\n")
    ]
    assert positions == sorted(positions)
    example = page[page.index("Examples:\n") :].splitlines()[1]
    assert f"videocli {' '.join(arguments)}".strip() in example


def test_options_are_in_groups_in_one_order(capsys: pytest.CaptureFixture[str]) -> None:
    page = shown("join", capsys=capsys)
    headings = [line for line in page.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert headings[:2] == ["Examples:", "Arguments:"]
    groups = [heading.rstrip(":") for heading in headings[2:]]
    assert groups == [group for group in help_pages.GROUPS if group in groups]
    assert page.index("Leaving:") < page.index("  --until ") < page.index("Output:")


def test_an_option_stands_once(capsys: pytest.CaptureFixture[str]) -> None:
    names = [line.split()[0] for line in shown("join", capsys=capsys).splitlines() if line.startswith("  --")]
    assert sorted(set(names)) == sorted(names)
    assert "--video" in names


def test_what_must_be_given_stands_without_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown("join", capsys=capsys).startswith("Usage: videocli join [OPTIONS] ROOM\n")


def test_a_summary_in_the_list_of_commands_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    words = " ".join(shown(capsys=capsys).split())
    assert all(entry.summary in words for entry in app.COMMANDS.values())
