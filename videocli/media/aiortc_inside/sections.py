"""What both sides have agreed for each m-line, and how one offer or answer changes it (RFC 8829, RFC 9429).

Nothing here changes anything: an offer is planned, an answer is worked out, and whoever asked may drop it.
"""

import itertools
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, cast

from aiortc.sdp import MediaDescription

from videocli.media.aiortc_inside.codecs import (
    Codecs,
    Extensions,
    SectionKind,
    codecs_to_offer,
    common_codecs,
    common_extensions,
    extensions_to_offer,
)
from videocli.media.frames import MediaKind
from videocli.media.peer import MidStyle

_KINDS: tuple[MediaKind, ...] = ("audio", "video")
_SCTP = "UDP/DTLS/SCTP"


class LocalTrack(Protocol):
    """A track of ours, as descriptions name it."""

    @property
    def kind(self) -> MediaKind: ...
    @property
    def track_id(self) -> str: ...
    @property
    def ssrc(self) -> int: ...
    @property
    def rtx_ssrc(self) -> int: ...


@dataclass(frozen=True, slots=True)
class RemoteMedia:
    """What the other side says it sends in a section."""

    track_id: str
    ssrcs: tuple[int, ...]
    """Simulcast layers from the lowest to the highest (`ssrc-group:SIM`), or the one stream."""
    rtx: dict[int, int] = field(default_factory=dict)
    """SSRC of retransmissions to SSRC of the stream (`ssrc-group:FID`, RFC 5576)."""

    @property
    def all_ssrcs(self) -> tuple[int, ...]:
        return (*self.ssrcs, *self.rtx)

    def rank(self, ssrc: int) -> int:
        """The place among the layers; a stream that was not announced is below all."""
        return self.ssrcs.index(ssrc) if ssrc in self.ssrcs else -1


@dataclass(frozen=True, slots=True)
class Section:
    """One m-line, as agreed or as we would like it."""

    mid: str
    kind: SectionKind
    is_ours: bool
    """We offered it first, so our tracks may go on it."""
    sends: bool = False
    receives: bool = False
    codecs: Codecs = ()
    extensions: Extensions = ()
    track: LocalTrack | None = None
    remote: RemoteMedia | None = None
    """Set while we receive."""
    unwanted_track: str | None = None
    """What the other side would send, if we took it."""
    is_refused: bool = False
    """Port 0: nothing will ever flow here."""
    format: str = "UDP/TLS/RTP/SAVPF"
    """The m-line's protocol; an application section keeps the one it was offered with."""


def plan_offer(
    agreed: Sequence[Section],
    tracks: Iterable[LocalTrack],
    *,
    with_data: bool,
    style: MidStyle,
    used_mids: Iterable[str],
    unwanted: Collection[str] = (),
) -> tuple[Section, ...]:
    """The sections of an offer that asks for `tracks`, in the order of the m-lines.

    Payload types and extension ids stay as negotiated: browsers refuse others.
    """
    waiting = list(tracks)
    planned: list[Section] = []
    for section in agreed:
        track = section.track if section.track in waiting else None
        if track is not None:
            waiting.remove(track)
        planned.append(replace(section, track=track))
    planned = [_as_we_like(_wanted(_reused(section, waiting), style), unwanted) for section in planned]
    mids = _MidMaker(style, {*used_mids, *(section.mid for section in agreed)})
    for track in waiting:
        planned.append(_wanted(_new_section(track.kind, track, planned, mids), style))
    if not agreed and style == "numbers":
        offered = {section.kind for section in planned}
        for kind in _KINDS:
            if kind not in offered:
                planned.append(_wanted(_new_section(kind, None, planned, mids), style))
    if with_data and not any(section.kind == "application" for section in agreed):
        mid = mids.make("application")
        planned.append(
            Section(mid=mid, kind="application", is_ours=True, sends=True, receives=True, format=_SCTP)
        )
    return tuple(planned)


def apply_answer(planned: Sequence[Section], media: Sequence[MediaDescription]) -> tuple[Section, ...]:
    """What the answer makes of an offer. Raises `ValueError` if it does not belong to the offer."""
    if [(m.kind, m.rtp.muxId) for m in media] != [(section.kind, section.mid) for section in planned]:
        raise ValueError("the answer's sections are not those of the offer")
    return tuple(
        _agreed(section, answered, section.sends, section.receives)
        for section, answered in zip(planned, media, strict=True)
    )


def apply_offer(
    agreed: Sequence[Section],
    media: Sequence[MediaDescription],
    *,
    tracks: Iterable[LocalTrack],
    bundled: Sequence[str],
    unwanted: Collection[str] = (),
) -> tuple[Section, ...]:
    """What we agree to of an offer. Our tracks stay where they are, and never go on a section of theirs.

    Raises `ValueError` for an offer that takes m-lines away or has a section without mid.
    """
    if len(media) < len(agreed):
        raise ValueError("the offer has fewer sections than were agreed")
    present = list(tracks)
    sections = []
    for known, offered in itertools.zip_longest(agreed, media):
        mid = offered.rtp.muxId
        if not mid:
            raise ValueError("a section has no mid")
        if known is not None and known.mid == mid and known.kind == offered.kind:
            section = replace(known, track=known.track if known.track in present else None)
        else:
            section = Section(mid=mid, kind=_section_kind(offered), is_ours=False)
        section = replace(section, is_refused=mid not in bundled, unwanted_track=None)
        agreed_on = _agreed(section, offered, section.track is not None, True)
        sections.append(_as_we_like(agreed_on, unwanted))
    return tuple(sections)


