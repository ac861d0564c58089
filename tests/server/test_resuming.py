"""Losing signaling or media, and coming back. Over the whole server, in virtual time."""

import asyncio
from datetime import timedelta

from tests.server.client import NOW, Client, client, refused, token
from tests.server.world import World, served
from videocli.media.negotiation import OFFER_SECONDS
from videocli.protocol import rsp


async def state_seen(one: Client, identity: str, state: rsp.ParticipantState) -> float:
    """When somebody is seen in a state."""

    def seen() -> bool:
        remote = one.remote(identity)
        return remote is not None and remote.state == state

    await one.until(seen)
    return asyncio.get_running_loop().time()


async def gone(one: Client, identity: str) -> float:
    """When somebody is gone."""
    await one.until(lambda: not one.remote(identity))
    return asyncio.get_running_loop().time()


@served()
async def test_a_dead_socket_is_seen_at_once_and_so_is_the_return(here: World) -> None:
    alice, bob = await here.joined("alice"), await here.joined("bob")
    before = asyncio.get_running_loop().time()
    await bob.drop()
    assert await state_seen(alice, "bob", "reconnecting") == before
    await asyncio.sleep(20.0)
    await bob.resume(here.url)
    await bob.message(rsp.Synced)
    assert await state_seen(alice, "bob", "connected") == before + 20.0
    assert here.event_names()[-2:] == ["ParticipantReconnecting", "ParticipantReconnected"]


@served(session_timeout=10.0)
async def test_whoever_is_away_too_long_is_gone(here: World) -> None:
    alice, bob = await here.joined("alice"), await here.joined("bob")
    before = asyncio.get_running_loop().time()
    await bob.drop()
    assert await gone(alice, "bob") == before + 10.0
    await bob.resume(here.url)
    assert await refused(bob) == 53204


@served()
async def test_whoever_was_replaced_while_away_is_told_so(here: World) -> None:
    older = await here.joined("alice")
    await older.drop()
    newer = await here.joined("alice")
    await older.resume(here.url)
    assert await refused(older) == 53205
    assert not newer.closed


@served(session_timeout=10.0)
async def test_whoever_was_replaced_and_stays_away_too_long_is_unknown(here: World) -> None:
    older = await here.joined("alice")
    await older.drop()
    await here.joined("alice")
    await asyncio.sleep(10.0)
    await older.resume(here.url)
    assert await refused(older) == 53204


@served()
async def test_whoever_was_replaced_on_a_socket_that_swallows_is_told_so_on_the_next(here: World) -> None:
    older = await here.joined("alice")
    here.network.cut(server_notices=False)
    await here.joined("alice")
    await older.resume(here.url)
    assert await refused(older) == 53205


@served()
async def test_a_stranger_learns_nothing_of_a_session_that_ended(here: World) -> None:
    older, mallory = await here.joined("alice"), await here.client("mallory")
    await older.drop()
    await here.joined("alice")
    mallory.peer_id = older.peer_id
    await mallory.resume(here.url, session=older.session)
    assert await refused(mallory) == 53204


@served()
async def test_a_client_that_falls_silent_is_reconnecting_after_three_heartbeats(here: World) -> None:
    alice, bob = await here.joined("alice"), await here.joined("bob")
    before = asyncio.get_running_loop().time()
    bob.fall_silent()
    silence = await state_seen(alice, "bob", "reconnecting") - before
    assert 14.5 < silence <= 15.0


@served()
async def test_synced_is_whole(here: World) -> None:
    alice, bob, carol = [await here.joined(name) for name in ("alice", "bob", "carol")]
    await alice.drop()
    carol.leave()
    await carol.end()
    bob.announce("chat", "data")
    bob.update()
    await bob.until(lambda: bob.is_ready("chat"))
    await alice.resume(here.url)
    synced = await alice.message(rsp.Synced)
    (remote,) = synced.state.participants or ()
    assert (remote.identity, [track.name for track in remote.tracks]) == ("bob", ["chat"])
    assert [state.id for state in synced.state.peer_connections or ()] == [alice.peer_id]
    assert synced.participant_identity == "alice"


@served()
async def test_changes_made_while_away_arrive_with_sync(here: World) -> None:
    alice, bob = await here.joined("alice"), await here.joined("bob")
    await alice.drop()
    alice.announce("chat", "data")
    await alice.resume(here.url)
    await alice.until(lambda: alice.is_ready("chat"))
    await bob.until(lambda: bob.track("alice", "chat"))


@served()
async def test_the_same_update_after_sync_changes_nothing(here: World) -> None:
    alice, bob = await here.joined("alice"), await here.joined("bob")
    await alice.drop()
    alice.announce("chat", "data")
    await alice.resume(here.url)
    sid = await alice.until(lambda: alice.is_ready("chat"))
    before = bob.remote("alice")
    alice.update()
    alice.announce("more", "data")
    alice.update()
    await alice.until(lambda: alice.is_ready("more"))
    assert alice.is_ready("chat") == sid
    await bob.until(lambda: bob.track("alice", "more"))
    after = bob.remote("alice")
    assert before is not None
    assert after is not None
    assert after.revision == before.revision + 1


