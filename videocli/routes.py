"""Which of this machine's links a connection leaves by, and whether that has changed under it."""

import socket
from typing import Any

from videocli.addresses import is_local

_PROBES = 16
"""Where several routes cost the same, the kernel may choose by port: so many find each of them."""


class Route:
    """Where a connection leaves this machine: taken when it opens, asked later.

    The routing table is asked by connecting a UDP socket, which sends nothing. Its answer need not be the
    connection's own address: UDP may have other routes than TCP, and where several routes cost the same, each
    socket takes one of them. So an answer is compared with earlier answers only, and by link, because a link
    may come to prefer another of its addresses (RFC 8981) while the old one goes on.
    """

    def __init__(self, local: tuple[Any, ...], remote: tuple[Any, ...]) -> None:
        """`local` and `remote` are socket addresses, as `getsockname` and `getpeername` give them."""
        self._remote = remote
        links = _links()
        self._address = local[0] if local[0] in links else None
        try:
            self._addresses = self._ask(_PROBES)
        except OSError:
            self._addresses = set()
        self._ways = {links.get(address, address) for address in self._addresses}

    def is_gone(self) -> bool:
        """Whether the connection's address has left, or the other side is reached by other links, or by none.

        Other links do when a better one has come, or when the old one lost its routes but not its address.
        What cannot be asked, for want of a descriptor, has not changed.
        """
        try:
            if not self._has_moved():
                return False
            links = _links()
            if self._address is not None and links and self._address not in links:
                return True
            if not self._ways or self._leads_there(links, 1):
                return False
            return not self._leads_there(links, _PROBES)
        except OSError:
            return False

    def _has_moved(self) -> bool:
        """Whether it is worth looking at the links: to list them takes ten times as long as both of these."""
        if self._address is not None and not is_local(self._address):
            return True
        return bool(self._ways) and self._ask(1).isdisjoint(self._addresses)

    def _leads_there(self, links: dict[str, str], times: int) -> bool:
        """Whether a link does that did so when the connection opened."""
        return not self._ways.isdisjoint(links.get(address, address) for address in self._ask(times))

    def _ask(self, times: int) -> set[str]:
        """The addresses that lead to the other side, if any do. Raises `OSError` without a socket."""
        addresses = {_address_towards(self._remote) for _ in range(times)}
        return {address for address in addresses if address is not None}


def _address_towards(remote: tuple[Any, ...]) -> str | None:
    """The address that a new socket would have; None: no route. Raises `OSError` without a socket."""
    family = socket.AF_INET6 if ":" in remote[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(remote)
        except OSError:
            return None
        return str(probe.getsockname()[0])


def _links() -> dict[str, str]:
    """The names of this machine's links by their addresses; empty if it does not tell."""
    import ifaddr

    try:
        adapters = ifaddr.get_adapters()
    except OSError:
        return {}
    return {
        ip.ip if isinstance(ip.ip, str) else ip.ip[0]: adapter.name
        for adapter in adapters
        for ip in adapter.ips
    }
