"""SDP text to and from what we use of it (RFC 8866, RFC 8829), on top of `aiortc.sdp`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import aioice
from aiortc import RTCIceCandidate, RTCIceParameters, RTCSctpCapabilities, RTCSctpTransport
from aiortc.codecs import is_rtx
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpParameters
from aiortc.sdp import (
    GroupDescription,
    MediaDescription,
    SessionDescription,
    SsrcDescription,
    candidate_from_sdp,
)

from videocli.media.aiortc_inside.ice import RemoteIce, parse_candidate
from videocli.media.aiortc_inside.sections import Section
from videocli.media.peer import MidStyle

_NOWHERE = "0.0.0.0"  # a discard address on the wire, nothing is bound to it
_DISCARD_PORT = 9
_DEFAULT_SCTP_PORT = 5000
_LEGACY_SCTP = "DTLS/SCTP"
_LEGACY_STREAMS = 1024
_STREAM_IDS: dict[MidStyle, str] = {"numbers": "-", "kinds": "default"}
"""First word of `a=msid`: no stream, as twilio-video.js says; `default`, as the media server says."""

_DIRECTIONS = {
    (True, True): "sendrecv",
    (True, False): "sendonly",
    (False, True): "recvonly",
    (False, False): "inactive",
}


@dataclass(frozen=True, slots=True)
class RemoteDescription:
    """What an offer or answer says beside its codecs."""

    media: tuple[MediaDescription, ...]
    bundled: tuple[str, ...]
    ice: RemoteIce
    """Of the tagged section: the others share its transport (RFC 9143, 7.3)."""
    candidates: tuple[aioice.Candidate, ...]
    fingerprints: tuple[RTCDtlsFingerprint, ...]
    dtls_role: str
    """The other side's: `client`, `server`, or `auto` (actpass)."""
    sctp_port: int
    sctp_capabilities: RTCSctpCapabilities | None


@dataclass(frozen=True, slots=True)
class LocalTransport:
    """What our description says of the one transport."""

    ufrag: str
    password: str
    candidates: tuple[aioice.Candidate, ...]
    all_gathered: bool
    fingerprints: tuple[RTCDtlsFingerprint, ...]
    dtls_role: str
    """Ours: `client`, `server`, or `auto` (actpass)."""
    cname: str
    session_id: int


def parse_description(text: str) -> RemoteDescription:
    """Read an offer or answer. Raises `ValueError` for one that cannot be used at all."""
    lines = _tolerable_lines(text)
    try:
        session = SessionDescription.parse("\r\n".join(lines) + "\r\n")
    except (
        ValueError,
        AssertionError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        StopIteration,
    ) as error:
        raise ValueError(f"malformed SDP: {error or type(error).__name__}") from error
    if not session.media:
        raise ValueError("the SDP has no sections")
    bundle_only = _bundle_only_mids(text)
    for media in session.media:
        if media.port == 0 and media.rtp.muxId in bundle_only:
            media.port = _DISCARD_PORT
        media.rtp.codecs = _by_preference(media)
    groups = [group for group in session.group if group.semantic == "BUNDLE"]
    bundled = tuple(str(mid) for mid in groups[0].items) if groups else (session.media[0].rtp.muxId,)
    tagged = _tagged(session.media, bundled)
    if tagged.ice is None or not tagged.ice.usernameFragment or not tagged.ice.password:
        raise ValueError("the SDP has no ICE credentials")
    if tagged.dtls is None or not tagged.dtls.fingerprints:
        raise ValueError("the SDP has no DTLS fingerprint or role")
    data = next((media for media in session.media if media.kind == "application"), None)
    return RemoteDescription(
        media=tuple(session.media),
        bundled=bundled,
        ice=RemoteIce(tagged.ice.usernameFragment, tagged.ice.password, tagged.ice.iceLite),
        candidates=_candidates(text),
        fingerprints=tuple(tagged.dtls.fingerprints),
        dtls_role=tagged.dtls.role,
        sctp_port=_sctp_port(data),
        sctp_capabilities=data.sctpCapabilities if data is not None else None,
    )


def write_description(
    sections: Sequence[Section], transport: LocalTransport, style: MidStyle, version: int
) -> str:
    """The SDP of our offer or answer; `version` must grow with each one (RFC 8866, 5.2)."""
    session = SessionDescription()
    session.origin = f"- {transport.session_id} {version} IN IP4 127.0.0.1"
    session.group.append(
        GroupDescription("BUNDLE", [section.mid for section in sections if not section.is_refused])
    )
    session.msid_semantic.append(GroupDescription("WMS", ["*"]))
    tagged = next((section for section in sections if not section.is_refused), None)
    for section in sections:
        media = _media(section, transport, style)
        if section is tagged:
            media.ice_candidates = [_sdp_candidate(candidate) for candidate in transport.candidates]
            media.ice_candidates_complete = transport.all_gathered
        session.media.append(media)
    return str(session)


