"""Counters → rates."""

from dataclasses import dataclass

from videocli.media.peer import TrackStats


@dataclass(frozen=True, slots=True)
class TrackRates:
    """What flowed between two looks at a track's counters."""

    bitrate: float
    """Bits a second of RTP payload."""
    packet_rate: float
    """Packets a second."""
    frame_rate: float
    """Frames a second."""
    loss: float
    """Share of the packets sent that did not come, 0 to 1 (RFC 3550 section 6.4.1, fraction lost)."""


def rates(before: TrackStats, after: TrackStats, seconds: float) -> TrackRates:
    """The rates of an interval. Counters that went back began anew and count from zero.

    Raises `ValueError` unless `seconds` is positive.
    """
    if seconds <= 0:
        raise ValueError(f"an interval of {seconds} seconds has no rates")
    received = _grown(before.packets, after.packets)
    lost = max(after.packets_lost - before.packets_lost, 0)
    expected = received + lost
    return TrackRates(
        bitrate=8 * _grown(before.bytes, after.bytes) / seconds,
        packet_rate=received / seconds,
        frame_rate=_grown(before.frames, after.frames) / seconds,
        loss=lost / expected if expected else 0.0,
    )


def _grown(before: int, after: int) -> int:
    return after - before if after >= before else after
