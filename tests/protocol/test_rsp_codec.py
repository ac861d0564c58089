import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.test_tcmp import json_values
from tests.traces import NAMES, on_the_wire
from videocli.protocol.fields import ProtocolError
from videocli.protocol.rsp import (
    Candidate,
    ClientMessage,
    ClientUpdate,
    Connect,
    Connected,
    Description,
    Disconnect,
    Disconnected,
    Ice,
    Iced,
    IceRequest,
    IceServer,
    LocalParticipant,
    LocalTrack,
    Options,
    PeerConnectionState,
    Published,
    PublishedTrack,
    Recording,
    RecordingWarning,
    RemoteParticipant,
    RemoteTrack,
    RoomState,
    ServerError,
    ServerMessage,
    ServerUpdate,
    Subscribed,
    SubscribedTrack,
    Sync,
    Synced,
    WireError,
)
from videocli.protocol.rsp_codec import encode, parse_client_message, parse_server_message
from videocli.protocol.rsp_server_json import MAX_SESSION_TIMEOUT
from videocli.protocol.subscribe_rules import SubscribeRule, SubscribeRules

TRACK = {"id": "t1", "kind": "audio", "name": "mic", "enabled": True, "priority": "standard"}
PARTICIPANT = {"revision": 2, "tracks": [TRACK]}
UPDATE = {"type": "update", "version": 2, "session": "s", "participant": PARTICIPANT}
CONNECT = {
    "type": "connect",
    "version": 2,
    "name": "room",
    "token": "t",
    "participant": PARTICIPANT,
    "peer_connections": [{"id": "pc", "description": {"type": "offer", "revision": 1, "sdp": "v=0"}}],
}
CONNECTED = {
    "type": "connected",
    "sid": "RM1",
    "name": "room",
    "session": "s",
    "options": {"session_timeout": 30},
    "participant": {"sid": "PA1", "identity": "alice"},
}

STATE = RoomState(
    participants=(
        RemoteParticipant(
            "PA2",
            "bob",
            "reconnecting",
            7,
            (RemoteTrack("MT1", "video", "cam", enabled=False, priority="high"),),
        ),
    ),
    published=Published(
        2,
        (
            PublishedTrack("a", "created"),
            PublishedTrack("b", "ready", "MT2"),
            PublishedTrack("c", "failed", error=WireError(53304, "Track name is duplicated")),
        ),
    ),
    subscribed=Subscribed(
        0, (SubscribedTrack("MT1", "x"), SubscribedTrack("MT3", error=WireError(53404, "No supported codec")))
    ),
    peer_connections=(
        PeerConnectionState("pc", Description("answer", 1, "v=0")),
        PeerConnectionState("dead", Description("close", 4)),
        PeerConnectionState("new", ice=Ice("u", 2, (Candidate("candidate:1", "0", 0),), complete=True)),
        PeerConnectionState("idle"),
    ),
    recording=Recording(enabled=True, is_recording=False, revision=1),
    media_signaling=(("active_speaker", "label"),),
)
SERVER_MESSAGES: list[ServerMessage] = [
    Iced(),
    Iced((IceServer(("turn:a",), "u", "c"), IceServer(("stun:b", "stun:c")))),
    Connected("RM1", "room", "session", Options(30, "us1", "us1"), "PA1", "alice", STATE),
    Connected("RM1", "room", "session", Options(4.5), "PA1", "alice", RoomState()),
    Synced(STATE, "PA1", "alice"),
    Synced(RoomState()),
    ServerUpdate(STATE),
    ServerUpdate(RoomState(participants=(), peer_connections=())),
    RecordingWarning(1, (("MT1", True), ("MT2", False))),
    Disconnected(),
    Disconnected("completed"),
    ServerError(53205, "duplicate"),
]
CLIENT_MESSAGES: list[ClientMessage] = [
    IceRequest("t"),
    IceRequest("t", edge=None, preflight=True),
    Connect(None, "t", LocalParticipant(1), ()),
    Connect(
        "room",
        "t",
        LocalParticipant(2, (LocalTrack("a", "data", "chat"),)),
        (PeerConnectionState("pc", Description("offer", 1, "v=0")),),
        ice_servers="overrode",
        subscribe_all=False,
        media_signaling=("active_speaker", "network_quality"),
    ),
    ClientUpdate(
        "s",
        LocalParticipant(3),
        subscribe_rules=SubscribeRules(
            2,
            (
                SubscribeRule(False),
                SubscribeRule(True, publisher="alice", kind="video"),
                SubscribeRule(False, track_sid="MT1"),
            ),
        ),
    ),
    Sync("room", "t", "s", LocalParticipant(3), subscribe_rules=SubscribeRules(1, ())),
    ClientUpdate("s", LocalParticipant(3), (PeerConnectionState("pc", ice=Ice("u", 1, complete=True)),)),
    Sync(
        "room", "t", "s", LocalParticipant(3), (PeerConnectionState("pc", Description("answer", 2, "v=0")),)
    ),
    Disconnect("s"),
    Disconnect(None),
]


