"""What the client says, as JSON: written as twilio-video.js writes it, read as one reads strangers."""

from collections.abc import Mapping

from videocli.protocol.fields import Fields, ProtocolError
from videocli.protocol.rsp import (
    ClientMessage,
    ClientUpdate,
    Connect,
    Disconnect,
    IceRequest,
    LocalParticipant,
    LocalTrack,
    Priority,
    Publisher,
    Sync,
    TrackKind,
)
from videocli.protocol.rsp_peer_json import Json, read_peer_connections, with_members, write_peer_connection
from videocli.protocol.subscribe_rules import MAX_RULES, SubscribeRule, SubscribeRules

_MAX_TOKEN = 16_384
_MAX_TRACKS = 256
_MAX_PEER_CONNECTIONS = 16

_KINDS: dict[str, TrackKind] = {"audio": "audio", "video": "video", "data": "data"}
_PRIORITIES: dict[str, Priority] = {"low": "low", "standard": "standard", "high": "high"}


def parse_client_message(body: Mapping[str, object]) -> ClientMessage:
    """What a client said. Raises `ProtocolError`, also for a type that is none of a client's."""
    fields = Fields(body)
    match fields.raw("type"):
        case "ice":
            return IceRequest(
                token=fields.string("token", limit=_MAX_TOKEN),
                edge=fields.string_or_none("edge"),
                preflight=fields.boolean("preflight", default=False),
            )
        case "connect":
            return _connect(fields)
        case "update":
            return ClientUpdate(
                session=fields.string("session"),
                participant=_own_participant(fields.object("participant")),
                peer_connections=read_peer_connections(fields, _MAX_PEER_CONNECTIONS),
                subscribe_rules=_subscribe_rules(fields),
            )
        case "sync":
            return Sync(
                name=fields.string_or_none("name"),
                token=fields.string("token", limit=_MAX_TOKEN),
                session=fields.string("session"),
                participant=_own_participant(fields.object("participant")),
                peer_connections=read_peer_connections(fields, _MAX_PEER_CONNECTIONS),
                subscribe_rules=_subscribe_rules(fields),
            )
        case "disconnect":
            return Disconnect(fields.string_or_none("session"))
    raise ProtocolError("unknown type of RSP message")


def _connect(fields: Fields) -> Connect:
    media_signaling = fields.object_or_none("media_signaling")
    return Connect(
        name=fields.string_or_none("name"),
        token=fields.string("token", limit=_MAX_TOKEN),
        participant=_own_participant(fields.object("participant")),
        peer_connections=read_peer_connections(fields, _MAX_PEER_CONNECTIONS),
        publisher=_publisher(fields.object_or_none("publisher")),
        ice_servers="overrode" if fields.raw("ice_servers") == "overrode" else "acquire",
        subscribe_all=_subscribe_all(fields.object_or_none("subscribe")),
        media_signaling=media_signaling.names() if media_signaling is not None else (),
        subscribe_rules=_subscribe_rules(fields),
    )


def _own_participant(fields: Fields) -> LocalParticipant:
    if "tracks" not in fields:
        raise fields.wrong("tracks", "a list")
    tracks = tuple(_own_track(entry) for entry in fields.objects("tracks", _MAX_TRACKS))
    if len({track.id for track in tracks}) < len(tracks):
        raise fields.wrong("tracks", "a list without repeated ids")
    return LocalParticipant(fields.revision(), tracks)


def _own_track(fields: Fields) -> LocalTrack:
    kind = _KINDS.get(fields.string("kind"))
    if kind is None:
        raise fields.wrong("kind", "audio, video or data")
    priority = _PRIORITIES.get(fields.string_or_none("priority") or "standard")
    if priority is None:
        raise fields.wrong("priority", "low, standard or high")
    return LocalTrack(
        id=fields.string("id"),
        kind=kind,
        name=fields.string("name"),
        enabled=fields.boolean("enabled", default=True),
        priority=priority,
    )


def _publisher(fields: Fields | None) -> Publisher | None:
    if fields is None:
        return None
    return Publisher(
        name=fields.string_or_none("name") or "",
        sdk_version=fields.string_or_none("sdk_version") or "",
        user_agent=fields.string_or_none("user_agent") or "",
    )


