"""Which codecs and header extensions we speak, under which numbers, and what two sides have in common."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from aiortc.codecs import is_rtx
from aiortc.rtcrtpparameters import (
    RTCRtcpFeedback,
    RTCRtpCodecParameters,
    RTCRtpHeaderExtensionParameters,
)
from aiortc.sdp import H264Profile, parse_h264_profile_level_id

from videocli.media.frames import Codec, MediaKind

MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
ABS_SEND_TIME_URI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
AUDIO_LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

SectionKind = Literal["audio", "video", "application"]
Codecs = tuple[RTCRtpCodecParameters, ...]
Extensions = tuple[RTCRtpHeaderExtensionParameters, ...]

_DYNAMIC_PAYLOAD_TYPES = (*range(96, 128), *range(35, 64))
_EXTENSION_IDS = range(1, 15)
"""Those of one-byte headers (RFC 8285, 4.2)."""

_FEEDBACK = (
    RTCRtcpFeedback("nack"),
    RTCRtcpFeedback("nack", "pli"),
    RTCRtcpFeedback("ccm", "fir"),
)
"""No goog-remb: aiortc's estimator takes a busy event loop for a busy network, and throttles a browser to a
tenth (measured). Without it, senders go by the losses in our receiver reports. A browser that receives sends
REMB all the same, and we read it."""


def _opus(payload_type: int) -> RTCRtpCodecParameters:
    return RTCRtpCodecParameters(
        mimeType="audio/opus",
        clockRate=48_000,
        channels=2,
        payloadType=payload_type,
        parameters={"minptime": 10, "useinbandfec": 1},
    )


def _video(name: str, payload_type: int, **parameters: str) -> RTCRtpCodecParameters:
    return RTCRtpCodecParameters(
        mimeType=f"video/{name}",
        clockRate=90_000,
        payloadType=payload_type,
        rtcpFeedback=list(_FEEDBACK),
        parameters={name.replace("_", "-"): value for name, value in parameters.items()},
    )


def _rtx(payload_type: int, apt: int) -> RTCRtpCodecParameters:
    return RTCRtpCodecParameters(
        mimeType="video/rtx", clockRate=90_000, payloadType=payload_type, parameters={"apt": apt}
    )


def _h264(payload_type: int, profile: str) -> RTCRtpCodecParameters:
    return _video(
        "H264",
        payload_type,
        level_asymmetry_allowed="1",
        packetization_mode="1",
        profile_level_id=profile,
    )


_OURS: dict[SectionKind, Codecs] = {
    "audio": (_opus(111),),
    "video": (
        _video("VP8", 96),
        _rtx(97, 96),
        _h264(108, "42e01f"),
        _rtx(109, 108),
        _h264(102, "42001f"),
        _rtx(103, 102),
    ),
}
"""What we offer, by preference, with Chromium's payload types."""

_EXTENSIONS: dict[SectionKind, Extensions] = {
    "audio": (
        RTCRtpHeaderExtensionParameters(id=4, uri=MID_URI),
        RTCRtpHeaderExtensionParameters(id=1, uri=AUDIO_LEVEL_URI),
    ),
    "video": (
        RTCRtpHeaderExtensionParameters(id=4, uri=MID_URI),
        RTCRtpHeaderExtensionParameters(id=2, uri=ABS_SEND_TIME_URI),
    ),
}


_BY_NAME = {codec.value.lower(): codec for codec in Codec}


def codec_of(parameters: RTCRtpCodecParameters) -> Codec | None:
    """The codec by its RTP name, whatever its case; None for others and for retransmission."""
    return _BY_NAME.get(parameters.name.lower())


def codecs_to_offer(kind: MediaKind, agreed: Iterable[Codecs]) -> Codecs:
    """Our codecs, with the payload types that agreed sections gave them already (RFC 9143, 9.1)."""
    known: dict[_Key, int] = {}
    taken: set[int | None] = set()
    for codecs in agreed:
        names = _names(codecs)
        for codec in codecs:
            assert codec.payloadType is not None
            taken.add(codec.payloadType)
            known.setdefault(_key(codec, names), codec.payloadType)
    ours = tuple(replace(codec, parameters=dict(codec.parameters)) for codec in _OURS[kind])
    names = _names(ours)
    numbers: dict[object, int] = {}
    for codec in ours:
        key, preferred = _key(codec, names), codec.payloadType
        assert preferred is not None
        if key not in known:
            free = (preferred, *_DYNAMIC_PAYLOAD_TYPES)
            known[key] = next(candidate for candidate in free if candidate not in taken)
            taken.add(known[key])
        numbers[preferred] = codec.payloadType = known[key]
        if is_rtx(codec):
            codec.parameters["apt"] = numbers[codec.parameters["apt"]]
    return ours


