import json

import pytest

from tests.cli.process import videocli
from videocli.cli.words.explain_text import MIN_WIDTH, list_lines, to_lines
from videocli.errors import ERRORS, error
from videocli.explanations import BACKGROUNDS


def test_a_code_is_explained_with_the_words_that_stand_under_the_error() -> None:
    ran = videocli("explain", "53002")
    assert (ran.exit_code, ran.stderr) == (0, "")
    shown = " ".join(ran.stdout.split())
    background = BACKGROUNDS[53002]
    parts = ["53002 SignalingConnectionTimeout", error(53002).message, error(53002).explanation]
    parts += [f"{n}. {cause}" for n, cause in enumerate(background.causes, 1)]
    parts += [f"{n}. {step}" for n, step in enumerate(background.steps, 1)]
    places = [shown.index(part) for part in [*parts, "Try again? Yes", "Exit code 5"]]
    assert places == sorted(places)


def test_a_name_of_the_sdk_explains_the_same() -> None:
    assert videocli("explain", "RoomNotFoundError").stdout == videocli("explain", "53106").stdout


def test_without_a_code_all_are_listed() -> None:
    ran = videocli("explain")
    assert (ran.exit_code, ran.stdout.splitlines()) == (0, list(list_lines()))
    listed = [line.split() for line in ran.stdout.splitlines() if line.startswith("  ")]
    assert listed == [[str(row.code), row.name] for row in ERRORS.values()]


@pytest.mark.parametrize(
    ("asked", "remedy"),
    [
        ("53406", "Did you mean 53405 MediaConnection or "),
        ("timeout", "Did you mean 53002 SignalingConnectionTimeout or "),
        ("banana", "Run 'videocli explain' to see all of them."),
    ],
)
def test_an_unknown_code_is_bad_usage_and_names_the_nearest(asked: str, remedy: str) -> None:
    ran = videocli("explain", asked)
    assert (ran.exit_code, ran.stdout) == (2, "")
    first, second = ran.stderr.splitlines()
    assert first == f"error: '{asked}' is no code or name of an error"
    assert second.startswith(remedy)


def test_json_is_one_object_a_code() -> None:
    said = json.loads(videocli("explain", "20104", "--json").stdout)
    assert list(said) == [
        "code", "name", "message", "explanation", "causes", "steps", "retry", "retryExplanation", "saidBy",
        "exitCode",
    ]  # fmt: skip  # as the README lists them
    assert (said["code"], said["retry"], said["exitCode"]) == (20104, "once fixed", 3)
    every = [json.loads(line) for line in videocli("explain", "--json").stdout.splitlines()]
    assert [each["code"] for each in every] == list(ERRORS)


@pytest.mark.parametrize("width", [20, 80, 200])
@pytest.mark.parametrize("code", ERRORS)
def test_no_line_is_wider_than_the_terminal(code: int, width: int) -> None:
    assert all(len(line) <= max(width, MIN_WIDTH) for line in to_lines(ERRORS[code], width))
