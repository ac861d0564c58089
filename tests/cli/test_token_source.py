"""Tokens are renewed when they have to be, and only then."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from videocli.cli.token_source import RENEW_BEFORE, TokenSource, run_token_command
from videocli.errors import TokenError
from videocli.tokens import Credentials, mint

KEY = Credentials("AC" + "0" * 32, "SK" + "0" * 32, "secret")
START = datetime(2026, 11, 23, tzinfo=UTC)


class Clock:
    now = START

    def __call__(self) -> datetime:
        return self.now


def make(clock: Clock, given: str | None, ttl: int = 3600) -> tuple[TokenSource, list[str]]:
    minted: list[str] = []

    async def renew() -> str:
        minted.append(mint(KEY, "alice", None, ttl, clock()).token)
        return minted[-1]

    return TokenSource(given, renew, clock), minted


def test_a_given_token_is_used_as_long_as_it_lives() -> None:
    clock = Clock()
    given = mint(KEY, "alice", None, 3600, START).token
    source, minted = make(clock, given)
    assert asyncio.run(source()) == given
    clock.now = START + timedelta(hours=1) - RENEW_BEFORE - timedelta(seconds=1)
    assert asyncio.run(source()) == given
    assert minted == []


def test_a_token_about_to_expire_is_renewed_once() -> None:
    clock = Clock()
    source, minted = make(clock, mint(KEY, "alice", None, 3600, START).token)
    clock.now = START + timedelta(hours=1) - RENEW_BEFORE
    first = asyncio.run(source())
    assert asyncio.run(source()) == first
    assert minted == [first]
    assert source.expires_at == clock.now + timedelta(hours=1)


def test_without_a_given_token_the_first_is_asked_for() -> None:
    source, minted = make(Clock(), None)
    assert source.expires_at is None
    assert asyncio.run(source()) == minted[0]


def test_what_cannot_be_renewed_is_left_for_the_server_to_judge() -> None:
    clock = Clock()
    given = mint(KEY, "alice", None, 1, START).token
    clock.now = START + timedelta(days=1)
    assert asyncio.run(TokenSource(given, None, clock)()) == given
    assert asyncio.run(TokenSource("garbage", None, clock)()) == "garbage"


def test_the_command_prints_the_token() -> None:
    assert asyncio.run(run_token_command("printf 'abc\\n'")) == "abc"


@pytest.mark.parametrize(
    ("command", "words"), [("printf secret; exit 3", "exit code 3"), ("true", "printed nothing")]
)
def test_a_failing_command_is_a_token_error_that_tells_no_token(command: str, words: str) -> None:
    with pytest.raises(TokenError, match=words) as caught:
        asyncio.run(run_token_command(command))
    assert "secret" not in str(caught.value)