def _media(section: Section, transport: LocalTransport, style: MidStyle) -> MediaDescription:
    is_data = section.kind == "application"
    is_legacy = section.format == _LEGACY_SCTP
    data_format = _DEFAULT_SCTP_PORT if is_legacy else "webrtc-datachannel"
    media = MediaDescription(
        kind=section.kind,
        port=0 if section.is_refused else _DISCARD_PORT,
        profile=section.format,
        fmt=[data_format] if is_data else [codec.payloadType for codec in section.codecs] or [0],
    )
    media.host = _NOWHERE
    media.rtp = RTCRtpParameters(
        codecs=list(section.codecs), headerExtensions=list(section.extensions), muxId=section.mid
    )
    media.ice = RTCIceParameters()
    if not is_data:
        media.direction = _DIRECTIONS[section.sends, section.receives]
    if section.is_refused:
        return media
    media.ice = RTCIceParameters(usernameFragment=transport.ufrag, password=transport.password)
    media.ice_options = "trickle"
    media.dtls = RTCDtlsParameters(fingerprints=list(transport.fingerprints), role=transport.dtls_role)
    if is_data:
        media.sctpCapabilities = RTCSctpTransport.getCapabilities()
        if is_legacy:
            media.sctpmap[_DEFAULT_SCTP_PORT] = f"webrtc-datachannel {_LEGACY_STREAMS}"
        else:
            media.sctp_port = _DEFAULT_SCTP_PORT
        return media
    media.rtcp_port, media.rtcp_host, media.rtcp_mux = _DISCARD_PORT, _NOWHERE, True
    if section.sends and section.track is not None:
        media.msid = f"{_STREAM_IDS[style]} {section.track.track_id}"
        ssrcs = [section.track.ssrc]
        if any(is_rtx(codec) for codec in section.codecs):
            ssrcs.append(section.track.rtx_ssrc)
            media.ssrc_group = [GroupDescription("FID", list(ssrcs))]
        media.ssrc = [SsrcDescription(ssrc=ssrc, cname=transport.cname) for ssrc in ssrcs]
    return media


def _tagged(media: Sequence[MediaDescription], bundled: Sequence[str]) -> MediaDescription:
    """The section whose transport the bundle uses: the first of the group that is not refused."""
    by_mid = {section.rtp.muxId: section for section in media}
    for mid in bundled:
        if mid in by_mid and by_mid[mid].port != 0:
            return by_mid[mid]
    raise ValueError("the SDP refuses every section")


def _by_preference(media: MediaDescription) -> list[RTCRtpCodecParameters]:
    """In the order of the m-line (RFC 8866, 5.14); `aiortc.sdp` keeps that of the `rtpmap` lines."""
    codecs = {codec.payloadType: codec for codec in media.rtp.codecs}
    return [codecs[payload_type] for payload_type in dict.fromkeys(media.fmt) if payload_type in codecs]


def _sctp_port(data: MediaDescription | None) -> int:
    if data is None:
        return _DEFAULT_SCTP_PORT
    if data.profile == _LEGACY_SCTP and str(data.fmt[0]).isdigit():
        return int(data.fmt[0])
    return data.sctp_port or _DEFAULT_SCTP_PORT


_SSRC_LINES = 200
"""Of one section; aiortc.sdp looks each one up among all before it. Three layers with RTX have 24."""
_DROPPED = re.compile(r"a=(candidate:|end-of-candidates|ssrc:(?!\d+ [^: ]+:))")
"""Lines that are read here, or that `aiortc.sdp` would stumble over: `a=ssrc` without a value."""

_PER_FORMAT = re.compile(r"a=(rtpmap|fmtp|rtcp-fb):(\d+) ")


def _tolerable_lines(text: str) -> list[str]:
    """The lines of an SDP without those that make `aiortc.sdp` give up an otherwise good description."""
    lines: list[str] = []
    for section in re.split(r"(?m)^(?=m=)", text):
        ssrc_lines = 0
        listed = set(section.partition("\n")[0].split()[3:])
        mapped = listed & set(re.findall(r"(?m)^a=rtpmap:(\d+) ", section))
        for line in section.splitlines():
            per_format = _PER_FORMAT.match(line)
            if _DROPPED.match(line) or (per_format and per_format[2] not in mapped):
                continue
            if line.startswith("a=ssrc:"):
                ssrc_lines += 1
                if ssrc_lines > _SSRC_LINES:
                    continue
            if line.startswith("a=fmtp:"):
                line = re.sub(r";\s+", ";", line)
            elif line.startswith("a=extmap:"):
                line = " ".join(line.split()[:2])
            if line.strip():
                lines.append(line.rstrip())
    return lines


def _bundle_only_mids(text: str) -> set[str]:
    """Sections whose port is 0 only because another one's is meant (RFC 9143, 6)."""
    mids: set[str] = set()
    for section in re.split(r"(?m)^(?=m=)", text)[1:]:
        lines = section.splitlines()
        if "a=bundle-only" in lines:
            mids.update(line.removeprefix("a=mid:") for line in lines if line.startswith("a=mid:"))
    return mids


def _candidates(text: str) -> tuple[aioice.Candidate, ...]:
    found = (parse_candidate(line) for line in text.splitlines() if line.startswith("a=candidate:"))
    return tuple(candidate for candidate in found if candidate is not None)


def _sdp_candidate(candidate: aioice.Candidate) -> RTCIceCandidate:
    return candidate_from_sdp(candidate.to_sdp())
