"""Whole preflights over loopback: against a server of ours, and against all that can be broken."""

import asyncio
import json
import re
import socket
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from aioice import stun

from tests.cli.odd_servers import HTTP_404, Talk, answers, odd_server, opens_and, swallows
from tests.cli.room_server import KEY
from videocli import remedies, tokens
from videocli.cli.tracks.open_sources import open_named
from videocli.cli.wiring import real_outside
from videocli.media import peer as mp
from videocli.outside import MessageTransport, Outside
from videocli.preflight.flight import Flight, FlightPlan, Guest
from videocli.preflight.steps import Report, Status, Step, StepResult
from videocli.server.serve import ServeConfig, serve
from videocli.tokens import Credentials

ROOM = "preflight"
LOOPBACK = mp.PeerConfig(addresses=("127.0.0.1",))
NOWHERE = "192.0.2.1"
"""An address for documentation (RFC 5737)."""
OTHER_SECRET = Credentials(KEY.account_sid, KEY.api_key, "another secret of the very same key")


async def guest(outside: Outside, who: str, *media: Any, key: Credentials = KEY, age: float = 0.0) -> Guest:
    made_at = outside.utcnow() - timedelta(seconds=age)
    token = tokens.mint(key, who, ROOM, 600, made_at).token

    async def give() -> str:
        return token

    return Guest(give, [await open_named(kind, spec, who, outside) for kind, spec in media])


@dataclass
class Flown:
    report: Report
    told: list[StepResult]

    def status(self, step: Step) -> Status:
        return next(result.status for result in self.report.steps if result.step is step)

    def detail(self, step: Step) -> str:
        return next(result.detail for result in self.report.steps if result.step is step)

    def assert_failed(self, step: Step, code: int) -> None:
        """It failed at this step with this code; what was before has gone well, and nothing was after."""
        assert self.report.error is not None
        assert (self.report.failed, self.report.error.code) == (step, code)
        order = list(Step)
        for other in order[: order.index(step)]:
            assert self.status(other) in (Status.OK, Status.SKIPPED)
        for other in order[order.index(step) + 1 :]:
            assert self.status(other) is Status.NOT_TRIED
        assert not self.report.is_complete
        assert self.told[-1].step is step


async def fly(
    url: str,
    outside: Outside,
    media_seconds: float = 0.2,
    step_seconds: float = 20.0,
    key: Credentials = KEY,
    age: float = 0.0,
    is_alone: bool = False,
    publishes: bool = True,
    room: str = ROOM,
    on_step: Callable[[Step], None] = lambda step: None,
) -> Flown:
    media = (("video", "testsrc"), ("audio", "tone")) if publishes else ()
    plan = FlightPlan(
        url,
        room,
        await guest(outside, "a", *media, key=key, age=age),
        None if is_alone else await guest(outside, "b", ("audio", "tone"), key=key, age=age),
        LOOPBACK,
        media_seconds,
        step_seconds,
    )
    told: list[StepResult] = []

    def tell(result: StepResult) -> None:
        told.append(result)
        on_step(result.step)

    flight = Flight(plan, outside, tell)
    return Flown(await flight.run(), told)


def flown(client: Outside | None = None, **how: Any) -> Flown:
    """A preflight against a server of ours, by a client in this world, which may be broken."""

    async def run() -> Flown:
        world = real_outside()
        async with serve(replace(ServeConfig(), port=0), world, {KEY.api_key: KEY}) as server:
            return await fly(server.url, client or world, **how)

    return asyncio.run(run())


def flown_against(talk: Talk, scheme: str = "ws", **how: Any) -> Flown:
    async def run(url: str) -> Flown:
        return await fly(url, real_outside(), **how)

    with odd_server(talk, scheme) as url:
        return asyncio.run(run(url))


class BrokenPeer:
    """A peer connection of aiortc with something broken on the way."""

    def __init__(self, peer: mp.PeerConnection) -> None:
        self._peer = peer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._peer, name)


class Deaf(BrokenPeer):
    """Neither side can tell where the other is: as if UDP was blocked."""

    async def create_offer(self) -> str:
        return (await self._peer.create_offer()).replace("127.0.0.1", NOWHERE)

    async def accept_answer(self, sdp: str) -> None:
        await self._peer.accept_answer(sdp.replace("127.0.0.1", NOWHERE))

    async def add_candidates(self, ufrag: str, candidates: Sequence[mp.IceCandidate], complete: bool) -> None:
        """They are blocked."""


class Meddled(BrokenPeer):
    """Gets another certificate than the one that is used."""

    async def accept_answer(self, sdp: str) -> None:
        wrong = re.sub(r"(?m)(sha-256 )(.*)\r$", lambda m: m[1] + ":".join(["AB"] * 32) + "\r", sdp)
        await self._peer.accept_answer(wrong)


class Mute(BrokenPeer):
    """Sends nothing, whatever it is fed."""

    def add_sender(self, kind: Any, track_id: str) -> mp.Sender:
        sender = self._peer.add_sender(kind, track_id)
        sender.send_frame = lambda frame: None  # type: ignore[method-assign]
        return sender