def through_json(body: Any) -> Any:
    return json.loads(json.dumps(body))


@pytest.mark.parametrize("message", CLIENT_MESSAGES, ids=repr)
def test_a_client_message_survives_the_wire(message: ClientMessage) -> None:
    assert parse_client_message(through_json(encode(message))) == message


@pytest.mark.parametrize("message", SERVER_MESSAGES, ids=lambda message: type(message).__name__)
def test_a_server_message_survives_the_wire(message: ServerMessage) -> None:
    assert parse_server_message(through_json(encode(message))) == message


NOT_OURS = {"bandwidth_profile", "media_warnings"}
"""What the SDK says only with options that we do not have."""


def without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: without(member, names) for name, member in value.items() if name not in names}
    return [without(item, names) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", NAMES)
def test_what_the_sdk_said_is_read_and_written_again_to_the_letter(name: str) -> None:
    for line in on_the_wire(name, "client"):
        if line.body is not None:
            assert encode(parse_client_message(line.body)) == without(line.body, NOT_OURS)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_sdk_accepted_from_a_server_is_read(name: str) -> None:
    for line in on_the_wire(name, "server"):
        if line.body is not None:
            parsed = parse_server_message(line.body)
            assert (parsed is None) == (line.body["type"] not in KNOWN_TYPES)


KNOWN_TYPES = {"iced", "connected", "synced", "update", "warning", "disconnected", "error"}


def test_the_ice_request_of_runpreflight_has_no_version() -> None:
    body = {"type": "ice", "token": "t", "edge": "roaming", "preflight": True}
    assert parse_client_message(body) == IceRequest("t", preflight=True)


def test_an_unknown_server_message_is_none() -> None:
    assert parse_server_message({"type": "novelty"}) is None
    assert parse_server_message({}) is None


def test_of_an_errors_message_no_more_is_kept_than_anybody_reads() -> None:
    message = parse_server_message({"type": "error", "code": 54321, "message": "a." * 500_000})
    assert isinstance(message, ServerError)
    assert message.message == "a." * 250


def test_an_unknown_client_message_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError):
        parse_client_message({"type": "connected"})


