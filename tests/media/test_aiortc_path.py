"""The path of aiortc's peers: gathering, a first connection, a dead and a living path, restart, the end."""

import asyncio
import gc
import re
import socket
import threading
from asyncio import run
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from aioice import stun

from tests.conformance.peer_connection import (
    Collected,
    Pair,
    PeerLab,
    Talk,
    Watched,
    negotiate,
    pair,
    watched,
    without_candidates,
)
from tests.media.aiortc_lab import LAB, LOOPBACK, QUICK, close_sockets, generation, lab, until
from videocli.media.aiortc_peer import AiortcPeer, make_peer
from videocli.media.peer import (
    DataChannelOpened,
    DataMessage,
    DtlsFailed,
    IceCandidate,
    IceServer,
    IceState,
    IceStateChanged,
    LocalCandidates,
    PeerConfig,
    PeerConnection,
    PeerEvent,
)


def inside(made: Watched) -> AiortcPeer:
    assert isinstance(made.peer, AiortcPeer)
    return made.peer


def addresses(told: LocalCandidates) -> list[str]:
    return [candidate.candidate.split()[4] for candidate in told.candidates]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (PeerConfig(addresses=("127.0.0.1",)), ["127.0.0.1"]),
        (PeerConfig(addresses=("127.0.0.1", "127.0.0.2")), ["127.0.0.1", "127.0.0.2"]),
        (PeerConfig(addresses=(), with_loopback=True), ["127.0.0.1"]),
        (PeerConfig(addresses=("127.0.0.1",), with_loopback=True), ["127.0.0.1"]),
        (PeerConfig(addresses=("192.0.2.1",)), []),
    ],
)
def test_only_the_given_addresses_are_gathered(config: PeerConfig, expected: list[str]) -> None:
    async def check() -> None:
        async with watched(LAB, config) as one:
            await one.peer.create_offer()
            told = await one.first(LocalCandidates)
            assert told.complete
            assert addresses(told) == expected

    run(check())


def test_loopback_is_not_gathered_unless_asked_for() -> None:
    async def check() -> None:
        async with watched(LAB, PeerConfig()) as one:
            await one.peer.create_offer()
            assert "127.0.0.1" not in addresses(await one.first(LocalCandidates))

    run(check())


