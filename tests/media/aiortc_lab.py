"""Peers on aiortc that use 127.0.0.1 only, and notice a dead path soon."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from tests.conformance.peer_connection import PATIENCE, Pair, PeerLab, Watched, pair, watched
from videocli.media.aiortc_inside.generation import Generation, IceTiming
from videocli.media.aiortc_peer import AiortcPeer
from videocli.media.peer import PeerConfig, PeerConnection, PeerEvent

QUICK = IceTiming(
    consent_interval=0.04, consent_reply=0.04, consent_misses=3, connect_timeout=5.0, linger=0.05
)
LOOPBACK = PeerConfig(addresses=("127.0.0.1",))


def make_quick_peer(config: PeerConfig, deliver: Callable[[PeerEvent], None]) -> AiortcPeer:
    return AiortcPeer(config, deliver, QUICK)


def close_sockets(peer: PeerConnection) -> None:
    """Close the sockets that the peer's path uses, behind its back."""
    assert isinstance(peer, AiortcPeer)
    generation = peer._ice.latest
    assert generation is not None
    for protocol in generation._protocols:
        protocol.transport.close()


def lose_handshake(peer: PeerConnection, is_lost: bool) -> None:
    """Drop the DTLS records that a peer sends, or no longer; their first byte tells them (RFC 7983, 7)."""
    assert isinstance(peer, AiortcPeer)
    ice = peer._ice
    send = ice.send_now

    def send_others(data: bytes) -> None:
        if not 19 < data[0] < 64:
            send(data)

    if is_lost:
        ice.send_now = send_others  # type: ignore[method-assign]  # a network that filters
    else:
        del ice.send_now


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that no event tells of."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  # no event tells of it
            await asyncio.sleep(0.005)


LAB = PeerLab(
    make_peer=make_quick_peer, config=LOOPBACK, break_path=close_sockets, lose_handshake=lose_handshake
)


def lab(timing: IceTiming) -> PeerLab:
    """The same with other times."""
    return replace(LAB, make_peer=lambda config, deliver: AiortcPeer(config, deliver, timing))


def generation(made: Watched) -> Generation:
    """The path of a peer as it is now."""
    assert isinstance(made.peer, AiortcPeer)
    latest = made.peer._ice.latest
    assert latest is not None
    return latest


async def in_pair(check: Callable[[Pair], Awaitable[None]]) -> None:
    """Check something of two peers."""
    async with pair(LAB) as both:
        await check(both)


async def in_watched(check: Callable[[Watched], Awaitable[None]]) -> None:
    """Check something of one peer alone."""
    async with watched(LAB, LOOPBACK) as one:
        await check(one)
