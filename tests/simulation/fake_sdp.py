"""A session description for `FakePeer`: one line of JSON where real ones have SDP, and the ICE ufrag's."""

import json
from dataclasses import asdict, dataclass
from typing import Literal

from videocli.errors import error

SectionKind = Literal["audio", "video", "application"]


@dataclass(frozen=True, slots=True)
class WireSection:
    """One m-line, as its writer sees it."""

    mid: str
    kind: SectionKind
    msid: str | None
    """Id of the track that the writer sends here; None: it does not send."""
    receives: bool


@dataclass(frozen=True, slots=True)
class WireDescription:
    """One offer or answer."""

    peer: str
    ufrag: str
    sections: tuple[WireSection, ...]


def write(description: WireDescription) -> str:
    """The description as text."""
    return f"{json.dumps(asdict(description))}\r\na=ice-ufrag:{description.ufrag}\r\n"


def read(text: str) -> WireDescription:
    """The description that the text holds. Raises `MediaError` 53402."""
    try:
        fields = json.loads(text.partition("\r\n")[0])
        sections = tuple(WireSection(**section) for section in fields["sections"])
        return WireDescription(fields["peer"], fields["ufrag"], sections)
    except (ValueError, KeyError, TypeError) as fault:
        raise error(53402) from fault
