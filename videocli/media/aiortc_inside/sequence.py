"""RTP sequence numbers and timestamps: unwrapped, counted, and the missing ones."""

import struct
from dataclasses import dataclass

from aiortc import rtp

_MISSING_AT_MOST = 300
"""A larger hole, or more of them together, is not asked for: only a keyframe mends it."""

_MISSING_FOR_AT_MOST = 1.0
"""Nor is what was lost while nothing came for so many seconds: it would come too late for anybody."""

_ASK_AGAIN_AFTER = (0.08, 0.12, 0.2, 0.3)
"""Seconds between asking for a packet and asking once more."""


class Unwrapper:
    """Makes numbers that wrap at `bits` grow without wrapping, whatever the order they come in."""

    def __init__(self, bits: int) -> None:
        self._half = 1 << (bits - 1)
        self._mask = (1 << bits) - 1
        self._last: int | None = None

    def unwrap(self, value: int) -> int:
        if self._last is None:
            self._last = value
        difference = (value - self._last) & self._mask
        if difference >= self._half:
            difference -= self._mask + 1
        self._last += difference
        return self._last


class SteadyTimestamps:
    """Timestamps that grow without wrapping, and go on over a change of SSRC."""

    def __init__(self) -> None:
        self._unwrapper = Unwrapper(32)
        self._offset: int | None = 0
        self._last = 0
        self._last_at = 0.0

    def source_changed(self) -> None:
        """The next timestamp has nothing to do with those before it."""
        self._unwrapper = Unwrapper(32)
        self._offset = None

    def follow(self, timestamp: int, now: float, clock_rate: int) -> int:
        unwrapped = self._unwrapper.unwrap(timestamp)
        if self._offset is None:
            self._offset = self._last + max(int((now - self._last_at) * clock_rate), 1) - unwrapped
        self._last, self._last_at = unwrapped + self._offset, now
        return self._last


class Reception:
    """Counts the packets of one SSRC as RFC 3550, appendix A.3 and A.8 say."""

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._first = 0
        self._highest = -1
        self._received = 0
        self._expected_before = 0
        self._received_before = 0
        self._transit: float | None = None
        self._timestamps = Unwrapper(32)
        self._jitter = 0.0

    def add(self, sequence_number: int, timestamp: int, now: float) -> None:
        """Count a packet; `sequence_number` is unwrapped."""
        if not self._received:
            self._first = self._highest = sequence_number
        self._received += 1
        if sequence_number < self._highest:
            self._first = min(self._first, sequence_number)
            return
        self._highest = sequence_number
        transit = now - self._timestamps.unwrap(timestamp) / self._clock_rate
        if self._transit is not None:
            self._jitter += (abs(transit - self._transit) - self._jitter) / 16
        self._transit = transit

    @property
    def highest_sequence(self) -> int:
        """As a receiver report carries it: 16 bits of wraps, 16 of the number."""
        return self._highest & 0xFFFFFFFF

    @property
    def jitter(self) -> float:
        """Seconds."""
        return self._jitter

    @property
    def jitter_units(self) -> int:
        """Timestamp units, as a receiver report carries it."""
        return min(int(self._jitter * self._clock_rate), 0xFFFFFFFF)

    @property
    def packets_lost(self) -> int:
        return max(self._expected - self._received, 0)

    def take_fraction_lost(self) -> int:
        """Share lost since the last call, in 1/256."""
        expected = self._expected - self._expected_before
        received = self._received - self._received_before
        self._expected_before, self._received_before = self._expected, self._received
        lost = expected - received
        return min((lost << 8) // expected, 255) if expected > 0 and lost > 0 else 0

    @property
    def _expected(self) -> int:
        return self._highest - self._first + 1 if self._received else 0


_NTP_TO_1970 = 2_208_988_800
"""Seconds from 1900, where NTP begins (RFC 5905, 6)."""


@dataclass(frozen=True, slots=True)
class CaptureClock:
    """What a sender report says: which RTP timestamp belonged to which NTP time (RFC 3550, 6.4.1)."""

    ntp_timestamp: int
    """64 bits."""
    rtp_timestamp: int
    """32 bits."""

    def captured_at(self, timestamp: int, clock_rate: int) -> float:
        """Seconds since 1970 on the sender's clock, for a timestamp that is not hours away."""
        distance = (timestamp - self.rtp_timestamp + (1 << 31) & 0xFFFFFFFF) - (1 << 31)
        return self.ntp_timestamp / (1 << 32) - _NTP_TO_1970 + distance / clock_rate


@dataclass(slots=True)
class _Asked:
    next_at: float
    times: int


class Missing:
    """The packets of one SSRC that have not come, and when to ask for them (NACK, RFC 4585, 6.2.1)."""

    def __init__(self) -> None:
        self._highest: int | None = None
        self._first = 0
        self._came_at = 0.0
        self._asked: dict[int, _Asked] = {}
        self._given_up = -1
        """The newest that will not come any more."""

    def __bool__(self) -> bool:
        """Whether there is anything to ask for."""
        return bool(self._asked)

    def any_since(self, sequence_number: int) -> bool:
        """Whether a packet from this (unwrapped) number on has not come, be it still asked for or not."""
        return self._given_up >= sequence_number or any(asked >= sequence_number for asked in self._asked)

    def add(self, sequence_number: int, now: float) -> bool:
        """Note that an (unwrapped) packet came at `now`, in seconds; what it skipped is due at once.

        False: it came before, so this is a copy.
        """
        highest = self._highest
        silence, self._came_at = now - self._came_at, now
        if highest is None:
            self._first = self._highest = sequence_number
            return True
        if sequence_number <= highest:
            was_missing = self._asked.pop(sequence_number, None) is not None
            return was_missing or sequence_number < self._first or sequence_number <= self._given_up
        self._highest = sequence_number
        hole = len(self._asked) + sequence_number - highest
        if hole > _MISSING_AT_MOST or silence > _MISSING_FOR_AT_MOST:
            self._asked.clear()
            self._given_up = sequence_number - 1
            return True
        for skipped in range(highest + 1, sequence_number):
            self._asked[skipped] = _Asked(now, 0)
        return True

    def due(self, now: float) -> list[int]:
        """What to ask for now, in order; a packet that was asked for often enough is forgotten."""
        due = []
        for number, asked in list(self._asked.items()):
            if asked.next_at > now:
                continue
            if asked.times > len(_ASK_AGAIN_AFTER):
                del self._asked[number]
                self._given_up = max(self._given_up, number)
                continue
            due.append(number)
            asked.next_at = now + _ASK_AGAIN_AFTER[min(asked.times, len(_ASK_AGAIN_AFTER) - 1)]
            asked.times += 1
        return due


def pack_nack(sender_ssrc: int, media_ssrc: int, numbers: list[int]) -> bytes:
    """An RTCP packet that asks for these (unwrapped, ascending) packets (RFC 4585, 6.2.1).

    aiortc's own fails where the numbers wrap.
    """
    entries: list[tuple[int, int]] = []
    for number in numbers:
        if entries and number - entries[-1][0] <= 16:
            first, mask = entries[-1]
            entries[-1] = first, mask | 1 << (number - first - 1)
        else:
            entries.append((number, 0))
    payload = struct.pack("!LL", sender_ssrc, media_ssrc)
    payload += b"".join(struct.pack("!HH", first & 0xFFFF, mask) for first, mask in entries)
    return rtp.pack_rtcp_packet(rtp.RTCP_RTPFB, rtp.RTCP_RTPFB_NACK, payload)
