"""Decodes what is received, on a thread beside the loop, for scripts that look and listen."""

import asyncio
import queue
import threading
from collections.abc import Callable

from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from videocli.media.frames import Codec, EncodedFrame
from videocli.media.sinks.decoder import Decoder as FrameDecoder
from videocli.tasks import call_on

MAX_UNDECODED = 120
"""Frames that may wait for the decoder; if it is slower, it goes on at the next keyframe."""


class Decoder:
    """Decodes one track: pictures as FFmpeg gives them, sound as s16 stereo at 48 kHz.

    `deliver` is called on the loop's thread. `pts` of what it gets is the RTP timestamp, in `time_base`.
    """

    def __init__(
        self,
        deliver: Callable[[VideoFrame | AudioFrame], None],
        lose: Callable[[], None],
        ask: Callable[[], None],
    ) -> None:
        """`lose` is called for each frame that is left out: the decoder was slow, or cannot decode it.

        `ask` is to ask for a keyframe; it is called for each frame that is left out until one comes.
        """
        self._deliver = deliver
        self._lose = lose
        self._ask = ask
        self._loop = asyncio.get_running_loop()
        self._waiting: queue.SimpleQueue[EncodedFrame | None] = queue.SimpleQueue()
        self._waits_for_keyframe = False
        threading.Thread(target=self._work, name="videocli-decoder", daemon=True).start()

    def take(self, frame: EncodedFrame) -> None:
        """Decode a frame; never blocks."""
        if self._waiting.qsize() >= MAX_UNDECODED:
            self._waits_for_keyframe = True
        elif frame.is_keyframe or frame.codec is Codec.OPUS:
            self._waits_for_keyframe = False
        if self._waits_for_keyframe:
            self._lose()
            self._ask()
        else:
            self._waiting.put(frame)

    def close(self) -> None:
        """End the thread; nothing is delivered any more."""
        self._deliver = lambda decoded: None
        self._waiting.put(None)

    def _work(self) -> None:
        decoder = FrameDecoder(lose=lambda: call_on(self._loop, self._undecodable))
        while (frame := self._waiting.get()) is not None:
            for decoded in decoder.decode(frame):
                call_on(self._loop, self._hand_over, decoded)

    def _undecodable(self) -> None:
        """Nor can what builds on it be decoded: go on at the next keyframe."""
        self._waits_for_keyframe = True
        self._lose()

    def _hand_over(self, decoded: VideoFrame | AudioFrame) -> None:
        self._deliver(decoded)
