from datetime import UTC, datetime

import pytest

from videocli.cli.words.server_lines import to_json, to_line
from videocli.protocol.rsp import RemoteParticipant, RemoteTrack
from videocli.server import events as ev

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=UTC)
ROOM = ev.RoomName("RM1", "standup")
CAMERA = RemoteTrack("MT1", "video", "cam", enabled=False, priority="high")
ALICE = RemoteParticipant("PA1", "alice", "reconnecting", 3, (CAMERA,))


def test_listening_has_the_url_and_nothing_else() -> None:
    event = ev.Listening("ws://127.0.0.1:7780/signaling")
    assert to_json(event, NOW) == {"event": "listening", "url": "ws://127.0.0.1:7780/signaling"}


def test_an_event_of_a_track_has_everything() -> None:
    assert to_json(ev.TrackDisabled(ROOM, ALICE, CAMERA), NOW) == {
        "event": "trackDisabled",
        "time": "2026-01-02T03:04:05.678Z",
        "room": {"sid": "RM1", "name": "standup"},
        "participant": {"sid": "PA1", "identity": "alice", "state": "reconnecting"},
        "track": {"sid": "MT1", "name": "cam", "kind": "video", "enabled": False, "priority": "high"},
    }


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (ev.RoomCreated(ROOM), "room standup is open"),
        (ev.RoomEnded(ROOM), "room standup is closed"),
        (ev.ParticipantConnected(ROOM, ALICE), "alice has joined standup"),
        (ev.ParticipantReconnecting(ROOM, ALICE), "alice is reconnecting to standup"),
        (ev.ParticipantReconnected(ROOM, ALICE), "alice is back in standup"),
        (ev.ParticipantDisconnected(ROOM, ALICE), "alice has left standup"),
        (ev.TrackPublished(ROOM, ALICE, CAMERA), "alice publishes video cam in standup"),
        (ev.TrackUnpublished(ROOM, ALICE, CAMERA), "alice no longer publishes video cam in standup"),
        (ev.TrackEnabled(ROOM, ALICE, CAMERA), "alice has enabled video cam in standup"),
        (ev.TrackDisabled(ROOM, ALICE, CAMERA), "alice has disabled video cam in standup"),
    ],
)
def test_lines_for_people(event: ev.ServerEvent, line: str) -> None:
    assert to_line(event) == line
