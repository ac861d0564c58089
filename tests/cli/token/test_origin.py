from collections.abc import Iterator

import pytest

from videocli.cli import settings
from videocli.cli.profiles.format import Profile
from videocli.cli.token.origin import (
    ENVIRONMENT,
    OPTION,
    TOKEN_COMMAND,
    GivenToken,
    Origin,
    of_command,
    origin_of,
)
from videocli.errors import SignalingError, TokenError

EXPIRED = TokenError(20104)


@pytest.fixture(autouse=True)
def lab() -> Iterator[None]:
    settings.choose(Profile(token_command="mint lab"), "lab")
    yield
    settings.choose(None)


def test_the_environment_s_part_in_a_token_error_is_named_with_a_way_out() -> None:
    words = "The token is that of VIDEOCLI_TOKEN; do without it: unset VIDEOCLI_TOKEN."
    assert ENVIRONMENT.part(EXPIRED) == words


def test_what_was_typed_just_now_needs_no_words() -> None:
    assert OPTION.part(EXPIRED) == ""
    assert of_command("mint").part(EXPIRED) == ""


def test_other_errors_are_not_laid_at_the_token_s_door() -> None:
    assert ENVIRONMENT.part(SignalingError(53000)) == ""


def test_a_token_command_is_that_of_the_environment_or_the_profile_if_it_is_theirs() -> None:
    of_environment = of_command("mint", {TOKEN_COMMAND: "mint"})
    assert of_environment.part(EXPIRED).startswith("The token command is that of VIDEOCLI_TOKEN_COMMAND; ")
    assert of_command("mint lab").part(EXPIRED).startswith("The token command is that of profile 'lab'; ")


@pytest.mark.parametrize(
    ("at_hand", "given", "command", "origin"),
    [
        ("a", "a", None, ENVIRONMENT),
        ("a", "a", "mint", ENVIRONMENT),
        ("b", "a", "mint", of_command("mint")),
        ("b", None, "mint", of_command("mint")),
        (None, None, "mint", of_command("mint")),
        ("b", None, None, None),
    ],
)
def test_a_token_that_was_renewed_is_the_command_s(
    at_hand: str | None, given: str | None, command: str | None, origin: Origin | None
) -> None:
    held = None if given is None else GivenToken(given, ENVIRONMENT)
    assert origin_of(at_hand, held, command) == origin
