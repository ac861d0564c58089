"""Our end of the media signaling channel `network_quality` (media-signaling.md).

Granted by signaling and opened by the server, in whichever order, the channel carries a report of ours, then
levels of the server's, then a report a second later, and so on. To a server that does not answer we report
ever less often.
"""

import logging
from collections.abc import Callable

from videocli.engine import events as ev
from videocli.engine import reports as rp
from videocli.media.peer import DataChannel
from videocli.protocol.fields import ProtocolError
from videocli.protocol.network_quality import (
    READY,
    Path,
    Received,
    Sent,
    encode_report,
    parse_levels,
)

FIRST_REPORT_SECONDS = 0.2
"""After `ready`."""
NEXT_REPORT_SECONDS = 1.0
"""After an answer."""
ANSWER_SECONDS = 5.0
"""Without an answer after a report, another report follows; then each wait is longer."""
LONGER = 1.5

Report = rp.SignalingReport | rp.MediaReport

_log = logging.getLogger(__name__)


class NetworkQuality:
    """Driven by the grant, by channels that come and go, by what the server says, and by time."""

    def __init__(self) -> None:
        self._granted: str | None = None
        self._channel: DataChannel | None = None
        self._report_at: float | None = None
        self._patience = ANSWER_SECONDS

    def grant(self, label: str) -> None:
        """The server's channel has, or will have, this label; `settle` afterwards.

        While another one is open, that one is used.
        """
        self._granted = label

    def settle(
        self, channel_of: Callable[[str], DataChannel | None], now: float
    ) -> rp.NetworkUnjudged | None:
        """Begin to use the channel if it is there now, and let go of one that is gone."""
        used, unjudged = self._channel, None
        if used is not None and channel_of(used.label) is not used:
            self._channel = self._report_at = None
            unjudged = rp.NetworkUnjudged()
        if self._channel is None and self._granted is not None:
            self._channel = channel_of(self._granted)
            if self._channel is not None:
                self._channel.send(READY)
                self._report_at = now + FIRST_REPORT_SECONDS
                self._patience = ANSWER_SECONDS
        return unjudged

    def translate(self, report: Report, now: float) -> Report:
        """What a report means to the room: a message on the channel is the server's verdict."""
        used = self._channel
        if not isinstance(report, rp.MessageArrived) or used is None or report.label != used.label:
            return report
        levels = None
        if isinstance(report.data, str):
            try:
                levels = parse_levels(report.data)
            except ProtocolError as wrong:
                _log.info("network_quality: %s", wrong)
        if levels is None or self._report_at is None:
            return rp.NetworkJudged(None, {})
        self._patience = ANSWER_SECONDS
        self._report_at = min(self._report_at, now + NEXT_REPORT_SECONDS)
        return rp.NetworkJudged(levels.local, levels.remotes)

    def timer(self) -> float | None:
        """When to call `handle_timer`."""
        return self._report_at

    def handle_timer(self, measure: Callable[[], ev.Stats], now: float) -> None:
        """Report what is measured, if it is time to."""
        if self._channel is None or self._report_at is None or now < self._report_at:
            return
        self._channel.send(report_of(measure()))
        self._report_at = now + self._patience
        self._patience *= LONGER


def report_of(stats: ev.Stats) -> str:
    """The report to make of what was measured; the SDK's, too, is of the first peer connection only."""
    path = Path()
    for connection in stats.connections[:1]:
        rates = connection.rates
        path = Path(
            rates.outgoing_bitrate if rates is not None else 0.0,
            rates.incoming_bitrate if rates is not None else 0.0,
            connection.counters.available_outgoing_bitrate,
            connection.counters.round_trip_time,
        )
    sent, received = [], []
    for track in stats.tracks:
        kind, rate = track.track.kind, track.rates
        if kind == "data" or rate is None:
            continue
        if track.direction == "sent":
            sent.append(Sent(kind, rate.bitrate, track.counters.round_trip_time))
        else:
            received.append(Received(kind, rate.bitrate, rate.loss, track.counters.jitter))
    return encode_report(path, sent, received)
