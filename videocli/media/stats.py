"""Counters of a track, as rates."""

from dataclasses import dataclass

from videocli.media.peer import TrackStats


@dataclass(frozen=True, slots=True)
class TrackRates:
    """What flowed on a track in an interval."""

    bitrate: float
    """Bits a second of RTP payload."""
    packet_rate: float
    """Packets a second."""
    frame_rate: float | None
    """Frames a second; None for sound."""
    loss: float | None
    """Share of packets lost, 0 to 1; None: there were none to lose."""


def rates(before: TrackStats, after: TrackStats, seconds: float, *, is_sent: bool = False) -> TrackRates:
    """The rates between two readings of one track's counters, `seconds` apart.

    `is_sent`: they are a sender's, whose packets include those that were lost. A counter that went back
    counts as unchanged: losses do, when a late packet is repaired (RFC 3550 section 6.4.1). In an interval
    without length nothing flows.
    """
    packets = _growth(before.packets, after.packets)
    lost = _growth(before.packets_lost, after.packets_lost)
    expected = max(packets, lost) if is_sent else packets + lost
    has_frames = after.codec is None or after.codec.kind == "video"
    return TrackRates(
        bitrate=_rate(8 * _growth(before.bytes, after.bytes), seconds),
        packet_rate=_rate(packets, seconds),
        frame_rate=_rate(_growth(before.frames, after.frames), seconds) if has_frames else None,
        loss=lost / expected if expected else None,
    )


def _growth(before: int, after: int) -> int:
    return max(after - before, 0)


def _rate(count: int, seconds: float) -> float:
    return count / seconds if seconds > 0 else 0.0
