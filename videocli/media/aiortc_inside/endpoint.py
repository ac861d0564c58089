"""A UDP socket of ours that speaks STUN, and hands everything else on."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any

import aioice
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import StunProtocol

COMPONENT = 1
"""RTP; RTCP is always multiplexed (RFC 5761)."""

_RECEIVE_BUFFER = 2 << 20
"""Bytes. Linux's 208 KiB are some 90 packets, which 40 streams of 720p fill in 14 ms."""
_LAST_STUN = 3
"""The first byte of STUN is at most this, and that of nothing else of ours is (RFC 7983, 7)."""


class Endpoint(StunProtocol):
    """aioice's, which tries to read every datagram as STUN: a tenth of what it costs to receive media."""

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        if isinstance(data, bytes) and data and data[0] > _LAST_STUN:
            self.receiver.data_received(data, COMPONENT)
        else:
            super().datagram_received(data, addr)


async def open_endpoint(receiver: aioice.Connection, address: str) -> Endpoint:
    """One at a free port of the address, with its host candidate. Raises `OSError`."""
    _, endpoint = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Endpoint(receiver), local_addr=(address, 0)
    )
    widen(endpoint.transport.get_extra_info("socket"))
    host, port = endpoint.transport.get_extra_info("sockname")[:2]
    endpoint.local_candidate = aioice.Candidate(
        foundation=candidate_foundation("host", "udp", host),
        component=COMPONENT,
        transport="udp",
        priority=candidate_priority(COMPONENT, "host"),
        host=host,
        port=port,
        type="host",
    )
    return endpoint


def widen(endpoint: socket.socket) -> None:
    """Let the system keep more of what has come; it takes as much as it allows (net.core.rmem_max)."""
    with contextlib.suppress(OSError):
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)


def is_open(protocol: StunProtocol) -> bool:
    """Whether the socket can be used; a TURN transport ignores by itself what comes too late."""
    is_closing: Callable[[], bool] | None = getattr(protocol.transport, "is_closing", None)
    return is_closing is None or not is_closing()
