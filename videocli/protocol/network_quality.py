"""The media signaling channel `network_quality`: what is said on it (media-signaling.md).

The client says what its statistics say, and the server answers with levels, 0 (broken) to 5.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from videocli.protocol.fields import Fields, loads
from videocli.protocol.rsp_peer_json import Json, with_members

NAME = "network_quality"
READY = json.dumps({"type": "ready"})
"""What the client says first on a channel of media signaling."""
MAX_LEVEL = 5
LEVELS_ONLY = 1
"""The least that may be asked to be told of ourselves (`reportLevel`), and of others if anything is."""

_MAX_REMOTES = 1024


@dataclass(frozen=True, slots=True)
class Path:
    """What went over the path in use, in bits a second. None: not known."""

    outgoing_bitrate: float = 0.0
    incoming_bitrate: float = 0.0
    available_outgoing_bitrate: float | None = None
    round_trip_time: float | None = None
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a track of ours sends."""

    kind: Literal["audio", "video"]
    bitrate: float
    """Bits a second."""
    round_trip_time: float | None = None
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Received:
    """What comes of a track of somebody else's."""

    kind: Literal["audio", "video"]
    bitrate: float
    """Bits a second."""
    loss: float | None = None
    """Share of packets lost, 0 to 1."""
    jitter: float | None = None
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Levels:
    """How good the server thinks networks are: 0 (broken) to 5."""

    local: int | None
    """Ours; None: it does not say."""
    remotes: Mapping[str, int]
    """Others', by participant SID; who is missing is as before."""


def encode_report(path: Path, sent: Sequence[Sent], received: Sequence[Received]) -> str:
    """A report, in the form of lib/signaling/v2/networkqualitysignaling.js and lib/stats/."""
    body: Json = {
        "type": NAME,
        "ice": with_members(
            {"send": path.outgoing_bitrate, "recv": path.incoming_bitrate},
            availableSend=path.available_outgoing_bitrate,
            rtt=path.round_trip_time,
        ),
        **_summary(sent, received),
    }
    for kind in ("audio", "video"):
        body[kind] = _summary(
            [track for track in sent if track.kind == kind],
            [track for track in received if track.kind == kind],
        )
    return json.dumps(body | {"reportLevel": LEVELS_ONLY, "remoteReportLevel": LEVELS_ONLY})


def _summary(sent: Sequence[Sent], received: Sequence[Received]) -> Json:
    return {
        "send": with_members(
            {"bitrate": sum(track.bitrate for track in sent)},
            rtt=_mean(track.round_trip_time for track in sent),
        ),
        "recv": with_members(
            {"bitrate": sum(track.bitrate for track in received)},
            fractionLost=_mean(track.loss for track in received),
            jitter=_mean(track.jitter for track in received),
        ),
    }


def _mean(figures: Iterable[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) / len(known) if known else None


def parse_levels(text: str) -> Levels | None:
    """The levels in a server's message; None: it is about something else.

    Raises `ProtocolError`. What is no level is as if it were missing.
    """
    fields = Fields(loads(text))
    if fields.raw("type") != NAME:
        return None
    remotes = (
        (remote.string("sid"), _level(remote.raw("level")))
        for remote in fields.objects("remotes", _MAX_REMOTES)
    )
    return Levels(
        _own_level(fields.raw("local")), {sid: level for sid, level in remotes if level is not None}
    )


def _own_level(said: object) -> int | None:
    """A number, or an object that may leave the number out: then it is the least of those it has."""
    if not isinstance(said, dict):
        return _level(said)
    own = Fields(said, "local")
    level = _level(own.raw("level"))
    if level is not None:
        return level
    media = [own.object_or_none(kind) for kind in ("audio", "video")]
    parts = [_level(each.raw(way)) for each in media if each is not None for way in ("send", "recv")]
    return min((part for part in parts if part is not None), default=None)


def _level(said: object) -> int | None:
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    return int(said) if said in range(MAX_LEVEL + 1) else None