def broken(kind: Callable[[mp.PeerConnection], Any]) -> Outside:
    world = real_outside()
    return replace(world, make_peer=lambda config, deliver: kind(world.make_peer(config, deliver)))


def blocked() -> Outside:
    """A world where media finds no way."""
    world = real_outside()

    def make_peer(config: mp.PeerConfig, deliver: Callable[[mp.PeerEvent], None]) -> Any:
        def change(event: mp.PeerEvent) -> None:
            if isinstance(event, mp.LocalCandidates):
                moved = (each.candidate.replace("127.0.0.1", NOWHERE) for each in event.candidates)
                event = replace(event, candidates=tuple(mp.IceCandidate(each) for each in moved))
            deliver(event)

        return Deaf(world.make_peer(config, change))

    return replace(world, make_peer=make_peer)


class TestGood:
    def test_every_step_is_taken_in_order_and_the_media_is_measured(self) -> None:
        good = flown(media_seconds=2.0)
        report = good.report
        assert (report.error, report.failed, report.is_complete) == (None, None, True)
        assert [result.step for result in report.steps] == list(Step)
        assert [result.step for result in good.told] == list(Step)
        skipped = {Step.TLS, Step.STUN_TURN}
        for result in report.steps:
            assert result.status is (Status.SKIPPED if result.step in skipped else Status.OK)
            assert (result.seconds is None) == (result.step in skipped)
            assert result.seconds is None or result.seconds >= 0
        assert good.detail(Step.MEDIA_OUT) == "video and audio"
        assert good.detail(Step.MEDIA_BACK) == "audio"
        assert report.quality is not None
        assert report.quality.loss == 0
        assert report.quality.jitter is not None
        assert report.quality.round_trip_time is not None
        assert report.quality.mos is not None
        assert 1 < report.quality.mos < 4.5

    def test_with_one_token_the_server_s_reports_stand_for_the_other_end(self) -> None:
        alone = flown(is_alone=True)
        assert alone.report.error is None
        assert alone.detail(Step.MEDIA_OUT) == "video and audio, as the server reports"
        assert alone.status(Step.MEDIA_BACK) is Status.SKIPPED

    def test_in_a_room_of_others_nothing_is_published(self) -> None:
        silent = flown(is_alone=True, publishes=False)
        assert silent.report.error is None
        assert silent.status(Step.DTLS) is Status.OK
        assert silent.status(Step.MEDIA_OUT) is Status.SKIPPED
        assert silent.report.quality is None