def brings_what_we_like(section: Section, unwanted: Collection[str]) -> bool:
    """Whether it neither receives what is unwanted, nor leaves out what no longer is."""
    return _as_we_like(section, unwanted) == section


def _as_we_like(section: Section, unwanted: Collection[str]) -> Section:
    """The section without a track that is unwanted, or with one that was and no longer is."""
    if section.is_refused:
        return section
    if section.remote is not None and section.remote.track_id in unwanted:
        return replace(section, receives=False, remote=None, unwanted_track=section.remote.track_id)
    if section.unwanted_track is not None:
        if section.unwanted_track in unwanted:
            return replace(section, receives=False)
        return replace(section, receives=True, unwanted_track=None)
    return section


def _section_kind(media: MediaDescription) -> SectionKind:
    """The kind; one that WebRTC does not have is refused like a codec that we do not have."""
    return cast(SectionKind, media.kind)


def _agreed(section: Section, media: MediaDescription, sends: bool, receives: bool) -> Section:
    """A section after the other side's description; `sends` and `receives`: what we would like."""
    if section.is_refused or media.port == 0:
        return _refused(section, media)
    if section.kind == "application":
        return replace(section, sends=True, receives=True, format=media.profile)
    codecs = common_codecs(section.kind, media.rtp.codecs)
    if not codecs:
        return _refused(section, media)
    direction = media.direction or "sendrecv"
    receives = receives and direction in ("sendonly", "sendrecv")
    return replace(
        section,
        sends=sends and direction in ("recvonly", "sendrecv"),
        receives=receives,
        codecs=codecs,
        extensions=common_extensions(section.kind, media.rtp.headerExtensions),
        remote=_remote_media(media) if receives else None,
        format=media.profile,
    )


def _refused(section: Section, media: MediaDescription) -> Section:
    """An m-line must name a format even when it is refused; repeat the first."""
    codecs = section.codecs or tuple(media.rtp.codecs[:1])
    return replace(
        section,
        is_refused=True,
        sends=False,
        receives=False,
        codecs=codecs,
        extensions=(),
        remote=None,
        format=media.profile,
    )


def _remote_media(media: MediaDescription) -> RemoteMedia:
    rtx: dict[int, int] = {}
    layers: tuple[int, ...] = ()
    for group in media.ssrc_group:
        ssrcs = [int(item) for item in group.items]
        if group.semantic == "FID" and len(ssrcs) == 2:
            rtx[ssrcs[1]] = ssrcs[0]
        elif group.semantic == "SIM":
            layers = tuple(ssrcs)
    declared = tuple(description.ssrc for description in media.ssrc if description.ssrc not in rtx)
    layers += tuple(ssrc for ssrc in declared if ssrc not in layers)
    msids = [media.msid, *(description.msid for description in media.ssrc)]
    words = next((msid.split() for msid in msids if msid and len(msid.split()) > 1), None)
    return RemoteMedia(track_id=words[1] if words else media.rtp.muxId, ssrcs=layers, rtx=rtx)


def _reused(section: Section, waiting: list[LocalTrack]) -> Section:
    """A free section of ours takes a waiting track of its kind, which is removed from `waiting`."""
    if section.track is not None or section.is_refused or not section.is_ours:
        return section
    track = next((track for track in waiting if track.kind == section.kind), None)
    if track is None:
        return section
    waiting.remove(track)
    return replace(section, track=track)


def _wanted(section: Section, style: MidStyle) -> Section:
    """The directions we ask for. On a section of theirs we go on receiving, if they send."""
    if section.is_refused or section.kind == "application":
        return section
    receives = style == "numbers" if section.is_ours else section.receives
    return replace(section, sends=section.track is not None, receives=receives)


class _MidMaker:
    """Mids that were never used on this connection."""

    def __init__(self, style: MidStyle, used: set[str]) -> None:
        self._style = style
        self._used = used

    def make(self, kind: SectionKind) -> str:
        prefix = kind if self._style == "kinds" else ""
        mid = next(mid for n in itertools.count() if (mid := f"{prefix}{n}") not in self._used)
        self._used.add(mid)
        return mid


def _new_section(
    kind: MediaKind, track: LocalTrack | None, others: Sequence[Section], mids: _MidMaker
) -> Section:
    return Section(
        mid=mids.make(kind),
        kind=kind,
        is_ours=True,
        codecs=codecs_to_offer(kind, (other.codecs for other in others if not other.is_refused)),
        extensions=extensions_to_offer(kind, (other.extensions for other in others)),
        track=track,
    )
