"""TCP connections over a path that may be dead now and back in a moment."""

import asyncio
import itertools
import socket
from collections import deque
from collections.abc import Collection, Sequence
from typing import Any

from videocli.names import Address, addresses_of
from videocli.tasks import finish

FRESH_SECONDS = 1.0
"""A try that is not connected by then gets another beside it.

The kernel repeats its SYN after 1, 3, 7 and 15 s (RFC 6298, section 5.5), so one try alone may find only
seconds later that the path is back.
"""
TRIES = 8
"""So many at a time, then the oldest gives way. A round trip that is longer than that is no path."""


async def connect_tcp(host: str, port: int) -> socket.socket:
    """A connected socket, that of the try which is connected first; the others are closed.

    Each try takes the host's addresses one after the other and begins with another one, so that an address
    which swallows does not hide one that answers. Raises `OSError` as soon as a try has failed at all of
    them; the caller sets the time limit.
    """
    addresses = await addresses_of(host, port)
    tries: deque[asyncio.Task[socket.socket]] = deque()
    connected: socket.socket | None = None
    try:
        connected = await _first_of(tries, addresses)
    finally:
        try:
            await _give_up(tries)
        except asyncio.CancelledError:
            if connected is not None:
                connected.close()
            raise
    return connected


async def _first_of(tries: deque[asyncio.Task[socket.socket]], addresses: Sequence[Address]) -> socket.socket:
    """The socket of the try that is connected first; those that are under way are left in `tries`."""
    for number in itertools.count():
        first = number % len(addresses)
        order = [*addresses[first:], *addresses[:first]]
        tries.append(asyncio.create_task(_connect_any(order), name="TCP connection"))
        await asyncio.wait(tries, timeout=FRESH_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        over = [each for each in tries if each.done()]
        if over:
            best = next((each for each in over if each.exception() is None), over[-1])
            tries.remove(best)
            return best.result()
        if len(tries) == TRIES:
            tries.popleft().cancel()
    raise AssertionError("itertools.count() ended")


async def _connect_any(addresses: Sequence[Address]) -> socket.socket:
    """Connect to the first of these answers of `getaddrinfo` that lets us.

    Raises `OSError`, a refusal rather than a lack of route.
    """
    failures: list[OSError] = []
    for family, kind, protocol, _, address in addresses:
        try:
            return await _connect(socket.socket(family, kind, protocol), address)
        except OSError as failed:
            failures.append(failed)
    raise next((each for each in failures if isinstance(each, ConnectionError)), failures[-1])


async def _connect(sock: socket.socket, address: Any) -> socket.socket:
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


async def _give_up(tries: Collection[asyncio.Task[socket.socket]]) -> None:
    """Cancel those under way, and close what others have opened; only then can we be cancelled ourselves."""
    for each in tries:
        each.cancel()
    if tries:
        await finish(asyncio.create_task(_close_all(tries), name="giving up"))


async def _close_all(tries: Collection[asyncio.Task[socket.socket]]) -> None:
    await asyncio.wait(tries)
    for each in tries:
        if not each.cancelled() and each.exception() is None:
            each.result().close()
