"""What is published, who gets it and how. Over the whole server, in virtual time."""

import asyncio
from dataclasses import replace
from typing import NoReturn

from tests.server.client import Client
from tests.server.world import KEYFRAME, SOUND, World, frame, served
from tests.simulation.fake_sdp import WireDescription, read, write
from tests.simulation.peer import FakePeer
from videocli.media import peer as mp
from videocli.media.frames import MediaKind
from videocli.media.messages import MAX_UNSENT_BYTES
from videocli.protocol import rsp


async def with_camera(here: World, identity: str) -> tuple[Client, mp.Sender]:
    """Somebody in the room who publishes `cam`, and the media path up."""
    one = await here.joined(identity)
    sender = await one.publish("cam-id", "video", name="cam")
    await one.until(lambda: sender.codec)
    return one, sender


async def receiving(one: Client, identity: str, name: str) -> str:
    """The id under which somebody's media comes, once it can."""
    media_id = await one.until(lambda: one.media_id(identity, name))
    await one.until(lambda: one.receiver(media_id))
    return media_id


async def framed(one: Client, media_id: str) -> None:
    """Wait for the first frame under an id."""
    await one.until(lambda: one.frames[media_id])


def offers_to(one: Client) -> list[rsp.Description]:
    """The server's offers."""
    return [
        state.description
        for message in one.messages
        if isinstance(message, rsp.ServerUpdate)
        for state in message.state.peer_connections or ()
        if state.description is not None and state.description.type == "offer"
    ]


@served()
async def test_a_publication_is_created_then_ready(here: World) -> None:
    alice = await here.joined("alice")
    alice.announce("chat", "data")
    alice.update()
    await alice.until(lambda: alice.is_ready("chat"))
    states = [
        [(track.id, track.state, track.sid is not None) for track in message.state.published.tracks]
        for message in alice.messages
        if isinstance(message, rsp.ServerUpdate) and message.state.published is not None
    ]
    assert states == [[("chat", "created", False)], [("chat", "ready", True)]]


@served()
async def test_tracks_of_connect_are_created_in_connected_and_shown_to_others_after_the_joining(
    here: World,
) -> None:
    bob = await here.joined("bob")
    alice = await here.joined("alice", data=["chat"])
    state = (await alice.message(rsp.Connected)).state
    assert state.published is not None
    assert [track.state for track in state.published.tracks] == ["created"]
    await bob.until(lambda: bob.track("alice", "chat"))
    told = [
        [len(entry.tracks) for entry in message.state.participants]
        for message in bob.messages
        if isinstance(message, rsp.ServerUpdate) and message.state.participants
    ]
    assert told == [[0], [1]]


@served()
async def test_frames_reach_every_subscriber_under_an_id_of_its_own(here: World) -> None:
    alice, sender = await with_camera(here, "alice")
    others = [await here.joined(name) for name in ("bob", "carol")]
    ids = [await receiving(one, "alice", "cam") for one in others]
    await asyncio.sleep(1.0)
    sender.send_frame(KEYFRAME)
    for one, media_id in zip(others, ids, strict=True):
        await framed(one, media_id)
        assert one.frames[media_id] == [KEYFRAME.data]
    assert len({*ids, "cam-id"}) == 3
    assert alice.view.subscribed == {}


@served()
async def test_remote_tracks_come_on_sections_that_the_server_offers(here: World) -> None:
    await with_camera(here, "alice")
    bob = await here.joined("bob")
    media_id = await receiving(bob, "alice", "cam")
    receiver = bob.receiver(media_id)
    assert receiver is not None
    assert receiver.mid == "video0"


@served()
async def test_one_offer_brings_all_that_is_there(here: World) -> None:
    alice, _ = await with_camera(here, "alice")
    await alice.publish("mic-id", "audio", name="mic")
    await asyncio.sleep(1.0)
    bob = await here.joined("bob")
    for name in ("cam", "mic"):
        await receiving(bob, "alice", name)
    assert [offer.revision for offer in offers_to(bob)] == [2]


