"""Reaches for a server as a WebSocket would, one layer after the other: DNS, TCP, TLS."""

import asyncio
import errno
import ipaddress
import os
import socket
import ssl
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from videocli import remedies
from videocli.errors import VideoError, error
from videocli.tasks import beside

_REFUSED = 53000
_NO_ANSWER = 53002
_REFUSALS = (errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE)
_DEFAULT_PORTS = {"ws": 80, "wss": 443, "http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """Where the first connection goes."""

    host: str
    port: int
    tls_name: str | None
    """The name that the certificate has to be for; None: no TLS here."""
    is_proxy: bool = False


def target_of(url: str) -> Target:
    """Where a WebSocket to the URL connects to: the server, or the proxy of the environment.

    The same choice as that of the `websockets` package, and of `videocli.websocket` for this machine.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme, 80)
    direct = Target(host, port, host if parts.scheme == "wss" else None)
    if _is_loopback(host) or urllib.request.proxy_bypass(f"{host}:{port}"):
        return direct
    proxies = urllib.request.getproxies()
    wanted = ("wss", "socks", "https") if parts.scheme == "wss" else ("ws", "socks", "https", "http")
    proxy = next((proxies[name] for name in wanted if name in proxies), None)
    if proxy is None:
        return direct
    try:
        through = urlsplit(proxy)
        return Target(
            through.hostname or "", through.port or _DEFAULT_PORTS.get(through.scheme, 1080), None, True
        )
    except ValueError:
        return direct


async def resolve(target: Target) -> list[str]:
    """The addresses of the host. Raises `SignalingError` 53002.

    A look-up cannot be cancelled, and where the network is dead it takes its time: nobody waits for it then.
    """
    asking = partial(socket.getaddrinfo, target.host, target.port, type=socket.SOCK_STREAM)
    try:
        found = await beside(asking)
    except (OSError, UnicodeError) as unknown:
        words = unknown.strerror if isinstance(unknown, OSError) else "it cannot be a host's name"
        no_address = f"No address for {target.host}: {words}"
        raise _failed(_NO_ANSWER, no_address, remedies.NO_ADDRESS) from unknown
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(slots=True)
class Connection:
    """A TCP connection, perhaps with TLS on it."""

    address: str
    writer: asyncio.StreamWriter

    async def secure(self, name: str) -> str:
        """Do the TLS handshake and check the certificate; its version. Raises `SignalingError` 53000."""
        try:
            await self.writer.start_tls(ssl.create_default_context(), server_hostname=name)
        except ssl.SSLError as refused:
            reason = getattr(refused, "verify_message", "") or refused.reason or "handshake failed"
            raise _failed(_REFUSED, f"TLS failed: {reason}", remedies.of_tls(refused)) from refused
        except OSError as broken:
            words = "TLS failed: the connection was closed"
            raise _failed(_REFUSED, words, remedies.of_tls(broken)) from broken
        return str(self.writer.get_extra_info("ssl_object").version())

    def close(self) -> None:
        """Close it, without waiting for the other side."""
        self.writer.transport.abort()


async def connect(addresses: Sequence[str], port: int) -> Connection:
    """Connect to the first address that takes us. Raises `SignalingError` 53000 or 53002."""
    failures = []
    for address in addresses:
        try:
            _, writer = await asyncio.open_connection(address, port)
        except OSError as failed:
            failures.append(failed)
        else:
            return Connection(address, writer)
    code = _REFUSED if any(failure.errno in _REFUSALS for failure in failures) else _NO_ANSWER
    words = "; ".join(
        dict.fromkeys(os.strerror(each.errno) if each.errno else str(each) for each in failures)
    )
    raise _failed(code, f"{', '.join(addresses)}, port {port}: {words}")


def _failed(code: int, words: str, remedy: str = "") -> VideoError:
    return error(code, explanation=f"{words}. {remedy or error(code).explanation}")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