def _subscribe_all(fields: Fields | None) -> bool:
    rules = fields.objects("rules", _MAX_TRACKS) if fields is not None else []
    return not any(rule.raw("type") == "exclude" and rule.raw("all") is True for rule in rules)


def _subscribe_rules(fields: Fields) -> SubscribeRules | None:
    said = fields.object_or_none("subscribe_rules")
    if said is None:
        return None
    return SubscribeRules(
        said.revision(), tuple(_subscribe_rule(rule) for rule in said.objects("rules", MAX_RULES))
    )


def _subscribe_rule(fields: Fields) -> SubscribeRule:
    include = {"include": True, "exclude": False}.get(fields.string("type"))
    if include is None:
        raise fields.wrong("type", "include or exclude")
    kind = fields.string_or_none("kind")
    if kind is not None and kind not in _KINDS:
        raise fields.wrong("kind", "audio, video or data")
    rule = SubscribeRule(
        include,
        publisher=fields.string_or_none("publisher"),
        kind=_KINDS[kind] if kind is not None else None,
        track_sid=fields.string_or_none("track"),
    )
    if rule.is_about_all and fields.raw("all") is not True:
        raise fields.wrong("all", "true where there is no filter")
    return rule


def encode_client_message(message: ClientMessage) -> Json:
    """The body of a client's message."""
    match message:
        case IceRequest():
            body = with_members({}, edge=message.edge) | {"token": message.token, "type": "ice", "version": 1}
            return body | {"preflight": True} if message.preflight else body
        case Connect():
            return _encode_connect(message)
        case ClientUpdate():
            body = {"session": message.session, "type": "update", "version": 2}
            if message.peer_connections:
                body["peer_connections"] = [write_peer_connection(s) for s in message.peer_connections]
            body["participant"] = _encode_own_participant(message.participant)
            return with_members(body, subscribe_rules=_encode_rules(message.subscribe_rules))
        case Sync():
            body = {
                "name": message.name,
                "participant": _encode_own_participant(message.participant),
                "peer_connections": [write_peer_connection(state) for state in message.peer_connections],
                "type": "sync",
                "version": 2,
                "session": message.session,
                "token": message.token,
            }
            return with_members(body, subscribe_rules=_encode_rules(message.subscribe_rules))
        case Disconnect():
            return {"session": message.session, "type": "disconnect", "version": 2}


def _encode_own_participant(participant: LocalParticipant) -> Json:
    return {
        "revision": participant.revision,
        "tracks": [
            {
                "enabled": track.enabled,
                "id": track.id,
                "kind": track.kind,
                "name": track.name,
                "priority": track.priority,
            }
            for track in participant.tracks
        ],
    }


def _encode_connect(message: Connect) -> Json:
    body: Json = {
        "name": message.name,
        "participant": _encode_own_participant(message.participant),
        "peer_connections": [write_peer_connection(state) for state in message.peer_connections],
        "type": "connect",
        "version": 2,
        "ice_servers": message.ice_servers,
    }
    if message.publisher is not None:
        body["publisher"] = {
            "name": message.publisher.name,
            "sdk_version": message.publisher.sdk_version,
            "user_agent": message.publisher.user_agent,
        }
    rule = "include" if message.subscribe_all else "exclude"
    body |= {
        "media_signaling": {
            channel: {"transports": [{"type": "data-channel"}]} for channel in message.media_signaling
        },
        "subscribe": {"rules": [{"type": rule, "all": True}], "revision": 1},
        "format": "unified",
        "token": message.token,
    }
    return with_members(body, subscribe_rules=_encode_rules(message.subscribe_rules))


def _encode_rules(said: SubscribeRules | None) -> Json | None:
    if said is None:
        return None
    return {"revision": said.revision, "rules": [_encode_rule(rule) for rule in said.rules]}


def _encode_rule(rule: SubscribeRule) -> Json:
    body: Json = {"type": "include" if rule.include else "exclude"}
    if rule.is_about_all:
        return body | {"all": True}
    return with_members(body, publisher=rule.publisher, kind=rule.kind, track=rule.track_sid)
