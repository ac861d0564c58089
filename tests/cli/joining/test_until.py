"""What `--until` waits for."""

import pytest

from videocli.cli.joining.until import parse_until
from videocli.engine import events as ev
from videocli.errors import error

BOB = ev.Participant("PA2", "bob", "connected")
PRESENT_BOB = ev.PresentParticipant("PA2", "bob", "connected")
CAM = ev.Track("MT1", "cam", "video", True, "standard")
CHAT = ev.Track("MT2", "chat", "data", True, "standard")
ALONE = ev.Connected(ev.Participant("PA1", "alice", "connected"), (), None)
WITH_BOB = ev.Connected(ev.Participant("PA1", "alice", "connected"), (PRESENT_BOB,), None)


@pytest.mark.parametrize(
    ("text", "event", "met"),
    [
        ("connected", ALONE, True),
        ("connected", ev.Reconnected(1.0), False),
        ("reconnecting", ev.Reconnecting(error(53001)), True),
        ("reconnected", ev.Reconnected(1.0), True),
        ("participantConnected", ev.ParticipantConnected(BOB), True),
        ("participantConnected:bob", ev.ParticipantConnected(BOB), True),
        ("participantConnected:eve", ev.ParticipantConnected(BOB), False),
        ("participantConnected", ALONE, False),
        ("participantConnected:bob", WITH_BOB, True),
        ("participantConnected:eve", WITH_BOB, False),
        ("participantDisconnected", ev.ParticipantConnected(BOB), False),
        ("participantDisconnected:bob", ev.ParticipantDisconnected(BOB), True),
        ("trackStarted", ev.TrackStarted(BOB, CAM), True),
        ("trackStarted:audio", ev.TrackStarted(BOB, CAM), False),
        ("message", ev.TrackMessage(BOB, CHAT, "hi"), True),
        ("message:hi", ev.TrackMessage(BOB, CHAT, "hi"), True),
        ("message:a:b", ev.TrackMessage(BOB, CHAT, "a:b"), True),
        ("message:hi", ev.TrackMessage(BOB, CHAT, b"hi"), False),
    ],
)
def test_met_by_the_event_it_names(text: str, event: ev.Event, met: bool) -> None:
    assert parse_until(text).is_met_by(event) is met


@pytest.mark.parametrize(
    "text",
    ["", "trackSubscribed", "connected:now", "participantConnected:", "trackStarted:data", "Connected"],
)
def test_what_cannot_be_waited_for_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="'"):
        parse_until(text)