@served()
async def test_the_next_offer_waits_for_the_answer_to_the_last(here: World) -> None:
    alice, _ = await with_camera(here, "alice")
    bob = await here.joined("bob")
    bob.answers_offers = False
    await bob.until(lambda: bob.media_id("alice", "cam"))
    await alice.publish("mic-id", "audio", name="mic")
    await bob.until(lambda: bob.media_id("alice", "mic"))
    await asyncio.sleep(5.0)
    assert len(offers_to(bob)) == 1


@served()
async def test_no_offer_is_made_without_something_to_offer(here: World) -> None:
    alice, _ = await with_camera(here, "alice")
    bob = await here.joined("bob")
    here.network.delay(0.5)
    await bob.until(lambda: offers_to(bob))
    alice.enable("cam-id", enabled=False)
    alice.update()
    await receiving(bob, "alice", "cam")
    await asyncio.sleep(5.0)
    assert len(offers_to(bob)) == 1


async def replaced(one: Client) -> tuple[rsp.PeerConnectionState, rsp.PeerConnectionState]:
    """Let it answer no offer; what becomes of its peer connection, and the one offered in its place."""
    one.answers_offers = False
    await one.until(lambda: len(offers_to(one)) == 2)
    last = next(
        m for m in reversed(one.messages) if isinstance(m, rsp.ServerUpdate) and m.state.peer_connections
    )
    closed, offered = last.state.peer_connections or ()
    return closed, offered


@served()
async def test_a_client_that_never_answers_gets_another_peer_connection(here: World) -> None:
    await with_camera(here, "alice")
    bob = await here.joined("bob")
    closed, offered = await replaced(bob)
    assert closed.id == bob.peer_id
    assert closed.description == rsp.Description("close", 3)
    assert offered.id != bob.peer_id
    bob.announce("chat", "data")
    bob.update()
    await bob.until(lambda: bob.is_ready("chat"))


@served()
async def test_media_flows_over_the_peer_connection_that_replaces_another(here: World) -> None:
    alice, sender = await with_camera(here, "alice")
    bob = await here.joined("bob")
    _, offered = await replaced(bob)
    assert bob.peer is not None
    assert offered.description is not None
    await bob.peer.close()
    peer = bob.make_peer()
    answer = await peer.accept_offer(offered.description.sdp or "")
    revision = offered.description.revision
    bob.update(rsp.PeerConnectionState(offered.id, rsp.Description("answer", revision, answer)))
    media_id = await receiving(bob, "alice", "cam")
    await asyncio.sleep(1.0)
    sender.send_frame(KEYFRAME)
    await framed(bob, media_id)
    assert alice.closed is None


@served()
async def test_an_offer_that_collides_with_the_servers_is_dropped_and_made_again(here: World) -> None:
    alice, _ = await with_camera(here, "alice")
    bob = await here.joined("bob")
    here.network.delay(0.5)
    await alice.publish("mic-id", "audio", name="mic")
    await bob.until(lambda: bob.media_id("alice", "mic"))
    await bob.publish("cam-id", "video", name="cam")
    await receiving(bob, "alice", "mic")
    await receiving(alice, "bob", "cam")


@served()
async def test_a_new_subscriber_makes_the_publisher_send_a_keyframe(here: World) -> None:
    _, sender = await with_camera(here, "alice")
    asked: list[float] = []
    sender.on_keyframe_request = lambda: asked.append(asyncio.get_running_loop().time())
    await asyncio.sleep(1.0)
    asked.clear()
    bob = await here.joined("bob")
    await receiving(bob, "alice", "cam")
    await asyncio.sleep(0.1)
    assert asked


@served()
async def test_a_keyframe_request_travels_back_to_the_publisher(here: World) -> None:
    _, sender = await with_camera(here, "alice")
    bob = await here.joined("bob")
    media_id = await receiving(bob, "alice", "cam")
    await asyncio.sleep(1.0)
    asked: list[float] = []
    sender.on_keyframe_request = lambda: asked.append(asyncio.get_running_loop().time())
    receiver = bob.receiver(media_id)
    assert receiver is not None
    receiver.request_keyframe()
    await asyncio.sleep(0.1)
    assert len(asked) == 1


