import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from videocli import remedies
from videocli.errors import VideoError
from videocli.preflight import reach
from videocli.preflight.reach import Target, target_of


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "socks_proxy",
        "ws_proxy",
        "wss_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def failure(work: Callable[[], Coroutine[Any, Any, object]]) -> VideoError:
    with pytest.raises(VideoError) as caught:
        asyncio.run(work())
    return caught.value


class TestTarget:
    @pytest.mark.parametrize(
        ("url", "target"),
        [
            ("ws://localhost:7780/signaling", Target("localhost", 7780, None)),
            ("wss://video.example/signaling", Target("video.example", 443, "video.example")),
            ("ws://video.example/", Target("video.example", 80, None)),
            ("wss://[2001:db8::1]:8443/", Target("2001:db8::1", 8443, "2001:db8::1")),
        ],
    )
    def test_without_a_proxy_it_is_the_server(self, url: str, target: Target) -> None:
        assert target_of(url) == target

    def test_a_proxy_of_the_environment_is_where_the_connection_goes(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
        assert target_of("wss://video.example/") == Target("proxy.example", 3128, None, is_proxy=True)
        assert not target_of("wss://127.0.0.1:7780/").is_proxy
        monkeypatch.setenv("no_proxy", "video.example")
        assert not target_of("wss://video.example/").is_proxy

    @pytest.mark.parametrize("proxy", ["http://[", "http://proxy.example:port"])
    def test_a_proxy_that_is_no_url_is_left_out(self, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
        monkeypatch.setenv("https_proxy", proxy)
        assert not target_of("wss://video.example/").is_proxy


class TestResolving:
    def test_an_address_is_its_own(self) -> None:
        assert asyncio.run(reach.resolve(Target("127.0.0.1", 80, None))) == ["127.0.0.1"]

    @pytest.mark.parametrize("host", ["no-such-host.invalid", "", "a" * 64 + ".invalid"])
    def test_a_name_without_an_address_is_53002(self, host: str) -> None:
        async def resolve() -> object:
            return await reach.resolve(Target(host, 80, None)) if host else await reach.connect([], 80)

        reason = failure(resolve)
        assert reason.code == 53002
        assert not host or reason.explanation.endswith(remedies.NO_ADDRESS)

    def test_a_look_up_that_hangs_does_not_hold_up_the_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        goes_on = threading.Event()

        async def give_up() -> None:
            loop, asked = asyncio.get_running_loop(), asyncio.Event()

            def hang(*args: object, **kwargs: object) -> list[object]:
                loop.call_soon_threadsafe(asked.set)
                goes_on.wait()
                return []

            monkeypatch.setattr(socket, "getaddrinfo", hang)
            asking = asyncio.create_task(reach.resolve(Target("server.example", 443, None)))
            await asked.wait()
            asking.cancel()
            await asyncio.wait({asking})
            ending = asyncio.create_task(loop.shutdown_default_executor())
            await asyncio.wait({ending}, timeout=0.5)
            has_ended = ending.done()
            goes_on.set()
            await ending
            assert has_ended

        asyncio.run(give_up())


class TestConnecting:
    def test_the_next_address_is_tried_when_one_refuses(self) -> None:
        async def connect() -> str:
            with socket.create_server(("127.0.0.1", 0)) as server:
                port = server.getsockname()[1]
                connection = await reach.connect(["127.0.0.2", "127.0.0.1"], port)
                connection.close()
                await asyncio.sleep(0)
                return connection.address

        assert asyncio.run(connect()) == "127.0.0.1"

    def test_a_closed_port_is_53000_and_says_so(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        reason = failure(lambda: reach.connect(["127.0.0.1"], port))
        assert reason.code == 53000
        assert f"127.0.0.1, port {port}: Connection refused" in reason.explanation


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `localhost` that nobody knows, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


class TestTls:
    @staticmethod
    async def secured(certificate: Path, name: str) -> str:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)

        async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await reader.read()
            except OSError:
                pass
            finally:
                writer.transport.abort()

        async with await asyncio.start_server(wait, "127.0.0.1", 0, ssl=context) as server:
            connection = await reach.connect(["127.0.0.1"], server.sockets[0].getsockname()[1])
            try:
                return await connection.secure(name)
            finally:
                connection.close()
                await asyncio.sleep(0.01)

    def test_a_certificate_that_is_known_is_good(
        self, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert asyncio.run(self.secured(certificate, "localhost")).startswith("TLSv1.")

    def test_one_for_another_name_or_of_nobody_we_know_is_53000_and_says_why(
        self, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        unknown = failure(lambda: self.secured(certificate, "localhost"))
        assert unknown.code == 53000
        assert unknown.explanation.startswith("TLS failed: self-signed certificate")
        assert remedies.NO_TLS not in unknown.explanation
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert "Hostname mismatch" in failure(lambda: self.secured(certificate, "video.example")).explanation
