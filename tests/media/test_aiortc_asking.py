"""Requests for consent: whose answers count, and for how long; in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import aioice.ice
import pytest
from aioice import stun

from tests.simulation.clock import run_virtually
from videocli.media.aiortc_inside.asking import Asking

KEY = b"a password of the other side"


class Wire:
    """Stands for aioice's `StunProtocol`."""

    def __init__(self) -> None:
        self.transactions: dict[bytes, Any] = {}
        self.sent: list[stun.Message] = []

    def send_stun(self, message: stun.Message, addr: tuple[str, int]) -> None:
        self.sent.append(message)

    def answer(
        self, request: stun.Message, key: bytes | None = KEY, kind: stun.Class = stun.Class.RESPONSE
    ) -> None:
        """What aioice does with an answer that comes."""
        answer = stun.Message(stun.Method.BINDING, kind, transaction_id=request.transaction_id)
        if key is not None:
            answer.add_message_integrity(key)
        transaction = self.transactions.get(request.transaction_id)
        if transaction is not None:
            transaction.response_received(answer, ("127.0.0.1", 9))


class Scene:
    def __init__(self) -> None:
        self.wire = Wire()
        self.answered: list[float] = []
        self.asking = Asking(self.answered.append)

    def ask(self) -> stun.Message:
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        self.asking.ask(cast(aioice.ice.StunProtocol, self.wire), ("127.0.0.1", 9), request, KEY)
        return request


def run(play: Callable[[Scene], Awaitable[None]]) -> None:
    async def check() -> None:
        scene = Scene()
        await play(scene)
        scene.asking.end()
        loop: Any = asyncio.get_running_loop()
        assert (scene.wire.transactions, loop.pending_timers()) == ({}, 0)

    run_virtually(check())


@pytest.mark.parametrize(
    ("after", "counts"), [(0.01, True), (1.6, True), (3.0, True), (5.0, True), (8.0, False)]
)
def test_an_answer_counts_for_some_seconds(after: float, counts: bool) -> None:
    async def play(scene: Scene) -> None:
        request = scene.ask()
        await asyncio.sleep(after)
        scene.wire.answer(request)
        assert scene.answered == ([0.0] if counts else [])

    run(play)


def test_each_answer_names_the_time_of_its_own_request() -> None:
    async def play(scene: Scene) -> None:
        first = scene.ask()
        await asyncio.sleep(0.5)
        second = scene.ask()
        await asyncio.sleep(1.0)
        scene.wire.answer(second)
        scene.wire.answer(first)
        scene.wire.answer(first)
        assert scene.answered == [0.5, 0.0]
        assert len(scene.wire.sent) == 2

    run(play)


@pytest.mark.parametrize("key", [None, b"another password"], ids=["unsigned", "forged"])
def test_what_the_other_side_has_not_signed_is_no_answer(key: bytes | None) -> None:
    async def play(scene: Scene) -> None:
        request = scene.ask()
        scene.wire.answer(request, key)
        assert scene.answered == []
        scene.wire.answer(request)
        assert scene.answered == [0.0]

    run(play)


def test_a_signed_error_is_an_answer() -> None:
    async def play(scene: Scene) -> None:
        scene.wire.answer(scene.ask(), kind=stun.Class.ERROR)
        assert scene.answered == [0.0]

    run(play)


def test_an_end_forgets_what_was_asked() -> None:
    async def play(scene: Scene) -> None:
        requests = [scene.ask() for _ in range(3)]
        scene.asking.end()
        for request in requests:
            scene.wire.answer(request)
        assert scene.answered == []

    run(play)
