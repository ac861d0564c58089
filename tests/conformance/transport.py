"""What every `MessageTransport` promises. Each check takes the two ends of a fresh connection."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from videocli.outside import MessageTransport, TransportClosed

PATIENCE = 10.0
"""Seconds after which something that should happen is taken not to happen."""

Check = Callable[[MessageTransport, MessageTransport], Awaitable[None]]


async def messages_arrive_whole_and_in_order(client: MessageTransport, server: MessageTransport) -> None:
    texts = ["", "a", "ü 😀 \x00 \n", "x" * 500_000, *map(str, range(40))]
    for sender, receiver in ((client, server), (server, client)):
        for text in texts:
            await sender.send(text)
            assert await receiver.receive() == text
        for text in map(str, range(40)):
            await sender.send(text)
        assert [await receiver.receive() for _ in range(40)] == list(map(str, range(40)))


async def both_sides_may_talk_at_once(client: MessageTransport, server: MessageTransport) -> None:
    async def talk(transport: MessageTransport) -> None:
        for number in range(200):
            await transport.send(str(number))

    async def listen(transport: MessageTransport) -> None:
        assert [await transport.receive() for _ in range(200)] == list(map(str, range(200)))

    await asyncio.gather(talk(client), talk(server), listen(client), listen(server))


async def a_close_comes_after_what_was_sent_before_it(
    client: MessageTransport, server: MessageTransport
) -> None:
    await client.send("last words")
    await asyncio.gather(client.close(3001, "missed"), _expect_last_words(server))


async def _expect_last_words(transport: MessageTransport) -> None:
    assert await transport.receive() == "last words"
    with pytest.raises(TransportClosed) as caught:
        await transport.receive()
    assert (caught.value.code, caught.value.reason) == (3001, "missed")


async def last_words_can_be_read_although_sending_fails(
    client: MessageTransport, server: MessageTransport
) -> None:
    await server.send("last words")
    await server.close(3001, "missed")
    with pytest.raises(TransportClosed) as caught:
        await _send_for_ever(client)
    assert (caught.value.code, caught.value.reason) == (3001, "missed")
    await _expect_last_words(client)


async def nothing_can_be_sent_or_received_after_ones_own_close(
    client: MessageTransport, server: MessageTransport
) -> None:
    await asyncio.gather(client.close(1000, "Normal"), _until_closed(server))
    with pytest.raises(TransportClosed):
        await client.send("more")
    with pytest.raises(TransportClosed):
        await client.receive()


async def _until_closed(transport: MessageTransport) -> None:
    with pytest.raises(TransportClosed):
        await _receive_for_ever(transport)


async def _receive_for_ever(transport: MessageTransport) -> None:
    while True:
        await transport.receive()


async def _send_for_ever(transport: MessageTransport, text: str = "anybody there?") -> None:
    while True:
        await transport.send(text)
        await asyncio.sleep(0)


async def a_waiting_receive_ends_with_ones_own_close(
    client: MessageTransport, server: MessageTransport
) -> None:
    waiting = asyncio.create_task(_until_closed(client))
    await asyncio.sleep(0)
    await asyncio.gather(client.close(1000, ""), _until_closed(server))
    await waiting


async def closing_twice_and_from_both_sides_does_no_harm(
    client: MessageTransport, server: MessageTransport
) -> None:
    await asyncio.gather(client.close(1000, "a"), server.close(1011, "b"))
    await asyncio.gather(client.close(1000, "a"), server.close(1011, "b"))


async def a_reason_of_any_length_is_no_obstacle(client: MessageTransport, server: MessageTransport) -> None:
    await asyncio.gather(client.close(1011, "ü" * 500), _until_closed(server))


async def a_cancelled_receive_loses_nothing(client: MessageTransport, server: MessageTransport) -> None:
    waiting = asyncio.create_task(server.receive())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    await client.send("still here")
    assert await server.receive() == "still here"


async def a_peer_that_does_not_read_blocks_neither_sending_for_ever_nor_closing(
    client: MessageTransport, server: MessageTransport
) -> None:
    del server
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(_send_for_ever(client, "x" * 100_000), 0.5)
    async with asyncio.timeout(PATIENCE):
        await client.close(1011, "the other side takes no messages")
    with pytest.raises(TransportClosed):
        await client.send("more")


CHECKS: tuple[Check, ...] = (
    messages_arrive_whole_and_in_order,
    both_sides_may_talk_at_once,
    a_close_comes_after_what_was_sent_before_it,
    last_words_can_be_read_although_sending_fails,
    nothing_can_be_sent_or_received_after_ones_own_close,
    a_waiting_receive_ends_with_ones_own_close,
    closing_twice_and_from_both_sides_does_no_harm,
    a_reason_of_any_length_is_no_obstacle,
    a_cancelled_receive_loses_nothing,
    a_peer_that_does_not_read_blocks_neither_sending_for_ever_nor_closing,
)
