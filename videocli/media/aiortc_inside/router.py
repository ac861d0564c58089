"""Tells which receiver or sender a packet is for (RFC 8843, section 9.2)."""

import contextlib
import logging
import struct
from typing import Protocol

from aiortc import rtp
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters

from videocli.media.aiortc_inside.rtp_packet import RtpPacket, parse_rtp

_logger = logging.getLogger(__name__)

_SSRCS_AT_MOST = 1024
"""Learnt from packets; more than that is somebody's mischief."""


class RtpTaker(Protocol):
    """What takes the packets of one section."""

    def rtp_received(self, packet: RtpPacket) -> None: ...

    def sender_report_received(self, report: rtp.RtcpSrPacket) -> None: ...


class FeedbackTaker(Protocol):
    """What takes the other side's feedback to one of our streams."""

    def reception_reported(self, report: rtp.RtcpReceiverInfo) -> None: ...

    def nack_received(self, sequence_numbers: list[int]) -> None: ...

    def keyframe_requested(self, by_fir: bool) -> None: ...


class Router:
    """Finds receivers by SSRC, then MID, then payload type; senders by their SSRC."""

    def __init__(self) -> None:
        self._extensions = rtp.HeaderExtensionsMap()
        self._by_ssrc: dict[int, RtpTaker] = {}
        self._by_mid: dict[str, RtpTaker] = {}
        self._by_payload_type: dict[int, set[RtpTaker]] = {}
        self._senders: dict[int, FeedbackTaker] = {}
        self.allowed_bitrate: float | None = None
        """Bits a second that the other side's latest REMB allows."""

    def learn_extensions(self, extensions: tuple[RTCRtpHeaderExtensionParameters, ...]) -> None:
        self._extensions.configure(RTCRtpParameters(headerExtensions=list(extensions)))

    def add_receiver(
        self, taker: RtpTaker, mid: str, ssrcs: tuple[int, ...], payload_types: set[int]
    ) -> None:
        """Route to a receiver. Only one whose description names no SSRC takes SSRCs as they come.

        Otherwise late packets of a track that had the same section before would reach it.
        """
        self.remove_receiver(taker)
        self._by_ssrc.update(dict.fromkeys(ssrcs, taker))
        if ssrcs:
            return
        self._by_mid[mid] = taker
        for payload_type in payload_types:
            self._by_payload_type.setdefault(payload_type, set()).add(taker)

    def remove_receiver(self, taker: RtpTaker) -> None:
        self._by_mid = {mid: other for mid, other in self._by_mid.items() if other is not taker}
        self._by_ssrc = {ssrc: other for ssrc, other in self._by_ssrc.items() if other is not taker}
        for takers in self._by_payload_type.values():
            takers.discard(taker)

    def add_sender(self, taker: FeedbackTaker, ssrc: int) -> None:
        self._senders[ssrc] = taker

    def remove_sender(self, ssrc: int) -> None:
        self._senders.pop(ssrc, None)

    def route_rtp(self, data: bytes) -> None:
        try:
            packet = parse_rtp(data)
        except ValueError as error:
            _logger.debug("Malformed RTP packet: %s", error)
            return
        taker = self._by_ssrc.get(packet.ssrc) or self._learn(packet)
        if taker is not None:
            taker.rtp_received(packet)

    def route_rtcp(self, data: bytes) -> None:
        try:
            packets = rtp.RtcpPacket.parse(data)
        except (ValueError, struct.error) as error:
            _logger.debug("Malformed RTCP packet: %s", error)
            return
        for packet in packets:
            match packet:
                case rtp.RtcpSrPacket():
                    if (receiver := self._by_ssrc.get(packet.ssrc)) is not None:
                        receiver.sender_report_received(packet)
                    self._report_reception(packet.reports)
                case rtp.RtcpRrPacket():
                    self._report_reception(packet.reports)
                case rtp.RtcpRtpfbPacket(fmt=rtp.RTCP_RTPFB_NACK):
                    if (sender := self._senders.get(packet.media_ssrc)) is not None:
                        sender.nack_received([number & 0xFFFF for number in packet.lost])
                case rtp.RtcpPsfbPacket():
                    self._feed_back(packet)

    def _learn(self, packet: RtpPacket) -> RtpTaker | None:
        """The taker of an SSRC that no description named."""
        mid = packet.extensions(self._extensions).mid
        takers = self._by_payload_type.get(packet.payload_type, set())
        by_type = next(iter(takers)) if len(takers) == 1 else None
        taker = self._by_mid.get(mid) if mid is not None else by_type
        if taker is None or len(self._by_ssrc) >= _SSRCS_AT_MOST:
            return None
        self._by_ssrc[packet.ssrc] = taker
        return taker

    def _report_reception(self, reports: list[rtp.RtcpReceiverInfo]) -> None:
        for report in reports:
            if (sender := self._senders.get(report.ssrc)) is not None:
                sender.reception_reported(report)

    def _feed_back(self, packet: rtp.RtcpPsfbPacket) -> None:
        match packet.fmt:
            case rtp.RTCP_PSFB_PLI:
                ssrcs = [packet.media_ssrc]
            case rtp.RTCP_PSFB_FIR:
                # RFC 5104, 4.3.1.1: entries of 8 bytes that begin with the SSRC.
                ssrcs = [
                    int.from_bytes(packet.fci[start : start + 4], "big")
                    for start in range(0, len(packet.fci) - 7, 8)
                ]
            case rtp.RTCP_PSFB_APP:
                with contextlib.suppress(ValueError, struct.error):
                    self.allowed_bitrate = float(rtp.unpack_remb_fci(packet.fci)[0])
                return
            case _:
                return
        for ssrc in ssrcs:
            if (sender := self._senders.get(ssrc)) is not None:
                sender.keyframe_requested(by_fir=packet.fmt == rtp.RTCP_PSFB_FIR)
