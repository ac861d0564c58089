"""Whole frames of remote tracks, for whoever wants them: recordings, pipes, pictures, scripts."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from videocli.media.frames import EncodedFrame
from videocli.media.peer import Receiver

FrameTaker = Callable[[EncodedFrame], None]
"""Takes one frame, at once, on the loop's thread. What it raises is logged, and the others get theirs."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Tap:
    """One taker of one track's frames."""

    track_sid: str
    take: FrameTaker
    has_begun: bool = False

    def hand_out(self, frame: EncodedFrame) -> None:
        """Video begins with a keyframe."""
        self.has_begun |= frame.is_keyframe or frame.codec.kind == "audio"
        if self.has_begun:
            try:
                self.take(frame)
            except Exception:
                _log.exception("a taker of track %s failed", self.track_sid)


class Taps:
    """Who takes the frames of which track, by SID. Frames are put together only for tracks with a taker.

    A track may come over one peer connection now and over another later; takers are not told.
    """

    def __init__(self) -> None:
        self._taps: dict[str, tuple[Tap, ...]] = {}
        self._tapped: dict[str, Receiver] = {}

    def open(self, track_sid: str, take: FrameTaker) -> Tap:
        """Hand the track's frames to `take`; `settle` afterwards."""
        tap = Tap(track_sid, take)
        self._taps[track_sid] = (*self._taps.get(track_sid, ()), tap)
        if track_sid in self._tapped:
            self._tapped[track_sid].request_keyframe()
        return tap

    def close(self, tap: Tap) -> None:
        """Hand it nothing more; may be called twice. `settle` afterwards."""
        left = tuple(other for other in self._taps.get(tap.track_sid, ()) if other is not tap)
        if left:
            self._taps[tap.track_sid] = left
        else:
            self._taps.pop(tap.track_sid, None)

    def settle(self, receiver_of: Callable[[str], Receiver | None]) -> None:
        """Tap the receivers that the tracks come from now, and let go of all others."""
        for track_sid in self._taps.keys() | self._tapped.keys():
            receiver = receiver_of(track_sid) if track_sid in self._taps else None
            tapped = self._tapped.pop(track_sid, None)
            if tapped is not None and tapped is not receiver:
                tapped.on_frame = None
            if receiver is not None:
                self._tapped[track_sid] = receiver
                if receiver is not tapped:
                    receiver.on_frame = self._hand_out_from(receiver, track_sid)

    def _hand_out_from(self, receiver: Receiver, track_sid: str) -> FrameTaker:
        """Also asks for a keyframe until it comes: the request is one datagram, which may be lost."""

        def hand_out(frame: EncodedFrame) -> None:
            taps = self._taps.get(track_sid, ())
            for tap in taps:
                tap.hand_out(frame)
            if not all(tap.has_begun for tap in taps):
                receiver.request_keyframe()

        return hand_out
