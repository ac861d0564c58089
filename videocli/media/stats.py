"""Counters of a track or of a peer connection, as rates."""

import math
from dataclasses import dataclass

from videocli.media.peer import ConnectionStats, TrackStats


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
    audio_level: float | None = None
    """The mean loudness, 0 to 1 of the greatest; None: the packets do not tell. Without packets, silence."""


@dataclass(frozen=True, slots=True)
class ConnectionRates:
    """What went over a peer connection in an interval, in bits a second of datagrams."""

    outgoing_bitrate: float
    incoming_bitrate: float


def rates(before: TrackStats, after: TrackStats, seconds: float, *, is_sent: bool = False) -> TrackRates:
    """The rates between two readings of one track's counters, `seconds` apart.

    `is_sent`: they are a sender's, whose packets include those that were lost. A counter that went back
    counts as unchanged: losses do, when a late packet is repaired (RFC 3550 section 6.4.1). In an interval
    without length nothing flows.
    """
    packets = _growth(before.packets, after.packets)
    lost = _growth(before.packets_lost, after.packets_lost)
    expected = max(packets, lost) if is_sent else packets + lost
    energy = max(after.audio_energy - before.audio_energy, 0.0)
    has_frames = after.codec is None or after.codec.kind == "video"
    return TrackRates(
        bitrate=_rate(8 * _growth(before.bytes, after.bytes), seconds),
        packet_rate=_rate(packets, seconds),
        frame_rate=_rate(_growth(before.frames, after.frames), seconds) if has_frames else None,
        loss=lost / expected if expected else None,
        audio_level=None if after.audio_level is None else math.sqrt(energy / packets) if packets else 0.0,
    )


def connection_rates(before: ConnectionStats, after: ConnectionStats, seconds: float) -> ConnectionRates:
    """The rates between two readings of one peer connection's counters, `seconds` apart."""
    return ConnectionRates(
        outgoing_bitrate=_rate(8 * _growth(before.bytes_sent, after.bytes_sent), seconds),
        incoming_bitrate=_rate(8 * _growth(before.bytes_received, after.bytes_received), seconds),
    )


def _growth(before: int, after: int) -> int:
    return max(after - before, 0)


def _rate(count: int, seconds: float) -> float:
    return count / seconds if seconds > 0 else 0.0