def extensions_to_offer(kind: MediaKind, agreed: Iterable[Extensions]) -> Extensions:
    """Our header extensions, with the ids that agreed sections gave them already (RFC 8285, 6)."""
    known = {extension.uri: extension.id for extensions in agreed for extension in extensions}
    offered = []
    for extension in _EXTENSIONS[kind]:
        if extension.uri not in known:
            free = (extension.id, *_EXTENSION_IDS)
            known[extension.uri] = next(number for number in free if number not in known.values())
        offered.append(RTCRtpHeaderExtensionParameters(id=known[extension.uri], uri=extension.uri))
    return tuple(offered)


def common_codecs(kind: SectionKind, remote: Iterable[RTCRtpCodecParameters]) -> Codecs:
    """The codecs of ours that a description names, in its order, with its payload types."""
    named = {codec.payloadType: codec for codec in remote}
    ours = {number: agreed for number, codec in named.items() if (agreed := _agreed(kind, codec)) is not None}
    for number, codec in named.items():
        if is_rtx(codec) and codec.parameters.get("apt") in ours:
            ours[number] = codec
    return tuple(ours[number] for number in named if number in ours)


def _agreed(kind: SectionKind, theirs: RTCRtpCodecParameters) -> RTCRtpCodecParameters | None:
    ours = next((ours for ours in _OURS.get(kind, ()) if _is_compatible(ours, theirs)), None)
    if ours is None:
        return None
    parameters = dict(ours.parameters)
    if codec_of(ours) is Codec.H264:
        parameters["profile-level-id"] = theirs.parameters.get("profile-level-id", "42e01f")
    return replace(
        ours,
        payloadType=theirs.payloadType,
        rtcpFeedback=[feedback for feedback in ours.rtcpFeedback if feedback in theirs.rtcpFeedback],
        parameters=parameters,
    )


def _is_compatible(ours: RTCRtpCodecParameters, theirs: RTCRtpCodecParameters) -> bool:
    if is_rtx(ours) or ours.name.lower() != theirs.name.lower() or ours.clockRate != theirs.clockRate:
        return False
    if codec_of(ours) is not Codec.H264:
        return True
    profile = _h264_profile(theirs)
    return (
        profile is not None
        and profile is _h264_profile(ours)
        and str(theirs.parameters.get("packetization-mode", "0")) == "1"
    )


def _h264_profile(codec: RTCRtpCodecParameters) -> H264Profile | None:
    """The profile without its level; the level may differ (level-asymmetry-allowed, RFC 6184, 8.1)."""
    text = str(codec.parameters.get("profile-level-id", "42e01f"))
    try:
        return parse_h264_profile_level_id(text)[0]
    except ValueError:
        return None


def common_extensions(kind: SectionKind, remote: Iterable[RTCRtpHeaderExtensionParameters]) -> Extensions:
    """The header extensions of ours that a description names, with its ids."""
    ours = {extension.uri for extension in _EXTENSIONS.get(kind, ())}
    return tuple(extension for extension in remote if extension.uri in ours)


_Key = tuple[str, object]


def _names(codecs: Codecs) -> dict[object, _Key]:
    """Payload types to what they mean, without retransmission."""
    return {
        codec.payloadType: (
            codec.name.lower(),
            _h264_profile(codec) if codec_of(codec) is Codec.H264 else None,
        )
        for codec in codecs
        if not is_rtx(codec)
    }


def _key(codec: RTCRtpCodecParameters, names: dict[object, _Key]) -> _Key:
    """What makes two entries the same codec."""
    return ("rtx", names.get(codec.parameters.get("apt"))) if is_rtx(codec) else names[codec.payloadType]
