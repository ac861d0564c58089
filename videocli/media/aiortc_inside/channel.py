"""Data channels: aiortc's, behind the peer interface."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from aiortc import RTCDataChannel, RTCDataChannelParameters

from videocli.media.aiortc_inside.dtls import SctpTransport
from videocli.media.messages import MAX_UNSENT_BYTES, MAX_UNSENT_MESSAGES, UnsentMessages, size_of
from videocli.media.peer import DataChannelClosed, DataChannelOpened, DataMessage, NotSent, PeerEvent

_logger = logging.getLogger(__name__)


class _DcepText(str):
    """aiortc writes the length of a label in characters where RFC 8832, 5.1 wants bytes."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(self.encode())


class PeerDataChannel:
    """`DataChannel` of the peer interface."""

    def __init__(
        self, channel: RTCDataChannel, *, is_local: bool, deliver: Callable[[PeerEvent], None]
    ) -> None:
        self._channel = channel
        self._is_local = is_local
        self._deliver = deliver
        self._waiting = UnsentMessages()
        channel.on("open", self._opened)
        channel.on("message", self._message_received)
        channel.on("close", self._closed)
        if channel.readyState == "open":
            self._opened()

    @classmethod
    def opened_by_us(
        cls,
        sctp: SctpTransport,
        label: str,
        *,
        ordered: bool,
        max_retransmits: int | None,
        max_packet_life_time: int | None,
        deliver: Callable[[PeerEvent], None],
    ) -> "PeerDataChannel":
        parameters = RTCDataChannelParameters(
            label=_DcepText(label),
            ordered=ordered,
            maxRetransmits=max_retransmits,
            maxPacketLifeTime=max_packet_life_time,
        )
        return cls(RTCDataChannel(sctp, parameters), is_local=True, deliver=deliver)

    @property
    def label(self) -> str:
        return str(self._channel.label)

    @property
    def is_open(self) -> bool:
        return bool(self._channel.readyState == "open")

    @property
    def ordered(self) -> bool:
        return self._channel.ordered

    @property
    def max_retransmits(self) -> int | None:
        return self._channel.maxRetransmits

    @property
    def max_packet_life_time(self) -> int | None:
        return self._channel.maxPacketLifeTime

    @property
    def unsent_bytes(self) -> int:
        return self._waiting.size + self._channel.bufferedAmount

    def send(self, data: str | bytes) -> NotSent | None:
        if self._channel.readyState == "connecting":
            return None if self._waiting.add(data) else NotSent.FULL
        if not self.is_open:
            return NotSent.CLOSED
        # The queue is the transport's: its channels share one association, and wait for each other.
        queued = len(self._channel.transport._data_channel_queue)
        if self.unsent_bytes + size_of(data) > MAX_UNSENT_BYTES or queued >= MAX_UNSENT_MESSAGES:
            return NotSent.FULL
        return self._send_now(data)

    def close(self) -> None:
        self._waiting.take()
        self._channel.close()

    def _send_now(self, data: str | bytes) -> NotSent | None:
        try:
            self._channel.send(data)
        except ValueError as error:
            _logger.warning("A message on data channel %s was dropped: %s", self.label, error)
            return NotSent.TOO_LARGE
        return None

    def _opened(self, *_: Any) -> None:
        for data in self._waiting.take():
            self._send_now(data)
        self._deliver(DataChannelOpened(self, self._is_local))

    def _message_received(self, data: str | bytes) -> None:
        self._deliver(DataMessage(self, data))

    def _closed(self, *_: Any) -> None:
        self._deliver(DataChannelClosed(self))


@dataclass(frozen=True, slots=True)
class ClosedChannel:
    """`DataChannel` of a connection that is closed already."""

    label: str
    ordered: bool
    max_retransmits: int | None
    max_packet_life_time: int | None
    is_open: ClassVar[bool] = False
    unsent_bytes: ClassVar[int] = 0

    def send(self, data: str | bytes) -> NotSent:
        return NotSent.CLOSED

    def close(self) -> None:
        pass
