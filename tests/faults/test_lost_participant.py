"""What others see of a participant whose process is killed or stopped; and what it finds when it goes on.

A wall clock that is set back or forward cannot be tried on a machine that others use; tests of `TokenSource`
hand in the time.
"""

import asyncio
import os
import signal
from functools import partial

import pytest

from tests.faults.figures import measured
from tests.faults.guest import Guest, guest
from tests.faults.lines import code_of, happened, names, seconds
from tests.faults.scenes import Played, own_state, play
from tests.sdk.programs import Program, bot, mint_token, now, serve
from tests.sdk.sdk import Chromium
from tests.sdk.test_with_sdk import about

ROOM = "faults"
SESSION_SECONDS = 3.0
AT_ONCE_SECONDS = 0.25
BLINK_SECONDS = 2.0
NOTICED_SECONDS = 15.0
"""Silence of signaling is noticed after so long."""


def send(program: Program, number: signal.Signals) -> float:
    """Send a signal; the time of it, in milliseconds since the epoch."""
    os.kill(program.pid, number)
    return now()


@pytest.mark.chromium
def test_of_a_killed_bot_the_others_hear_at_once_and_again_when_its_session_ends(chromium: Chromium) -> None:
    async def run() -> None:
        async with (
            chromium.pages() as browser,
            serve("--session-timeout", str(SESSION_SECONDS)) as server,
            guest(server.url, ROOM, "watcher") as watcher,
        ):
            page, token = await asyncio.gather(browser.page(), mint_token("sdk", ROOM))
            await page.connect(token, ROOM, server.url, audio=False, video=False)
            at_once: list[float] = []
            late: list[float] = []

            async def killed(identity: str) -> None:
                async with bot(server.url, ROOM, identity) as program:
                    await watcher.wait_event("trackStarted", about(identity, "video"), 20)
                    await page.wait_event("trackStarted", about(identity, "video"), 20)
                    killed_at = send(program, signal.SIGKILL)
                    await program.exit_code()
                for witness in (watcher, page):
                    lost = await witness.wait_event("participantReconnecting", about(identity))
                    end = await witness.wait_event("participantDisconnected", about(identity))
                    at_once.append(seconds(killed_at, lost.at))
                    late.append(seconds(killed_at, end.at) - SESSION_SECONDS)

            await asyncio.gather(*(killed(identity) for identity in ("one", "two", "three")))
            measured("killed bot: others hear participantReconnecting", at_once, bound="at once")
            measured("killed bot: participantDisconnected after its window", late, bound="-0.5 … 2")
            assert max(at_once) <= AT_ONCE_SECONDS
            assert -0.5 <= min(late) <= max(late) <= 2

    asyncio.run(run())


async def stopped_for(url: str, watcher: Guest, identity: str, stop: signal.Signals, pause: float) -> None:
    """A bot that is stopped, and goes on after `pause` seconds; then it has ended or is still there."""
    async with bot(url, ROOM, identity) as program:
        await watcher.wait_event("trackStarted", about(identity, "video"), 20)
        send(program, stop)
        await asyncio.sleep(pause)
        went_on_at = send(program, signal.SIGCONT)
        if pause < NOTICED_SECONDS:
            await goes_on(program, watcher, identity, pause, went_on_at)
            program.terminate()
            assert await program.exit_code() == 0
        else:
            gone = await watcher.wait_event("participantDisconnected", about(identity))
            assert gone.at < went_on_at
            end = await program.wait_event("disconnected")
            assert (code_of(end), await program.exit_code()) == (53204, 4)
            measured(f"stopped for {pause:.0f} s: says disconnected", [seconds(went_on_at, happened(end))])


async def goes_on(program: Program, watcher: Guest, identity: str, pause: float, went_on_at: float) -> None:
    """It is back, or was never missed."""
    if pause < BLINK_SECONDS:
        await asyncio.sleep(BLINK_SECONDS)
        assert "participantReconnecting" not in [
            said.name for said in watcher.events if said.identity == identity
        ]
        assert "reconnecting" not in names(program)
    else:
        back = await watcher.wait_event("participantReconnected", about(identity), within=20)
        measured(f"{identity} of {pause:.0f} s: others hear it is back", [seconds(went_on_at, back.at)])
        assert names(program).count("reconnecting") <= 1
        assert "disconnected" not in names(program)


STOPS = {
    "blink": (signal.SIGSTOP, 1.5),
    "nap": (signal.SIGSTOP, 5.0),
    "Ctrl-Z": (signal.SIGTSTP, 5.0),
    "sleep": (signal.SIGSTOP, 20.0),
}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    async def run() -> Played:
        async with (
            serve("--session-timeout", str(SESSION_SECONDS)) as server,
            guest(server.url, ROOM, "watcher") as watcher,
        ):
            return await play(
                {
                    identity: partial(stopped_for, server.url, watcher, identity, *how)
                    for identity, how in STOPS.items()
                }
            )

    with own_state(tmp_path_factory.mktemp("state")):
        return asyncio.run(run())


def test_a_bot_that_is_stopped_for_a_moment_is_not_missed(played: Played) -> None:
    played.check("blink")


@pytest.mark.parametrize("stop", ["nap", "Ctrl-Z"])
def test_a_bot_that_is_stopped_for_less_than_the_session_goes_on(played: Played, stop: str) -> None:
    played.check(stop)


def test_a_bot_that_is_stopped_for_longer_than_the_session_finds_it_ended(played: Played) -> None:
    """The session begins to run out once the silence is noticed."""
    played.check("sleep")
