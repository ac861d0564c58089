from dataclasses import replace

from videocli.protocol.rsp import RemoteParticipant, RemoteTrack
from videocli.server import events as ev

ROOM = ev.RoomName("RM1", "standup")
CAMERA = RemoteTrack("MT1", "video", "cam")
ALICE = RemoteParticipant("PA1", "alice", "connected", 1)
PUBLISHING = replace(ALICE, revision=2, tracks=(CAMERA,))


def changes(before: RemoteParticipant | None, after: RemoteParticipant | None) -> list[ev.RoomEvent]:
    return list(ev.changes(ROOM, {before.sid: before} if before else {}, {after.sid: after} if after else {}))


def test_nothing_changed() -> None:
    assert changes(PUBLISHING, PUBLISHING) == []


def test_joining_with_a_track() -> None:
    assert changes(None, PUBLISHING) == [
        ev.ParticipantConnected(ROOM, PUBLISHING),
        ev.TrackPublished(ROOM, PUBLISHING, CAMERA),
    ]


def test_losing_and_finding_the_connection() -> None:
    away = replace(ALICE, state="reconnecting", revision=2)
    assert changes(ALICE, away) == [ev.ParticipantReconnecting(ROOM, away)]
    assert changes(away, ALICE) == [ev.ParticipantReconnected(ROOM, ALICE)]


def test_leaving() -> None:
    assert changes(ALICE, None) == [ev.ParticipantDisconnected(ROOM, replace(ALICE, state="disconnected"))]


def test_muting_and_unmuting() -> None:
    muted = replace(PUBLISHING, revision=3, tracks=(replace(CAMERA, enabled=False),))
    assert changes(PUBLISHING, muted) == [ev.TrackDisabled(ROOM, muted, muted.tracks[0])]
    assert changes(muted, PUBLISHING) == [ev.TrackEnabled(ROOM, PUBLISHING, CAMERA)]


def test_unpublishing() -> None:
    assert changes(PUBLISHING, ALICE) == [ev.TrackUnpublished(ROOM, ALICE, CAMERA)]
