"""What has flowed on one track, counted."""

from dataclasses import dataclass

from videocli.media.frames import Codec


@dataclass(frozen=True, slots=True)
class TrackStats:
    """Counters of one sender or receiver, since it began. None: not known.

    What they count is what webrtc-stats says (W3C, sections 8.3 to 8.6), where it says something.
    """

    packets: int = 0
    bytes: int = 0
    """RTP payload bytes."""
    packets_lost: int = 0
    frames: int = 0
    keyframes: int = 0
    jitter: float | None = None
    """Seconds (RFC 3550 section 6.4.1)."""
    round_trip_time: float | None = None
    """Seconds. A sender's comes from the other side's reports, a receiver's from ICE."""
    width: int | None = None
    height: int | None = None
    nacks: int = 0
    """NACK messages: a sender's came, a receiver's went. So for `plis` and `firs`."""
    plis: int = 0
    codec: Codec | None = None
    firs: int = 0
    ssrc: int | None = None
    """Of the stream that is heard, or sent."""
    retransmitted_packets: int = 0
    """Those sent again, or those that came because they were sent again (RFC 4588)."""
    freezes: int = 0
    """A receiver's pictures that came too late after the one before."""
    freeze_seconds: float = 0.0
    """How long the picture stood still before them, in all."""
    audio_level: float | None = None
    """The loudness of the latest packet, 0 to 1 of the greatest, where the sender tells it (RFC 6464)."""
    audio_energy: float = 0.0
    """The sum of the squares of the levels of all packets; its growth by packet is the mean square."""
