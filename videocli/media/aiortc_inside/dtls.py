"""aiortc's DTLS and SCTP transports, made hard to break from outside and cheap to send through."""

import asyncio
import logging
from collections.abc import Callable

import pylibsrtp
from aiortc import RTCSctpTransport
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport
from aiortc.rtcsctptransport import DataChunk
from aiortc.rtp import is_rtcp
from aiortc.utils import uint32_gt
from OpenSSL import SSL

from videocli.media.aiortc_inside.flights import Flights
from videocli.media.aiortc_inside.ice import IceTransport

_logger = logging.getLogger(__name__)

_MAX_HELD_CHUNKS = 4096
"""Of SCTP, and how far ahead of what is missing: for each that comes aiortc looks at all that are held."""


class DtlsTransport(RTCDtlsTransport):
    """Hands whole RTP and RTCP datagrams out, decrypted. No error of a handler ends its pump."""

    def __init__(
        self,
        ice: IceTransport,
        *,
        on_rtp: Callable[[bytes], None],
        on_rtcp: Callable[[bytes], None],
    ) -> None:
        # It calls only role, _recv and _send of its ICE transport, and Flights has those.
        self._flights = Flights(ice)
        super().__init__(self._flights, [RTCCertificate.generateCertificate()])  # type: ignore[arg-type]  # a stand-in
        self._ice = ice
        self._on_rtp = on_rtp
        self._on_rtcp = on_rtcp
        self.is_connected = False
        self.on("statechange", self._note_state)

    @property
    def setup_role(self) -> str:
        """`client`, `server`, or `auto` while it is not negotiated."""
        return self._role

    def negotiate_role(self, role: str) -> None:
        """Take a role; only the first counts, since a handshake is never repeated."""
        if self._role == "auto":
            self._set_role(role)

    def send_rtp(self, data: bytes) -> bool:
        """Encrypt and send an RTP or RTCP packet; False: it was dropped."""
        if not self.is_connected:
            return False
        protect = self._tx_srtp.protect_rtcp if is_rtcp(data) else self._tx_srtp.protect
        try:
            protected = protect(data)
        except pylibsrtp.Error as error:
            _logger.debug("SRTP refused to protect a packet: %s", error)
            return False
        self._ice.send_now(protected)
        return True

    def take_media(self, data: bytes) -> bool:
        """Decrypt RTP or RTCP and hand it out at once; False: the datagram is for the pump.

        Media need not wait for a turn of the pump: that saves a queue, a task and half the turns of the loop.
        """
        if not 127 < data[0] < 192 or not self.is_connected:
            return False
        try:
            if is_rtcp(data):
                self._on_rtcp(self._rx_srtp.unprotect_rtcp(data))
            else:
                self._on_rtp(self._rx_srtp.unprotect(data))
        except pylibsrtp.Error as error:
            _logger.debug("SRTP refused a packet: %s", error)
        except Exception:
            _logger.exception("A packet could not be handled")
        return True

    async def end(self) -> None:
        """Say close-notify, and wait for the pump to end."""
        pump = self._task
        self._flights.end()
        await self.stop()
        if pump is not None:
            await asyncio.gather(pump, return_exceptions=True)

    def _note_state(self) -> None:
        """`state` makes a string of an enum, too dear for every packet."""
        self.is_connected = self.state == "connected"
        if self.state != "connecting":
            self._flights.finish()

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        try:
            self._on_rtp(data)
        except Exception:
            _logger.exception("An RTP packet could not be handled")

    async def _handle_rtcp_data(self, data: bytes) -> None:
        try:
            self._on_rtcp(data)
        except Exception:
            _logger.exception("An RTCP packet could not be handled")

    async def _send_data(self, data: bytes) -> None:
        """SCTP's timers send when they like; what cannot go is lost, and never raises into them."""
        if not self.is_connected:
            return
        try:
            await super()._send_data(data)
        except (ConnectionError, SSL.Error) as error:
            _logger.debug("DTLS refused to send: %s", error)


class SctpTransport(RTCSctpTransport):
    """SCTP that holds no more than it advertises; its asserts on what comes do not end the DTLS pump."""

    def __init__(self, transport: DtlsTransport) -> None:
        super().__init__(transport)
        self._window = self._advertised_rwnd
        self._held_at_most = 0
        """Chunks; counted anew when it seems too many."""

    async def _handle_data(self, data: bytes) -> None:
        try:
            await super()._handle_data(data)
        except Exception:
            _logger.exception("An SCTP packet could not be handled")

    async def _receive_data_chunk(self, chunk: DataChunk) -> None:
        """Drop what is beyond the window that we advertise (RFC 9260, 6.2); it may be sent again."""
        if self._has_room_for(chunk):
            self._held_at_most += 1
            await super()._receive_data_chunk(chunk)
        else:
            self._sack_needed = True

    def _has_room_for(self, chunk: DataChunk) -> bool:
        """What fills a gap may take as much again: without it, what is held can never go."""
        ahead = chunk.tsn - (self._last_received_tsn or 0) & 0xFFFFFFFF
        if not chunk.user_data or _MAX_HELD_CHUNKS < ahead < 1 << 31:
            return False
        held_bytes = self._window - self._advertised_rwnd + len(chunk.user_data)
        if held_bytes <= self._window and self._held_at_most < _MAX_HELD_CHUNKS:
            return True
        self._held_at_most = sum(len(stream.reassembly) for stream in self._inbound_streams.values())
        times = 2 if any(uint32_gt(held, chunk.tsn) for held in self._sack_misordered) else 1
        return held_bytes <= times * self._window and self._held_at_most < times * _MAX_HELD_CHUNKS
