"""Puts the packets of one SSRC in order and together to frames. Pure: time is handed in, in seconds."""

from dataclasses import dataclass

_HELD_FOR_KEYFRAME = 64
"""How many packets to keep while a keyframe is awaited: its own may come before the one that starts it."""
_PARTS_AT_MOST = 4096
"""Packets of one frame, some 5 MB; a frame with more of them is nobody's picture."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """One packet's part of a frame."""

    sequence_number: int
    """Unwrapped."""
    timestamp: int
    ends_frame: bool
    starts_keyframe: bool
    data: bytes
    """The payload without its payload header; empty: padding only."""


@dataclass(frozen=True, slots=True)
class AssembledFrame:
    """A whole frame."""

    timestamp: int
    data: bytes
    is_keyframe: bool
    is_after_loss: bool = False
    """Whether packets before it are missing for good."""


class FrameAssembler:
    """Gives out whole frames in order.

    A gap is waited for `max_wait` seconds. `needs_keyframes` (video): after a gap, and at the beginning,
    everything is dropped up to a packet that starts a keyframe.
    """

    def __init__(self, *, needs_keyframes: bool, max_wait: float) -> None:
        self._needs_keyframes = needs_keyframes
        self._max_wait = max_wait
        self._held: dict[int, Fragment] = {}
        self._next: int | None = None
        self._gap_since: float | None = None
        self._parts: list[Fragment] = []
        self._awaits_keyframe = needs_keyframes
        self._has_lost = False

    @property
    def awaits_keyframe(self) -> bool:
        """Whether nothing can come out before a keyframe comes in."""
        return self._awaits_keyframe

    @property
    def has_gap(self) -> bool:
        """Whether a lost packet is waited for."""
        return self._gap_since is not None

    def add(self, fragment: Fragment, now: float) -> list[AssembledFrame]:
        """Take a packet; the frames that are whole now."""
        number = fragment.sequence_number
        if self._next is not None and number < self._next:
            self._put_before(fragment)
            return []
        self._held[number] = fragment
        if self._awaits_keyframe:
            if not fragment.starts_keyframe:
                self._forget_before(max(self._held) - _HELD_FOR_KEYFRAME)
                return []
            self._begin_at(number)
        elif self._next is None:
            self._next = number
        return self._advance(now)

    def expire(self, now: float) -> list[AssembledFrame]:
        """Give up a gap that was waited for too long; the frames that are whole then."""
        return self._advance(now)

    def _put_before(self, late: Fragment) -> None:
        """A keyframe was begun in its middle: H264's parameter sets may have a packet that was overtaken."""
        if not 0 < len(self._parts) < _PARTS_AT_MOST:
            return
        first = self._parts[0]
        if (late.sequence_number + 1, late.timestamp) == (first.sequence_number, first.timestamp):
            self._parts.insert(0, late)

    def _begin_at(self, number: int) -> None:
        self._next = number
        self._forget_before(number)
        self._gap_since = None
        self._awaits_keyframe = False

    def _forget_before(self, oldest: int) -> None:
        self._held = {number: held for number, held in self._held.items() if number >= oldest}

    def _advance(self, now: float) -> list[AssembledFrame]:
        frames: list[AssembledFrame] = []
        while self._next is not None and not self._awaits_keyframe:
            fragment = self._held.pop(self._next, None)
            if fragment is None:
                if not self._held:
                    self._gap_since = None
                    break
                if self._gap_since is None:
                    self._gap_since = now
                if now - self._gap_since < self._max_wait or not self._skip_gap():
                    break
                continue
            self._gap_since = None
            self._next += 1
            self._take(fragment, frames)
        return frames

    def _skip_gap(self) -> bool:
        """Go on behind the gap, for video at the next keyframe held; False: there is none."""
        self._parts = []
        self._gap_since = None
        self._has_lost = True
        starts = [n for n, held in self._held.items() if held.starts_keyframe or not self._needs_keyframes]
        if starts:
            self._begin_at(min(starts))
            return True
        self._awaits_keyframe = True
        return False

    def _take(self, fragment: Fragment, frames: list[AssembledFrame]) -> None:
        if not fragment.data:
            return
        if self._parts and self._parts[0].timestamp != fragment.timestamp:
            self._emit(frames)
        self._parts.append(fragment)
        if fragment.ends_frame:
            self._emit(frames)
        elif len(self._parts) >= _PARTS_AT_MOST:
            self._parts = []
            self._has_lost, self._awaits_keyframe = True, self._needs_keyframes

    def _emit(self, frames: list[AssembledFrame]) -> None:
        parts, self._parts = self._parts, []
        data = parts[0].data if len(parts) == 1 else b"".join(part.data for part in parts)
        is_keyframe = any(part.starts_keyframe for part in parts)
        frames.append(AssembledFrame(parts[0].timestamp, data, is_keyframe, self._has_lost))
        self._has_lost = False