@served()
async def test_the_newest_socket_of_a_session_wins(here: World) -> None:
    alice, bob = await here.joined("alice"), await here.joined("bob")
    await alice.resume(here.url)
    await alice.message(rsp.Synced)
    alice.announce("chat", "data")
    alice.update()
    await alice.until(lambda: alice.is_ready("chat"))
    await bob.until(lambda: bob.track("alice", "chat"))
    remote = bob.remote("alice")
    assert remote is not None
    assert remote.state == "connected"
    assert "ParticipantReconnecting" not in here.event_names()


@served()
async def test_an_expired_token_does_not_resume(here: World) -> None:
    alice, bob = await here.joined("alice"), await here.joined("bob")
    await alice.drop()
    here.later = timedelta(hours=2)
    before = asyncio.get_running_loop().time()
    await alice.resume(here.url)
    assert await refused(alice) == 20104
    assert await gone(bob, "alice") == before


@served()
async def test_a_fresher_token_resumes(here: World) -> None:
    alice = await here.joined("alice")
    await alice.drop()
    here.later = timedelta(hours=2)
    await alice.resume(here.url, with_token=token("alice", now=NOW + here.later))
    await alice.message(rsp.Synced)


@served()
async def test_a_session_is_not_ended_by_expiry(here: World) -> None:
    alice = await here.joined("alice")
    here.later = timedelta(hours=2)
    alice.announce("chat", "data")
    alice.update()
    await alice.until(lambda: alice.is_ready("chat"))


@served()
async def test_nobody_resumes_the_session_of_another(here: World) -> None:
    alice = await here.joined("alice")
    async with client(here.outside, "mallory") as mallory:
        await mallory.resume(here.url, session=alice.session)
        assert await refused(mallory) == 53204
    alice.announce("chat", "data")
    alice.update()
    await alice.until(lambda: alice.is_ready("chat"))


@served()
async def test_an_answer_that_was_lost_comes_again(here: World) -> None:
    alice = await here.joined("alice")
    assert alice.peer is not None
    sender = alice.peer.add_sender("audio", "mic")
    alice.announce("mic", "audio")
    here.network.cut(client_notices=False)
    alice.offer()
    await asyncio.sleep(0.1)
    await alice.resume(here.url)
    await alice.until(lambda: sender.codec)


@served()
async def test_an_offer_that_was_lost_comes_again(here: World) -> None:
    alice, bob = await here.joined("alice"), await here.joined("bob")
    alice.answers_offers = False
    await bob.publish("mic", "audio")
    media_id = await alice.until(lambda: alice.media_id("bob", "mic"))
    await alice.drop()
    await asyncio.sleep(25.0)
    alice.answers_offers = True
    await alice.resume(here.url)
    await alice.until(lambda: alice.receiver(media_id))
    assert not [m for m in alice.messages if isinstance(m, rsp.ServerUpdate) and _closes(m)]


def _closes(message: rsp.ServerUpdate) -> bool:
    return any(
        state.description is not None and state.description.type == "close"
        for state in message.state.peer_connections or ()
    )


@served()
async def test_somebody_without_media_is_reconnecting_until_it_is_back(here: World) -> None:
    alice, bob = await here.joined("alice"), await here.joined("bob")
    await asyncio.sleep(1.0)
    here.media.block(here.server_peer(bob))
    await state_seen(alice, "bob", "reconnecting")
    here.media.unblock(here.server_peer(bob))
    await state_seen(alice, "bob", "connected")


@served()
async def test_an_ice_restart_of_the_client_mends_its_media(here: World) -> None:
    alice, bob = await here.joined("alice"), await here.joined("bob")
    await asyncio.sleep(1.0)
    here.media.kill_path(here.server_peer(bob))
    await state_seen(alice, "bob", "reconnecting")
    assert bob.peer is not None
    bob.peer.restart_ice()
    bob.offer()
    await state_seen(alice, "bob", "connected")


@served(session_timeout=10.0)
async def test_a_room_closes_when_its_last_participant_is_away_too_long(here: World) -> None:
    alice = await here.joined("alice")
    await alice.drop()
    await asyncio.sleep(11.0)
    assert here.event_names()[-2:] == ["ParticipantDisconnected", "RoomEnded"]


@served()
async def test_what_was_published_meanwhile_comes_after_the_return(here: World) -> None:
    alice, bob = await here.joined("alice"), await here.joined("bob")
    await alice.drop()
    await bob.publish("mic", "audio")
    await asyncio.sleep(20.0)
    await alice.resume(here.url)
    media_id = await alice.until(lambda: alice.media_id("bob", "mic"))
    await alice.until(lambda: alice.receiver(media_id))


@served()
async def test_the_time_to_answer_runs_again_after_the_return(here: World) -> None:
    alice, bob = await here.joined("alice"), await here.joined("bob")
    await alice.drop()
    await bob.publish("mic", "audio")
    await asyncio.sleep(20.0)
    alice.answers_offers = False
    await alice.resume(here.url)
    await alice.message(rsp.Synced)
    before = asyncio.get_running_loop().time()
    await alice.until(lambda: [m for m in alice.messages if isinstance(m, rsp.ServerUpdate) and _closes(m)])
    assert asyncio.get_running_loop().time() - before == OFFER_SECONDS


@served()
async def test_a_resumed_session_keeps_its_socket(here: World) -> None:
    alice = await here.joined("alice")
    await alice.drop()
    await alice.resume(here.url)
    await asyncio.sleep(120.0)
    assert alice.closed is None
