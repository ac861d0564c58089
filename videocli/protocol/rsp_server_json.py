"""What the server says, as JSON: written as production writes it, read leniently."""

from collections.abc import Mapping

from videocli.protocol.fields import Fields
from videocli.protocol.rsp import (
    Connected,
    Disconnected,
    Iced,
    IceServer,
    Options,
    ParticipantState,
    Priority,
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
    Synced,
    TrackKind,
    WireError,
)
from videocli.protocol.rsp_peer_json import Json, read_peer_connections, with_members, write_peer_connection

DEFAULT_SESSION_TIMEOUT = 30.0
"""Seconds, where `options` names none: the SDK's room timer (rsp.md, options)."""
MAX_SESSION_TIMEOUT = 86_400.0
"""Seconds. Whoever says more means for ever, which no calendar can show."""

_MAX_LIST = 65_536
"""Of any list; the size of a message is the real limit."""
_MAX_WORDS = 500
"""Characters that are kept of an error's message."""

_KINDS: dict[str, TrackKind] = {"audio": "audio", "video": "video", "data": "data"}
_PRIORITIES: dict[str, Priority] = {"low": "low", "standard": "standard", "high": "high"}
_STATES: dict[str, ParticipantState] = {
    "connected": "connected",
    "reconnecting": "reconnecting",
    "disconnected": "disconnected",
}


def parse_server_message(body: Mapping[str, object]) -> ServerMessage | None:
    """What the server said; None: a type that we do not know, to be ignored. Raises `ProtocolError`."""
    fields = Fields(body)
    match fields.raw("type"):
        case "iced":
            return Iced(tuple(_ice_server(entry) for entry in fields.objects("ice_servers", _MAX_LIST)))
        case "connected":
            return _connected(fields)
        case "synced":
            participant = fields.object_or_none("participant")
            return Synced(
                state=_room_state(fields),
                participant_sid=participant.string_or_none("sid") if participant else None,
                participant_identity=participant.string_or_none("identity") if participant else None,
            )
        case "update":
            return ServerUpdate(_room_state(fields))
        case "warning":
            return _recording_warning(fields.object("states"))
        case "disconnected":
            return Disconnected(_string_if_any(fields.raw("status")))
        case "error":
            return ServerError(_code(fields.raw("code")), _words(fields.raw("message")) or "Unknown error")
    return None


def _connected(fields: Fields) -> Connected:
    options = fields.object("options")
    participant = fields.object("participant")
    return Connected(
        sid=fields.string("sid"),
        name=fields.string("name"),
        session=fields.string("session"),
        options=Options(
            session_timeout=_session_timeout(options),
            media_region=options.string_or_none("media_region"),
            signaling_region=options.string_or_none("signaling_region"),
            subscribe_rules=options.raw("subscribe_rules") is True,
        ),
        participant_sid=participant.string("sid"),
        participant_identity=participant.string("identity"),
        state=_room_state(fields),
    )


def _session_timeout(options: Fields) -> float:
    said = options.number("session_timeout", default=DEFAULT_SESSION_TIMEOUT)
    return min(max(said, 0.0), MAX_SESSION_TIMEOUT)


def _room_state(fields: Fields) -> RoomState:
    published = fields.object_or_none("published")
    subscribed = fields.object_or_none("subscribed")
    recording = fields.object_or_none("recording")
    participants = fields.objects("participants", _MAX_LIST)
    return RoomState(
        participants=tuple(map(_participant, participants)) if "participants" in fields else None,
        published=_published(published) if published else None,
        subscribed=_subscribed(subscribed) if subscribed else None,
        peer_connections=(read_peer_connections(fields, _MAX_LIST) if "peer_connections" in fields else None),
        recording=_recording(recording) if recording else None,
        media_signaling=_media_signaling(fields.object_or_none("media_signaling")),
    )


def _participant(fields: Fields) -> RemoteParticipant:
    return RemoteParticipant(
        sid=fields.string("sid"),
        identity=fields.string_or_none("identity") or "",
        state=_STATES.get(_string_if_any(fields.raw("state")) or "", "connected"),
        revision=fields.revision(),
        tracks=tuple(
            track for entry in fields.objects("tracks", _MAX_LIST) if (track := _remote_track(entry))
        ),
    )


def _remote_track(fields: Fields) -> RemoteTrack | None:
    kind = _KINDS.get(fields.string("kind"))
    if kind is None:
        return None
    return RemoteTrack(
        sid=fields.string("sid"),
        kind=kind,
        name=fields.string("name"),
        enabled=fields.raw("enabled") is not False,
        priority=_PRIORITIES.get(_string_if_any(fields.raw("priority")) or "", "standard"),
    )


def _published(fields: Fields) -> Published:
    return Published(
        fields.revision(),
        tuple(
            PublishedTrack(
                id=entry.string("id"),
                state=entry.string("state"),
                sid=entry.string_or_none("sid"),
                error=_wire_error(entry.object_or_none("error")),
            )
            for entry in fields.objects("tracks", _MAX_LIST)
        ),
    )


def _subscribed(fields: Fields) -> Subscribed:
    return Subscribed(
        fields.revision(),
        tuple(
            SubscribedTrack(
                sid=entry.string("sid"),
                id=entry.string_or_none("id"),
                error=_wire_error(entry.object_or_none("error")),
            )
            for entry in fields.objects("tracks", _MAX_LIST)
        ),
    )


