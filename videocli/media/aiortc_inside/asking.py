"""Asking the other side for consent (RFC 7675): requests whose answers count for long."""

import asyncio
from collections.abc import Callable

import aioice.ice
from aioice import stun

_ANSWERABLE = 7.0
"""Seconds after its request that an answer counts; aioice would wait for 0.5 s."""


class Asking:
    """The requests that are not answered yet.

    Each is sent once: one that goes out again under the same id would not time the round trip (Karn's rule).
    """

    def __init__(self, on_answer: Callable[[float], None]) -> None:
        self._on_answer = on_answer
        self._open: set[_Request] = set()

    def ask(
        self, protocol: aioice.ice.StunProtocol, to: tuple[str, int], request: stun.Message, key: bytes
    ) -> None:
        """Send a request; `on_answer` is called with the time of its sending (loop's clock)."""
        request.add_message_integrity(key)
        asked = _Request(self, protocol, request.transaction_id, key)
        self._open.add(asked)
        protocol.transactions[request.transaction_id] = asked  # type: ignore[assignment]  # in a transaction's place
        protocol.send_stun(request, to)

    def end(self) -> None:
        """Forget all requests."""
        for request in list(self._open):
            request.end()

    def answered(self, request: "_Request") -> None:
        """Called by a request."""
        if asyncio.get_running_loop().time() - request.asked_at <= _ANSWERABLE:
            self._on_answer(request.asked_at)

    def forget(self, request: "_Request") -> None:
        """Called by a request that is over."""
        self._open.discard(request)


class _Request:
    """What aioice takes for a transaction of its own: it calls `response_received`."""

    def __init__(
        self, asking: Asking, protocol: aioice.ice.StunProtocol, transaction_id: bytes, key: bytes
    ) -> None:
        loop = asyncio.get_running_loop()
        self.asked_at = loop.time()
        self._asking = asking
        self._protocol = protocol
        self._id = transaction_id
        self._key = key
        self._timer = loop.call_later(_ANSWERABLE, self.end)

    def response_received(self, message: stun.Message, addr: tuple[str, int]) -> None:
        """An answer, or an error, which says as well that somebody is there; unsigned ones say nothing."""
        if message.check_message_integrity(self._key):
            self.end()
            self._asking.answered(self)

    def end(self) -> None:
        """Wait for the answer no longer."""
        self._timer.cancel()
        self._protocol.transactions.pop(self._id, None)
        self._asking.forget(self)
