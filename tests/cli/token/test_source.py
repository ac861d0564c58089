"""Tokens are renewed when they have to be, only then, and nobody waits for what is not needed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.simulation.clock import run_virtually
from videocli.cli.token.source import RENEW_BEFORE, SPENT_BEFORE, TokenSource
from videocli.errors import TokenError
from videocli.tokens import Credentials, mint

KEY = Credentials("AC" + "0" * 32, "SK" + "0" * 32, "secret")
START = datetime(2026, 11, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)
FAILURE = TokenError(name="TokenCommandFailed", message="The token command failed", explanation="It has to.")


def token(
    lives: timedelta, at: datetime = START, identity: str = "alice", room: str | None = "standup"
) -> str:
    """One that is minted at that time."""
    return mint(KEY, identity, room, round(lives.total_seconds()), at).token


class Scene:
    """A source in virtual time, and a renewal that takes as long as it is told to."""

    def __init__(self, held: str | None, left: timedelta = timedelta()) -> None:
        """`left`: how long a held token of one hour has still to live."""
        self._began_at = START + HOUR - left
        self.source = TokenSource(held, self._renew, self.utcnow)
        self.fresh: list[str | TokenError] = []
        self.seconds = 0.0
        self.asked = 0

    def utcnow(self) -> datetime:
        return self._began_at + timedelta(seconds=asyncio.get_running_loop().time())

    async def _renew(self) -> str:
        self.asked += 1
        await asyncio.sleep(self.seconds)
        fresh = self.fresh.pop(0) if self.fresh else token(HOUR, self.utcnow())
        if isinstance(fresh, TokenError):
            raise fresh
        return fresh

    def play(self, act: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            await act()
            await self.source.aclose()
            assert asyncio.all_tasks() == {asyncio.current_task()}

        run_virtually(run())


HELD = token(HOUR)
SOON = SPENT_BEFORE + timedelta(seconds=20)


def test_a_given_token_is_used_as_long_as_it_lives() -> None:
    scene = Scene(HELD, RENEW_BEFORE + timedelta(seconds=1))

    async def act() -> None:
        assert await scene.source() == HELD

    scene.play(act)
    assert scene.asked == 0


def test_without_a_given_token_the_first_is_asked_for() -> None:
    scene = Scene(None)
    scene.seconds, scene.fresh = 29.0, [HELD]
    assert scene.source.expires_at is None

    async def act() -> None:
        assert await scene.source() == HELD
        assert scene.source.expires_at == START + HOUR

    scene.play(act)


def test_the_first_tokens_failure_is_told_as_it_is() -> None:
    scene = Scene(None)
    scene.fresh = [FAILURE]

    async def act() -> None:
        with pytest.raises(TokenError) as caught:
            await scene.source()
        assert caught.value is FAILURE

    scene.play(act)


def test_a_token_about_to_expire_is_used_while_it_is_renewed_once() -> None:
    scene = Scene(HELD, SOON)
    scene.seconds = 15.0

    async def act() -> None:
        for _ in range(10):
            assert await scene.source() == HELD
            await asyncio.sleep(1.4)
        assert asyncio.get_running_loop().time() == pytest.approx(14.0)
        await asyncio.sleep(1.0)
        fresh = await scene.source()
        assert fresh == await scene.source() != HELD

    scene.play(act)
    assert scene.asked == 1


@pytest.mark.parametrize("left", [SPENT_BEFORE, timedelta(), -HOUR])
def test_a_token_that_is_spent_waits_for_the_next(left: timedelta) -> None:
    scene = Scene(HELD, left)
    scene.seconds = 20.0

    async def act() -> None:
        assert await scene.source() != HELD
        assert asyncio.get_running_loop().time() == 20.0

    scene.play(act)


def test_giving_up_waiting_neither_ends_the_renewal_nor_begins_another() -> None:
    scene = Scene(HELD, -HOUR)
    scene.seconds = 20.0

    async def act() -> None:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(6.0):
                    await scene.source()
        assert await scene.source() != HELD
        assert asyncio.get_running_loop().time() == 20.0

    scene.play(act)
    assert scene.asked == 1


def test_a_renewal_that_nobody_waits_for_is_stopped_at_the_end() -> None:
    scene = Scene(HELD, SOON)
    scene.seconds = 10_000.0

    async def act() -> None:
        await scene.source()
        await asyncio.sleep(1.0)

    scene.play(act)
    assert scene.asked == 1


def test_a_failed_renewal_costs_nothing_until_the_token_has_expired_and_then_it_is_told() -> None:
    scene = Scene(HELD, SPENT_BEFORE + timedelta(seconds=1))
    scene.fresh = [FAILURE] * 3

    async def act() -> None:
        assert await scene.source() == HELD
        await asyncio.sleep(4.0)
        assert await scene.source() == HELD
        await asyncio.sleep(4.0)
        with pytest.raises(TokenError, match="20104") as caught:
            await scene.source()
        assert caught.value.explanation == (
            "The token at hand has expired. The token command failed. It has to."
        )
        assert await scene.source() != HELD

    scene.play(act)
    assert scene.asked == 4


@pytest.mark.parametrize(
    ("fresh", "words"),
    [
        ("this is no token", ""),
        (token(HOUR, START + HOUR, identity="bob"), "is for another identity"),
        (token(HOUR, START + HOUR, room="another"), "is for another room"),
        (HELD, "has expired, too"),
    ],
)
def test_a_token_of_no_use_replaces_none_and_is_told_once_there_is_no_other(fresh: str, words: str) -> None:
    scene = Scene(HELD, SOON)
    scene.fresh = [fresh, fresh]

    async def act() -> None:
        await scene.source()
        await asyncio.sleep(0.0)
        assert await scene.source() == HELD
        await asyncio.sleep(30.0)
        scene.fresh = [fresh]
        with pytest.raises(TokenError, match="20104") as caught:
            await scene.source()
        assert caught.value.explanation.startswith("The token at hand has expired. ")
        assert words in caught.value.explanation

    scene.play(act)


def test_a_token_that_expires_sooner_does_not_replace_the_one_at_hand() -> None:
    scene = Scene(HELD, SOON)
    scene.fresh = [token(HOUR, START - timedelta(seconds=1))]

    async def act() -> None:
        await scene.source()
        await asyncio.sleep(1.0)
        scene.fresh = [FAILURE]
        assert await scene.source() == HELD

    scene.play(act)


def test_a_token_for_any_room_replaces_one_for_a_room() -> None:
    scene = Scene(HELD, -HOUR)
    scene.fresh = [token(HOUR, START + HOUR, room=None)]
    wanted = scene.fresh[0]

    async def act() -> None:
        assert await scene.source() == wanted

    scene.play(act)


def test_a_fresher_token_is_used_though_it_seems_expired_since_our_clock_may_be_wrong() -> None:
    scene = Scene(HELD, -24 * HOUR)
    fresh = token(HOUR, START + timedelta(minutes=5))
    scene.fresh = [fresh]

    async def act() -> None:
        assert await scene.source() == fresh

    scene.play(act)


def test_what_cannot_be_renewed_is_left_for_the_server_to_judge() -> None:
    given = token(timedelta(seconds=1))
    later = START + timedelta(days=1)
    assert asyncio.run(TokenSource(given, None, lambda: later)()) == given
    assert asyncio.run(TokenSource("garbage", None, lambda: later)()) == "garbage"