def _recording(fields: Fields) -> Recording:
    # `is_recording` is missing in servers from before 2021, and `enabled` does not stand in for it.
    return Recording(
        enabled=fields.raw("enabled") is True,
        is_recording=fields.raw("is_recording") is True,
        revision=fields.revision(default=1),
    )


def _media_signaling(fields: Fields | None) -> tuple[tuple[str, str], ...]:
    if fields is None:
        return ()
    granted = []
    for channel in fields.names():
        grant = fields.object_or_none(channel)
        transport = grant.object_or_none("transport") if grant else None
        label = transport.string_or_none("label") if transport else None
        if label is not None:
            granted.append((channel, label))
    return tuple(granted)


def _ice_server(fields: Fields) -> IceServer:
    urls = fields.raw("urls")
    if isinstance(urls, str):
        urls = [urls]
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        raise fields.wrong("urls", "a string or a list of strings")
    return IceServer(tuple(urls), fields.string_or_none("username"), fields.string_or_none("credential"))


def _recording_warning(fields: Fields) -> RecordingWarning:
    tracks = fields.object("tracks")
    return RecordingWarning(
        revision=fields.revision(),
        no_media=tuple((sid, tracks.object(sid).raw("recordings") == "NO_MEDIA") for sid in tracks.names()),
    )


def _wire_error(fields: Fields | None) -> WireError | None:
    if fields is None:
        return None
    return WireError(_code(fields.raw("code")), _words(fields.raw("message")))


def _code(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _words(value: object) -> str:
    return (_string_if_any(value) or "")[:_MAX_WORDS]


def _string_if_any(value: object) -> str | None:
    return value if isinstance(value, str) else None


def encode_server_message(message: ServerMessage) -> Json:
    """The body of a server's message."""
    match message:
        case Iced():
            servers = [_encode_ice_server(server) for server in message.ice_servers]
            return {"type": "iced", "version": 1, "ice_servers": servers}
        case Connected():
            return _encode_connected(message)
        case Synced():
            return _encode_synced(message)
        case ServerUpdate():
            return {"type": "update", "version": 2, **_encode_room_state(message.state)}
        case RecordingWarning():
            tracks = {sid: {"recordings": "NO_MEDIA" if lost else "OK"} for sid, lost in message.no_media}
            states = {"revision": message.revision, "tracks": tracks}
            return {"type": "warning", "version": 2, "states": states}
        case Disconnected():
            # Version 1 and an empty list, as production sends them; neither means anything.
            return with_members({"type": "disconnected", "version": 1}, status=message.status) | {
                "participants": []
            }
        case ServerError():
            return {
                "type": "error",
                "version": 1,
                "code": message.code,
                "message": message.message,
                "participants": [],
            }


def _encode_room_state(state: RoomState) -> Json:
    encoded: Json = {}
    if state.peer_connections is not None:
        encoded["peer_connections"] = [write_peer_connection(entry) for entry in state.peer_connections]
    if state.participants is not None:
        encoded["participants"] = [_encode_participant(entry) for entry in state.participants]
    if state.recording is not None:
        encoded["recording"] = {
            "enabled": state.recording.enabled,
            "is_recording": state.recording.is_recording,
            "revision": state.recording.revision,
        }
    if state.subscribed is not None:
        encoded["subscribed"] = {
            "revision": state.subscribed.revision,
            "tracks": [
                with_members({"sid": track.sid}, id=track.id, error=_encode_error(track.error))
                for track in state.subscribed.tracks
            ],
        }
    if state.published is not None:
        encoded["published"] = {
            "revision": state.published.revision,
            "tracks": [
                with_members(
                    {"id": track.id, "state": track.state}, sid=track.sid, error=_encode_error(track.error)
                )
                for track in state.published.tracks
            ],
        }
    if state.media_signaling:
        encoded["media_signaling"] = {
            channel: {"transport": {"type": "data-channel", "label": label}}
            for channel, label in state.media_signaling
        }
    return encoded


def _encode_participant(participant: RemoteParticipant) -> Json:
    return {
        "sid": participant.sid,
        "identity": participant.identity,
        "state": participant.state,
        "revision": participant.revision,
        "tracks": [
            {
                "sid": track.sid,
                "kind": track.kind,
                "name": track.name,
                "enabled": track.enabled,
                "priority": track.priority,
            }
            for track in participant.tracks
        ],
    }


def _encode_error(error: WireError | None) -> Json | None:
    return None if error is None else {"code": error.code, "message": error.message}


def _encode_ice_server(server: IceServer) -> Json:
    # Production sends one URL as a string (production-facts.md, section 3).
    urls = server.urls[0] if len(server.urls) == 1 else list(server.urls)
    return with_members({"urls": urls}, username=server.username, credential=server.credential)


def _encode_connected(message: Connected) -> Json:
    options = message.options
    return {
        "type": "connected",
        "version": 2,
        **_encode_room_state(message.state),
        "sid": message.sid,
        "name": message.name,
        "session": message.session,
        "participant": {
            "sid": message.participant_sid,
            "identity": message.participant_identity,
            "state": "connected",
        },
        "options": with_members(
            {"session_timeout": options.session_timeout},
            media_region=options.media_region,
            signaling_region=options.signaling_region,
            subscribe_rules=options.subscribe_rules or None,
        ),
    }


def _encode_synced(message: Synced) -> Json:
    body = {"type": "synced", "version": 2, **_encode_room_state(message.state)}
    if message.participant_sid is not None:
        participant: Json = {"sid": message.participant_sid, "state": "connected"}
        body["participant"] = with_members(participant, identity=message.participant_identity)
    return body
