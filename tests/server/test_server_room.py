import random
from dataclasses import replace

import pytest

from videocli.errors import RoomError
from videocli.protocol.rsp import LocalParticipant, LocalTrack, PublishedTrack
from videocli.protocol.subscribe_rules import EVERYTHING, NOTHING, SubscribeRule, SubscribeRules
from videocli.server.room import MAX_TRACKS, Participant, Room

CAMERA = LocalTrack("id-cam", "video", "cam")
MICROPHONE = LocalTrack("id-mic", "audio", "mic")


def a_room() -> Room:
    return Room("RM" + "0" * 32, "standup", random.Random(1))


def enter(room: Room, identity: str, *tracks: LocalTrack, subscribes: bool = True) -> Participant:
    participant = room.enter(identity, subscribes, max_participants=50)
    participant.come_back()
    participant.apply(LocalParticipant(1, tracks))
    participant.confirm()
    return participant


def published(participant: Participant) -> dict[str, tuple[str, int | None]]:
    return {
        track.id: (track.state, track.error.code if track.error else None)
        for track in participant.published()
    }


def test_whoever_is_joining_is_invisible() -> None:
    room = a_room()
    room.enter("alice", True, max_participants=50)
    assert room.views() == ()


def test_a_track_is_created_and_then_ready_under_a_sid() -> None:
    participant = a_room().enter("alice", True, max_participants=50)
    participant.apply(LocalParticipant(1, (CAMERA,)))
    assert participant.published() == (PublishedTrack("id-cam", "created"),)
    participant.confirm()
    (ready,) = participant.published()
    assert (ready.id, ready.state) == ("id-cam", "ready")
    assert ready.sid is not None
    assert ready.sid.startswith("MT")
    assert len(ready.sid) == 34


def test_others_see_a_track_once_it_is_ready() -> None:
    room = a_room()
    alice = enter(room, "alice")
    alice.apply(LocalParticipant(2, (CAMERA,)))
    assert room.views()[0].tracks == ()
    alice.confirm()
    assert [track.name for track in room.views()[0].tracks] == ["cam"]


def test_a_revision_that_is_not_newer_changes_nothing() -> None:
    alice = enter(a_room(), "alice", CAMERA)
    assert not alice.apply(LocalParticipant(1))
    assert published(alice) == {"id-cam": ("ready", None)}


def test_a_track_that_is_published_again_gets_another_sid() -> None:
    alice = enter(a_room(), "alice", CAMERA)
    first = alice.published()[0].sid
    alice.apply(LocalParticipant(2))
    alice.apply(LocalParticipant(3, (CAMERA,)))
    alice.confirm()
    assert alice.published()[0].sid not in (first, None)


def test_mute_and_priority_are_seen_under_the_same_sid() -> None:
    room = a_room()
    alice = enter(room, "alice", CAMERA)
    before = room.views()[0]
    alice.apply(LocalParticipant(2, (replace(CAMERA, enabled=False, priority="high"),)))
    after = room.views()[0]
    assert after.revision == before.revision + 1
    assert after.tracks == (replace(before.tracks[0], enabled=False, priority="high"),)


@pytest.mark.parametrize(
    ("name", "code"),
    [("", 53301), ("n" * 129, 53302), ("bell\a", 53303), ("mic", 53304)],
)
def test_a_track_with_a_bad_name_fails_and_the_others_do_not(name: str, code: int) -> None:
    alice = enter(a_room(), "alice", MICROPHONE, replace(CAMERA, name=name))
    assert published(alice) == {"id-mic": ("ready", None), "id-cam": ("failed", code)}


def test_a_name_of_128_characters_is_fine() -> None:
    assert published(enter(a_room(), "alice", replace(CAMERA, name="n" * 128))) == {"id-cam": ("ready", None)}


def test_two_participants_may_use_the_same_name() -> None:
    room = a_room()
    enter(room, "alice", CAMERA)
    assert published(enter(room, "bob", CAMERA)) == {"id-cam": ("ready", None)}


