"""What a bad client does hurts nobody else. Over the whole server, in virtual time."""

import asyncio
import gc

import pytest

from tests.server.client import Client, client, refused, token
from tests.server.world import World, served, world
from tests.simulation.clock import run_virtually
from videocli.media.negotiation import Description
from videocli.outside import TransportClosed
from videocli.protocol import rsp
from videocli.protocol.rsp_codec import encode
from videocli.server import hub
from videocli.server.serve import ServeConfig


async def is_unharmed(one: Client) -> bool:
    """Whether a client can still publish."""
    one.announce(f"chat{one.participant.revision}", "data")
    one.update()
    await one.until(lambda: one.is_ready(one.participant.tracks[-1].id))
    return True


@served()
async def test_whoever_says_nothing_is_closed_after_five_seconds(here: World) -> None:
    transport = await here.outside.dial(here.url)
    before = asyncio.get_running_loop().time()
    with pytest.raises(Exception, match="1011"):
        await transport.receive()
    assert asyncio.get_running_loop().time() - before == pytest.approx(5.0, abs=0.01)


@served()
async def test_whoever_joins_nothing_is_closed_after_half_a_minute(here: World) -> None:
    alice = await here.client("alice")
    await alice.dial(here.url)
    await asyncio.sleep(29.0)
    assert alice.closed is None
    closed = await alice.until(lambda: alice.closed)
    assert closed.code == 1011


@served()
async def test_a_room_keeps_its_sockets_for_ever(here: World) -> None:
    alice = await here.joined("alice")
    await asyncio.sleep(3600.0)
    assert await is_unharmed(alice)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "update"},
        {"type": "update", "session": "x", "participant": {"revision": "1", "tracks": []}},
        {"type": "nonsense"},
        {"type": "sync", "session": 5},
    ],
)
def test_a_malformed_message_ends_its_sender_only(body: dict[str, object]) -> None:
    async def run() -> None:
        async with world(ServeConfig(port=0)) as here:
            alice, bob = await here.joined("alice"), await here.joined("bob")
            bob.send_json(body)
            assert await refused(bob) == 53004
            await alice.until(lambda: not alice.remote("bob"))
            assert await is_unharmed(alice)

    run_virtually(run())


@served()
async def test_text_that_is_no_tcmp_closes_the_socket(here: World) -> None:
    alice, bob = await here.joined("alice"), await here.joined("bob")
    await bob.send_text("{")
    closed = await bob.until(lambda: bob.closed)
    assert closed.code == 1011
    await bob.resume(here.url)
    await bob.message(rsp.Synced)
    assert await is_unharmed(alice)


@served()
async def test_an_update_for_another_session_ends_its_sender_only(here: World) -> None:
    alice, bob = await here.joined("alice"), await here.joined("bob")
    bob.session = alice.session
    bob.update()
    assert await refused(bob) == 53204
    assert await is_unharmed(alice)


@served()
async def test_an_update_before_connect_is_refused(here: World) -> None:
    alice = await here.client("alice")
    await alice.dial(here.url)
    alice.update()
    assert await refused(alice) == 53204


@served()
async def test_a_second_connect_on_the_same_socket_ends_the_session(here: World) -> None:
    alice = await here.joined("alice")
    state = rsp.PeerConnectionState("pc", rsp.Description("offer", 1, "sdp"))
    alice.send(rsp.Connect("room", token("alice"), alice.participant, (state,)))
    assert await refused(alice) == 53004
    assert here.event_names()[-1] == "RoomEnded"


@served()
async def test_a_later_offer_that_cannot_be_used_ends_its_sender_only(here: World) -> None:
    alice, bob = await here.joined("alice"), await here.joined("bob")
    bob.update(rsp.PeerConnectionState(bob.peer_id, rsp.Description("offer", 2, "no SDP")))
    assert await refused(bob) == 53403
    await alice.until(lambda: not alice.remote("bob"))
    assert await is_unharmed(alice)


@served()
async def test_descriptions_of_an_unknown_peer_connection_are_ignored(here: World) -> None:
    alice = await here.joined("alice")
    alice.update(rsp.PeerConnectionState("unknown", rsp.Description("offer", 2, "no SDP")))
    assert await is_unharmed(alice)


@served()
async def test_stale_offers_and_answers_to_nothing_are_ignored(here: World) -> None:
    alice = await here.joined("alice")
    for description in (rsp.Description("answer", 7, "no SDP"), rsp.Description("offer", 0, "no SDP")):
        alice.update(rsp.PeerConnectionState(alice.peer_id, description))
    assert await is_unharmed(alice)


@served()
async def test_candidates_are_added_once(here: World) -> None:
    alice = await here.joined("alice")
    peer = here.server_peer(alice)
    first, second, other = (rsp.Candidate(f"candidate:{n}", "0", 0) for n in range(3))
    for ice in (
        rsp.Ice("u", 1, (first,)),
        rsp.Ice("u", 2, (first, second)),
        rsp.Ice("u", 2, (first, second, other)),
        rsp.Ice("u", 1, (first,)),
        rsp.Ice("v", 3, (other,), complete=True),
    ):
        alice.update(rsp.PeerConnectionState(alice.peer_id, None, ice))
    assert await is_unharmed(alice)
    assert [entry.candidate for entry in peer.remote_candidates] == [
        "candidate:0",
        "candidate:1",
        "candidate:2",
    ]


