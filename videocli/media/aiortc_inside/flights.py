"""The handshake's flights, sent again sooner than OpenSSL does.

OpenSSL sends a lost flight again after 1, 3, 7, 15 and 31 s, and its timer cannot be set from Python. So the
datagrams of the latest flight are kept, and sent again as they are: a network may double them, too, and what
the other side has had already it drops (RFC 6347, 4.1.2.6).
"""

import asyncio

from videocli.media.aiortc_inside.ice import IceTransport

_REPEAT_SECONDS = 0.5
"""Sooner than the second of RFC 6347, 4.2.4.1: the path is known to answer, and all else waits for this."""
_KEPT = 8
"""Datagrams of a flight; ours have one."""
_HANDSHAKE = 22
"""Content type of DTLS records (RFC 6347, 4.1)."""


class Flights:
    """The path as a DTLS transport uses it: `role`, `_recv` and `_send` of an `RTCIceTransport`."""

    def __init__(self, ice: IceTransport) -> None:
        self._ice = ice
        self._flight: list[bytes] = []
        self._is_complete = False
        """Whether the other side had its turn, so that what is sent next is another flight."""
        self._is_last = False
        self._timer: asyncio.TimerHandle | None = None
        self._repeated_at = 0.0

    def finish(self) -> None:
        """The handshake is done: its last flight is sent again only to a side that has not got it."""
        self._is_last = True
        self._stop()

    def end(self) -> None:
        """Send nothing again."""
        self._flight.clear()
        self.finish()

    @property
    def role(self) -> str:
        return self._ice.role

    async def _recv(self) -> bytes:
        self._is_complete = True
        data = await self._ice.fetch()
        if self._is_last and _is_repeated_handshake(data):
            now = asyncio.get_running_loop().time()
            if now - self._repeated_at >= _REPEAT_SECONDS / 2:
                self._repeated_at = now
                self._send_flight()
        return data

    async def _send(self, data: bytes) -> None:
        self._ice.send_now(data)
        if self._is_last:
            return
        if self._is_complete:
            self._is_complete = False
            self._flight.clear()
        if len(self._flight) < _KEPT:
            self._flight.append(data)
        self._repeat_later()

    def _repeat_later(self) -> None:
        self._stop()
        self._timer = asyncio.get_running_loop().call_later(_REPEAT_SECONDS, self._repeat)

    def _repeat(self) -> None:
        self._send_flight()
        self._repeat_later()

    def _send_flight(self) -> None:
        for data in self._flight:
            self._ice.send_now(data)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _is_repeated_handshake(data: bytes) -> bool:
    """Whether a datagram that comes after the handshake belongs to it: in the clear, so of epoch 0."""
    return len(data) > 4 and data[0] == _HANDSHAKE and data[3:5] == b"\0\0"