class TestSignaling:
    def test_a_port_that_refuses_fails_at_tcp(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            url = f"ws://127.0.0.1:{closed.getsockname()[1]}/signaling"

        async def run() -> Flown:
            return await fly(url, real_outside())

        asyncio.run(run()).assert_failed(Step.TCP, 53000)

    def test_a_name_without_an_address_fails_at_dns(self) -> None:
        async def run() -> Flown:
            return await fly("ws://no-such-host.invalid/signaling", real_outside())

        asyncio.run(run()).assert_failed(Step.DNS, 53002)

    def test_a_server_that_says_nothing_fails_at_the_websocket(self) -> None:
        flown_against(swallows, step_seconds=0.3).assert_failed(Step.WEBSOCKET, 53002)

    def test_a_web_server_fails_at_the_websocket_and_says_why(self) -> None:
        web = flown_against(answers(HTTP_404))
        web.assert_failed(Step.WEBSOCKET, 53000)
        assert web.report.error is not None
        assert "HTTP status 404" in web.report.error.explanation

    def test_garbage_in_place_of_tls_fails_at_tls(self) -> None:
        garbage = flown_against(answers(b"garbage\r\n\r\n" * 9), "wss")
        garbage.assert_failed(Step.TLS, 53000)
        assert garbage.report.error is not None
        assert garbage.report.error.explanation.endswith(remedies.NO_TLS)

    def test_silence_in_place_of_tls_fails_at_tls(self) -> None:
        flown_against(swallows, "wss", step_seconds=0.3).assert_failed(Step.TLS, 53002)

    def test_a_websocket_that_is_no_room_server_s_fails_at_hello(self) -> None:
        flown_against(opens_and(swallows), step_seconds=0.3).assert_failed(Step.HELLO, 53002)
        flown_against(opens_and(lambda client: None)).assert_failed(Step.HELLO, 53000)

    @pytest.mark.parametrize(
        ("how", "code"), [({"key": OTHER_SECRET}, 20107), ({"age": 3600.0}, 20104)], ids=["secret", "expired"]
    )
    def test_a_bad_token_fails_where_it_is_first_shown(self, how: dict[str, Any], code: int) -> None:
        flown(**how).assert_failed(Step.ICE_SERVERS, code)

    def test_a_token_for_another_room_fails_at_the_room(self) -> None:
        flown(room="another").assert_failed(Step.ROOM, 20106)


class TestMedia:
    def test_blocked_udp_fails_at_ice(self) -> None:
        flown(blocked(), step_seconds=1.0).assert_failed(Step.ICE, 53405)

    def test_a_certificate_that_was_changed_fails_at_dtls(self) -> None:
        flown(broken(Meddled)).assert_failed(Step.DTLS, 53407)

    def test_silence_fails_at_the_media(self) -> None:
        flown(broken(Mute), step_seconds=1.5).assert_failed(Step.MEDIA_OUT, 53405)

    def test_no_address_for_media_fails_at_gathering(self) -> None:
        world = real_outside()
        nowhere = replace(
            world,
            make_peer=lambda config, deliver: world.make_peer(replace(config, addresses=()), deliver),
        )
        failed = flown(nowhere, step_seconds=1.5)
        assert failed.report.failed is Step.GATHERING


def test_a_room_that_ends_while_media_is_measured_fails_there_with_the_figures_so_far() -> None:
    async def run() -> Flown:
        world = real_outside()
        flows = asyncio.Event()

        def on_step(step: Step) -> None:
            if step is Step.MEDIA_BACK:
                flows.set()

        async with serve(replace(ServeConfig(), port=0), world, {KEY.api_key: KEY}) as server:
            flying = asyncio.create_task(fly(server.url, world, media_seconds=30.0, on_step=on_step))
            await flows.wait()
        return await flying

    ended = asyncio.run(run())
    ended.assert_failed(Step.QUALITY, 53118)
    assert ended.report.quality is not None


def offering(*urls: str) -> Outside:
    """A world where the server offers these ICE servers."""
    world = real_outside()

    class Rewritten:
        def __init__(self, transport: MessageTransport) -> None:
            self._transport = transport
            self.send, self.close, self.is_stale = transport.send, transport.close, transport.is_stale

        async def receive(self) -> str:
            message = json.loads(await self._transport.receive())
            if message.get("body", {}).get("type") == "iced":
                message["body"]["ice_servers"] = [{"urls": url} for url in urls]
            return json.dumps(message)

    async def dial(url: str) -> MessageTransport:
        return Rewritten(await world.dial(url))

    return replace(world, dial=dial)


class StunServer(asyncio.DatagramProtocol):
    """Answers each binding request with a public address."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        request = stun.parse_message(data)
        answer = stun.Message(request.message_method, stun.Class.RESPONSE, request.transaction_id)
        answer.attributes["XOR-MAPPED-ADDRESS"] = ("198.51.100.7", 50_000)
        self._transport.sendto(bytes(answer), addr)


class TestStun:
    def test_a_server_that_answers_is_good(self) -> None:
        async def run() -> Flown:
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(StunServer, local_addr=("127.0.0.1", 0))
            world = real_outside()
            with closing(transport):
                port = transport.get_extra_info("sockname")[1]
                async with serve(replace(ServeConfig(), port=0), world, {KEY.api_key: KEY}) as server:
                    return await fly(server.url, offering(f"stun:127.0.0.1:{port}"), is_alone=True)

        good = asyncio.run(run())
        assert good.report.error is None
        assert good.status(Step.STUN_TURN) is Status.OK
        assert re.fullmatch(r"1 srflx from stun:127.0.0.1:\d+", good.detail(Step.STUN_TURN))

    def test_one_that_is_silent_is_a_warning_and_media_goes_on(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            url = f"stun:127.0.0.1:{silent.getsockname()[1]}"
            warned = flown(offering(url), is_alone=True, publishes=False, step_seconds=1.0)
        assert warned.report.error is None
        assert warned.status(Step.STUN_TURN) is Status.WARNING
        assert warned.detail(Step.STUN_TURN) == f"no address from {url}"
        assert warned.status(Step.DTLS) is Status.OK

    def test_a_refusal_meanwhile_is_not_laid_at_its_door(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            url = f"stun:127.0.0.1:{silent.getsockname()[1]}"
            refused = flown(offering(url), room="another")
        assert refused.report.error is not None
        assert (refused.report.failed, refused.report.error.code) == (Step.ROOM, 20106)
        assert refused.status(Step.STUN_TURN) is Status.WARNING


def test_a_preflight_that_is_stopped_has_a_report_of_what_there_is() -> None:
    async def run(url: str) -> tuple[Report, list[StepResult]]:
        world = real_outside()
        plan = FlightPlan(url, ROOM, await guest(world, "a"), None, LOOPBACK, 1.0, 20.0)
        told: list[StepResult] = []
        is_there = asyncio.Event()

        def tell(result: StepResult) -> None:
            told.append(result)
            if result.step is Step.WEBSOCKET:
                is_there.set()

        flight = Flight(plan, world, tell)
        flying = asyncio.create_task(flight.run())
        await is_there.wait()
        await asyncio.sleep(0)
        flying.cancel()
        await asyncio.wait({flying})
        assert flying.cancelled()
        return flight.report(), told

    with odd_server(opens_and(swallows)) as url:
        report, _ = asyncio.run(run(url))
    assert (report.error, report.failed, report.is_complete) == (None, None, False)
    status = {result.step: result.status for result in report.steps}
    assert status[Step.WEBSOCKET] is Status.OK
    assert status[Step.HELLO] is Status.STOPPED
    assert status[Step.ROOM] is Status.NOT_TRIED
