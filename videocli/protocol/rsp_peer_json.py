"""What stands in RSP messages of both sides: peer connections, their descriptions and candidates, as JSON."""

from videocli.protocol.fields import Fields
from videocli.protocol.rsp import Candidate, Description, DescriptionType, Ice, PeerConnectionState

Json = dict[str, object]

_MAX_SDP = 1 << 19
_MAX_CANDIDATES = 512

_DESCRIPTIONS: dict[str, DescriptionType] = {
    "offer": "offer",
    "answer": "answer",
    "pranswer": "pranswer",
    "create-offer": "create-offer",
    "close": "close",
}
_WITH_SDP = ("offer", "answer", "pranswer")


def read_peer_connections(fields: Fields, limit: int) -> tuple[PeerConnectionState, ...]:
    """The member `peer_connections`; a description of a type that we do not know counts as missing."""
    return tuple(
        PeerConnectionState(
            id=entry.string("id"),
            description=_description(entry.object_or_none("description")),
            ice=_ice(entry.object_or_none("ice")),
        )
        for entry in fields.objects("peer_connections", limit)
    )


def _description(fields: Fields | None) -> Description | None:
    if fields is None:
        return None
    kind = _DESCRIPTIONS.get(fields.string("type"))
    if kind is None:
        return None
    sdp = fields.string("sdp", limit=_MAX_SDP) if kind in _WITH_SDP else None
    return Description(kind, fields.revision(), sdp)


def _ice(fields: Fields | None) -> Ice | None:
    if fields is None:
        return None
    return Ice(
        ufrag=fields.string("ufrag"),
        revision=fields.revision(),
        candidates=tuple(
            Candidate(
                candidate=entry.string("candidate"),
                sdp_mid=entry.string_or_none("sdpMid"),
                sdp_mline_index=entry.revision("sdpMLineIndex") if "sdpMLineIndex" in entry else None,
            )
            for entry in fields.objects("candidates", _MAX_CANDIDATES)
        ),
        complete=fields.boolean("complete", default=False),
    )


def write_peer_connection(state: PeerConnectionState) -> Json:
    """One entry of `peer_connections`."""
    entry: Json = {"id": state.id}
    if state.description is not None:
        entry["description"] = _encode_description(state.description)
    if state.ice is not None:
        entry["ice"] = _encode_ice(state.ice)
    return entry


def _encode_description(description: Description) -> Json:
    encoded: Json = {"type": description.type, "revision": description.revision}
    if description.sdp is not None:
        encoded["sdp"] = description.sdp
    return encoded


def _encode_ice(ice: Ice) -> Json:
    encoded: Json = {
        "candidates": [
            {
                "candidate": candidate.candidate,
                "sdpMid": candidate.sdp_mid,
                "sdpMLineIndex": candidate.sdp_mline_index,
                "usernameFragment": ice.ufrag,
            }
            for candidate in ice.candidates
        ],
        "ufrag": ice.ufrag,
        "revision": ice.revision,
    }
    if ice.complete:
        encoded["complete"] = True
    return encoded


def with_members(members: Json, **more: object) -> Json:
    """The object with those of the further members that are not None."""
    return members | {name: value for name, value in more.items() if value is not None}
