"""What counts as a change of network, on a machine whose links and routes are the test's."""

import errno
import itertools
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from videocli import routes
from videocli.routes import Route

SERVER = ("192.0.2.1", 7780)


class Machine:
    """Its addresses with their links, and those that UDP sockets to the server get, in turn."""

    def __init__(self) -> None:
        self.links: dict[str, str] = {}
        self.towards: Iterator[str | None] = itertools.repeat(None)

    def route(self, *addresses: str | None) -> None:
        self.towards = itertools.cycle(addresses)

    def add(self, address: str, link: str) -> None:
        self.links[address] = link


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    made.add("127.0.0.1", "lo")
    made.add("10.0.0.2", "eth1")
    made.route("10.0.0.2")

    def address_towards(remote: tuple[Any, ...]) -> str | None:
        assert remote == SERVER
        return next(made.towards)

    monkeypatch.setattr(routes, "_address_towards", address_towards)
    monkeypatch.setattr(routes, "_links", lambda: dict(made.links))
    monkeypatch.setattr(routes, "is_local", lambda address: address in made.links)
    return made


def connection(address: str = "10.0.0.2") -> Route:
    return Route((address, 40_000), SERVER)


def test_a_machine_that_stays_as_it_is_has_not_changed(machine: Machine) -> None:
    assert not connection().is_gone()


def test_a_link_that_goes_takes_the_connection_along(machine: Machine) -> None:
    route = connection()
    del machine.links["10.0.0.2"]
    assert route.is_gone()


def test_an_address_that_goes_is_gone_even_if_another_link_leads_there_at_once(machine: Machine) -> None:
    machine.add("10.0.1.2", "eth2")
    machine.route("10.0.1.2")
    route = connection()
    assert not route.is_gone()
    del machine.links["10.0.0.2"]
    assert route.is_gone()


def test_a_lost_route_is_a_change_although_the_address_is_still_there(machine: Machine) -> None:
    route = connection()
    machine.route(None)
    assert route.is_gone()


def test_a_link_that_is_preferred_from_now_on_is_a_change_once(machine: Machine) -> None:
    route = connection()
    machine.add("10.0.1.2", "eth2")
    assert not route.is_gone()
    machine.route("10.0.1.2")
    assert route.is_gone()
    assert not connection("10.0.1.2").is_gone()
    assert not connection("10.0.0.2").is_gone()


def test_another_address_of_the_same_link_is_no_change(machine: Machine) -> None:
    route = connection()
    machine.add("10.0.0.9", "eth1")
    machine.route("10.0.0.9")
    assert not route.is_gone()


def test_udp_may_leave_by_another_link_than_tcp(machine: Machine) -> None:
    machine.add("10.0.1.2", "eth2")
    machine.route("10.0.1.2")
    assert not connection().is_gone()


def test_udp_may_have_no_route_at_all(machine: Machine) -> None:
    machine.route(None)
    route = connection()
    assert not route.is_gone()
    machine.route("10.0.0.2")
    assert not route.is_gone()


@pytest.mark.parametrize("weight", [1, 5, 15])
def test_routes_that_cost_the_same_take_turns_without_a_change(machine: Machine, weight: int) -> None:
    machine.add("10.0.1.2", "eth2")
    machine.route("10.0.0.2", *["10.0.1.2"] * weight)
    route = connection()
    assert not any(route.is_gone() for _ in range(100))


def test_an_address_that_no_link_has_stands_for_itself(machine: Machine) -> None:
    machine.links.clear()
    route = connection()
    assert not route.is_gone()
    machine.route("10.0.1.2")
    assert route.is_gone()


def test_this_machine_knows_its_loopback() -> None:
    route = Route(("127.0.0.1", 40_000), ("127.0.0.1", 7780))
    assert not route.is_gone()
    assert not Route(("::1", 40_000, 0, 0), ("::1", 7780, 0, 0)).is_gone()


def test_where_no_descriptor_is_left_to_ask_with_nothing_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process with many sockets may be out of them for a moment: that is no change, and no fault."""

    def exhausted(*_: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    local = ("127.0.0.1", 40_000)
    before = Route(local, local)
    monkeypatch.setattr(socket, "socket", exhausted)
    assert not before.is_gone()
    meanwhile = Route(local, local)
    assert not meanwhile.is_gone()
    monkeypatch.undo()
    assert not meanwhile.is_gone()


def test_links_are_listed_only_where_something_has_changed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    route = connection()
    listed = 0

    def links() -> dict[str, str]:
        nonlocal listed
        listed += 1
        return machine.links

    monkeypatch.setattr(routes, "_links", links)
    assert not route.is_gone()
    assert listed == 0
    machine.route(None)
    assert route.is_gone()
    assert listed == 1
