import json
import re
import subprocess
import sys
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from videocli.cli.words.event_lines import event_name, to_json, to_line
from videocli.engine import events as ev
from videocli.errors import SourceError, VideoError, error
from videocli.media.frames import Codec
from videocli.media.peer import ConnectionStats, IceState, PathEnd, TrackStats
from videocli.media.stats import ConnectionRates, TrackRates

TIME = datetime(2026, 11, 23, 20, 45, 39, 123_456, tzinfo=UTC)
ROOM = ev.Room("RM1", "demo", "connected")
ALICE = ev.Participant("PA1", "alice", "connected")
BOB = ev.Participant("PA2", "bob", "connected")
CAMERA = ev.Track("MT1", "camera", "video", True, "standard")
CAROL = ev.PresentParticipant("PA3", "carol", "reconnecting", (CAMERA,))
CHAT = ev.Track("MT2", "chat", "data", True, "standard")
LOST = error(53001)
COUNTERS = TrackStats(100, 64_000, 3, 90, 2, 0.004, 0.024, 640, 480, 1, 2, Codec.VP8)
COUNTED = replace(COUNTERS, ssrc=77, retransmitted_packets=5, firs=1, freezes=2, freeze_seconds=1.23456)
RATES = TrackRates(bitrate=1_499_999.4, packet_rate=160.33, frame_rate=29.94, loss=0.012345)
PATH = ConnectionStats(
    ice_state=IceState.CONNECTED,
    dtls_state="connected",
    local=PathEnd("host", "10.0.0.2", 5000, "udp"),
    remote=PathEnd("relay", "2001:db8::1", 3478, "udp"),
    round_trip_time=0.024,
    bytes_sent=1000,
    bytes_received=2000,
    packets_sent=10,
    packets_received=20,
    available_outgoing_bitrate=1_250_000.0,
    ice_restarts=1,
    media_stalls=2,
)
PATH_RATES = ConnectionRates(8000.0, 16_000.0)

PARTICIPANT = {"sid": "PA2", "identity": "bob", "state": "connected"}
TRACK = {"sid": "MT1", "name": "camera", "kind": "video", "enabled": True, "priority": "standard"}
CAROL_FIELDS = {"sid": "PA3", "identity": "carol", "state": "reconnecting", "tracks": [TRACK]}
ERROR = {
    "code": 53001,
    "name": "SignalingConnectionDisconnected",
    "message": "Signaling connection disconnected",
    "explanation": LOST.explanation,
}
STATS = {
    "participant": PARTICIPANT,
    "track": TRACK,
    "direction": "received",
    "codec": "VP8",
    "ssrc": None,
    "bytes": 64_000,
    "packets": 100,
    "packetsLost": 3,
    "packetsRetransmitted": 0,
    "jitter": 0.004,
    "roundTripTime": 0.024,
    "frames": 90,
    "keyframes": 2,
    "dimensions": {"width": 640, "height": 480},
    "nacks": 1,
    "plis": 2,
    "firs": 0,
    "freezes": 0,
    "freezeDuration": 0.0,
    "audioLevel": None,
    "bitrate": None,
    "packetRate": None,
    "frameRate": None,
    "loss": None,
}
CONNECTION = {
    "id": "pc1",
    "iceState": "connected",
    "dtlsState": "connected",
    "candidatePair": {
        "local": {"type": "host", "address": "10.0.0.2", "port": 5000, "protocol": "udp"},
        "remote": {"type": "relay", "address": "2001:db8::1", "port": 3478, "protocol": "udp"},
    },
    "roundTripTime": 0.024,
    "availableOutgoingBitrate": 1_250_000,
    "bytesSent": 1000,
    "bytesReceived": 2000,
    "packetsSent": 10,
    "packetsReceived": 20,
    "outgoingBitrate": 8000,
    "incomingBitrate": 16_000,
    "iceRestarts": 1,
    "mediaStalls": 2,
}
UNCONNECTED = CONNECTION | {
    "iceState": "new",
    "dtlsState": "new",
    "candidatePair": None,
    "roundTripTime": None,
    "availableOutgoingBitrate": None,
    "bytesSent": 0,
    "bytesReceived": 0,
    "packetsSent": 0,
    "packetsReceived": 0,
    "outgoingBitrate": None,
    "incomingBitrate": None,
    "iceRestarts": 0,
    "mediaStalls": 0,
}
LOST_WORDS = "53001 SignalingConnectionDisconnected: Signaling connection disconnected. The connection to"

