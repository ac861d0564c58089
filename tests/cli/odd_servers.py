"""Servers that are no room server, each in its own way."""

import base64
import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Talk = Callable[[socket.socket], None]

HTTP_200 = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
HTTP_404 = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_KEY_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, section 1.3."""


@contextmanager
def odd_server(talk: Talk, scheme: str = "ws") -> Iterator[str]:
    """A server on loopback that talks like this to each client, one after another; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, talk), daemon=True).start()
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/signaling"
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, talk: Talk) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            with client, suppress(OSError):
                talk(client)


def answers(data: bytes) -> Talk:
    """Answers the first words of a client with these bytes, and closes."""

    def talk(client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(data)

    return talk


def swallows(client: socket.socket) -> None:
    """Takes everything and says nothing."""
    while client.recv(65536):
        pass


def opens_and(then: Talk) -> Talk:
    """Opens the WebSocket as it should, then does this."""

    def talk(client: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            if not (more := client.recv(65536)):
                return
            request += more
        key = next(
            line.partition(b":")[2].strip()
            for line in request.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key:")
        )
        accept = base64.b64encode(hashlib.sha1(key + _KEY_MAGIC).digest())
        client.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        then(client)

    return talk


def says(text: str) -> Talk:
    """Says one message, then takes everything until the client closes."""

    def talk(client: socket.socket) -> None:
        data = text.encode()
        assert len(data) < 126, "longer messages have a longer header"
        client.sendall(bytes((0x81, len(data))) + data)
        swallows(client)

    return talk