@served()
async def test_requests_of_many_subscribers_are_few_for_the_publisher(here: World) -> None:
    _, sender = await with_camera(here, "alice")
    others = [await here.joined(f"viewer{n}") for n in range(5)]
    ids = [await receiving(one, "alice", "cam") for one in others]
    await asyncio.sleep(1.0)
    asked: list[float] = []
    sender.on_keyframe_request = lambda: asked.append(asyncio.get_running_loop().time())
    for one, media_id in zip(others, ids, strict=True):
        receiver = one.receiver(media_id)
        assert receiver is not None
        receiver.request_keyframe()
    await asyncio.sleep(1.0)
    assert len(asked) == 2, "one at once, and one for those who came too soon after it"


@served()
async def test_messages_of_a_data_track_reach_the_others_as_they_are(here: World) -> None:
    alice = await here.joined("alice", data=["chat"])
    bob = await here.joined("bob")
    label = await bob.until(lambda: bob.media_id("alice", "chat"))
    await bob.until(lambda: [e for e in bob.events if isinstance(e, mp.DataChannelOpened)])
    channel = next(e.channel for e in alice.events if isinstance(e, mp.DataChannelOpened))
    for data in ("hello", b"\x00\xff", ""):
        channel.send(data)
    await bob.until(lambda: len(bob.heard) == 3)
    assert bob.heard == [(label, "hello"), (label, b"\x00\xff"), (label, "")]
    assert label != "chat"
    assert alice.heard == []


@served()
async def test_messages_that_overtake_the_news_of_their_track_wait_for_it(here: World) -> None:
    """Where data flows already, a new channel is open before signaling has told of its track."""
    alice = await here.joined("alice", data=["chat"])
    bob = await here.joined("bob")
    await bob.until(lambda: bob.media_id("alice", "chat"))
    assert alice.peer is not None
    channel = alice.peer.open_data_channel("more")
    for data in ("one", "two"):
        channel.send(data)
    await asyncio.sleep(1.0)
    assert bob.heard == []
    alice.announce("more", "data")
    alice.update()
    await bob.until(lambda: len(bob.heard) == 2)
    label = await bob.until(lambda: bob.media_id("alice", "more"))
    channel.send("three")
    await bob.until(lambda: len(bob.heard) == 3)
    assert bob.heard == [(label, "one"), (label, "two"), (label, "three")]


@served()
async def test_a_data_track_is_as_reliable_for_the_subscriber_as_for_the_publisher(here: World) -> None:
    alice, bob = await here.client("alice"), await here.joined("bob")
    peer = alice.make_peer()
    alice.announce("chat", "data")
    peer.open_data_channel("chat", ordered=False, max_retransmits=2)
    await alice.connect(here.url)
    await bob.until(lambda: bob.media_id("alice", "chat"))
    opened = await bob.until(lambda: [e for e in bob.events if isinstance(e, mp.DataChannelOpened)])
    channel = opened[0].channel
    assert (channel.ordered, channel.max_retransmits, channel.max_packet_life_time) == (False, 2, None)


def chats(one: Client) -> list[mp.DataChannel]:
    """The channels that a client opened."""
    return [
        event.channel for event in one.events if isinstance(event, mp.DataChannelOpened) and event.is_local
    ]