ROWS: list[tuple[ev.Event, str, dict[str, Any], str]] = [
    (
        ev.Connected(ALICE, (ev.PresentParticipant("PA2", "bob", "connected"), CAROL), "us1"),
        "connected",
        {
            "localParticipant": {"sid": "PA1", "identity": "alice", "state": "connected"},
            "participants": [PARTICIPANT | {"tracks": []}, CAROL_FIELDS],
            "region": "us1",
        },
        "Connected as alice in region us1; also here: bob, carol (video track camera)",
    ),
    (ev.Reconnecting(LOST), "reconnecting", {"error": ERROR}, f"Reconnecting: {LOST_WORDS}"),
    (
        ev.Reconnected(3.14159, 2, 0.0),
        "reconnected",
        {"downtime": 3.142, "attempts": 2, "mediaGap": 0.0},
        "Reconnected after 3.1 seconds, attempts: 2",
    ),
    (
        ev.Reconnected(3.0, 1, 4.5678),
        "reconnected",
        {"downtime": 3.0, "attempts": 1, "mediaGap": 4.568},
        "Reconnected after 3.0 seconds, attempts: 1, 4.6 seconds without media",
    ),
    (
        ev.Disconnected(LOST, 30.0, 9, 0.0),
        "disconnected",
        {"error": ERROR, "downtime": 30.0, "attempts": 9, "mediaGap": 0.0},
        f"Disconnected: {LOST}",
    ),
    (ev.Disconnected(None), "disconnected", {"error": None}, "Disconnected"),
    (ev.Disconnected(LOST), "disconnected", {"error": ERROR}, f"Disconnected: {LOST}"),
    (ev.ParticipantConnected(BOB), "participantConnected", {"participant": PARTICIPANT}, "bob joined"),
    (
        ev.ParticipantConnected(CAROL),
        "participantConnected",
        {"participant": CAROL_FIELDS},
        "carol joined with video track camera",
    ),
    (
        ev.ParticipantReconnecting(BOB),
        "participantReconnecting",
        {"participant": PARTICIPANT},
        "bob lost the connection and is reconnecting",
    ),
    (ev.ParticipantReconnected(BOB), "participantReconnected", {"participant": PARTICIPANT}, "bob is back"),
    (ev.ParticipantDisconnected(BOB), "participantDisconnected", {"participant": PARTICIPANT}, "bob left"),
    (
        ev.LocalParticipantReconnecting(BOB),
        "localParticipantReconnecting",
        {"participant": PARTICIPANT},
        "We, bob, lost the connection and are reconnecting",
    ),
    (
        ev.LocalParticipantReconnected(BOB),
        "localParticipantReconnected",
        {"participant": PARTICIPANT},
        "We, bob, are back",
    ),
    *(
        (kind(BOB, CAMERA), name, {"participant": PARTICIPANT, "track": TRACK}, words)
        for kind, name, words in (
            (ev.TrackPublished, "trackPublished", "bob published video track camera"),
            (ev.TrackUnpublished, "trackUnpublished", "bob stopped publishing video track camera"),
            (ev.TrackSubscribed, "trackSubscribed", "Subscribed to video track camera of bob"),
            (ev.TrackUnsubscribed, "trackUnsubscribed", "No longer subscribed to video track camera of bob"),
            (ev.TrackStarted, "trackStarted", "Video track camera of bob started"),
            (ev.TrackEnabled, "trackEnabled", "bob unmuted video track camera"),
            (ev.TrackDisabled, "trackDisabled", "bob muted video track camera"),
            (ev.TrackSwitchedOff, "trackSwitchedOff", "The server switched off video track camera of bob"),
            (ev.TrackSwitchedOn, "trackSwitchedOn", "The server switched on video track camera of bob"),
            (
                ev.TrackPublishPriorityChanged,
                "trackPublishPriorityChanged",
                "bob gave video track camera standard priority",
            ),
        )
    ),
    (
        ev.TrackSubscriptionFailed(BOB, CAMERA, LOST),
        "trackSubscriptionFailed",
        {"participant": PARTICIPANT, "track": TRACK, "error": ERROR},
        f"Cannot subscribe to video track camera of bob: {LOST_WORDS}",
    ),
    (
        ev.TrackDimensionsChanged(BOB, CAMERA, 640, 480),
        "trackDimensionsChanged",
        {"participant": PARTICIPANT, "track": TRACK, "dimensions": {"width": 640, "height": 480}},
        "Video track camera of bob is now 640 by 480 pixels",
    ),
    (
        ev.TrackMessage(BOB, CAMERA, "hi there"),
        "trackMessage",
        {"participant": PARTICIPANT, "track": TRACK, "data": "hi there"},
        "bob says on video track camera: hi there",
    ),
    (
        ev.TrackMessage(BOB, CAMERA, b"\x00\xff"),
        "trackMessage",
        {"participant": PARTICIPANT, "track": TRACK, "data": "AP8=", "encoding": "base64"},
        "bob sent 2 bytes on video track camera",
    ),
    (
        ev.LocalTrackPublished(CAMERA),
        "localTrackPublished",
        {"track": TRACK},
        "Published our video track camera",
    ),
    (
        ev.LocalTrackPublicationFailed(CAMERA, LOST),
        "localTrackPublicationFailed",
        {"track": TRACK, "error": ERROR},
        f"Cannot publish our video track camera: {LOST_WORDS}",
    ),
    (
        ev.LocalTrackUnpublished(CAMERA),
        "localTrackUnpublished",
        {"track": TRACK, "error": None},
        "No longer publishing our video track camera",
    ),
    (
        ev.LocalTrackUnpublished(CAMERA, SourceError(message="unplugged", explanation="Plug it in.")),
        "localTrackUnpublished",
        {
            "track": TRACK,
            "error": {
                "code": None,
                "name": "SourceError",
                "message": "unplugged",
                "explanation": "Plug it in.",
            },
        },
        "No longer publishing our video track camera: unplugged",
    ),
    (
        ev.DominantSpeakerChanged(BOB),
        "dominantSpeakerChanged",
        {"participant": PARTICIPANT},
        "bob speaks loudest",
    ),
    (ev.DominantSpeakerChanged(None), "dominantSpeakerChanged", {"participant": None}, "Nobody speaks"),
    (
        ev.NetworkQualityLevelChanged(BOB, 4),
        "networkQualityLevelChanged",
        {"participant": PARTICIPANT, "level": 4},
        "Network quality of bob is now 4 of 5",
    ),
    (ev.RecordingStarted(), "recordingStarted", {}, "Recording started"),
    (ev.RecordingStopped(), "recordingStopped", {}, "Recording stopped"),
    (
        ev.Stats((ev.NamedStats(BOB, CAMERA, "received", COUNTERS),)),
        "stats",
        {"stats": [STATS], "peerConnections": []},
        "Statistics: video track camera of bob received 100 packets, 64000 bytes, 3 lost, "
        "jitter 4 ms, round trip 24 ms",
    ),
    (
        ev.FileStarted(BOB, "talks/bob-1.mkv"),
        "fileStarted",
        {"participant": PARTICIPANT, "path": "talks/bob-1.mkv"},
        "Recording bob into talks/bob-1.mkv",
    ),
    (
        ev.FileFinished(BOB, "talks/bob-1.mkv", 12.3456, "left"),
        "fileFinished",
        {"participant": PARTICIPANT, "path": "talks/bob-1.mkv", "duration": 12.346, "reason": "left"},
        "Recorded 12.3 seconds of bob into talks/bob-1.mkv: left",
    ),
    (
        ev.Stats(
            (ev.NamedStats(BOB, CAMERA, "received", COUNTED, RATES),),
            (ev.NamedConnectionStats("pc1", PATH, PATH_RATES),),
        ),
        "stats",
        {
            "stats": [
                STATS
                | {
                    "ssrc": 77,
                    "packetsRetransmitted": 5,
                    "firs": 1,
                    "freezes": 2,
                    "freezeDuration": 1.235,
                    "bitrate": 1_499_999,
                    "packetRate": 160.3,
                    "frameRate": 29.9,
                    "loss": 0.0123,
                }
            ],
            "peerConnections": [CONNECTION],
        },
        "Statistics: video track camera of bob received 100 packets, 64000 bytes, 3 lost, "
        "jitter 4 ms, round trip 24 ms, 30 frames a second, 2 freezes; "
        "path host 10.0.0.2 to relay 2001:db8::1, round trip 24 ms",
    ),
    (
        ev.Stats((), (ev.NamedConnectionStats("pc1", ConnectionStats(IceState.NEW, "new")),)),
        "stats",
        {"stats": [], "peerConnections": [UNCONNECTED]},
        "Statistics: nothing flows",
    ),
    (ev.Stats(()), "stats", {"stats": [], "peerConnections": []}, "Statistics: nothing flows"),
    (ev.Error(LOST), "error", {"error": ERROR}, f"Error: {LOST_WORDS}"),
]


