"""A data channel on aiortc when messages come faster than they go."""

import asyncio

import pytest

from tests.conformance.peer_connection import pair
from tests.media.aiortc_lab import LAB, until
from videocli.media.aiortc_inside import channel
from videocli.media.peer import DataMessage, NotSent


def test_all_that_a_full_channel_took_arrives_in_order_and_then_it_takes_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channel, "MAX_UNSENT_BYTES", 100_000)

    async def run() -> None:
        async with pair(LAB) as both:
            ours, theirs = await both.channel("chat")
            sent: list[str] = []
            while (result := ours.send(f"{len(sent):05}" + "x" * 5000)) is None:
                sent.append(f"{len(sent):05}" + "x" * 5000)
                assert ours.unsent_bytes <= 100_000
            assert result is NotSent.FULL
            assert len(sent) == 19
            await both.server.until(lambda: len(both.server.all(DataMessage)) == len(sent))
            await until(lambda: ours.unsent_bytes == 0)
            assert ours.send("more") is None
            await both.server.until(lambda: len(both.server.all(DataMessage)) > len(sent))
            assert [event.data for event in both.server.all(DataMessage)] == [*sent, "more"]
            assert all(event.channel is theirs for event in both.server.all(DataMessage))

    asyncio.run(run())


def test_the_messages_that_wait_are_bounded_in_number_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "MAX_UNSENT_MESSAGES", 10)

    async def run() -> None:
        async with pair(LAB) as both:
            ours, _ = await both.channel("chat")
            results = [ours.send("") for _ in range(11)]
            assert results == [None] * 10 + [NotSent.FULL]

    asyncio.run(run())
