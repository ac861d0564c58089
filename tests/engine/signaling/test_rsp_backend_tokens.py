"""When the backend needs a token, how long it waits for one, and what it ends with when there is none."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable

import pytest

from tests.engine.signaling.server import Act, Socket, let_in_and_stay, resync_and_stay
from tests.engine.signaling.test_ice_servers import let_in_with_turn
from tests.engine.signaling.test_rsp_backend import (
    Stage,
    cut_once,
    leave_once_in,
    leave_when_back,
    play,
    wait_for_the_end,
)
from videocli.engine import reports as rp
from videocli.errors import TokenError, VideoError
from videocli.outside import MessageTransport

FAILED = TokenError(
    20104, explanation="The token at hand has expired. The token command ended with exit code 3."
)
CUT_AT = 10.0
FOR_EVER = 10_000.0


class TokenStage(Stage):
    """Its token is "old" until `expires_at`; then the source fails as often as told, and has "fresh"."""

    def __init__(
        self,
        *acts: Act,
        expires_at: float = CUT_AT,
        dial_seconds: float = 0.0,
        renew_seconds: float = 0.0,
        failures: Iterable[TokenError] = (),
    ) -> None:
        super().__init__(*acts)
        self._expires_at = expires_at
        self._dial_seconds = dial_seconds
        self._renew_seconds = renew_seconds
        self._failures = iter(failures)
        self.held = "old"
        self.asked_at: list[float] = []

    async def token(self) -> str:
        loop = asyncio.get_running_loop()
        if self.held == "fresh" or loop.time() < self._expires_at:
            return self.held
        self.asked_at.append(loop.time())
        await asyncio.sleep(self._renew_seconds)
        for failure in self._failures:
            raise failure
        self.held = "fresh"
        return self.held

    async def dial(self, url: str) -> MessageTransport:
        if self.dialed:
            await asyncio.sleep(self._dial_seconds)
        return await super().dial(url)

    @property
    def said(self) -> list[str]:
        """The tokens in the first messages of all connections that said anything."""
        hellos = [socket.heard[0] for socket in self.server.sockets if socket.heard]
        return [hello.body["token"] for hello in hellos]  # type: ignore[union-attr, index, misc]  # hellos

    @property
    def reason(self) -> VideoError:
        """What the session ended with."""
        last = self.reports[-1]
        assert isinstance(last, rp.SignalingEnded)
        assert last.error is not None
        return last.error


def staged(stage_of: Callable[[], TokenStage], act: Callable[[Stage], Awaitable[None]]) -> TokenStage:
    """As `play`."""
    stage = play(stage_of, act)
    assert isinstance(stage, TokenStage)
    return stage


# Joining


def test_joining_without_a_token_ends_before_anything_is_dialed() -> None:
    refused = TokenError(20101, message="no token")
    stage = play(lambda: TokenStage(let_in_and_stay, expires_at=0.0, failures=[refused]), wait_for_the_end)
    assert stage.ended == 20101
    assert stage.network.dials == 0


def test_leaving_does_not_wait_for_the_first_token() -> None:
    async def act(stage: Stage) -> None:
        await asyncio.sleep(3.0)
        stage.backend.leave()
        await asyncio.wait([stage.running])
        assert asyncio.get_running_loop().time() == 3.0

    stage = play(lambda: TokenStage(let_in_and_stay, expires_at=0.0, renew_seconds=FOR_EVER), act)
    assert stage.ended is None


def test_the_first_token_may_take_longer_than_a_connection() -> None:
    def stage_of() -> Stage:
        return TokenStage(let_in_and_stay, expires_at=0.0, renew_seconds=29.0)

    assert "Joined" in play(stage_of, leave_once_in).kinds()


# Resuming


def test_sync_carries_a_fresh_token() -> None:
    stage = staged(lambda: TokenStage(cut_once(), resync_and_stay), leave_when_back)
    assert stage.said == ["old", "fresh"]


def test_an_attempt_without_a_token_dials_nothing_and_is_told() -> None:
    stage = staged(
        lambda: TokenStage(cut_once(), resync_and_stay, failures=[FAILED, FAILED]), leave_when_back
    )
    assert stage.said == ["old", "fresh"]
    assert stage.network.dials == 2
    fates = [each.fate for each in stage.reports if isinstance(each, rp.AttemptFailed)]
    assert fates == ["there is no valid token"] * 2


def test_a_token_may_take_longer_than_a_connection() -> None:
    stage = staged(lambda: TokenStage(cut_once(), resync_and_stay, renew_seconds=20.0), leave_when_back)
    assert stage.said == ["old", "fresh"]
    assert (len(stage.asked_at), stage.kinds().count("AttemptStarted")) == (1, 1)


def test_a_token_that_expires_while_dialing_is_not_said() -> None:
    stage = staged(
        lambda: TokenStage(cut_once(), resync_and_stay, expires_at=CUT_AT + 3.0, dial_seconds=5.0),
        leave_when_back,
    )
    assert stage.said == ["old", "fresh"]
    assert stage.asked_at == [pytest.approx(CUT_AT + 5.0, abs=0.2)]


def test_leaving_does_not_wait_for_a_token_that_an_open_connection_waits_for() -> None:
    async def act(stage: Stage) -> None:
        await stage.until(rp.SignalingLost)
        await asyncio.sleep(8.0)
        assert len(stage.dialed) == 2
        left_at = asyncio.get_running_loop().time()
        stage.backend.leave()
        await asyncio.wait([stage.running])
        assert asyncio.get_running_loop().time() <= left_at + 1.0

    stage = staged(
        lambda: TokenStage(
            cut_once(), Socket.stay, expires_at=CUT_AT + 3.0, dial_seconds=5.0, renew_seconds=FOR_EVER
        ),
        act,
    )
    assert stage.ended is None


# Ending


def test_a_session_without_a_token_to_its_end_is_20104_and_says_why() -> None:
    stage = staged(lambda: TokenStage(cut_once(), failures=itertools.repeat(FAILED)), wait_for_the_end)
    assert stage.times[-1] == CUT_AT + 30.0
    assert stage.reason is FAILED


@pytest.mark.parametrize(("expires_at", "dial_seconds"), [(CUT_AT, 0.0), (CUT_AT + 3.0, 5.0)])
def test_a_token_that_never_comes_does_not_outlast_the_session(
    expires_at: float, dial_seconds: float
) -> None:
    def stage_of() -> TokenStage:
        return TokenStage(
            cut_once(),
            Socket.stay,
            expires_at=expires_at,
            dial_seconds=dial_seconds,
            renew_seconds=FOR_EVER,
        )

    stage = staged(stage_of, wait_for_the_end)
    assert stage.times[-1] == CUT_AT + 30.0
    assert (stage.reason.code, "printed no other" in stage.reason.explanation) == (20104, True)


def test_why_the_last_run_failed_outranks_that_the_next_was_cut_short() -> None:
    stage = staged(
        lambda: TokenStage(cut_once(), renew_seconds=20.0, failures=itertools.repeat(FAILED)),
        wait_for_the_end,
    )
    assert (stage.times[-1], len(stage.asked_at)) == (CUT_AT + 30.0, 2)
    assert stage.reason is FAILED


def test_with_a_token_that_came_late_the_end_is_the_servers_again() -> None:
    async def act(stage: Stage) -> None:
        await stage.until(rp.SignalingLost)
        stage.network.refuse()
        await stage.until(rp.SignalingEnded)

    assert staged(lambda: TokenStage(cut_once(), failures=[FAILED]), act).ended == 53000


# Media


def test_fresh_ice_servers_are_not_waited_for_beyond_a_connection_s_time_if_no_token_comes() -> None:
    async def act(stage: Stage) -> None:
        await stage.until(rp.Joined)
        await asyncio.sleep(20.0)
        stage.backend.renew_ice_servers()
        await asyncio.sleep(16.0)
        stage.backend.renew_ice_servers()
        await asyncio.sleep(1.0)
        stage.backend.leave()

    stage = staged(lambda: TokenStage(let_in_with_turn, renew_seconds=FOR_EVER), act)
    assert stage.asked_at == [20.0, 36.0]
    assert stage.network.dials == 1