def every_event_class() -> set[type]:
    classes: set[type] = set()
    for kind in get_args(ev.Event):
        classes |= set(kind.__subclasses__()) or {kind}
    return classes


def test_every_event_has_a_row_here() -> None:
    assert {type(event) for event, *_ in ROWS} == every_event_class()


@pytest.mark.parametrize(("event", "name", "fields", "words"), ROWS, ids=lambda value: type(value).__name__)
def test_the_json_of_the_contract(event: ev.Event, name: str, fields: dict[str, Any], words: str) -> None:
    value = to_json(ev.Occurrence(TIME, ROOM, event))
    assert value == {
        "event": name,
        "time": "2026-11-23T20:45:39.123Z",
        "room": {"sid": "RM1", "name": "demo", "state": "connected"},
        **fields,
    }
    assert list(value)[:3] == ["event", "time", "room"]


@pytest.mark.parametrize(("event", "name", "fields", "words"), ROWS, ids=lambda value: type(value).__name__)
def test_the_line_in_words(event: ev.Event, name: str, fields: dict[str, Any], words: str) -> None:
    line = to_line(ev.Occurrence(TIME, ROOM, event), timezone(timedelta(hours=1)))
    assert line.startswith(f"21:45:39 {words}")
    assert line == f"21:45:39 {words}" or words.endswith("The connection to")


