"""Media that comes is decrypted and handed out at once; nothing in it stops what comes after."""

import asyncio
import socket
from asyncio import run
from dataclasses import replace

import pytest

from tests.conformance.peer_connection import Collected, Pair, Talk, pair
from tests.media.aiortc_lab import QUICK, in_pair, lab, lose_handshake, until
from videocli.media.aiortc_inside.endpoint import widen
from videocli.media.aiortc_peer import AiortcPeer
from videocli.media.peer import IceState, MediaPacket


async def talking(both: Pair) -> tuple[AiortcPeer, Collected]:
    """The receiving end of a path that is up, and what comes over it."""
    peer = both.server.peer
    assert isinstance(peer, AiortcPeer)
    return peer, Collected(await both.server.receiver("cam"))


def test_media_does_not_wait_in_the_queue() -> None:
    async def check(both: Pair) -> None:
        sender = both.client.peer.add_sender("video", "cam")
        await both.client_offers()
        peer, pictures = await talking(both)
        async with Talk(sender):
            await pictures.more(2)
            taken: list[bool] = []
            take = peer._ice.take_media

            def watched(data: bytes) -> bool:
                taken.append(take(data))
                return taken[-1]

            peer._ice.take_media = watched
            await pictures.more(5)
        assert len(taken) >= 5
        assert all(taken)

    run(in_pair(check))


@pytest.mark.parametrize(
    "data",
    [b"\x80", b"\x80\x60" + bytes(40), b"\x80\xc8" + bytes(40), bytes([191] * 60)],
    ids=["short", "rtp", "rtcp", "noise"],
)
def test_forged_media_is_dropped_and_stops_nothing(data: bytes) -> None:
    async def check(both: Pair) -> None:
        sender = both.client.peer.add_sender("video", "cam")
        await both.client_offers()
        peer, pictures = await talking(both)
        async with Talk(sender):
            await pictures.more(1)
            assert peer._dtls.take_media(data)
            await pictures.more(3)

    run(in_pair(check))


def test_what_is_no_media_is_left_to_the_pump() -> None:
    async def check(both: Pair) -> None:
        await both.client_offers()
        await both.connected()
        peer = both.server.peer
        assert isinstance(peer, AiortcPeer)
        await until(lambda: peer._dtls.is_connected)
        for first in (20, 63, 64, 127, 192, 255):
            assert not peer._dtls.take_media(bytes([first]) + bytes(20))

    run(in_pair(check))


def test_before_the_handshake_media_is_left_to_the_pump() -> None:
    async def check(both: Pair) -> None:
        peer = both.server.peer
        assert isinstance(peer, AiortcPeer)
        assert not peer._dtls.take_media(b"\x80\x60" + bytes(40))

    run(in_pair(check))


def test_a_taker_that_fails_is_called_again(caplog: pytest.LogCaptureFixture) -> None:
    async def check(both: Pair) -> None:
        sender = both.client.peer.add_sender("video", "cam")
        await both.client_offers()
        receiver = await both.server.receiver("cam")
        calls = 0

        def fail(packet: MediaPacket) -> None:
            nonlocal calls
            calls += 1
            raise RuntimeError("a bug of the application")

        receiver.on_packet = fail
        async with Talk(sender):
            await until(lambda: calls >= 3)

    run(in_pair(check))
    assert "a bug of the application" in caplog.text


def test_sockets_hold_more_than_the_system_gives_unasked() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint:
        before = endpoint.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        widen(endpoint)
        assert endpoint.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) >= before
    widen(endpoint)


def test_a_handshake_that_takes_too_long_fails_the_path_until_it_is_done() -> None:
    """Restarts do not make the path fine again, but do no harm either."""

    async def check() -> None:
        async with pair(lab(replace(QUICK, connect_timeout=0.1))) as both:
            sender = both.client.peer.add_sender("video", "cam")
            lose_handshake(both.server.peer, True)
            await both.client_offers()
            await both.client.state(IceState.FAILED)
            assert both.client.peer.stats().dtls_state == "connecting"
            both.client.peer.restart_ice()
            await both.client_offers()
            await asyncio.sleep(0.2)
            assert both.client.peer.ice_state is IceState.FAILED
            lose_handshake(both.server.peer, False)
            await both.connected()
            async with Talk(sender):
                await Collected(await both.server.receiver("cam")).more(2)

    run(check())