def change(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of the body with one member replaced; `...` removes it."""
    copy: dict[str, Any] = through_json(body)
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    inner: Any = copy
    for key in parents:
        inner = inner[key]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return copy


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("token", ...),
        ("token", 5),
        ("token", "x" * 20_000),
        ("name", {"$ne": None}),
        ("name", "x" * 5000),
        ("participant", ...),
        ("participant", []),
        ("participant.revision", -1),
        ("participant.revision", 2**40),
        ("participant.revision", 1.5),
        ("participant.revision", True),
        ("participant.revision", ...),
        ("participant.tracks", ...),
        ("participant.tracks", {}),
        ("participant.tracks", [None]),
        ("participant.tracks", [TRACK, TRACK]),
        ("participant.tracks", [TRACK | {"id": str(number)} for number in range(5000)]),
        ("participant.tracks.0.id", None),
        ("participant.tracks.0.kind", "smell"),
        ("participant.tracks.0.name", 7),
        ("participant.tracks.0.enabled", "yes"),
        ("participant.tracks.0.priority", "highest"),
        ("peer_connections", "none"),
        ("peer_connections", [{"id": str(number)} for number in range(100)]),
        ("peer_connections.0.id", 1),
        ("peer_connections.0.description.revision", -1),
        ("peer_connections.0.description.sdp", ...),
        ("peer_connections.0.description.sdp", "x" * (1 << 20)),
        ("peer_connections.0.ice", {"ufrag": "u", "revision": 1, "candidates": [{"candidate": "x"}] * 1000}),
        ("peer_connections.0.ice", {"ufrag": "u", "revision": 1, "candidates": ["x"]}),
        ("peer_connections.0.ice", {"ufrag": None, "revision": 1}),
        ("subscribe", {"rules": "all"}),
        ("subscribe_rules", {"rules": []}),
        ("subscribe_rules", {"revision": 1, "rules": [{"type": "include"}]}),
        ("subscribe_rules", {"revision": 1, "rules": [{"type": "maybe", "all": True}]}),
        ("subscribe_rules", {"revision": 1, "rules": [{"type": "include", "kind": "smell"}]}),
        ("subscribe_rules", {"revision": 1, "rules": [{"type": "include", "track": 1}]}),
        ("subscribe_rules", {"revision": 1, "rules": [{"type": "include", "all": True}] * 257}),
        ("publisher", "me"),
    ],
)
def test_hostile_input_is_a_protocol_error(path: str, value: Any) -> None:
    parse_client_message(CONNECT)
    with pytest.raises(ProtocolError):
        parse_client_message(change(CONNECT, path, value))


@pytest.mark.parametrize("name", ["", "x" * 129, "\x00"])
def test_names_that_have_an_error_code_of_their_own_are_not_judged_here(name: str) -> None:
    message = parse_client_message(CONNECT | {"name": name})
    assert isinstance(message, Connect)
    assert message.name == name


@pytest.mark.parametrize("session", [None, ...])
def test_an_update_needs_a_session_but_a_disconnect_does_not(session: Any) -> None:
    with pytest.raises(ProtocolError):
        parse_client_message(change(UPDATE, "session", session))
    assert parse_client_message({"type": "disconnect", "session": None}) == Disconnect(None)


@pytest.mark.parametrize("media_signaling", [None, ..., {}])
def test_a_mobile_client_may_want_no_media_signaling(media_signaling: Any) -> None:
    message = parse_client_message(
        change(CONNECT | {"media_signaling": {}}, "media_signaling", media_signaling)
    )
    assert isinstance(message, Connect)
    assert message.media_signaling == ()


def connected(**changes: Any) -> Connected:
    message = parse_server_message(CONNECTED | changes)
    assert isinstance(message, Connected)
    return message


def update(**members: Any) -> RoomState:
    message = parse_server_message({"type": "update"} | members)
    assert isinstance(message, ServerUpdate)
    return message.state


def test_a_p2p_room_without_peers_has_no_peer_connections() -> None:
    assert connected().state == RoomState()


def test_the_session_timeout_is_30_s_where_the_server_names_none() -> None:
    assert connected(options={}).options.session_timeout == 30.0
    assert connected(options={"session_timeout": -1}).options.session_timeout == 0.0


def test_a_session_timeout_is_one_that_a_clock_can_show() -> None:
    assert connected(options={"session_timeout": 1e15}).options.session_timeout == MAX_SESSION_TIMEOUT


@pytest.mark.parametrize("member", ["sid", "name", "session", "options", "participant"])
def test_connected_is_not_readable_without_what_a_client_needs(member: str) -> None:
    with pytest.raises(ProtocolError):
        parse_server_message(change(CONNECTED, member, ...))


def test_an_empty_list_of_participants_differs_from_none() -> None:
    assert update(participants=[]).participants == ()
    assert update().participants is None


def test_odd_participants_are_read_as_well_as_they_can() -> None:
    state = update(
        participants=[
            {"sid": "PA1", "identity": "a", "state": "dancing", "revision": 0},
            {
                "sid": "PA2",
                "identity": "b",
                "state": "connected",
                "revision": 1,
                "tracks": [
                    {"sid": "MT1", "kind": "video", "name": "+", "enabled": "no", "priority": "odd"},
                    {"sid": "MT2", "kind": "smell", "name": "x"},
                ],
            },
        ]
    )
    assert state.participants == (
        RemoteParticipant("PA1", "a", "connected", 0),
        RemoteParticipant("PA2", "b", "connected", 1, (RemoteTrack("MT1", "video", "+"),)),
    )


def test_a_publication_may_come_without_a_sid() -> None:
    state = update(published={"revision": 1, "tracks": [{"id": "a", "state": "created"}]})
    assert state.published == Published(1, (PublishedTrack("a", "created"),))


def test_a_recording_may_lack_is_recording() -> None:
    state = update(recording={"enabled": True, "revision": 3})
    assert state.recording == Recording(enabled=True, is_recording=False, revision=3)


def test_a_description_of_an_unknown_type_and_unknown_members_do_not_matter() -> None:
    entry = {"id": "pc", "description": {"type": "rollback", "revision": 1}, "initial_answer": {"x": 1}}
    assert update(peer_connections=[entry]).peer_connections == (PeerConnectionState("pc"),)


def test_ice_may_lack_candidates() -> None:
    entry = {"id": "pc", "ice": {"ufrag": "u", "revision": 1, "complete": True}}
    assert update(peer_connections=[entry]).peer_connections == (
        PeerConnectionState("pc", ice=Ice("u", 1, complete=True)),
    )


def test_urls_of_an_ice_server_are_a_string_or_a_list() -> None:
    servers = [{"urls": "turn:a", "username": "u", "credential": "c"}, {"urls": ["stun:b", "stun:c"]}]
    assert parse_server_message({"type": "iced", "version": 1, "ice_servers": servers}) == Iced(
        (IceServer(("turn:a",), "u", "c"), IceServer(("stun:b", "stun:c")))
    )


def test_our_server_writes_a_single_url_as_a_string_as_production_does() -> None:
    assert encode(Iced((IceServer(("turn:a",)), IceServer(("stun:b", "stun:c"))))) == {
        "type": "iced",
        "version": 1,
        "ice_servers": [{"urls": "turn:a"}, {"urls": ["stun:b", "stun:c"]}],
    }


@pytest.mark.parametrize("code", [None, "53205", True, 1.5])
def test_an_error_without_a_usable_code_has_code_0(code: Any) -> None:
    body = {"type": "error", "version": 1, "code": code, "message": "", "participants": []}
    assert parse_server_message(body) == ServerError(0, "Unknown error")


def test_a_state_that_says_nothing_writes_nothing() -> None:
    assert encode(ServerUpdate(RoomState())) == {"type": "update", "version": 2}


@given(st.dictionaries(st.text(max_size=5), json_values), st.sampled_from(sorted(KNOWN_TYPES)))
def test_no_object_makes_the_client_raise_anything_but_protocol_error(body: Any, kind: str) -> None:
    with contextlib.suppress(ProtocolError):
        parse_server_message(body | {"type": kind})


def corrupted(bodies: list[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """A sound body with one value anywhere in it replaced by any JSON."""

    def places(value: Any) -> list[Callable[[Any], Any]]:
        found: list[Callable[[Any], Any]] = [lambda new: new]
        items = list(
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, inner in items:
            for place in places(inner):

                def put(new: Any, key: Any = key, place: Callable[[Any], Any] = place) -> Any:
                    copy = value.copy()
                    copy[key] = place(new)
                    return copy

                found.append(put)
        return found

    puts = [put for body in bodies for put in places(body)[1:]]
    return st.tuples(st.sampled_from(puts), json_values).map(lambda pair: pair[0](pair[1]))


@given(corrupted([through_json(encode(message)) for message in CLIENT_MESSAGES]))
def test_no_corruption_makes_the_server_raise_anything_but_protocol_error(body: dict[str, Any]) -> None:
    with contextlib.suppress(ProtocolError):
        message = parse_client_message(body)
        assert parse_client_message(through_json(encode(message))) == message


@given(corrupted([through_json(encode(message)) for message in SERVER_MESSAGES]))
def test_no_corruption_makes_the_client_raise_anything_but_protocol_error(body: dict[str, Any]) -> None:
    with contextlib.suppress(ProtocolError):
        parse_server_message(body)