def test_one_track_too_many_fails() -> None:
    tracks = tuple(LocalTrack(f"id{n}", "data", f"name{n}") for n in range(MAX_TRACKS + 1))
    alice = enter(a_room(), "alice", *tracks)
    states = published(alice)
    assert states.pop(f"id{MAX_TRACKS}") == ("failed", 53203)
    assert set(states.values()) == {("ready", None)}


def test_a_failed_track_may_be_dropped_and_published_again() -> None:
    alice = enter(a_room(), "alice", MICROPHONE, replace(CAMERA, name="mic"))
    alice.apply(LocalParticipant(2, (MICROPHONE,)))
    assert published(alice) == {"id-mic": ("ready", None)}
    alice.apply(LocalParticipant(3, (MICROPHONE, CAMERA)))
    alice.confirm()
    assert published(alice) == {"id-mic": ("ready", None), "id-cam": ("ready", None)}


def test_the_state_follows_signaling_and_media() -> None:
    room = a_room()
    alice = enter(room, "alice")
    states = [room.views()[0].state]
    for signaling, media in ((False, True), (False, False), (True, False), (True, True)):
        if signaling:
            alice.come_back()
        else:
            alice.leave_for(now=10.0, session_timeout=30.0)
        alice.has_media = media
        states.append(room.views()[0].state)
    assert states == ["connected", "reconnecting", "reconnecting", "reconnecting", "connected"]
    assert room.views()[0].revision == 3


def test_a_full_room_takes_nobody_but_a_successor() -> None:
    room = a_room()
    for identity in ("alice", "bob"):
        room.enter(identity, True, max_participants=2)
    with pytest.raises(RoomError) as refused:
        room.enter("carol", True, max_participants=2)
    assert refused.value.code == 53105
    assert room.rivals(room.enter("bob", True, max_participants=2)) == (room.participants[1],)


def test_feeds_are_the_ready_tracks_of_the_others() -> None:
    room = a_room()
    alice, bob = enter(room, "alice", CAMERA), enter(room, "bob", MICROPHONE)
    bob.apply(LocalParticipant(2, (MICROPHONE, CAMERA)))
    assert [(feed.publisher_sid, feed.track_id) for feed in room.feeds_for(alice)] == [(bob.sid, "id-mic")]
    bob.confirm()
    assert [feed.track_id for feed in room.feeds_for(alice)] == ["id-mic", "id-cam"]


def test_whoever_does_not_subscribe_gets_nothing() -> None:
    room = a_room()
    enter(room, "alice", CAMERA)
    assert room.feeds_for(enter(room, "bob", subscribes=False)) == ()


def test_feeds_follow_the_rules_of_the_subscriber_and_only_newer_ones_count() -> None:
    room = a_room()
    enter(room, "alice", CAMERA, MICROPHONE)
    bob = enter(room, "bob")
    no_video = SubscribeRule(False, kind="video")
    assert bob.subscribe(SubscribeRules(1, (*EVERYTHING, no_video)))
    assert [feed.kind for feed in room.feeds_for(bob)] == ["audio"]
    assert not bob.subscribe(SubscribeRules(1, EVERYTHING))
    assert not bob.subscribe(None)
    assert [feed.kind for feed in room.feeds_for(bob)] == ["audio"]
    camera = next(track.sid for track in room.views(besides=bob)[0].tracks if track.kind == "video")
    assert bob.subscribe(SubscribeRules(2, (*NOTHING, SubscribeRule(True, track_sid=camera))))
    assert [feed.kind for feed in room.feeds_for(bob)] == ["video"]
    assert bob.subscribe(SubscribeRules(3, (*NOTHING, SubscribeRule(True, publisher="alice"))))
    assert len(room.feeds_for(bob)) == 2


def test_whoever_is_away_keeps_publishing() -> None:
    room = a_room()
    alice, bob = enter(room, "alice", CAMERA), enter(room, "bob")
    alice.leave_for(now=0.0, session_timeout=30.0)
    assert [feed.publisher_sid for feed in room.feeds_for(bob)] == [alice.sid]
    room.remove(alice)
    assert room.feeds_for(bob) == ()
