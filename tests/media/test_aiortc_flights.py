"""Flights of a handshake are sent again until they are answered; in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from tests.simulation.clock import run_virtually
from videocli.media.aiortc_inside.flights import Flights
from videocli.media.aiortc_inside.ice import IceTransport

REPEATED = bytes([22, 254, 253, 0, 0]) + bytes(20)
"""A handshake record of epoch 0."""
DATA = bytes([23, 254, 253, 0, 1]) + bytes(20)
ENCRYPTED_HANDSHAKE = bytes([22, 254, 253, 0, 1]) + bytes(20)


class Wire:
    """Stands for an `IceTransport`."""

    role = "controlling"

    def __init__(self) -> None:
        self.sent: list[tuple[float, bytes]] = []
        self.incoming: asyncio.Queue[bytes] = asyncio.Queue()

    def send_now(self, data: bytes) -> None:
        self.sent.append((asyncio.get_running_loop().time(), data))

    async def fetch(self) -> bytes:
        return await self.incoming.get()

    def times(self, data: bytes) -> list[float]:
        return [round(at, 3) for at, sent in self.sent if sent == data]


def run(play: Callable[[Flights, Wire], Awaitable[Any]]) -> None:
    async def check() -> None:
        wire = Wire()
        flights = Flights(cast(IceTransport, wire))
        try:
            await play(flights, wire)
        finally:
            flights.end()
        loop: Any = asyncio.get_running_loop()
        assert loop.pending_timers() == 0

    run_virtually(check())


async def answered(flights: Flights, wire: Wire, data: bytes = REPEATED) -> None:
    wire.incoming.put_nowait(data)
    assert await flights._recv() == data


def test_a_flight_is_sent_again_twice_a_second() -> None:
    async def play(flights: Flights, wire: Wire) -> None:
        await flights._send(b"hello")
        await asyncio.sleep(2.25)
        assert wire.times(b"hello") == [0.0, 0.5, 1.0, 1.5, 2.0]

    run(play)


def test_the_next_flight_takes_the_place_of_the_one_before() -> None:
    async def play(flights: Flights, wire: Wire) -> None:
        await flights._send(b"hello")
        await answered(flights, wire)
        await flights._send(b"key, part 1")
        await flights._send(b"key, part 2")
        await asyncio.sleep(0.75)
        assert wire.times(b"hello") == [0.0]
        assert wire.times(b"key, part 1") == wire.times(b"key, part 2") == [0.0, 0.5]

    run(play)


def test_waiting_for_an_answer_does_not_put_off_the_repetition() -> None:
    """aiortc waits again and again, for media may come meanwhile."""

    async def play(flights: Flights, wire: Wire) -> None:
        await flights._send(b"hello")
        for _ in range(12):
            await asyncio.sleep(0.1)
            await answered(flights, wire, b"\x80 media")
        assert wire.times(b"hello") == [0.0, 0.5, 1.0]

    run(play)


def test_after_the_handshake_nothing_is_repeated_unasked() -> None:
    async def play(flights: Flights, wire: Wire) -> None:
        await flights._send(b"finished")
        flights.finish()
        await flights._send(DATA)
        await answered(flights, wire, DATA)
        await answered(flights, wire, ENCRYPTED_HANDSHAKE)
        await asyncio.sleep(5.0)
        assert [data for _, data in wire.sent] == [b"finished", DATA]

    run(play)


def test_a_side_that_repeats_its_flight_gets_the_last_one_again_but_not_too_often() -> None:
    async def play(flights: Flights, wire: Wire) -> None:
        await flights._send(b"finished")
        flights.finish()
        await asyncio.sleep(1.0)
        for _ in range(3):
            await answered(flights, wire)
        assert wire.times(b"finished") == [0.0, 1.0]
        await asyncio.sleep(0.5)
        await answered(flights, wire)
        assert wire.times(b"finished") == [0.0, 1.0, 1.5]

    run(play)


def test_short_datagrams_are_no_handshake() -> None:
    async def play(flights: Flights, wire: Wire) -> None:
        await flights._send(b"finished")
        flights.finish()
        await asyncio.sleep(1.0)
        for data in (b"\x16", b"\x16\xfe\xfd\x00", b"\x14" + bytes(20)):
            await answered(flights, wire, data)
        assert wire.times(b"finished") == [0.0]

    run(play)
