"""Joining, tokens, names and limits; leaving; who sees it. Over the whole server, in virtual time."""

import asyncio
from datetime import timedelta

from tests.server.client import NOW, client, token
from tests.server.world import World, served
from videocli.protocol import rsp


@served()
async def test_the_joiner_learns_who_is_there_and_the_others_that_somebody_came(here: World) -> None:
    alice = await here.joined("alice")
    bob = await here.joined("bob")
    assert [one.identity for one in bob.view.participants.values()] == ["alice"]
    remote = await alice.until(lambda: alice.remote("bob"))
    assert (remote.state, remote.tracks) == ("connected", ())
    assert here.event_names() == [
        "Listening",
        "RoomCreated",
        "ParticipantConnected",
        "ParticipantConnected",
    ]


@served()
async def test_connected_has_what_the_sdk_needs(here: World) -> None:
    alice = await here.client("alice")
    connected = await alice.connect(here.url)
    (state,) = connected.state.peer_connections or ()
    assert state.id == alice.peer_id
    assert state.description is not None
    assert (state.description.type, state.description.revision) == ("answer", 1)
    assert connected.options.session_timeout == 30.0
    assert connected.participant_identity == "alice"
    assert connected.session


@served()
async def test_ice_servers_are_asked_for_first(here: World) -> None:
    alice = await here.client("alice")
    await alice.dial(here.url)
    alice.send(rsp.IceRequest(token("alice")))
    assert (await alice.message(rsp.Iced)).ice_servers == ()


@served()
async def test_a_bad_token_is_refused_when_ice_servers_are_asked_for(here: World) -> None:
    alice = await here.client("alice")
    await alice.dial(here.url)
    alice.send(rsp.IceRequest("no token"))
    assert await alice.end() == rsp.ServerError(20101, "Invalid Access Token")


@served()
async def test_bad_tokens_are_refused(here: World) -> None:
    tampered = token("alice")
    tampered = tampered[:-4] + ("AAAA" if not tampered.endswith("AAAA") else "BBBB")
    refused = (
        (token("alice", now=NOW - timedelta(hours=2)), 20104),
        (token("alice", room="another"), 20106),
        (tampered, 20107),
    )
    for given, code in refused:
        async with client(here.outside, "alice") as alice:
            assert await alice.refusal(here.url, with_token=given) == code
    assert here.event_names() == ["Listening"]


@served()
async def test_bad_room_names_are_refused(here: World) -> None:
    for name, code in {"": 53100, "n" * 129: 53101, "a\nb": 53102, "RM" + "0" * 32: 53106}.items():
        async with client(here.outside, "alice") as alice:
            assert await alice.refusal(here.url, room=name) == code
    alice = await here.client("alice")
    await alice.connect(here.url, room="n" * 128)


@served()
async def test_the_token_decides_the_room_when_the_client_does_not(here: World) -> None:
    alice = await here.client("alice")
    connected = await alice.connect(here.url, room=None, with_token=token("alice", room="standup"))
    assert connected.name == "standup"


@served()
async def test_a_room_that_nobody_named_is_named_by_its_sid(here: World) -> None:
    connected = await (await here.client("alice")).connect(here.url, room=None)
    assert connected.name == connected.sid
    bob = await here.client("bob")
    assert (await bob.connect(here.url, room=connected.sid)).sid == connected.sid


@served()
async def test_a_token_for_a_room_by_name_opens_it_by_sid(here: World) -> None:
    alice = await here.joined("alice")
    connected = await alice.message(rsp.Connected)
    bob = await here.client("bob")
    joined = await bob.connect(here.url, room=connected.sid, with_token=token("bob", room="room"))
    assert joined.sid == connected.sid


@served(max_participants=2)
async def test_a_full_room_refuses_the_next(here: World) -> None:
    await here.joined("alice")
    bob = await here.joined("bob")
    carol = await here.client("carol")
    assert await carol.refusal(here.url) == 53105
    bob.leave()
    await bob.end()
    await here.joined("dave")


@served()
async def test_the_older_of_two_with_the_same_identity_is_ended(here: World) -> None:
    watcher = await here.joined("watcher")
    older = await here.joined("alice")
    newer = await here.joined("alice")
    assert await older.end() == rsp.ServerError(
        53205, "Participant disconnected because of duplicate identity"
    )
    newer_sid = (await newer.message(rsp.Connected)).participant_sid
    await watcher.until(lambda: (seen := watcher.remote("alice")) and seen.sid == newer_sid)
    assert "alice" not in newer.view.participants
    await older.until(lambda: older.closed)
    remote = watcher.remote("alice")
    assert remote is not None
    assert remote.state == "connected"


@served()
async def test_rooms_do_not_know_of_each_other(here: World) -> None:
    alice = await here.joined("alice", room="one")
    bob = await here.joined("bob", room="two")
    bob.leave()
    await bob.end()
    assert alice.view.participants == {}
    assert here.event_names().count("RoomCreated") == 2
    assert here.event_names()[-1] == "RoomEnded"


@served()
async def test_leaving_is_seen_at_once(here: World) -> None:
    alice, bob = await here.joined("alice"), await here.joined("bob")
    await alice.until(lambda: alice.remote("bob"))
    loop = asyncio.get_running_loop()
    before = loop.time()
    bob.leave()
    await alice.until(lambda: not alice.remote("bob"))
    assert loop.time() == before
    assert await bob.end() == rsp.Disconnected("in-progress")


@served()
async def test_a_client_that_does_not_close_after_leaving_is_closed_by_us(here: World) -> None:
    alice = await here.joined("alice")
    alice.leave()
    closed = await alice.until(lambda: alice.closed)
    assert closed.code == 1011


@served()
async def test_an_offer_that_cannot_be_used_refuses_the_client_and_nobody_sees_it(here: World) -> None:
    bob = await here.joined("bob")
    alice = await here.client("alice")
    await alice.dial(here.url)
    states = (rsp.PeerConnectionState("pc", rsp.Description("offer", 1, "no SDP")),)
    alice.send(rsp.Connect("room", token("alice"), alice.participant, states))
    assert await alice.end() == rsp.ServerError(53403, "Server is unable to apply a remote media description")
    assert bob.view.participants == {}
    assert here.event_names().count("ParticipantConnected") == 1


@served()
async def test_connect_without_an_offer_is_refused(here: World) -> None:
    alice = await here.client("alice")
    await alice.dial(here.url)
    alice.send(rsp.Connect("room", token("alice"), alice.participant, ()))
    end = await alice.end()
    assert isinstance(end, rsp.ServerError)
    assert end.code == 53004


@served()
async def test_a_socket_that_dies_while_joining_leaves_nothing(here: World) -> None:
    here.media.negotiation_seconds = 1.0
    async with client(here.outside, "alice") as alice:
        joining = asyncio.ensure_future(alice.connect(here.url))
        await asyncio.sleep(1.5)
        await alice.drop()
        joining.cancel()
    await asyncio.sleep(5.0)
    assert here.event_names() == ["Listening", "RoomCreated", "RoomEnded"]


@served()
async def test_the_latest_of_several_joining_at_once_stays(here: World) -> None:
    here.media.negotiation_seconds = 1.0
    first, second = await here.client("alice"), await here.client("alice")
    joining = [asyncio.ensure_future(one.connect(here.url)) for one in (first, second)]
    await second.message(rsp.Connected)
    end = await first.end()
    assert isinstance(end, rsp.ServerError)
    assert end.code == 53205
    for each in joining:
        each.cancel()
    assert second.closed is None