async def flood(here: World, publisher: Client, slow: Client) -> None:
    """The publisher says more than can wait for a subscriber who gets nothing."""
    here.media.block(here.server_peer(slow))
    for _ in range(MAX_UNSENT_BYTES // 16_384 + 2):
        chats(publisher)[0].send(bytes(16_384))
    await asyncio.sleep(0.1)


@served()
async def test_who_takes_too_little_of_a_reliable_track_loses_it_and_is_told_so(here: World) -> None:
    alice = await here.joined("alice", data=["chat"])
    bob, carol = await here.joined("bob"), await here.joined("carol")
    for one in (bob, carol):
        await one.until(lambda one=one: [e for e in one.events if isinstance(e, mp.DataChannelOpened)])  # type: ignore[misc]
    await flood(here, alice, slow=bob)
    track = bob.track("alice", "chat")
    assert track is not None
    entry = await bob.until(lambda: next((e for e in bob.view.subscribed.values() if e.error), None))
    assert (entry.sid, entry.id) == (track.sid, None)
    assert entry.error is not None
    assert "faster" in entry.error.message
    assert len(carol.heard) == MAX_UNSENT_BYTES // 16_384 + 2


@served()
async def test_who_takes_too_little_of_an_unreliable_track_misses_messages(here: World) -> None:
    alice, bob = await here.client("alice"), await here.joined("bob")
    peer = alice.make_peer()
    alice.announce("chat", "data")
    peer.open_data_channel("chat", max_retransmits=0)
    await alice.connect(here.url)
    await bob.until(lambda: [e for e in bob.events if isinstance(e, mp.DataChannelOpened)])
    await flood(here, alice, slow=bob)
    here.media.unblock(here.server_peer(bob))
    await asyncio.sleep(1.0)
    chats(alice)[0].send("now")
    await bob.until(lambda: bob.heard)
    assert all(entry.error is None for entry in bob.view.subscribed.values())


@served()
async def test_muting_is_told_and_media_is_not_negotiated(here: World) -> None:
    alice, _ = await with_camera(here, "alice")
    bob = await here.joined("bob")
    await receiving(bob, "alice", "cam")
    await asyncio.sleep(1.0)
    offers = len(offers_to(bob))
    before = bob.track("alice", "cam")
    assert before is not None
    alice.enable("cam-id", enabled=False)
    alice.update()
    await bob.until(lambda: bob.track("alice", "cam") == replace(before, enabled=False))
    carol = await here.joined("carol")
    assert carol.track("alice", "cam") == replace(before, enabled=False)
    alice.enable("cam-id", enabled=True)
    alice.update()
    await bob.until(lambda: bob.track("alice", "cam") == before)
    assert len(offers_to(bob)) == offers


@served()
async def test_unpublishing_takes_the_track_from_everybody(here: World) -> None:
    alice, sender = await with_camera(here, "alice")
    bob = await here.joined("bob")
    media_id = await receiving(bob, "alice", "cam")
    assert alice.peer is not None
    alice.withdraw("cam-id")
    alice.peer.remove_sender(sender)
    alice.update()
    alice.offer()
    await bob.until(lambda: not bob.track("alice", "cam"))
    assert bob.view.subscribed == {}
    await bob.until(lambda: not bob.receiver(media_id))
    assert here.event_names()[-1] == "TrackUnpublished"


@served()
async def test_a_track_published_again_is_another_one(here: World) -> None:
    alice, sender = await with_camera(here, "alice")
    bob = await here.joined("bob")
    first = await receiving(bob, "alice", "cam")
    first_sid = alice.is_ready("cam-id")
    assert alice.peer is not None
    alice.withdraw("cam-id")
    alice.peer.remove_sender(sender)
    alice.update()
    alice.offer()
    await bob.until(lambda: not bob.track("alice", "cam"))
    sender = await alice.publish("cam-id", "video", name="cam")
    second = await receiving(bob, "alice", "cam")
    assert second != first
    assert alice.is_ready("cam-id") not in (first_sid, None)
    await asyncio.sleep(1.0)
    sender.send_frame(KEYFRAME)
    await bob.until(lambda: bob.frames[second])


@served()
async def test_media_may_come_before_the_track_is_announced(here: World) -> None:
    alice, bob = await here.client("alice"), await here.joined("bob")
    sender = alice.make_peer().add_sender("audio", "mic-id")
    await alice.connect(here.url)
    await alice.until(lambda: sender.codec)
    await asyncio.sleep(1.0)
    alice.announce("mic-id", "audio", name="mic")
    alice.update()
    media_id = await receiving(bob, "alice", "mic")
    await asyncio.sleep(1.0)
    sender.send_frame(SOUND)
    await framed(bob, media_id)


@served()
async def test_whoever_subscribes_to_nothing_sees_publications_only(here: World) -> None:
    await with_camera(here, "alice")
    bob = await here.joined("bob", subscribe_all=False)
    assert bob.track("alice", "cam")
    await asyncio.sleep(5.0)
    assert bob.view.subscribed == {}
    assert offers_to(bob) == []


@served()
async def test_a_failed_track_is_told_to_its_publisher_only(here: World) -> None:
    alice, bob = await here.joined("alice"), await here.joined("bob")
    alice.announce("one", "data", name="same")
    alice.announce("two", "data", name="same")
    alice.update()
    failed = await alice.until(lambda: alice.view.published.get("two"))
    assert (failed.state, failed.error) == ("failed", rsp.WireError(53304, "Track name is duplicated"))
    await bob.until(lambda: bob.track("alice", "same"))
    remote = bob.remote("alice")
    assert remote is not None
    assert len(remote.tracks) == 1


@served()
async def test_a_departure_takes_the_subscriptions_along_and_leaves_the_tracks_in_the_last_state(
    here: World,
) -> None:
    alice, _ = await with_camera(here, "alice")
    bob = await here.joined("bob")
    await receiving(bob, "alice", "cam")
    position = len(bob.messages)
    alice.leave()
    await bob.until(lambda: not bob.remote("alice"))
    update = await bob.message(rsp.ServerUpdate, after=position)
    (last,) = update.state.participants or ()
    assert (last.state, [track.name for track in last.tracks]) == ("disconnected", ["cam"])
    assert bob.view.subscribed == {}


@served()
async def test_frames_lost_on_the_way_do_not_reach_anybody_later(here: World) -> None:
    _, sender = await with_camera(here, "alice")
    bob = await here.joined("bob")
    media_id = await receiving(bob, "alice", "cam")
    await asyncio.sleep(1.0)
    sender.send_frame(KEYFRAME)
    await framed(bob, media_id)
    here.media.block(here.server_peer(bob))
    sender.send_frame(frame(b"lost", 1))
    await asyncio.sleep(1.0)
    here.media.unblock(here.server_peer(bob))
    await asyncio.sleep(1.0)
    sender.send_frame(frame(b"useless", 2))
    sender.send_frame(replace(KEYFRAME, data=b"seen"))
    await bob.until(lambda: len(bob.frames[media_id]) == 2)
    assert bob.frames[media_id] == [KEYFRAME.data, b"seen"]


@served()
async def test_a_track_that_the_subscriber_cannot_decode_is_told_as_failed(here: World) -> None:
    await with_camera(here, "alice")
    bob = await here.joined("bob")
    bob.answers_offers = False
    await bob.until(lambda: offers_to(bob))
    offer = offers_to(bob)[0]
    wire = read(offer.sdp or "")
    assert isinstance(bob.peer, FakePeer)
    refusal = tuple(replace(section, msid=None, receives=False) for section in wire.sections)
    answer = write(WireDescription(bob.peer.id, bob.peer.ufrag, refusal))
    bob.update(rsp.PeerConnectionState(bob.peer_id, rsp.Description("answer", offer.revision, answer)))
    track = bob.track("alice", "cam")
    assert track is not None
    error = rsp.WireError(53404, "No supported codec")
    await bob.until(lambda: bob.view.subscribed.get(track.sid) == rsp.SubscribedTrack(track.sid, None, error))


@served()
async def test_a_fault_of_ours_ends_the_one_whom_it_concerns(here: World) -> None:
    bob, carol = await here.joined("bob"), await here.joined("carol")

    def fail(kind: MediaKind, track_id: str) -> NoReturn:
        raise RuntimeError("a bug of ours")

    here.server_peer(bob).add_sender = fail  # type: ignore[method-assign]  # no peer of ours does
    alice, sender = await with_camera(here, "alice")
    end = await bob.end()
    assert isinstance(end, rsp.ServerError)
    assert end.code == 53000
    await alice.until(lambda: alice.remote("bob") is None)
    media_id = await receiving(carol, "alice", "cam")
    await asyncio.sleep(1.0)
    sender.send_frame(KEYFRAME)
    await framed(carol, media_id)