class StunServer(asyncio.DatagramProtocol):
    """Answers every binding request with the same mapped address, once it may."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self._transport: asyncio.DatagramTransport | None = None
        self._answers: list[asyncio.Task[None]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._answers.append(asyncio.get_running_loop().create_task(self._answer(data, addr)))

    async def _answer(self, data: bytes, addr: tuple[Any, ...]) -> None:
        await self.may_answer.wait()
        request = stun.parse_message(data)
        response = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=request.transaction_id,
        )
        response.attributes["XOR-MAPPED-ADDRESS"] = ("203.0.113.5", 4444)
        assert self._transport is not None
        self._transport.sendto(bytes(response), addr)


def test_candidates_of_a_slow_stun_server_come_later() -> None:
    async def check() -> None:
        loop = asyncio.get_running_loop()
        transport, server = await loop.create_datagram_endpoint(StunServer, local_addr=("127.0.0.1", 0))
        url = f"stun:127.0.0.1:{transport.get_extra_info('sockname')[1]}"
        config = replace(LOOPBACK, ice_servers=(IceServer(("nonsense:x",)), IceServer((url,))))
        try:
            async with watched(LAB, config) as one:
                offer = await one.peer.create_offer()
                assert "a=end-of-candidates" not in offer
                first = await one.first(LocalCandidates)
                assert (first.complete, addresses(first)) == (False, ["127.0.0.1"])
                server.may_answer.set()
                last = await one.first(LocalCandidates, lambda event: event.complete)
                assert last.ufrag == first.ufrag
                assert last.candidates[: len(first.candidates)] == first.candidates
                assert "203.0.113.5 4444 typ srflx" in last.candidates[-1].candidate
        finally:
            transport.close()

    run(check())


def test_a_silent_stun_server_does_not_hold_up_the_end() -> None:
    async def check() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            server = IceServer((f"stun:127.0.0.1:{silent.getsockname()[1]}",))
            turn = IceServer((f"turn:127.0.0.1:{silent.getsockname()[1]}",), "user", "secret")
            async with pair(replace_config(LAB, replace(LOOPBACK, ice_servers=(server, turn)))) as both:
                await both.client_offers()
                await both.connected()
                started = asyncio.get_running_loop().time()
            assert asyncio.get_running_loop().time() - started < 2

    run(check())


def replace_config(lab: PeerLab, config: PeerConfig) -> PeerLab:
    return replace(lab, config=config)


def test_a_first_connection_that_never_comes_up_fails_and_may_come_up_late() -> None:
    async def check() -> None:
        async with pair(lab(replace(QUICK, connect_timeout=0.1))) as both:
            offer = without_candidates(await both.client.peer.create_offer())
            answer = without_candidates(await both.server.peer.accept_offer(offer))
            await both.client.peer.accept_answer(answer)
            await both.client.state(IceState.FAILED)
            await both.server.state(IceState.FAILED)
            ours = await both.client.first(LocalCandidates)
            await both.server.peer.add_candidates(ours.ufrag, ours.candidates, True)
            await both.connected()

    run(check())


def test_a_restart_helps_a_first_connection_that_never_came_up() -> None:
    async def check() -> None:
        async with pair(lab(replace(QUICK, connect_timeout=0.1))) as both:
            sender = both.client.peer.add_sender("video", "cam")
            offer = without_candidates(await both.client.peer.create_offer())
            await both.client.peer.accept_answer(
                without_candidates(await both.server.peer.accept_offer(offer))
            )
            await both.client.state(IceState.FAILED)
            both.client.peer.restart_ice()
            await both.client_offers()
            await both.connected()
            async with Talk(sender):
                await Collected(await both.server.receiver("cam")).more(2)

    run(check())


def test_unusable_candidates_are_left_out() -> None:
    async def check() -> None:
        async with pair(LAB) as both:
            offer = without_candidates(await both.client.peer.create_offer())
            answer = without_candidates(await both.server.peer.accept_offer(offer))
            await both.client.peer.accept_answer(answer)
            ours = await both.client.first(LocalCandidates)
            bad = [
                "",
                "candidate:1 2 udp 1 127.0.0.1 9 typ host",
                "candidate:1 1 tcp 1 127.0.0.1 9 typ host tcptype active",
                "candidate:1 1 udp 1 not-an-address 9 typ host",
                "candidate:1 1 udp 1 127.0.0.1 99999 typ host",
                "candidate:1 1 udp one 127.0.0.1 9 typ host",
            ]
            mixed = [IceCandidate(text) for text in bad] + list(ours.candidates)
            await both.server.peer.add_candidates(ours.ufrag, mixed, True)
            await both.connected()
            assert [c.host for c in generation(both.server).remote_candidates] == ["127.0.0.1"]

    run(check())


def test_candidates_are_kept_for_their_description_though_some_of_others_come() -> None:
    async def check() -> None:
        async with pair(LAB) as both:
            offer = without_candidates(await both.client.peer.create_offer())
            ours = await both.client.first(LocalCandidates)
            for ufrag in (ours.ufrag, *"abcdefg"):
                await both.server.peer.add_candidates(ufrag, ours.candidates, True)
            answer = without_candidates(await both.server.peer.accept_offer(offer))
            await both.client.peer.accept_answer(answer)
            await both.connected()

    run(check())


def test_a_path_that_answers_again_is_connected_again() -> None:
    async def check() -> None:
        async with pair(LAB) as both:
            await both.client_offers()
            await both.connected()
            far_end = generation(both.server)
            answer = far_end.request_received
            far_end.request_received = lambda *_: None  # type: ignore[method-assign]  # it answers nothing
            await both.client.state(IceState.FAILED)
            far_end.request_received = answer  # type: ignore[method-assign]
            await both.client.state(IceState.CONNECTED)

    run(check())


def test_media_counts_as_a_sign_of_life() -> None:
    """Nobody answers, but packets come all the time: the path is not dead (aiortc-notes.md, section 2)."""

    async def check() -> None:
        async with pair(LAB) as both:
            sender = both.server.peer.add_sender("video", "MT1")
            await both.client_offers()
            await both.server_offers()
            await both.connected()
            pictures = Collected(await both.client.receiver("MT1"))
            generation(both.server).request_received = lambda *_: None  # type: ignore[method-assign]
            async with Talk(sender):
                await pictures.more(60)
            states = [event.state for event in both.client.all(IceStateChanged)]
            assert states == [IceState.CHECKING, IceState.CONNECTED]

    run(check())


def test_restart_keeps_dtls_and_frees_the_old_sockets() -> None:
    async def check() -> None:
        async with pair(LAB) as both:
            sender = both.client.peer.add_sender("video", "cam")
            await both.channel("chat")
            ssl = inside(both.client)._dtls._ssl
            old = [generation(both.client), generation(both.server)]
            files = open_files()
            for offerer, answerer in ((both.client, both.server), (both.server, both.client)) * 2:
                close_sockets(answerer.peer)
                await offerer.state(IceState.FAILED)
                offerer.peer.restart_ice()
                await negotiate(offerer.peer, answerer.peer)
                await both.connected()
            async with Talk(sender):
                await Collected(await both.server.receiver("cam")).more(2)
            assert inside(both.client)._dtls._ssl is ssl
            assert generation(both.client) not in old
            await until(lambda: open_files() == files)
            assert all(not made._protocols for made in old)

    run(check())


def test_restart_can_bring_other_servers() -> None:
    async def check() -> None:
        loop = asyncio.get_running_loop()
        transport, server = await loop.create_datagram_endpoint(StunServer, local_addr=("127.0.0.1", 0))
        server.may_answer.set()
        port = transport.get_extra_info("sockname")[1]
        try:
            async with pair(LAB) as both:
                await both.client_offers()
                await both.connected()
                both.client.peer.restart_ice([IceServer((f"stun:127.0.0.1:{port}",))])
                await both.client_offers()
                new = generation(both.client).local_username
                told = await both.client.first(LocalCandidates, lambda e: e.ufrag == new and e.complete)
                assert any("typ srflx" in candidate.candidate for candidate in told.candidates)
        finally:
            transport.close()

    run(check())


def test_an_answer_without_new_credentials_keeps_the_path() -> None:
    """aiortc's own peer connection answers a restart so (aiortc-notes.md, 1.1)."""

    async def check() -> None:
        async with pair(LAB) as both:
            await both.client_offers()
            await both.connected()
            before = generation(both.client)
            both.client.peer.restart_ice()
            offer = await both.client.peer.create_offer()
            ufrag, password = before.local_username, before.local_password
            unchanged = re.sub(r"a=ice-pwd:\S+", f"a=ice-pwd:{password}", offer)
            unchanged = re.sub(r"a=ice-ufrag:\S+", f"a=ice-ufrag:{ufrag}", unchanged)
            await both.client.peer.accept_answer(await both.server.peer.accept_offer(unchanged))
            assert generation(both.client) is before
            assert not both.client.peer.needs_negotiation
            await both.channel("works")

    run(check())


