"""Connecting over a path that fails as the test says, in virtual time; the sockets are real, but idle."""

import asyncio
import errno
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any
from unittest import mock

import pytest

from tests.simulation.clock import run_virtually
from videocli import tcp
from videocli.names import Address
from videocli.tcp import TRIES, connect_tcp

SYN_SECONDS = (0, 1, 3, 7, 15, 31)
"""When the kernel says SYN, from the beginning of a try (RFC 6298)."""
NEVER = 1e6


class Path:
    """Drops what is sent before `up_at`; then connects a SYN after the round trip."""

    def __init__(
        self, up_at: float = 0.0, round_trip: float = 0.0, addresses: tuple[str, ...] = ("10.0.0.1",)
    ):
        self.up_at = up_at
        self.round_trip = round_trip
        self.addresses = addresses
        self.refusing: dict[str, int] = {}
        """Error numbers by address."""
        self.swallowing: set[str] = set()
        self.begun: list[tuple[float, str]] = []
        self.sockets: list[socket.socket] = []
        self.most = 0

    @property
    def open_sockets(self) -> list[socket.socket]:
        return [sock for sock in self.sockets if sock.fileno() != -1]

    async def addresses_of(self, host: str, port: int) -> list[Address]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, port)) for address in self.addresses]

    async def connect(self, sock: socket.socket, address: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        self.begun.append((began_at, address[0]))
        self.sockets.append(sock)
        self.most = max(self.most, len(self.open_sockets))
        up_at = NEVER if address[0] in self.swallowing else self.up_at
        heard_at = next((began_at + after for after in SYN_SECONDS if began_at + after >= up_at), NEVER)
        await asyncio.sleep(heard_at + self.round_trip - began_at)
        if address[0] in self.refusing:
            number = self.refusing[address[0]]
            raise OSError(number, os.strerror(number))

    async def run(self, act: Callable[[], Awaitable[None]]) -> None:
        loop: Any = asyncio.get_running_loop()
        loop.sock_connect = self.connect
        try:
            with mock.patch.object(tcp, "addresses_of", self.addresses_of):
                await act()
        finally:
            assert self.open_sockets == []
            assert asyncio.all_tasks() == {asyncio.current_task()}


def connected_at(path: Path) -> tuple[float, int]:
    """When it is connected, and which try it was."""
    result: list[tuple[float, int]] = []

    async def act() -> None:
        sock = await connect_tcp("host", 80)
        assert path.open_sockets == [sock]
        result.append((asyncio.get_running_loop().time(), path.sockets.index(sock)))
        sock.close()

    run_virtually(path.run(act))
    return result[0]


def failure(path: Path) -> tuple[float, int | None]:
    """When it fails, and with which error number."""
    result: list[tuple[float, int | None]] = []

    async def act() -> None:
        try:
            await connect_tcp("host", 80)
        except OSError as failed:
            result.append((asyncio.get_running_loop().time(), failed.errno))

    run_virtually(path.run(act))
    return result[0]


def test_a_path_that_works_takes_one_try() -> None:
    path = Path(round_trip=0.2)
    assert connected_at(path) == (0.2, 0)
    assert len(path.begun) == 1


@pytest.mark.parametrize("up_at", [0.5, 4.1, 8.5, 14.9, 40.2])
def test_a_path_that_is_back_is_found_within_a_second(up_at: float) -> None:
    at, _ = connected_at(Path(up_at, round_trip=0.1))
    assert up_at < at <= up_at + 1.1


@pytest.mark.parametrize("round_trip", [1.5, 3.2, 7.5])
def test_a_slow_path_connects_with_the_first_try(round_trip: float) -> None:
    assert connected_at(Path(round_trip=round_trip)) == (round_trip, 0)


def test_only_so_many_tries_are_under_way() -> None:
    path = Path(up_at=60.5)
    connected_at(path)
    assert path.most == TRIES


def test_a_refusal_ends_it_although_earlier_tries_still_wait() -> None:
    path = Path(up_at=2.5)
    path.refusing["10.0.0.1"] = errno.ECONNREFUSED
    assert failure(path) == (3.0, errno.ECONNREFUSED)


def test_an_address_that_swallows_does_not_hide_one_that_answers() -> None:
    path = Path(addresses=("10.0.0.1", "10.0.0.2"))
    path.swallowing.add("10.0.0.1")
    assert connected_at(path) == (1.0, 1)


def test_an_address_that_refuses_does_not_hide_one_that_answers() -> None:
    path = Path(addresses=("10.0.0.1", "10.0.0.2"))
    path.refusing["10.0.0.1"] = errno.ECONNREFUSED
    assert connected_at(path) == (0.0, 1)


@pytest.mark.parametrize("refusing", ["10.0.0.1", "10.0.0.2"])
def test_a_refusal_tells_more_than_a_lack_of_route(refusing: str) -> None:
    path = Path(addresses=("10.0.0.1", "10.0.0.2"))
    path.refusing = dict.fromkeys(path.addresses, errno.ENETUNREACH)
    path.refusing[refusing] = errno.ECONNREFUSED
    assert failure(path) == (0.0, errno.ECONNREFUSED)


@pytest.mark.parametrize("seconds", [0.0, 0.5, 5.0, 20.0])
def test_giving_up_leaves_no_socket_open(seconds: float) -> None:
    path = Path(up_at=NEVER)

    async def act() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connect_tcp("host", 80), seconds)

    run_virtually(path.run(act))


@pytest.mark.parametrize("steps", range(12))
def test_giving_up_at_the_moment_of_success_leaves_no_socket_open(steps: int) -> None:
    path = Path(up_at=2.5)

    async def act() -> None:
        connecting = asyncio.create_task(connect_tcp("host", 80))
        await asyncio.sleep(3.0)
        for _ in range(steps):
            await asyncio.sleep(0)
        connecting.cancel()
        await asyncio.wait({connecting})
        if not connecting.cancelled():
            connecting.result().close()

    run_virtually(path.run(act))