@served()
async def test_a_fault_of_ours_ends_one_client_only(
    here: World,
) -> None:
    alice, bob = await here.joined("alice"), await here.joined("bob")

    async def explode(sdp: str) -> str:
        raise ZeroDivisionError

    here.server_peer(bob).accept_offer = explode  # type: ignore[method-assign]  # a fault of ours
    bob.update(rsp.PeerConnectionState(bob.peer_id, rsp.Description("offer", 2, "sdp")))
    assert await refused(bob) == 53401
    await alice.until(lambda: not alice.remote("bob"))
    assert await is_unharmed(alice)


@served()
async def test_a_client_that_closes_its_peer_connection_has_no_media(here: World) -> None:
    alice, bob = await here.joined("alice"), await here.joined("bob")
    bob.update(rsp.PeerConnectionState(bob.peer_id, rsp.Description("close", 2)))

    def is_seen_reconnecting() -> bool:
        remote = alice.remote("bob")
        return remote is not None and remote.state == "reconnecting"

    await alice.until(is_seen_reconnecting)
    assert await is_unharmed(bob)


@served()
async def test_news_of_a_peer_connection_that_is_closed_is_not_kept(here: World) -> None:
    bob = await here.joined("bob")
    bob.update(rsp.PeerConnectionState(bob.peer_id, rsp.Description("close", 2)))
    for revision in range(3, 103):
        bob.update(
            rsp.PeerConnectionState(
                bob.peer_id, rsp.Description("offer", revision, "flood"), rsp.Ice("flood", revision)
            )
        )
    assert await is_unharmed(bob)
    said = [each for each in gc.get_objects() if type(each) in (rsp.Ice, Description)]  # no dead proxies
    assert sum("flood" in (getattr(each, "ufrag", None), getattr(each, "sdp", None)) for each in said) < 3


@served()
async def test_disconnect_without_a_session_is_answered(here: World) -> None:
    alice = await here.client("alice")
    await alice.dial(here.url, encode(rsp.Disconnect(None)))
    assert await alice.end() == rsp.Disconnected("in-progress")


def test_the_server_ends_every_session_when_it_stops() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        async with world(ServeConfig(port=0)) as here:
            alice = await here.joined("alice")
            bob = await here.joined("bob")
            await bob.drop()
            stopped = asyncio.ensure_future(here.server.aclose())
            before = loop.time()
            assert await alice.end() == rsp.Disconnected("completed")
            closed = await alice.until(lambda: alice.closed)
            assert closed.code == 1001
            await stopped
            assert loop.time() - before < 1.0
            assert here.event_names()[-3:] == [
                "ParticipantDisconnected",
                "ParticipantDisconnected",
                "RoomEnded",
            ]
            servers = [peer for peer in here.media.peers if peer.config.mid_style == "kinds"]
            assert [peer.is_closed for peer in servers] == [True, True]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtually(run())


async def visit(here: World, host: Client, identity: str) -> None:
    """Somebody joins with a data track and leaves, and the host sees it."""
    async with client(here.outside, identity) as guest:
        await guest.connect(here.url, data=["chat"])
        await host.until(lambda: host.track(identity, "chat"))
        guest.leave()
        await guest.end()
    await host.until(lambda: not host.remote(identity))


@served()
async def test_twenty_joins_and_leaves_leave_nothing(here: World) -> None:
    alice = await here.joined("alice")
    await asyncio.sleep(1.0)
    tasks = len(asyncio.all_tasks())
    for number in range(20):
        await visit(here, alice, f"guest{number}")
    await asyncio.sleep(3.0)
    assert len(asyncio.all_tasks()) == tasks
    assert alice.view.subscribed == {}
    assert sum(not peer.is_closed for peer in here.media.peers) == 2


@served()
async def test_one_socket_too_many_is_told_to_come_back_later(
    here: World,
) -> None:
    alice = await here.joined("alice")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub, "MAX_CONNECTIONS", 1)
        bob = await here.client("bob")
        await bob.dial(here.url)
        busy = await bob.until(lambda: bob.busy)
    assert busy.retry_after_seconds == 5.0
    assert await is_unharmed(alice)


@served()
async def test_saying_hello_again_does_not_let_anybody_into_a_full_server(here: World) -> None:
    await here.joined("alice")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub, "MAX_CONNECTIONS", 1)
        bob = await here.outside.dial(here.url)
        for _ in range(2):
            await bob.send('{"type":"hello","version":2,"id":"bob","timeout":5000}')
        began_at = asyncio.get_running_loop().time()
        for answer in ("busy", "welcome"):
            assert f'"type":"{answer}"' in await bob.receive()
        with pytest.raises(TransportClosed) as closed:
            await bob.receive()
    assert (closed.value.code, asyncio.get_running_loop().time()) == (1011, began_at)
