"""What one received RTP packet is to others: something to forward, or a part of a frame."""

import logging

from aiortc.codecs import depayload
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from videocli.media.aiortc_inside.assembler import Fragment
from videocli.media.aiortc_inside.codecs import codec_of
from videocli.media.aiortc_inside.rtp_packet import RtpPacket
from videocli.media.frames import AudioLevel, Codec
from videocli.media.peer import MediaPacket

_logger = logging.getLogger(__name__)


def media_packet(
    codec: Codec,
    packet: RtpPacket,
    starts_keyframe: bool,
    captured_at: float | None,
    level: AudioLevel | None,
) -> MediaPacket:
    """The packet, to be forwarded."""
    return MediaPacket(
        codec=codec,
        ssrc=packet.ssrc,
        sequence_number=packet.sequence_number,
        timestamp=packet.timestamp,
        marker=packet.marker,
        payload=packet.payload,
        starts_keyframe=starts_keyframe,
        captured_at=captured_at,
        audio_level=level,
    )


def fragment(
    packet: RtpPacket, sequence_number: int, parameters: RTCRtpCodecParameters, starts_keyframe: bool
) -> Fragment:
    """The packet, to be put together with others; `sequence_number` is unwrapped."""
    try:
        data = depayload(parameters, packet.payload) if packet.payload else b""
    except (ValueError, IndexError) as error:
        _logger.debug("Malformed %s payload: %s", parameters.name, error)
        data = b""
    return Fragment(
        sequence_number=sequence_number,
        timestamp=packet.timestamp,
        ends_frame=packet.marker or codec_of(parameters) is Codec.OPUS,
        starts_keyframe=starts_keyframe,
        data=data,
    )