def test_a_wrong_fingerprint_fails_dtls() -> None:
    async def check() -> None:
        async with pair(LAB) as both:
            offer = await both.client.peer.create_offer()
            answer = await both.server.peer.accept_offer(offer)
            wrong = re.sub(r"(?m)(sha-256 )(.*)\r$", lambda m: m[1] + ":".join(["AB"] * 32) + "\r", answer)
            await both.client.peer.accept_answer(wrong)
            await both.client.first(DtlsFailed)
            assert both.client.peer.ice_state is IceState.CHECKING

    run(check())


def test_stray_datagrams_do_no_harm() -> None:
    async def check() -> None:
        async with pair(LAB) as both:
            ours, theirs = await both.channel("chat")
            port = generation(both.server).local_candidates[0].port
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                for data in (b"", b"\x80", b"\x16", b"\x80\xc8" + b"x" * 40, bytes(range(256)), b"\x17" * 20):
                    stranger.sendto(data, ("127.0.0.1", port))
            ours.send("still there")
            assert (await both.server.first(DataMessage)) == DataMessage(theirs, "still there")

    run(check())


def test_takers_that_raise_break_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("a bug of the application")

    def deliver_and_fail(deliver: Callable[[PeerEvent], None]) -> Callable[[PeerEvent], None]:
        def both(event: PeerEvent) -> None:
            deliver(event)
            fail(event)

        return both

    def make(config: PeerConfig, deliver: Callable[[PeerEvent], None]) -> PeerConnection:
        return AiortcPeer(config, deliver_and_fail(deliver), QUICK)

    async def check() -> None:
        async with pair(replace(LAB, make_peer=make)) as both:
            sender = both.client.peer.add_sender("video", "cam")
            sender.on_keyframe_request = lambda: fail(None)
            await both.channel("chat")
            receiver = await both.server.receiver("cam")
            receiver.on_packet = fail
            async with Talk(sender):
                await Collected(receiver).more(5)
            await both.server.first(DataChannelOpened)

    run(check())
    assert "The taker of track cam failed" in caplog.text
    assert "The taker of peer events failed" in caplog.text


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_closed_peers_leave_nothing() -> None:
    async def one_pair(lab: PeerLab) -> None:
        async with pair(lab) as both:
            sender = both.client.peer.add_sender("video", "cam")
            await both.channel("chat")
            async with Talk(sender):
                await Collected(await both.server.receiver("cam")).more(1)

    async def check() -> None:
        normal = replace(LAB, make_peer=make_peer)
        await one_pair(normal)
        files, threads = open_files(), threading.active_count()
        for _ in range(20):
            await one_pair(normal)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert open_files() == files
        assert threading.active_count() == threads

    run(check())
    gc.collect()


@pytest.mark.parametrize("after", ["making", "offering", "answering", "restarting"])
def test_closing_early_leaves_nothing(after: str) -> None:
    async def steps(both: Pair) -> None:
        stages: dict[str, Callable[[], Awaitable[object]]] = {
            "making": lambda: asyncio.sleep(0),
            "offering": both.client.peer.create_offer,
            "answering": both.client_offers,
            "restarting": both.client_offers,
        }
        if after == "restarting":
            await both.client_offers()
            both.client.peer.restart_ice()
        await stages[after]()

    async def check() -> None:
        files = open_files()
        async with pair(LAB) as both:
            both.client.peer.open_data_channel("chat")
            await steps(both)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert open_files() == files

    run(check())
