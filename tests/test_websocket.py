import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from videocli import remedies, websocket
from videocli.outside import DialError, MessageTransport, TransportClosed
from videocli.websocket import dial, listen

PATIENCE = 20.0


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE):
            await coroutine
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(bounded())


async def echo(transport: MessageTransport) -> None:
    with contextlib.suppress(TransportClosed):
        while True:
            await transport.send(await transport.receive())


async def http(url: str, request: str) -> str:
    """Send bytes to the server; all that comes back."""
    host, _, port = url.removeprefix("ws://").removesuffix("/signaling").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request.encode("latin-1"))
    try:
        return (await reader.read()).decode("latin-1")
    except ConnectionResetError:
        return ""
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def get(path: str) -> str:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"


@asynccontextmanager
async def tcp_server(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    answering: set[asyncio.Task[Any]] = set()

    async def tracked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        answering.add(task)
        await answer(reader, writer)

    async with await asyncio.start_server(tracked, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    if answering:
        await asyncio.wait(answering)


async def refusal(url: str) -> DialError:
    with pytest.raises(DialError) as caught:
        await dial(url)
    return caught.value


def test_listens_on_a_free_port_and_says_where_to_dial() -> None:
    async def act() -> None:
        async with listen("127.0.0.1", 0, echo) as listener:
            assert listener.url.startswith("ws://127.0.0.1:")
            assert listener.url.endswith("/signaling")
            client = await dial(listener.url)
            await client.send("hello")
            assert await client.receive() == "hello"
            await client.close(1000, "")

    run(act())


@pytest.mark.parametrize(("host", "said"), [("0.0.0.0", "127.0.0.1"), ("::1", "[::1]")])
def test_the_url_of_any_host_can_be_dialed(host: str, said: str) -> None:
    async def act() -> None:
        async with listen(host, 0, echo) as listener:
            assert listener.url.startswith(f"ws://{said}:")
            await (await dial(listener.url)).close(1000, "")

    run(act())


def test_an_address_in_use_is_an_oserror() -> None:
    async def act() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
            async with listen("127.0.0.1", taken.getsockname()[1], echo):
                pass

    run(act())


def test_an_address_that_is_taken_between_bind_and_listen_is_an_oserror() -> None:
    """Of one that is named twice uvloop binds both before it listens at either."""
    uvloop = pytest.importorskip("uvloop")
    twice: Any = ["127.0.0.1", "127.0.0.1"]

    async def act() -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            async with listen(twice, port, echo):
                pass

    uvloop.run(act())


def test_answers_health_checks_and_nothing_else_that_is_no_signaling() -> None:
    async def act() -> None:
        async with listen("127.0.0.1", 0, echo) as listener:
            health = await http(listener.url, get("/healthz"))
            assert health.startswith("HTTP/1.1 200 ")
            assert health.endswith("\r\n\r\nok")
            assert (await http(listener.url, get("/"))).startswith("HTTP/1.1 404 ")
            elsewhere = listener.url.removesuffix("/signaling") + "/elsewhere"
            refused = await refusal(elsewhere)
            assert (refused.answered, refused.reason) == (True, "HTTP status 404")

    run(act())


def test_a_query_does_not_hide_the_signaling_path() -> None:
    async def act() -> None:
        async with listen("127.0.0.1", 0, echo) as listener:
            await (await dial(listener.url + "?x=1")).close(1000, "")

    run(act())


@pytest.mark.parametrize(
    "garbage", ["\x00\xff" * 500, "GET / HTTP/9.9\r\n\r\n", "\r\n" * 100, "POST / HTTP/1.1\r\n\r\n"]
)
def test_garbage_ends_its_own_connection_only(
    garbage: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "OPEN_SECONDS", 0.3)

    async def act() -> None:
        async with listen("127.0.0.1", 0, echo) as listener:
            client = await dial(listener.url)
            await http(listener.url, garbage)
            await client.send("still here")
            assert await client.receive() == "still here"
            await client.close(1000, "")

    run(act())
    assert capfd.readouterr().err == ""


def test_a_half_open_handshake_is_ended_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert websocket.OPEN_SECONDS == 5.0
    monkeypatch.setattr(websocket, "OPEN_SECONDS", 0.3)

    async def act() -> None:
        async with listen("127.0.0.1", 0, echo) as listener:
            began = time.monotonic()
            assert await http(listener.url, "GET /signaling HTTP/1.1\r\n") == ""
            assert 0.2 < time.monotonic() - began < 4.0

    run(act())


def test_a_message_above_1_mib_is_closed_with_1009() -> None:
    async def act() -> None:
        async with listen("127.0.0.1", 0, echo) as listener:
            client = await dial(listener.url)
            await client.send("x" * (1 << 20))
            assert len(await client.receive()) == 1 << 20
            with contextlib.suppress(TransportClosed):
                await client.send("x" * ((1 << 20) + 1))
            with pytest.raises(TransportClosed) as caught:
                await client.receive()
            assert caught.value.code == 1009

    run(act())


def test_leaving_the_context_closes_with_1001_and_waits_for_the_handlers() -> None:
    async def act() -> None:
        ended = []

        async def handle(transport: MessageTransport) -> None:
            await echo(transport)
            await asyncio.sleep(0.05)
            ended.append(transport)

        async with listen("127.0.0.1", 0, handle) as listener:
            client = await dial(listener.url)
            await client.send("x")
            await client.receive()
        assert len(ended) == 1
        with pytest.raises(TransportClosed) as caught:
            await client.receive()
        assert caught.value.code == 1001
        assert (await refusal(listener.url)).answered

    run(act())


def test_a_handler_that_fails_closes_its_connection_with_1011_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def handle(transport: MessageTransport) -> None:
        raise ZeroDivisionError

    async def act() -> None:
        async with listen("127.0.0.1", 0, handle) as listener:
            client = await dial(listener.url)
            with pytest.raises(TransportClosed) as caught:
                await client.receive()
            assert caught.value.code == 1011

    run(act())
    assert "ZeroDivisionError" in caplog.text


def test_a_socket_that_dies_has_no_code() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        writer.transport.abort()

    async def act() -> None:
        async with tcp_server(answer) as address:
            client = await dial(f"ws://{address}/signaling")
            with pytest.raises(TransportClosed) as caught:
                await client.receive()
            assert caught.value.code is None

    run(act())


async def upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The server's half of an opening handshake (RFC 6455 section 4.2.2)."""
    import base64
    import hashlib

    request = (await reader.readuntil(b"\r\n\r\n")).decode()
    (key,) = [
        line.split(": ")[1] for line in request.splitlines() if line.lower().startswith("sec-websocket-key")
    ]
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    accept = base64.b64encode(digest).decode()
    writer.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
    )


def test_closing_towards_a_peer_that_does_not_answer_takes_a_second_at_most() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        await reader.read(1)
        await over.wait()
        writer.close()

    over = asyncio.Event()

    async def act() -> None:
        async with tcp_server(answer) as address:
            client = await dial(f"ws://{address}/signaling")
            began = time.monotonic()
            await client.close(1000, "Normal")
            assert time.monotonic() - began < 2.0
            over.set()

    run(act())


@pytest.mark.parametrize(
    ("last_word", "code", "reason"),
    [
        (b"\x88\x02\x03\xe8", 1000, ""),
        (b"\x88\x05\x0b\xb8why", 3000, "why"),
        (b"\x88\x00", 1005, ""),
        (b"\x88\x01\x03", None, ""),
        (b"no frame at all", None, ""),
    ],
)
def test_the_servers_last_word_ends_it_although_tcp_stays_open(
    last_word: bytes, code: int | None, reason: str
) -> None:
    over = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        writer.write(b"\x81\x02hi" + last_word)
        await over.wait()
        writer.close()

    async def act() -> None:
        async with tcp_server(answer) as address:
            client = await dial(f"ws://{address}/signaling")
            assert await client.receive() == "hi"
            with pytest.raises(TransportClosed) as caught:
                await client.receive()
            assert (caught.value.code, caught.value.reason) == (code, reason)
            await client.close(1000, "")
            over.set()

    run(act())


def test_a_redirect_is_not_followed() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def act() -> None:
        async with tcp_server(answer) as address:
            refused = await refusal(f"ws://{address}/signaling")
            assert (refused.answered, refused.reason) == (True, "HTTP status 302")

    run(act())


def test_a_refused_connection_is_an_answer() -> None:
    async def act() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        assert (await refusal(f"ws://127.0.0.1:{port}/signaling")).answered
        assert (await refusal(f"ws://localhost:{port}/signaling")).answered

    run(act())


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_an_answer_that_is_no_websockets_is_an_answer(reply: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        writer.close()

    async def act() -> None:
        async with tcp_server(answer) as address:
            assert (await refusal(f"ws://{address}/signaling")).answered

    run(act())


def test_failed_tls_is_an_answer_and_never_accepted() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"no TLS here")
        writer.close()

    async def act() -> None:
        async with tcp_server(answer) as address:
            refused = await refusal(f"wss://{address}/signaling")
            assert refused.answered
            assert isinstance(refused.__cause__, ssl.SSLError | OSError)
            assert refused.remedy == remedies.NO_TLS

    run(act())


def test_a_port_that_closes_in_place_of_tls_may_speak_none() -> None:
    async def act() -> None:
        async with listen("127.0.0.1", 0, echo) as listener:
            refused = await refusal(listener.url.replace("ws://", "WSS://"))
        assert (refused.reason, refused.answered) == ("TLS failed: the connection was closed", True)
        assert refused.remedy == remedies.NO_TLS

    run(act())


@pytest.mark.parametrize("host", ["host.invalid", "a" * 64 + ".invalid"])
def test_a_host_without_an_address_is_no_answer(host: str) -> None:
    async def act() -> None:
        refused = await refusal(f"ws://{host}/signaling")
        assert not refused.answered
        assert refused.reason.startswith("no address for the host: ")
        assert refused.remedy == remedies.NO_ADDRESS

    run(act())


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "nonsense", "ws://", "ws://127.0.0.1:99999/signaling"])
def test_a_url_that_cannot_be_dialed_is_a_dial_error(url: str) -> None:
    async def act() -> None:
        await refusal(url)

    run(act())


