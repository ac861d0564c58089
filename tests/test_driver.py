import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.simulation.clock import run_virtually
from tests.simulation.network import MemoryNetwork, MemoryTransport
from videocli.driver import Driver
from videocli.outside import TransportClosed
from videocli.protocol.core import CloseTransport, Output


class ScriptedCore:
    """A core that does what the test tells it to; its events are what was done to it."""

    def __init__(self) -> None:
        self.timer_at: float | None = None
        self.pending: list[Output] = []
        self.happened: list[tuple[Any, ...]] = []
        self.on_receive: Callable[[str], None] = lambda text: None

    def receive(self, text: str, now: float) -> None:
        self.happened.append(("received", text, now))
        self.on_receive(text)

    def receive_close(self, code: int | None, reason: str, now: float) -> None:
        self.happened.append(("closed", code, reason, now))

    def handle_timer(self, now: float) -> None:
        self.timer_at = None
        self.happened.append(("timer", now))

    def timer(self) -> float | None:
        return self.timer_at

    def outputs(self) -> list[Output]:
        outputs, self.pending = self.pending, []
        return outputs

    def events(self) -> list[tuple[Any, ...]]:
        events, self.happened = self.happened, []
        return events


class Scene:
    """A driver at the client's end of a connection, and the test at the server's."""

    def __init__(self) -> None:
        self.network = MemoryNetwork()
        self.near, self.far = self.network.make_pair()
        self.core = ScriptedCore()
        self.delivered: list[tuple[Any, ...]] = []
        self.driver = Driver(self.core, self.near, self.delivered.append)
        self.running = asyncio.create_task(self.driver.run())

    def order(self, *outputs: Output) -> None:
        self.core.pending += outputs
        self.driver.wake()


def play(act: Callable[[Scene], Coroutine[Any, Any, None]]) -> Scene:
    """Run a scene in virtual time; no task and no timer may be left."""

    async def run() -> Scene:
        scene = Scene()
        await act(scene)
        async with asyncio.timeout(100.0):
            await asyncio.wait([scene.running])
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert asyncio.get_running_loop().pending_timers() == 0  # type: ignore[attr-defined]  # of VirtualClockLoop
        return scene

    return run_virtually(run())


def test_carries_messages_both_ways_and_delivers_events() -> None:
    async def act(scene: Scene) -> None:
        scene.core.on_receive = lambda text: scene.core.pending.append(text.upper())
        await scene.far.send("hello")
        assert await scene.far.receive() == "HELLO"
        await scene.far.close(1011, "bye")

    assert play(act).delivered == [("received", "hello", 0.0), ("closed", 1011, "bye", 0.0)]


def test_wake_sends_what_the_core_was_told_meanwhile() -> None:
    async def act(scene: Scene) -> None:
        await asyncio.sleep(5.0)
        scene.order("one", "two")
        assert [await scene.far.receive(), await scene.far.receive()] == ["one", "two"]
        await scene.far.close(1000, "")

    play(act)


def test_the_timer_fires_when_the_core_asked_for_it() -> None:
    async def act(scene: Scene) -> None:
        scene.core.timer_at = 7.5
        await asyncio.sleep(20.0)
        await scene.far.close(1000, "")

    assert play(act).delivered == [("timer", 7.5), ("closed", 1000, "", 20.0)]


def test_a_timer_that_is_put_off_does_not_fire_at_its_old_time() -> None:
    async def act(scene: Scene) -> None:
        scene.core.timer_at = 5.0
        await asyncio.sleep(1.0)
        scene.core.timer_at = 9.0
        scene.driver.wake()
        await asyncio.sleep(20.0)
        await scene.far.close(1000, "")

    assert play(act).delivered == [("timer", 9.0), ("closed", 1000, "", 21.0)]


def test_the_cores_order_to_close_ends_it_after_what_was_to_be_sent() -> None:
    async def act(scene: Scene) -> None:
        scene.order("last words", CloseTransport(3001, "missed"))
        assert await scene.far.receive() == "last words"
        with pytest.raises(TransportClosed) as caught:
            await scene.far.receive()
        assert (caught.value.code, caught.value.reason) == (3001, "missed")

    play(act)


def test_a_transport_that_dies_without_a_word_ends_it() -> None:
    async def act(scene: Scene) -> None:
        await asyncio.sleep(1.0)
        scene.network.cut()

    assert play(act).delivered == [("closed", None, "", 1.0)]


def test_last_words_are_heard_although_sending_has_failed() -> None:
    async def act(scene: Scene) -> None:
        await asyncio.sleep(1.0)
        await scene.far.send("error 53205")
        await scene.far.close(1011, "gone")
        scene.order("too late")

    assert play(act).delivered == [("received", "error 53205", 1.0), ("closed", 1011, "gone", 1.0)]


def test_a_peer_that_reads_nothing_does_not_hold_it_up_for_ever() -> None:
    async def act(scene: Scene) -> None:
        scene.order(*["x"] * 1000)

    assert play(act).delivered == [("closed", None, "the other side takes no messages", 10.0)]


def test_what_came_in_counts_before_a_timer_that_is_overdue() -> None:
    """After SIGSTOP the sign of life and the timer that would miss it are both there."""

    async def act(scene: Scene) -> None:
        def put_off(text: str) -> None:
            scene.core.timer_at = None

        scene.core.on_receive = put_off
        scene.core.timer_at = 10.0
        loop = asyncio.get_running_loop()
        loop.call_at(10.0, lambda: loop.create_task(scene.far.send("alive")))
        await asyncio.sleep(15.0)
        await scene.far.close(1000, "")

    assert [event[0] for event in play(act).delivered] == ["received", "closed"]


def test_cancelling_closes_the_transport_and_leaves_no_task() -> None:
    async def act(scene: Scene) -> None:
        await asyncio.sleep(1.0)
        scene.running.cancel()
        with pytest.raises(TransportClosed):
            await scene.far.receive()

    scene = play(act)
    assert scene.running.cancelled()


def test_an_exception_of_the_receiver_of_events_comes_out_and_closes_the_transport() -> None:
    def fail(event: object) -> None:
        raise ZeroDivisionError

    async def run() -> None:
        near, far = MemoryNetwork().make_pair()
        running = asyncio.create_task(Driver(ScriptedCore(), near, fail).run())
        await far.send("hello")
        with pytest.raises(TransportClosed):
            await far.receive()
        with pytest.raises(ZeroDivisionError):
            await running
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtually(run())


def test_an_event_that_makes_the_core_send_needs_no_wake() -> None:
    async def run() -> None:
        near, far = MemoryNetwork().make_pair()
        core = ScriptedCore()

        def answer(event: tuple[Any, ...]) -> None:
            if event[0] == "received":
                core.pending.append("answer")

        running = asyncio.create_task(Driver(core, near, answer).run())
        await far.send("question")
        assert await far.receive() == "answer"
        await far.close(1000, "")
        await running

    run_virtually(run())


def test_transports_are_closed_once_the_other_side_has_closed() -> None:
    async def act(scene: Scene) -> None:
        await scene.far.close(1011, "")

    scene = play(act)
    assert isinstance(scene.near, MemoryTransport)

    async def send() -> None:
        await scene.near.send("x")

    with pytest.raises(TransportClosed):
        run_virtually(send())


def test_no_timer_outlives_it() -> None:
    async def act(scene: Scene) -> None:
        scene.core.timer_at = 5000.0
        await scene.far.send("hello")
        await asyncio.sleep(1.0)
        scene.core.timer_at = 6000.0
        scene.driver.wake()
        await asyncio.sleep(1.0)
        await scene.far.close(1000, "")

    play(act)
