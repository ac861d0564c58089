"""Gathering where the process may open no more sockets."""

import os
import resource
from asyncio import run
from collections.abc import Iterator
from contextlib import contextmanager

import aioice.ice
import pytest

from tests.conformance.peer_connection import pair, watched
from tests.media.aiortc_lab import LAB, LOOPBACK
from videocli.errors import MediaError
from videocli.media.peer import LocalCandidates, PeerConfig


@contextmanager
def no_descriptors() -> Iterator[None]:
    """Let this process open no more files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("config", [LOOPBACK, PeerConfig()], ids=["loopback", "every address"])
def test_an_offer_without_a_socket_fails_and_says_why(config: PeerConfig) -> None:
    async def check() -> None:
        async with watched(LAB, config) as one:
            with no_descriptors(), pytest.raises(MediaError) as failed:
                await one.peer.create_offer()
            assert failed.value.code == 53400
            assert "Too many open files" in failed.value.explanation
            await one.peer.create_offer()
            assert (await one.first(LocalCandidates)).candidates

    run(check())


def test_so_does_one_whose_addresses_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Finding them needs a socket too, and may succeed where there is none left for media."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
    test_an_offer_without_a_socket_fails_and_says_why(PeerConfig())


def test_so_does_an_answer() -> None:
    async def check() -> None:
        async with pair(LAB) as both:
            offer = await both.client.peer.create_offer()
            with no_descriptors(), pytest.raises(MediaError) as failed:
                await both.server.peer.accept_offer(offer)
            assert failed.value.code == 53402
            assert "Too many open files" in failed.value.explanation
            await both.client_offers()
            await both.connected()

    run(check())
