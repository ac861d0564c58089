"""What is worth a warning before joining."""

from datetime import UTC, datetime, timedelta

import pytest

from videocli import tokens
from videocli.cli.token.origin import ENVIRONMENT, OPTION, Origin
from videocli.cli.words.token_advice import advice, unused_identity

KEY = tokens.Credentials("AC" + "0" * 32, "SK" + "0" * 32, "secret")
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def warned(
    room: str | None = "my-room", ttl: int = 86_400, age: float = 0.0, renewable: bool = False
) -> list[str]:
    minted = tokens.mint(KEY, "alice", room, ttl, NOW - timedelta(seconds=age))
    return advice(tokens.peek(minted.token), NOW, renewable)


def test_a_day_long_token_for_one_room_and_identity_is_fine_at_any_age() -> None:
    assert warned() == []
    assert warned(age=80_000) == []


def test_a_shorter_life_is_warned_of_with_what_to_do() -> None:
    (warning,) = warned(ttl=3600, age=60)
    assert "expires in 59 min" in warning
    assert "--ttl 86400" in warning
    assert "--token-command" in warning


def test_what_can_be_renewed_may_be_short() -> None:
    assert warned(ttl=60, renewable=True) == []


def test_a_token_for_every_room_is_warned_of() -> None:
    assert warned(room=None) == ["the token opens every room of its account: mint it with --room"]


def test_a_token_without_identity_is_warned_of() -> None:
    claims = tokens.Claims(None, None, None, "my-room", NOW, None, NOW + timedelta(days=1))
    assert advice(claims, NOW, is_renewable=False) == ["the token names no identity: mint it with --identity"]


def alices() -> tokens.Claims:
    return tokens.peek(tokens.mint(KEY, "alice", "my-room", 60, NOW).token)


@pytest.mark.parametrize(
    ("origin", "warning"),
    [
        (
            ENVIRONMENT,
            "--identity zoe is not used: the token from VIDEOCLI_TOKEN names alice; "
            "do without it: unset VIDEOCLI_TOKEN",
        ),
        (OPTION, "--identity zoe is not used: the token from --token names alice"),
    ],
)
def test_an_identity_that_the_token_overrules_is_warned_of(origin: Origin, warning: str) -> None:
    assert unused_identity("zoe", alices(), origin) == [warning]


@pytest.mark.parametrize("asked_for", [None, "alice"])
def test_the_token_s_own_identity_is_no_surprise(asked_for: str | None) -> None:
    assert unused_identity(asked_for, alices(), ENVIRONMENT) == []
