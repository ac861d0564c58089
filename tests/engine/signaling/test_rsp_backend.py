"""The backend in virtual time, over `MemoryNetwork`, against a server that follows a script."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.engine.signaling.server import Act, Server, Socket, let_in_and_stay, resync_and_stay
from tests.simulation.clock import run_virtually
from tests.simulation.network import BUFFERED_MESSAGES, MemoryNetwork, MemoryTransport
from videocli.engine import reports as rp
from videocli.engine.signaling.backend import SignalingBackend, SignalingConfig
from videocli.engine.signaling.rsp_backend import RspBackend
from videocli.media.peer import PeerConfig, PeerConnection
from videocli.outside import DialError, MessageTransport, Outside

MIC = rp.LocalTrackInfo("t1", "mic", "audio")
PATIENCE = 1000.0


def no_media(config: PeerConfig, on_event: Callable[[Any], None]) -> PeerConnection:
    raise NotImplementedError


class Stage:
    """A backend, a network and a server; the test is the session."""

    def __init__(self, *acts: Act, seed: int = 0) -> None:
        self.network = MemoryNetwork()
        self.server = Server(*acts)
        self.reports: list[rp.SignalingReport] = []
        self.times: list[float] = []
        self.held = "token"
        self.dialed: list[MemoryTransport] = []
        self.url = ""
        self._seed = seed
        self._reported = asyncio.Event()
        self._exits = AsyncExitStack()
        self.backend: SignalingBackend
        self.running: asyncio.Task[None]

    async def __aenter__(self) -> "Stage":
        self.listening = self.network.listen("host", 80, self.server.handle)
        self.url = (await self._exits.enter_async_context(self.listening)).url
        outside = Outside(
            self.dial,
            self.network.listen,
            no_media,
            lambda: datetime(2026, 1, 1, tzinfo=UTC),
            random.Random(self._seed),
        )
        config = SignalingConfig(self.url, "my-room", self.token)
        self.backend = RspBackend(config, outside, self._report)
        self.running = asyncio.create_task(self.backend.run())
        return self

    async def dial(self, url: str) -> MessageTransport:
        transport = await self.network.dial(url)
        assert isinstance(transport, MemoryTransport)
        self.dialed.append(transport)
        return transport

    async def token(self) -> str:
        return self.held

    def _report(self, report: rp.SignalingReport) -> None:
        self.reports.append(report)
        self.times.append(asyncio.get_running_loop().time())
        self._reported.set()
        if isinstance(report, rp.IceServersGiven):
            self.backend.connect("pc", "offer 1", [MIC])

    async def until(self, kind: type[rp.SignalingReport], count: int = 1) -> Any:
        """The report of that kind, as soon as there are so many."""
        async with asyncio.timeout(PATIENCE):
            while len(found := [each for each in self.reports if isinstance(each, kind)]) < count:
                self._reported.clear()
                await self._reported.wait()
        return found[-1]

    def at(self, kind: type[rp.SignalingReport]) -> float:
        """When the first report of that kind came."""
        return next(
            time for report, time in zip(self.reports, self.times, strict=True) if isinstance(report, kind)
        )

    def kinds(self) -> list[str]:
        return [type(report).__name__ for report in self.reports]

    @property
    def ended(self) -> int | None:
        """The code that the session ended with."""
        last = self.reports[-1]
        assert isinstance(last, rp.SignalingEnded)
        return last.error.code if last.error else None

    @property
    def explained(self) -> str:
        """The explanation of the error that the session ended with."""
        last = self.reports[-1]
        assert isinstance(last, rp.SignalingEnded)
        assert last.error is not None
        return last.error.explanation

    async def __aexit__(self, kind: type[BaseException] | None, *exc_info: object) -> None:
        if kind is not None:
            self.running.cancel()
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait([self.running])
        await self._exits.aclose()
        if not self.running.cancelled():
            self.running.result()
        assert sum(isinstance(report, rp.SignalingEnded) for report in self.reports) <= 1
        assert asyncio.all_tasks() == {asyncio.current_task()}


def play(stage_of: Callable[[], Stage], act: Callable[[Stage], Awaitable[None]]) -> Stage:
    """Run in virtual time until the session has ended; no task may be left."""

    async def run() -> Stage:
        stage = stage_of()
        async with stage:
            await act(stage)
        return stage

    return run_virtually(run())


async def wait_for_the_end(stage: Stage) -> None:
    await stage.until(rp.SignalingEnded)


async def leave_once_in(stage: Stage) -> None:
    await stage.until(rp.Joined)
    stage.backend.leave()


async def leave_when_back(stage: Stage) -> None:
    await stage.until(rp.Resynced)
    stage.backend.leave()


def cut_once(code: int = 1012) -> Act:
    async def act(socket: Socket) -> None:
        await socket.let_in()
        await asyncio.sleep(10.0)
        await socket.close(code, "restarting")

    return act


async def close_at_once(socket: Socket) -> None:
    await socket.close(1011)


# Joining and leaving


def test_joins_and_leaves_politely() -> None:
    stage = play(lambda: Stage(let_in_and_stay), leave_once_in)
    assert stage.kinds() == ["IceServersGiven", "Joined", "DescriptionReceived", "SignalingEnded"]
    assert stage.ended is None
    assert stage.server.sockets[0].said_goodbye


def test_leaving_does_not_wait_for_a_server_that_is_gone() -> None:
    async def act(stage: Stage) -> None:
        await stage.until(rp.Joined)
        stage.network.stall()
        stage.backend.leave()
        await asyncio.wait([stage.running])
        assert asyncio.get_running_loop().time() <= 1.1
        stage.network.resume()

    assert play(lambda: Stage(let_in_and_stay), act).ended is None


@pytest.mark.parametrize("seconds", [0.0, 1.0, 10.0])
def test_leaving_while_dialing_ends_at_once(seconds: float) -> None:
    async def act(stage: Stage) -> None:
        stage.network.stall()
        await asyncio.sleep(seconds)
        stage.backend.leave()
        await asyncio.wait([stage.running])
        assert asyncio.get_running_loop().time() == seconds
        stage.network.resume()

    assert play(lambda: Stage(let_in_and_stay), act).ended is None


def test_the_goodbye_waits_its_turn_behind_what_the_server_has_not_taken_yet() -> None:
    async def read_late(socket: Socket) -> None:
        await socket.let_in()
        await asyncio.sleep(0.5)
        await socket.stay()

    async def act(stage: Stage) -> None:
        await stage.until(rp.Joined)
        for number in range(2 * BUFFERED_MESSAGES):
            stage.backend.describe("pc", "offer", number + 2, "sdp")
        stage.backend.leave()

    stage = play(lambda: Stage(read_late), act)
    assert stage.server.sockets[0].said_goodbye


def test_leaving_during_an_outage_ends_at_once_and_nothing_follows() -> None:
    async def act(stage: Stage) -> None:
        await stage.until(rp.Joined)
        stage.network.refuse()
        stage.network.cut()
        await stage.until(rp.AttemptFailed, 3)
        stage.backend.leave()
        stage.backend.leave()
        await asyncio.wait([stage.running])

    stage = play(lambda: Stage(let_in_and_stay), act)
    assert stage.ended is None


def test_cancelling_leaves_no_task_and_says_nothing() -> None:
    async def act(stage: Stage) -> None:
        await stage.until(rp.Joined)
        stage.running.cancel()

    stage = play(lambda: Stage(let_in_and_stay), act)
    assert "SignalingEnded" not in stage.kinds()
    assert not any("disconnect" in repr(message) for message in stage.server.sockets[0].heard)


# The first connection is not retried


def test_a_refused_first_connection_is_53000() -> None:
    def stage_of() -> Stage:
        stage = Stage(let_in_and_stay)
        stage.network.refuse()
        return stage

    stage = play(stage_of, wait_for_the_end)
    assert (stage.ended, stage.network.dials) == (53000, 1)


def test_a_first_connection_that_nobody_answers_is_53002_after_15_s() -> None:
    def stage_of() -> Stage:
        stage = Stage(let_in_and_stay)
        stage.network.stall()
        return stage

    async def act(stage: Stage) -> None:
        await stage.until(rp.SignalingEnded)
        stage.network.resume()

    stage = play(stage_of, act)
    assert (stage.ended, stage.times[-1]) == (53002, 15.0)


def test_a_first_connection_that_could_not_be_made_for_lack_of_a_route_is_53002() -> None:
    class Unreachable(Stage):
        async def dial(self, url: str) -> MessageTransport:
            raise DialError("no route", answered=False)

    assert play(lambda: Unreachable(let_in_and_stay), wait_for_the_end).ended == 53002


@pytest.mark.parametrize("code", [1000, 1001, 1011, 3008])
def test_a_first_connection_that_is_closed_is_53000(code: int) -> None:
    async def act(socket: Socket) -> None:
        await socket.close(code)

    stage = play(lambda: Stage(act), wait_for_the_end)
    assert (stage.ended, stage.network.dials) == (53000, 1)


def test_bad_as_the_answer_to_hello_is_53000() -> None:
    async def act(socket: Socket) -> None:
        await socket.hello()
        await socket.text('{"type":"bad","reason":"no"}')
        await socket.stay()

    assert play(lambda: Stage(act), wait_for_the_end).ended == 53000


def test_a_server_that_never_welcomes_is_53002_after_three_hellos() -> None:
    stage = play(lambda: Stage(Socket.stay), wait_for_the_end)
    assert (stage.ended, stage.times[-1]) == (53002, 15.0)
    assert len(stage.server.sockets[0].heard) == 3


@pytest.mark.parametrize("answers_ice", [True, False])
def test_a_server_that_welcomes_and_then_only_beats_is_53002(answers_ice: bool) -> None:
    async def act(socket: Socket) -> None:
        await socket.welcome()
        if answers_ice:
            await socket.say({"type": "iced", "version": 1, "ice_servers": []})
        await socket.stay()

    stage = play(lambda: Stage(act), wait_for_the_end)
    assert (stage.ended, stage.times[-1]) == (53002, 15.0)


def test_the_session_may_take_its_time_to_make_the_offer() -> None:
    class Slow(Stage):
        def _report(self, report: rp.SignalingReport) -> None:
            if isinstance(report, rp.IceServersGiven):
                loop = asyncio.get_running_loop()
                loop.call_later(60.0, super()._report, report)
            else:
                super()._report(report)

    async def act(socket: Socket) -> None:
        async with socket.beating():
            await socket.let_in()
        await socket.stay()

    stage = play(lambda: Slow(act), leave_once_in)
    assert stage.ended is None
    assert stage.at(rp.Joined) == pytest.approx(60.0)


@pytest.mark.parametrize("code", [20104, 53105, 53118, 99999])
def test_an_error_of_the_server_wins(code: int) -> None:
    async def act(socket: Socket) -> None:
        await socket.welcome()
        await socket.say({"type": "error", "version": 2, "code": code, "message": "x"})
        await socket.stay()

    stage = play(lambda: Stage(act), wait_for_the_end)
    assert stage.ended == code
    assert stage.server.sockets[0].said_goodbye


def test_an_error_whose_connection_is_closed_with_it_still_wins() -> None:
    async def act(socket: Socket) -> None:
        await socket.let_in()
        await socket.say({"type": "error", "version": 2, "code": 53205, "message": "x"})
        await socket.close(1011, "gone")

    assert play(lambda: Stage(act), wait_for_the_end).ended == 53205


# Busy


async def busy_for_good(socket: Socket) -> None:
    await socket.busy(-1, keep_alive=False)
    await socket.stay()


def test_busy_for_good_is_53006() -> None:
    stage = play(lambda: Stage(busy_for_good), wait_for_the_end)
    assert (stage.ended, stage.network.dials) == (53006, 1)


def test_busy_waits_on_this_socket_then_on_a_new_one_with_the_cookie() -> None:
    """Trace busy."""

    async def first(socket: Socket) -> None:
        await socket.busy(700, keep_alive=True, cookie="cookie-1")
        assert (await socket.busy(900, keep_alive=False, cookie="cookie-2")).cookie == "cookie-1"
        await socket.stay()

    stage = play(lambda: Stage(first, let_in_and_stay), leave_once_in)
    assert stage.ended is None
    assert stage.server.accepted_at == pytest.approx([0.0, 1.6])
    (hello, *_) = stage.server.sockets[1].heard
    assert getattr(hello, "cookie", None) == "cookie-2"


def test_busy_during_an_outage_is_waited_for() -> None:
    async def busy(socket: Socket) -> None:
        await socket.busy(5000, keep_alive=False)
        await socket.stay()

    stage = play(lambda: Stage(cut_once(), busy, resync_and_stay), leave_when_back)
    _, refused, resumed = stage.server.accepted_at
    assert resumed == pytest.approx(refused + 5.0)
    failed = next(report for report in stage.reports if isinstance(report, rp.AttemptFailed))
    assert (failed.fate, failed.answered) == ("the server is busy", True)


@pytest.mark.parametrize("keep_alive", [True, False])
@pytest.mark.parametrize("seconds", [0.05, 5.0, 1e9])
def test_a_server_that_is_busy_to_the_end_of_an_outage_is_53000_busy(
    keep_alive: bool, seconds: float
) -> None:
    async def busy(socket: Socket) -> None:
        while True:
            await socket.busy(seconds * 1000, keep_alive)

    stage = play(lambda: Stage(cut_once(), busy), wait_for_the_end)
    assert (stage.ended, stage.times[-1]) == (53000, 40.0)
    assert stage.explained.startswith("The server is busy. ")


def test_a_busy_server_that_falls_silent_is_53002() -> None:
    async def busy(socket: Socket) -> None:
        await socket.busy(5000, keep_alive=True)
        await socket.stay()

    stage = play(lambda: Stage(cut_once(), busy), wait_for_the_end)
    assert (stage.ended, stage.times[-1]) == (53002, 40.0)


# Losing the session and getting it back


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1011, 1012, 3008])
def test_a_session_is_resumed_after_any_close_of_the_server(code: int) -> None:
    stage = play(lambda: Stage(cut_once(code), resync_and_stay), leave_when_back)
    assert stage.kinds()[3:] == ["SignalingLost", "AttemptStarted", "Resynced", "SignalingEnded"]
    assert stage.ended is None
    assert stage.at(rp.SignalingLost) == 10.0
    assert stage.at(rp.Resynced) <= 10.17


def test_a_dead_socket_is_noticed_at_once_and_a_silent_server_after_three_heartbeats() -> None:
    async def act(stage: Stage) -> None:
        await stage.until(rp.Joined)
        await asyncio.sleep(7.0)
        stage.network.cut()
        assert (await stage.until(rp.SignalingLost)).cause == "the connection died"
        assert stage.at(rp.SignalingLost) == 7.0
        await stage.until(rp.Resynced)
        await asyncio.sleep(20.0)
        began = asyncio.get_running_loop().time()
        stage.network.cut(client_notices=False, server_notices=False)
        lost = await stage.until(rp.SignalingLost, 2)
        assert lost.cause == 'closed with 3001 Missed 3 "heartbeat" messages'
        assert asyncio.get_running_loop().time() - began <= 15.0
        await stage.until(rp.Resynced, 2)
        stage.backend.leave()

    assert play(lambda: Stage(let_in_and_stay, resync_and_stay), act).ended is None


def test_a_changed_network_is_noticed_within_a_second_however_quiet_the_socket() -> None:
    async def act(stage: Stage) -> None:
        await stage.until(rp.Joined)
        await asyncio.sleep(7.3)
        stage.dialed[0].stale = True
        stage.network.cut(client_notices=False, server_notices=False)
        lost = await stage.until(rp.SignalingLost)
        assert lost.cause == "closed with 3004 Network changed"
        assert stage.at(rp.SignalingLost) <= 8.3
        await stage.until(rp.Resynced)
        stage.backend.leave()

    assert play(lambda: Stage(let_in_and_stay, resync_and_stay), act).ended is None


def test_the_path_is_found_within_about_a_second_of_being_back() -> None:
    waits = []
    for seed in range(20):

        async def act(stage: Stage) -> None:
            await stage.until(rp.Joined)
            stage.network.refuse()
            stage.network.cut()
            await asyncio.sleep(12.0)
            stage.network.refuse(False)
            began = asyncio.get_running_loop().time()
            await stage.until(rp.Resynced)
            waits.append(asyncio.get_running_loop().time() - began)
            stage.backend.leave()

        play(lambda seed=seed: Stage(let_in_and_stay, resync_and_stay, seed=seed), act)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    assert max(waits) <= 1.0


def test_a_connection_dropped_on_purpose_is_resumed_like_any_other() -> None:
    async def act(stage: Stage) -> None:
        await stage.until(rp.Joined)
        stage.backend.drop(0.0)
        stage.backend.drop(0.0)
        assert (await stage.until(rp.SignalingLost)).cause == "dropped on purpose"
        await stage.until(rp.Resynced)
        stage.backend.leave()

    stage = play(lambda: Stage(let_in_and_stay, resync_and_stay), act)
    assert stage.kinds()[3:] == ["SignalingLost", "AttemptStarted", "Resynced", "SignalingEnded"]
    assert stage.ended is None


def test_for_as_long_as_asked_after_a_drop_nobody_is_dialed() -> None:
    async def act(stage: Stage) -> None:
        await stage.until(rp.Joined)
        before = asyncio.get_running_loop().time()
        stage.backend.drop(5.0)
        await stage.until(rp.Resynced)
        assert 5.0 <= asyncio.get_running_loop().time() - before <= 6.0
        stage.backend.leave()

    stage = play(lambda: Stage(let_in_and_stay, resync_and_stay), act)
    failed = [each for each in stage.reports if isinstance(each, rp.AttemptFailed)]
    assert {(each.fate, each.answered) for each in failed} == {("practice", False)}


def test_dropping_a_connection_that_is_not_there_changes_nothing() -> None:
    async def act(stage: Stage) -> None:
        stage.backend.drop(5.0)
        await stage.until(rp.Joined)
        stage.backend.leave()

    assert "SignalingLost" not in play(lambda: Stage(let_in_and_stay), act).kinds()


def test_attempts_are_told_in_order_with_their_fates() -> None:
    stage = play(lambda: Stage(cut_once(), close_at_once, close_at_once, resync_and_stay), leave_when_back)
    attempts = [each for each in stage.reports if isinstance(each, rp.AttemptStarted | rp.AttemptFailed)]
    assert attempts == [
        rp.AttemptStarted(1),
        rp.AttemptFailed(1, "closed with 1011", answered=True),
        rp.AttemptStarted(2),
        rp.AttemptFailed(2, "closed with 1011", answered=True),
        rp.AttemptStarted(3),
    ]


def test_each_outage_counts_its_attempts_and_its_time_anew() -> None:
    async def resync_and_close(socket: Socket) -> None:
        await socket.resync()
        await socket.close(1011)

    async def act(stage: Stage) -> None:
        await stage.until(rp.Joined)
        stage.network.refuse()
        stage.network.cut()
        await asyncio.sleep(29.0)
        stage.network.refuse(False)
        await stage.until(rp.Resynced, 2)
        stage.backend.leave()

    stage = play(lambda: Stage(let_in_and_stay, resync_and_close, resync_and_stay), act)
    numbers = [each.number for each in stage.reports if isinstance(each, rp.AttemptStarted)]
    assert numbers[-2] > 20
    assert numbers[-1] == 1
    _, last, after = stage.server.accepted_at
    assert after - last <= 0.16


def test_a_welcome_without_synced_does_not_reset_the_backoff() -> None:
    async def welcome_only(socket: Socket) -> None:
        await socket.welcome()
        await socket.close(1011)

    async def act(stage: Stage) -> None:
        await stage.until(rp.AttemptFailed, 12)
        stage.backend.leave()

    stage = play(lambda: Stage(cut_once(), welcome_only), act)
    gaps = [after - before for before, after in itertools.pairwise(stage.server.accepted_at)]
    assert max(gaps[1:]) > 0.2


def test_changes_made_while_away_are_said_once_after_the_resume() -> None:
    async def act(stage: Stage) -> None:
        await stage.until(rp.SignalingLost)
        stage.backend.set_tracks([rp.LocalTrackInfo("t1", "mic", "audio", enabled=False)])
        stage.backend.set_tracks([])
        await stage.until(rp.Resynced)
        stage.backend.leave()

    stage = play(lambda: Stage(cut_once(), resync_and_stay), act)
    bodies = [getattr(message, "body", None) for message in stage.server.sockets[1].heard]
    assert [body and body["type"] for body in bodies] == ["sync", "update", "disconnect", None]
    assert bodies[0]["participant"] == bodies[1]["participant"] == {"revision": 4, "tracks": []}  # type: ignore[index]  # checked above


# The end of an outage


def test_a_session_that_is_refused_to_its_end_is_53000() -> None:
    async def act(stage: Stage) -> None:
        await stage.until(rp.Joined)
        stage.network.refuse()
        stage.network.cut()
        await stage.until(rp.SignalingEnded)

    stage = play(lambda: Stage(let_in_and_stay), act)
    assert (stage.ended, stage.times[-1]) == (53000, 30.0)


def test_a_session_that_nobody_answers_to_its_end_is_53002() -> None:
    async def act(stage: Stage) -> None:
        await stage.until(rp.Joined)
        stage.network.stall()
        await stage.until(rp.SignalingEnded)
        stage.network.resume()

    stage = play(lambda: Stage(let_in_and_stay), act)
    assert stage.ended == 53002
    assert stage.times[-1] == pytest.approx(stage.at(rp.SignalingLost) + 30.0)


def test_refusals_that_turn_into_silence_are_53002() -> None:
    async def act(stage: Stage) -> None:
        await stage.until(rp.Joined)
        stage.network.refuse()
        stage.network.cut()
        await asyncio.sleep(20.0)
        stage.network.stall()
        await stage.until(rp.SignalingEnded)
        stage.network.resume()

    stage = play(lambda: Stage(let_in_and_stay), act)
    assert (stage.ended, stage.times[-1]) == (53002, 30.0)


def test_an_attempt_cut_short_by_the_end_leaves_the_word_to_the_one_before() -> None:
    async def act(stage: Stage) -> None:
        await stage.until(rp.Joined)
        stage.network.refuse()
        stage.network.cut()
        await asyncio.sleep(29.5)
        stage.network.stall()
        await stage.until(rp.SignalingEnded)
        stage.network.resume()

    stage = play(lambda: Stage(let_in_and_stay), act)
    assert (stage.ended, stage.times[-1]) == (53000, 30.0)
    assert stage.explained.startswith("Connection refused. The server refused ")
    (*_, last) = [each for each in stage.reports if isinstance(each, rp.AttemptFailed)]
    assert (last.fate, last.answered) == ("no answer to dialing", False)


@pytest.mark.parametrize("code", [1000, 1001, 3000, 3001, 3008])
def test_a_server_that_closes_every_attempt_has_answered(code: int) -> None:
    async def close(socket: Socket) -> None:
        await socket.close(code)

    stage = play(lambda: Stage(cut_once(), close), wait_for_the_end)
    assert (stage.ended, stage.times[-1]) == (53000, 40.0)
    assert stage.explained.startswith(f"Closed with {code}. ")


def test_a_server_that_accepts_and_closes_to_the_end_is_53000() -> None:
    stage = play(lambda: Stage(cut_once(), close_at_once), wait_for_the_end)
    assert (stage.ended, stage.times[-1]) == (53000, 40.0)


def test_a_server_that_welcomes_and_never_syncs_is_53002_when_the_session_ends() -> None:
    async def welcome_only(socket: Socket) -> None:
        await socket.welcome()
        await socket.stay()

    stage = play(lambda: Stage(cut_once(), welcome_only), wait_for_the_end)
    assert (stage.ended, stage.times[-1]) == (53002, 40.0)


@pytest.mark.parametrize("code", [20104, 53204, 53002])
def test_the_servers_answer_to_sync_wins(code: int) -> None:
    async def refuse(socket: Socket) -> None:
        await socket.welcome()
        await socket.say({"type": "error", "version": 1, "code": code, "message": ""})
        await socket.stay()

    assert play(lambda: Stage(cut_once(), refuse), wait_for_the_end).ended == code


def test_busy_for_good_during_an_outage_is_53006() -> None:
    assert play(lambda: Stage(cut_once(), busy_for_good), wait_for_the_end).ended == 53006


def test_a_server_that_allows_no_resume_is_not_tried_again() -> None:
    async def brief(socket: Socket) -> None:
        await socket.let_in(options={"session_timeout": 0})
        await socket.close(1011)

    stage = play(lambda: Stage(brief), wait_for_the_end)
    assert (stage.ended, stage.network.dials) == (53000, 1)


def test_a_fault_of_ours_comes_out_and_leaves_nothing_behind() -> None:
    class Faulty(Stage):
        def _report(self, report: rp.SignalingReport) -> None:
            raise ZeroDivisionError

    async def run() -> None:
        stage = Faulty(let_in_and_stay)
        with pytest.raises(ZeroDivisionError):
            async with stage:
                await asyncio.wait([stage.running])

    run_virtually(run())
