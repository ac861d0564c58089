import pytest

from videocli.media.peer import PeerConfig
from videocli.server.serve import peer_config


@pytest.mark.parametrize(
    ("host", "addresses", "with_loopback"),
    [
        ("127.0.0.1", ("127.0.0.1",), False),
        ("localhost", ("127.0.0.1",), False),
        ("::1", ("::1",), False),
        ("192.0.2.7", ("192.0.2.7",), False),
        ("0.0.0.0", None, True),
        ("::", None, True),
        ("my-laptop.local", None, True),
    ],
)
def test_media_uses_the_addresses_that_signaling_listens_on(
    host: str, addresses: tuple[str, ...] | None, with_loopback: bool
) -> None:
    assert peer_config(host) == PeerConfig(
        addresses=addresses, with_loopback=with_loopback, mid_style="kinds"
    )
