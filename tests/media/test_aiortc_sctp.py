"""What comes over SCTP is held only as far as the window reaches that we advertise."""

from asyncio import run
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

from aiortc.rtcsctptransport import DataChunk

from videocli.media.aiortc_inside.dtls import SctpTransport

_WINDOW = 1 << 20
_FIRST, _LAST, _UNORDERED = 2, 1, 4
"""Flags of a DATA chunk (RFC 9260, 3.3.1)."""


class Association(SctpTransport):
    """Receives chunks, and keeps the messages; there is nobody to answer."""

    def __init__(self) -> None:
        super().__init__(cast(Any, SimpleNamespace(state="connected")))
        self._last_received_tsn = 0xFFFFFFF0
        self.messages: list[bytes] = []

    async def _receive(self, stream_id: int, pp_id: int, data: bytes) -> None:
        self.messages.append(data)

    async def hear(self, number: int, flags: int, size: int, stream: int = 1) -> None:
        """A chunk comes; numbers begin with 1."""
        chunk = DataChunk(flags=flags)
        chunk.tsn = 0xFFFFFFF0 + number & 0xFFFFFFFF
        chunk.stream_id = stream
        chunk.user_data = bytes(size)
        await self._receive_data_chunk(chunk)

    @property
    def held(self) -> list[int]:
        """Sizes of what is held."""
        streams = self._inbound_streams.values()
        return [len(chunk.user_data) for stream in streams for chunk in stream.reassembly]


def checked(check: Callable[[Association], Awaitable[None]]) -> None:
    async def play() -> None:
        await check(Association())

    run(play())


def test_a_message_that_never_ends_is_held_up_to_the_window_only() -> None:
    async def check(association: Association) -> None:
        for number in range(1, 200):
            await association.hear(number, _FIRST if number == 1 else 0, 16_384)
        assert sum(association.held) == _WINDOW
        assert association._advertised_rwnd == 0
        assert association._sack_needed

    checked(check)


def test_chunks_are_bounded_in_number_too() -> None:
    async def check(association: Association) -> None:
        for number in range(1, 5000):
            await association.hear(number, 0, 1, stream=number)
        assert len(association.held) == 4096
        await association.hear(5000, _FIRST, 0)
        assert len(association.held) == 4096

    checked(check)


def test_what_is_far_ahead_of_a_gap_is_dropped() -> None:
    async def check(association: Association) -> None:
        for number in (2, 4097, 4098, 70_000, 1 << 30):
            await association.hear(number, _FIRST | _LAST | _UNORDERED, 10)
        assert len(association._sack_misordered) == 1
        assert len(association.messages) == 1

    checked(check)


def test_what_fills_a_gap_is_taken_though_the_window_is_full() -> None:
    async def check(association: Association) -> None:
        await association.hear(1, _FIRST, 16_384)
        for number in range(3, 65):
            await association.hear(number, 0, 16_384)
        await association.hear(65, _LAST, 16_384)
        assert sum(association.held) == _WINDOW
        await association.hear(2, 0, 16_384)
        assert [len(message) for message in association.messages] == [65 * 16_384]
        assert association._advertised_rwnd == _WINDOW

    checked(check)
