from dataclasses import replace

from videocli.protocol.rsp import (
    Options,
    PublishedTrack,
    RemoteParticipant,
    RemoteTrack,
    ServerUpdate,
    SubscribedTrack,
)
from videocli.server.rsp_server import Picture, RspServer

CAMERA = RemoteTrack("MT1", "video", "cam")
BOB = RemoteParticipant("PAbob", "bob", "connected", 1, (CAMERA,))
CAROL = RemoteParticipant("PAcarol", "carol", "connected", 1)


def a_session(picture: Picture) -> RspServer:
    session = RspServer("session", "PAalice", "alice", Options(30.0))
    session.connected("RM1", "standup", picture, [])
    return session


def said(update: ServerUpdate | None) -> ServerUpdate:
    assert update is not None
    return update


def test_connected_tells_everything() -> None:
    session = RspServer("session", "PAalice", "alice", Options(30.0))
    connected = session.connected("RM1", "standup", Picture((BOB,)), [])
    assert (connected.sid, connected.name, connected.session) == ("RM1", "standup", "session")
    assert (connected.participant_sid, connected.participant_identity) == ("PAalice", "alice")
    assert connected.options.session_timeout == 30.0
    assert connected.state.participants == (BOB,)


def test_connected_has_revisions_that_the_sdk_takes() -> None:
    state = RspServer("s", "PA", "a", Options(30.0)).connected("RM1", "standup", Picture(), []).state
    assert state.published is not None
    assert state.published.revision == 1
    assert state.subscribed is not None
    assert state.subscribed.revision == 0


def test_nothing_new_is_no_message() -> None:
    picture = Picture((BOB,), (PublishedTrack("id", "ready", "MT2"),), (SubscribedTrack("MT1", "x"),))
    assert a_session(picture).update(picture) is None


def test_an_update_names_only_the_participants_that_changed() -> None:
    session = a_session(Picture((BOB, CAROL)))
    muted = replace(BOB, revision=2, tracks=(replace(CAMERA, enabled=False),))
    state = said(session.update(Picture((muted, CAROL)))).state
    assert state.participants == (muted,)
    assert state.published is None
    assert state.subscribed is None


def test_an_update_without_news_of_participants_has_an_empty_list() -> None:
    session = a_session(Picture((BOB,)))
    state = said(session.update(Picture((BOB,), (PublishedTrack("id", "created"),)))).state
    assert state.participants == ()


def test_whoever_has_left_is_disconnected_with_the_tracks_as_they_were() -> None:
    session = a_session(Picture((BOB, CAROL)))
    state = said(session.update(Picture((CAROL,)))).state
    assert state.participants == (replace(BOB, state="disconnected", revision=2),)
    assert session.update(Picture((CAROL,))) is None


def test_lists_are_whole_and_their_revisions_grow() -> None:
    session = a_session(Picture())
    first = SubscribedTrack("MT1", "a")
    second = SubscribedTrack("MT2", "b")
    revisions = []
    for tracks in ((first,), (first, second), (second,)):
        subscribed = said(session.update(Picture(subscribed=tracks))).state.subscribed
        assert subscribed is not None
        assert subscribed.tracks == tracks
        revisions.append(subscribed.revision)
    assert revisions == [1, 2, 3]


def test_synced_tells_everything_and_its_revisions_go_on() -> None:
    session = a_session(Picture((BOB, CAROL)))
    session.update(Picture((BOB, CAROL), (PublishedTrack("id", "created"),)))
    ready = (PublishedTrack("id", "ready", "MT2"),)
    state = session.synced(Picture((BOB,), ready), []).state
    assert state.participants == (BOB,)
    assert state.published is not None
    assert (state.published.revision, state.published.tracks) == (3, ready)
    assert session.update(Picture((BOB,), ready)) is None
