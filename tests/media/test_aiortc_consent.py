"""The consent watch: what it takes for a dead path, and what not."""

import asyncio
from asyncio import run
from dataclasses import replace
from typing import Any

import pytest

from tests.conformance.peer_connection import Collected, Pair, Talk, Watched, pair
from tests.media.aiortc_lab import QUICK, generation, lab
from videocli.media.aiortc_inside import generation as inside
from videocli.media.peer import IceState, IceStateChanged


def states(made: Watched) -> list[IceState]:
    return [event.state for event in made.all(IceStateChanged)]


def answer_late(both: Pair, seconds: float, enough: int) -> asyncio.Event:
    """Let the server's end answer so late; set once it was asked often enough."""
    far_end = generation(both.server)
    answer, loop, asked = far_end.request_received, asyncio.get_running_loop(), asyncio.Event()
    count = 0

    def later(*arguments: Any) -> None:
        nonlocal count
        count += 1
        if count >= enough:
            asked.set()
        loop.call_later(seconds, lambda: None if far_end._closed else answer(*arguments))

    far_end.request_received = later  # type: ignore[method-assign, assignment]  # a slow network
    return asked


def test_an_answer_counts_though_the_round_trip_is_longer_than_the_pause_between_requests() -> None:
    """A path with a round trip of 100 ms, asked every 40 ms, with nothing else on it."""

    async def check() -> None:
        async with pair(lab(replace(QUICK, consent_misses=4))) as both:
            await both.client_offers()
            await both.connected()
            await answer_late(both, 0.1, enough=20).wait()
            assert states(both.client) == [IceState.CHECKING, IceState.CONNECTED]

    run(check())


def test_a_path_that_only_brings_is_dead_in_the_end() -> None:
    """Packets come all the time, but what we send gets no answer."""

    async def check() -> None:
        async with pair(lab(replace(QUICK, one_way=0.3))) as both:
            sender = both.server.peer.add_sender("video", "MT1")
            await both.client_offers()
            await both.server_offers()
            await both.connected()
            pictures = Collected(await both.client.receiver("MT1"))
            generation(both.server).request_received = lambda *_: None  # type: ignore[method-assign]  # deaf
            async with Talk(sender):
                await pictures.more(2)
                await both.client.state(IceState.FAILED)

    run(check())


def test_a_path_whose_address_is_gone_is_dead_at_once_until_the_address_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = replace(QUICK, consent_interval=60.0, address_interval=0.02)

    async def check() -> None:
        async with pair(lab(slow)) as both:
            await both.client_offers()
            await both.connected()
            monkeypatch.setattr(inside, "is_local", lambda address: False)
            await both.client.state(IceState.FAILED)
            monkeypatch.undo()
            await both.client.state(IceState.CONNECTED)

    run(check())
