import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from videocli import names
from videocli.names import addresses_of

OLD = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80))]
NEW = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.2", 80))]
PATIENCE = 20.0


class NameServer:
    """Answers what the test says, or hangs until it may go on."""

    def __init__(self) -> None:
        self.answer: Callable[[], Any] = lambda: OLD
        self.asked = 0
        self.may_go_on = threading.Event()

    def fail(self, number: int) -> None:
        def answer() -> Any:
            raise socket.gaierror(number, "no")

        self.answer = answer

    def hang(self, answer: Any) -> None:
        def late() -> Any:
            assert self.may_go_on.wait(PATIENCE)
            return answer

        self.answer = late

    def getaddrinfo(self, host: str, port: int, **options: Any) -> Any:
        assert (host, port, options) == ("host", 80, {"type": socket.SOCK_STREAM})
        self.asked += 1
        return self.answer()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    made = NameServer()
    monkeypatch.setattr(names, "_known", {})
    monkeypatch.setattr(names, "_asking", set())
    monkeypatch.setattr(names, "KNOWN_SECONDS", 0.01)
    monkeypatch.setattr(socket, "getaddrinfo", made.getaddrinfo)
    yield made
    made.may_go_on.set()


def ask() -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(PATIENCE):
            return await addresses_of("host", 80)

    return asyncio.run(bounded())


def test_every_dial_asks_anew(server: NameServer) -> None:
    assert ask() == OLD
    server.answer = lambda: NEW
    assert ask() == NEW


@pytest.mark.parametrize("number", [socket.EAI_NONAME, socket.EAI_AGAIN])
def test_a_name_that_was_never_found_fails(server: NameServer, number: int) -> None:
    server.fail(number)
    with pytest.raises(socket.gaierror):
        ask()


def test_a_name_that_is_gone_fails_although_it_was_known(server: NameServer) -> None:
    ask()
    server.fail(socket.EAI_NONAME)
    with pytest.raises(socket.gaierror):
        ask()


def test_the_last_answer_does_while_the_name_server_cannot_be_reached(server: NameServer) -> None:
    ask()
    server.fail(socket.EAI_AGAIN)
    assert ask() == OLD


def test_a_name_server_that_hangs_is_asked_once_and_its_answer_counts_the_next_time(
    server: NameServer,
) -> None:
    ask()
    server.hang(NEW)
    assert [ask(), ask(), ask()] == [OLD, OLD, OLD]
    assert server.asked == 2
    (thread,) = [each for each in threading.enumerate() if each.name == "beside"]
    server.may_go_on.set()
    thread.join(PATIENCE)
    assert ask() == NEW


def test_giving_up_does_not_wait_for_the_name_server(server: NameServer) -> None:
    server.hang(OLD)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(addresses_of("host", 80), 0.01)

    asyncio.run(give_up())
    assert not server.may_go_on.is_set()
