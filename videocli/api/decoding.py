"""Decodes what is received, on a thread beside the loop, for scripts that look and listen."""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction

from av import error as averror
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.codec.context import CodecContext
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from videocli.media.frames import Codec, EncodedFrame
from videocli.tasks import call_on

MAX_UNDECODED = 120
"""Frames that may wait for the decoder; if it is slower, it goes on at the next keyframe."""

Context = VideoCodecContext | AudioCodecContext

_DECODERS = {Codec.VP8: "vp8", Codec.H264: "h264", Codec.OPUS: "libopus"}


class Decoder:
    """Decodes one track: pictures as FFmpeg gives them, sound as s16 stereo at 48 kHz.

    `deliver` is called on the loop's thread. `pts` of what it gets is the RTP timestamp, in `time_base`.
    """

    def __init__(self, deliver: Callable[[VideoFrame | AudioFrame], None], lose: Callable[[], None]) -> None:
        """`lose` is called for each frame that was left out because the decoder was slow, or damaged."""
        self._deliver = deliver
        self._lose = lose
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
        else:
            self._waiting.put(frame)

    def close(self) -> None:
        """End the thread; nothing is delivered any more."""
        self._deliver = lambda decoded: None
        self._waiting.put(None)

    def _work(self) -> None:
        codec: Codec | None = None
        context: Context | None = None
        while (frame := self._waiting.get()) is not None:
            if context is None or frame.codec is not codec:
                codec, context = frame.codec, _context(frame.codec)
            try:
                for decoded in _decode(context, frame):
                    call_on(self._loop, self._hand_over, decoded)
            except averror.FFmpegError:
                call_on(self._loop, self._lose)

    def _hand_over(self, decoded: VideoFrame | AudioFrame) -> None:
        self._deliver(decoded)


def _context(codec: Codec) -> Context:
    context = CodecContext.create(_DECODERS[codec], "r")
    assert isinstance(context, Context)
    context.thread_count = 1
    if isinstance(context, AudioCodecContext):
        context.sample_rate = codec.clock_rate
        context.layout = "stereo"
        context.format = "s16"
    return context


def _decode(context: Context, frame: EncodedFrame) -> Iterator[VideoFrame | AudioFrame]:
    packet = Packet(frame.data)
    packet.pts = packet.dts = frame.timestamp
    packet.time_base = Fraction(1, frame.codec.clock_rate)
    for decoded in context.decode(packet):
        if isinstance(decoded, VideoFrame | AudioFrame):
            decoded.pts = frame.timestamp
            decoded.time_base = packet.time_base
            yield decoded
