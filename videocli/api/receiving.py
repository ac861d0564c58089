"""What a script receives of remote tracks: frames as they are, or decoded."""

from collections.abc import Callable
from typing import Any

from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from videocli.api import arguments
from videocli.api.decoding import Decoder
from videocli.api.stream import Ending, Stream
from videocli.engine import events as ev
from videocli.engine.taps import FrameTaker
from videocli.media.frames import EncodedFrame

Tap = Callable[[str, FrameTaker], Callable[[], None]]
"""Hands the frames of the track with this SID to a taker, until the result is called."""


class Receiving:
    """The streams of remote tracks. They end with the subscription."""

    def __init__(self, tap: Tap, ending: Ending) -> None:
        self._tap = tap
        self._ending = ending
        self._streams: dict[Stream[Any], str] = {}
        """With the SID of its track."""

    def frames(self, track: ev.Track | str, limit: int) -> Stream[EncodedFrame]:
        """The frames of a track as they come."""
        sid = _sid_of(track)
        stream: Stream[EncodedFrame] = Stream(limit, self._ending)
        self._open(stream, sid, stream.put)
        return stream

    def decoded(self, track: ev.Track | str, limit: int) -> Stream[VideoFrame | AudioFrame]:
        """The pictures or the sound of a track."""
        sid = _sid_of(track)
        stream: Stream[VideoFrame | AudioFrame] = Stream(limit, self._ending)
        decoder = Decoder(stream.put, stream.lose, lambda: self._ask_for_keyframe(sid))
        stream.at_end(decoder.close)
        self._open(stream, sid, decoder.take)
        return stream

    def tell(self, event: ev.Event) -> None:
        """An event happened in the room."""
        if isinstance(event, ev.TrackUnsubscribed):
            for stream in [stream for stream, sid in self._streams.items() if sid == event.track.sid]:
                stream.end()

    def end(self) -> None:
        """The room is over: every stream ends."""
        for stream in list(self._streams):
            stream.end()

    def _ask_for_keyframe(self, sid: str) -> None:
        """A tap more asks for one, and need not stay."""
        self._tap(sid, lambda frame: None)()

    def _open(self, stream: Stream[Any], sid: str, take: FrameTaker) -> None:
        if self._ending.is_over:
            stream.end()
            return
        self._streams[stream] = sid
        stream.at_end(lambda: self._streams.pop(stream, None))
        stream.at_end(self._tap(sid, take))


def _sid_of(track: ev.Track | str) -> str:
    track = arguments.track(track)
    sid = track if isinstance(track, str) else track.sid
    if sid is None:
        raise ValueError("the track has no SID: it is one of ours, and not confirmed yet")
    return sid