def test_the_name_of_an_event_is_its_class() -> None:
    assert event_name(ev.TrackSubscribed(BOB, CAMERA)) == "trackSubscribed"


def test_a_room_that_is_not_connected_yet_has_no_sid_and_is_disconnected() -> None:
    room = ev.Room(None, "demo", "connecting")
    assert to_json(ev.Occurrence(TIME, room, ev.Error(LOST)))["room"] == {
        "sid": None,
        "name": "demo",
        "state": "disconnected",
    }


def test_time_is_utc_whatever_zone_it_came_in() -> None:
    time = datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert to_json(ev.Occurrence(time, ROOM, ev.RecordingStarted()))["time"] == "2025-12-31T23:30:00.000Z"


def test_an_error_without_a_code_has_the_code_null() -> None:
    reason = VideoError(message="no such file: a.mp4")
    occurrence = ev.Occurrence(TIME, ROOM, ev.Error(reason))
    assert to_json(occurrence)["error"]["code"] is None
    assert to_line(occurrence, UTC) == "20:45:39 Error: no such file: a.mp4"


def test_a_crowd_is_counted_not_listed() -> None:
    crowd = tuple(replace(CAROL, identity=f"p{number}", tracks=()) for number in range(50))
    line = to_line(ev.Occurrence(TIME, ROOM, ev.Connected(ALICE, crowd, None)), UTC)
    assert line.endswith("p9 and 40 more")


ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=100)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANY_TEXT)
def test_no_text_of_the_network_steers_a_terminal(text: str) -> None:
    bob, chat = replace(BOB, identity=text), replace(CHAT, name=text)
    for event in (ev.TrackMessage(bob, chat, text), ev.Disconnected(VideoError(1, name=text, message=text))):
        line = to_line(ev.Occurrence(TIME, ROOM, event), UTC)
        categories = {unicodedata.category(character) for character in line}
        assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANY_TEXT)
def test_json_of_any_text_is_one_ascii_line_that_any_reader_takes(text: str) -> None:
    value = to_json(ev.Occurrence(TIME, ROOM, ev.TrackMessage(BOB, CHAT, text)))
    line = json.dumps(value)
    assert line.isascii()
    assert "\n" not in line
    data = json.loads(line)["data"]
    data.encode("utf-8")
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert data == text


def test_lone_surrogates_become_replacement_characters() -> None:
    value = to_json(ev.Occurrence(TIME, ROOM, ev.TrackMessage(BOB, CHAT, "a\ud800b\udc00")))
    assert value["data"] == "a\ufffdb\ufffd"


def test_plain_lines_do_not_import_rich() -> None:
    modules = "sys, videocli.cli.words.event_lines, videocli.cli.joining.stdin_commands"
    program = f"import {modules}; print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (ev.Error(LOST), "\x1b[2m20:45:39\x1b[0m \x1b[31mError: 53001 "),
        (ev.Reconnecting(LOST), "\x1b[2m20:45:39\x1b[0m \x1b[33mReconnecting: 53001 "),
        (ev.Disconnected(LOST), "\x1b[2m20:45:39\x1b[0m \x1b[31mDisconnected: 53001 "),
        (ev.Disconnected(None), "\x1b[2m20:45:39\x1b[0m Disconnected"),
        (ev.Reconnected(1.0, 1, 0.0), "\x1b[2m20:45:39\x1b[0m \x1b[32mReconnected after 1.0 seconds"),
    ],
)
def test_colour_only_repeats_what_the_words_say(event: ev.Event, line: str) -> None:
    occurrence = ev.Occurrence(TIME, ROOM, event)
    coloured = to_line(occurrence, UTC, is_coloured=True)
    assert coloured.startswith(line)
    assert re.sub("\x1b\\[[0-9]+m", "", coloured) == to_line(occurrence, UTC)
