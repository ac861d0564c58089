"""The fake peer passes the checks for any peer connection, in virtual time."""

from collections.abc import Awaitable, Callable

import pytest

from tests.conformance.peer_connection import CHECKS, PeerLab
from tests.simulation.clock import run_virtually
from tests.simulation.peer import FakeMediaNetwork, FakePeer
from videocli.media.peer import PeerConfig, PeerConnection


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_fake_peer(check: Callable[[PeerLab], Awaitable[None]]) -> None:
    async def run() -> None:
        network = FakeMediaNetwork()

        def break_path(peer: PeerConnection) -> None:
            assert isinstance(peer, FakePeer)
            network.kill_path(peer)

        def lose_handshake(peer: PeerConnection, is_lost: bool) -> None:
            assert isinstance(peer, FakePeer)
            network.lose_handshake(peer, is_lost)

        await check(PeerLab(network.make_peer, PeerConfig(), break_path, lose_handshake))

    run_virtually(run())
