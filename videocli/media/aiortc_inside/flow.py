"""The media of one peer connection: which sender and receiver serves which section, and RTCP reports."""

import asyncio
import random
import secrets
from collections.abc import Callable

from aiortc import rtp

from videocli.media.aiortc_inside.receiver import TrackReceiver
from videocli.media.aiortc_inside.router import Router
from videocli.media.aiortc_inside.sections import Section
from videocli.media.aiortc_inside.sender import TrackSender
from videocli.media.aiortc_inside.stalls import Stalls
from videocli.media.frames import MediaKind
from videocli.media.peer import PeerEvent, RemoteTrackEnded, RemoteTrackStarted, Sender

_REPORT_INTERVAL = 1.0
"""Seconds between RTCP reports, varied by a half (RFC 3550, 6.2)."""

_REPORTS_IN_ONE = 31


class MediaFlow:
    """Owns the senders and receivers."""

    def __init__(
        self,
        router: Router,
        *,
        send: Callable[[bytes], bool],
        deliver: Callable[[PeerEvent], None],
        round_trip_time: Callable[[], float | None],
        is_alive: Callable[[], bool],
    ) -> None:
        """`is_alive`: whether the path answers."""
        self._router = router
        self.cname = secrets.token_hex(8)
        self.senders: list[TrackSender] = []
        self._send = send
        self._deliver = deliver
        self._round_trip_time = round_trip_time
        self._is_alive = is_alive
        self.stalls = Stalls()
        self._receivers: dict[str, TrackReceiver] = {}
        self._report_ssrc = random.getrandbits(32)
        self._sections: tuple[Section, ...] = ()

    def add_sender(self, kind: MediaKind, track_id: str) -> TrackSender:
        sender = TrackSender(kind, track_id, cname=self.cname, send=self._send)
        self.senders.append(sender)
        return sender

    def remove_sender(self, sender: Sender) -> None:
        found = next((own for own in self.senders if own is sender), None)
        if found is not None:
            self.senders.remove(found)
            self._router.remove_sender(found.ssrc)
            found.stop()

    def is_agreed(self) -> bool:
        """Whether the sections carry just the senders there are."""
        placed = [section.track for section in self._sections]
        return all(sender in placed for sender in self.senders) and not any(
            section.sends and section.track is not None and section.track not in self.senders
            for section in self._sections
        )

    def agreed(self, sections: tuple[Section, ...]) -> None:
        """Serve the sections that both sides have agreed upon."""
        self._sections = sections
        for section in sections:
            self._router.learn_extensions(section.extensions)
        for sender in self.senders:
            placed = self._section_of(sender)
            if placed is not None:
                sender.configure(placed)
                self._router.add_sender(sender, sender.ssrc)
        self._update_receivers()

    def start(self) -> None:
        """DTLS is up: let the senders send."""
        for sender in self.senders:
            section = self._section_of(sender)
            if section is not None and section.sends:
                sender.start()

    @property
    def is_unheard(self) -> bool:
        """Whether the other side says of something we send that nothing of late has come."""
        return any(sender.is_unheard for sender in self.senders)

    def path_changed(self) -> None:
        for receiver in self._receivers.values():
            receiver.path_changed()

    def end(self) -> None:
        for receiver in self._receivers.values():
            receiver.end()
        for sender in self.senders:
            sender.stop()

    async def report(self) -> None:
        """Send RTCP reports until cancelled, and look whether any come."""
        while True:
            await asyncio.sleep(_REPORT_INTERVAL * random.uniform(0.5, 1.5))
            for report in self._reports():
                self._send(report)
            self.stalls.look(
                asyncio.get_running_loop().time(),
                sent=sum(sender.packets for sender in self.senders),
                reports=sum(sender.reports for sender in self.senders),
                is_unheard=self.is_unheard,
                is_alive=self._is_alive(),
            )

    def _reports(self) -> list[bytes]:
        sent = [report for sender in self.senders if (report := sender.report())]
        received = [report for receiver in self._receivers.values() for report in receiver.reports()]
        return sent + [
            bytes(rtp.RtcpRrPacket(self._report_ssrc, received[start : start + _REPORTS_IN_ONE]))
            for start in range(0, len(received), _REPORTS_IN_ONE)
        ]

    def _section_of(self, sender: TrackSender) -> Section | None:
        return next((section for section in self._sections if section.track is sender), None)

    def _update_receivers(self) -> None:
        receiving = {section.mid: section for section in self._sections if section.remote is not None}
        for mid, receiver in list(self._receivers.items()):
            if mid not in receiving or _track_id(receiving[mid]) != receiver.track_id:
                del self._receivers[mid]
                self._router.remove_receiver(receiver)
                receiver.end()
                self._deliver(RemoteTrackEnded(receiver))
        for mid, section in receiving.items():
            assert section.remote is not None
            payload_types = {codec.payloadType for codec in section.codecs if codec.payloadType is not None}
            known = self._receivers.get(mid)
            if known is not None:
                known.configure(section)
                self._router.add_receiver(known, mid, section.remote.all_ssrcs, payload_types)
                continue
            receiver = TrackReceiver(
                section,
                report_ssrc=self._report_ssrc,
                send_rtcp=self._send,
                deliver=self._deliver,
                round_trip_time=self._round_trip_time,
            )
            self._receivers[mid] = receiver
            self._router.add_receiver(receiver, mid, section.remote.all_ssrcs, payload_types)
            self._deliver(RemoteTrackStarted(receiver))


def _track_id(section: Section) -> str | None:
    return section.remote.track_id if section.remote is not None else None