def test_a_proxy_is_not_used_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")

    async def act() -> None:
        async with listen("127.0.0.1", 0, echo) as listener:
            await (await dial(listener.url)).close(1000, "")

    run(act())


def test_a_proxy_is_used_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
        writer.close()

    async def act() -> None:
        async with tcp_server(answer) as address:
            monkeypatch.setenv("http_proxy", f"http://{address}")
            monkeypatch.setenv("no_proxy", "127.0.0.2")
            assert (await refusal("ws://rooms.invalid/signaling")).answered
            assert asked == [b"CONNECT rooms.invalid:80 HTTP/1.1"]
            assert (await refusal("ws://127.0.0.2:1/signaling")).answered
            assert len(asked) == 1

    run(act())


def test_a_dial_can_be_given_up() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def act() -> None:
        async with tcp_server(answer) as address:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(dial(f"ws://{address}/signaling"), 0.1)

    run(act())


def test_a_transport_over_loopback_is_never_stale() -> None:
    async def run() -> None:
        async def handle(transport: MessageTransport) -> None:
            assert not transport.is_stale()
            await transport.receive()

        async with listen("127.0.0.1", 0, handle) as listener:
            transport = await dial(listener.url)
            assert not transport.is_stale()
            await transport.send("done")
            await transport.close(1000, "")
            assert not transport.is_stale()

    asyncio.run(run())
