"""The addresses of a name, also while its name server does not answer."""

import asyncio
import socket
from collections.abc import Sequence
from functools import partial
from typing import Any

from videocli.tasks import beside

KNOWN_SECONDS = 0.3
"""A look-up that takes longer is not waited for where an earlier answer is known.

A dead path is often the name server's too, and then a name is asked for again only after 5 s (resolv.conf(5),
`timeout`), however soon the path is back.
"""

Address = tuple[Any, ...]
"""What `socket.getaddrinfo` gives."""

_Place = tuple[str, int]

_known: dict[_Place, Sequence[Address]] = {}
"""The last answers; a process dials very few places."""
_asking: set[_Place] = set()
"""What is being looked up."""


async def addresses_of(host: str, port: int) -> Sequence[Address]:
    """The addresses for TCP to a host, or those of the last time. Raises `socket.gaierror`.

    A look-up cannot be cancelled, but nobody need wait for it: its answer counts the next time.
    """
    place = (host, port)
    known = _known.get(place)
    if known is None:
        return await beside(partial(_look_up, place))
    if place in _asking:
        return known
    try:
        async with asyncio.timeout(KNOWN_SECONDS):
            return await beside(partial(_look_up, place))
    except TimeoutError:
        return known
    except socket.gaierror as failed:
        if failed.errno != socket.EAI_AGAIN:
            raise
        return known


def _look_up(place: _Place) -> Sequence[Address]:
    _asking.add(place)
    try:
        _known[place] = addresses = socket.getaddrinfo(*place, type=socket.SOCK_STREAM)
    finally:
        _asking.discard(place)
    return addresses
