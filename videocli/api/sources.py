"""Sources that a script writes to: encoded frames, pictures, sound."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from videocli.api.pictures import (
    PACKET_SECONDS,
    PacketCutter,
    Size,
    checked_frame_rate,
    checked_size,
    to_picture,
)
from videocli.engine.track_errors import published_twice
from videocli.errors import SourceError, VideoError
from videocli.media.frames import Codec, EncodedFrame, MediaKind, check_frame
from videocli.media.sources.encode import OPUS_SAMPLES, OpusEncoder, VideoEncoder
from videocli.media.sources.maker_thread import MakerThread

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

Send = Callable[[EncodedFrame], None]

AHEAD_SECONDS = 0.04
"""How long before it is due sound may be sent, so that a script need not be punctual."""
LATE_SECONDS = 0.2
"""Sound that is written later than this leaves a silence, and is not hurried after."""


class WrittenSource:
    """`Source` of what a script writes. It is one track's, in one room: publish it once.

    Everything is called on the loop's thread.
    """

    def __init__(self, kind: MediaKind) -> None:
        self._kind: MediaKind = kind
        self._news = asyncio.Event()
        """The track is being sent, or over."""
        self._over = asyncio.Event()
        self._reason: VideoError | None = None
        self._failure: SourceError | None = None
        self._was_run = False
        self.was_published = False
        """Whoever publishes it says so: it cannot be again, in whatever room."""

    @property
    def kind(self) -> MediaKind:
        return self._kind

    @property
    def is_over(self) -> bool:
        """Whether the track has ended; writing raises then."""
        return self._over.is_set()

    def end(self, reason: VideoError | None = None) -> None:
        """The track is over, and is unpublished. Writing then raises `reason`; the first one counts."""
        if not self.is_over:
            self._reason = reason
            self._over.set()
            self._news.set()

    def request_keyframe(self) -> None:
        """As `Source` says."""

    def _begin(self) -> None:
        if self._was_run:
            raise published_twice()
        self._was_run = True

    async def _until_over(self) -> None:
        await self._over.wait()
        if self._failure is not None:
            raise self._failure

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self.is_over:
            raise self._reason or SourceError(
                message="The track is no longer published", explanation="Publish a new source."
            )


class EncodedSource(WrittenSource):
    """Publishes frames that are encoded already, each at once, as they are."""

    def __init__(self, codec: Codec, on_keyframe_request: Callable[[], object] = lambda: None) -> None:
        """`on_keyframe_request` is called when somebody needs a keyframe (PLI, FIR).

        Raises `ValueError` for what is no codec.
        """
        self.codec = Codec(codec)
        super().__init__(self.codec.kind)
        self.on_keyframe_request = on_keyframe_request
        self.dropped = 0
        """Frames that came before the track was sent."""
        self._send: Send | None = None

    @property
    def preferred_codec(self) -> Codec:
        """What it has to be given where it was negotiated."""
        return self.codec

    def send(self, frame: EncodedFrame) -> None:
        """Send a frame, its timestamp in units of `codec.clock_rate`.

        Raises `TypeError` for what is no frame, and `ValueError` for another codec, or for an Opus packet of
        more than 1,300 bytes, which no RTP packet carries; the track goes on. Raises `VideoError` after the
        end.
        """
        self._check()
        check_frame(frame)
        if frame.codec is not self.codec:
            raise ValueError(f"{frame.codec} is not {self.codec}")
        if self._send is None:
            self.dropped += 1
        else:
            self._send(frame)

    def request_keyframe(self) -> None:
        """Tell the script."""
        self.on_keyframe_request()

    async def run(self, codec: Codec, send: Send) -> None:
        """As `Source` says. Raises `SourceError` when the room negotiated another codec."""
        self._begin()
        try:
            if codec is not self.codec:
                raise SourceError(
                    message=f"The room takes {codec}, not {self.codec}",
                    explanation=f"Publish {codec}, or pictures for videocli to encode.",
                )
            self._send = send
            await self._until_over()
        finally:
            self._send = None
            self.end()


F = TypeVar("F")
_Encode = Callable[[F, int, bool], EncodedFrame | None]
"""Encodes a frame with a timestamp, perhaps as a keyframe; None: the encoder leaves it out."""


class _EncodingSource(WrittenSource, ABC, Generic[F]):
    """Encodes what is written, on a thread while the track is sent."""

    def __init__(self, kind: MediaKind) -> None:
        super().__init__(kind)
        self._writing = asyncio.Lock()
        self._line: _Line[F] | None = None

    @abstractmethod
    def _encoder(self, codec: Codec) -> "_Encode[F]":
        """An encoder, to be used on one thread."""

    async def run(self, codec: Codec, send: Send) -> None:
        """As `Source` says."""
        self._begin()
        self._line = line = _Line(codec, send, self._encoder(codec))
        self._news.set()
        try:
            await self._until_over()
        finally:
            self.end()
            await line.close()

    async def _ready(self) -> "_Line[F]":
        """Wait until the track is sent. Raises why it is not any more."""
        await self._news.wait()
        self._check()
        assert self._line is not None, "it has begun and is not over"
        return self._line

    async def _encode(self, frame: F, timestamp: int, keyframe: bool) -> None:
        line = await self._ready()
        try:
            await line.send(frame, timestamp, keyframe)
        except SourceError as failure:
            self._failure = failure
            self.end()
            raise


class VideoSource(_EncodingSource[VideoFrame]):
    """Publishes pictures that a script makes, at most `frame_rate` a second."""

    def __init__(self, frame_rate: int = 30, size: Size | None = None) -> None:
        """`size` is that of pictures that come as flat bytes. Raises `TypeError` and `ValueError`."""
        super().__init__("video")
        self._frame_rate = checked_frame_rate(frame_rate)
        self._size = None if size is None else checked_size(size)
        self._next_at = 0.0
        self._wants_keyframe = True

    async def write(self, picture: "VideoFrame | ReadableBuffer") -> None:
        """Send a picture as soon as it is due; so a loop that draws and writes runs at the frame rate.

        Waits until the track is sent. `to_picture` says what may be written; do not change it meanwhile.
        Raises `ValueError` for what is no picture; once the track is over, the `VideoError` that ended the
        room, or else a `SourceError`.
        """
        frame = to_picture(picture, self._size)
        async with self._writing:
            line = await self._ready()
            loop = asyncio.get_running_loop()
            await asyncio.sleep(max(self._next_at - loop.time(), 0.0))
            now = loop.time()
            self._next_at = max(self._next_at, now - 1 / self._frame_rate) + 1 / self._frame_rate
            keyframe, self._wants_keyframe = self._wants_keyframe, False
            try:
                await self._encode(frame, round((now - line.began_at) * line.codec.clock_rate), keyframe)
            except asyncio.CancelledError:
                # The encoder goes on from a picture that nobody is sent.
                self._wants_keyframe = True
                raise

    def request_keyframe(self) -> None:
        """Make the next picture a keyframe."""
        self._wants_keyframe = True

    def _encoder(self, codec: Codec) -> "_Encode[VideoFrame]":
        return _PictureEncoder(codec, self._frame_rate).encode


class AudioSource(_EncodingSource[AudioFrame]):
    """Publishes sound that a script makes: PCM, channels in turn."""

    def __init__(self, rate: int = Codec.OPUS.clock_rate, channels: int = 1) -> None:
        """`rate` in Hz; what is not 48 kHz is resampled."""
        super().__init__("audio")
        self._channels = channels
        self._cutter = PacketCutter(rate, channels)
        self._next = 0
        """The number of the next packet; each is due 20 ms after the one before."""

    async def write(self, sound: "AudioFrame | ReadableBuffer") -> None:
        """Send sound at its pace; returns once it is sent, but for what is less than a packet of 20 ms.

        Waits until the track is sent. After a pause the sound goes on where the clock is. `PacketCutter.cut`
        says what may be written. Raises as `VideoSource.write` does.
        """
        async with self._writing:
            packets = self._cutter.cut(sound)
            line = await self._ready()
            loop = asyncio.get_running_loop()
            for packet in packets:
                late = loop.time() - line.began_at - self._next * PACKET_SECONDS
                if late > LATE_SECONDS:
                    self._next += int(late / PACKET_SECONDS)
                await asyncio.sleep(max(-late - AHEAD_SECONDS, 0.0))
                self._next += 1
                await self._encode(packet, (self._next - 1) * OPUS_SAMPLES, False)

    def _encoder(self, codec: Codec) -> "_Encode[AudioFrame]":
        return _SoundEncoder(self._channels).encode


class _Line(Generic[F]):
    """An encoder, run on a thread of its own, and where its frames go."""

    def __init__(self, codec: Codec, send: Send, encode: _Encode[F]) -> None:
        self.codec = codec
        self.began_at = asyncio.get_running_loop().time()
        self._send = send
        self._thread = MakerThread(lambda: self._desk, name="videocli-written-source")
        self._desk = _Desk(encode)

    async def send(self, frame: F, timestamp: int, keyframe: bool) -> None:
        """Encode a frame and send it, unless the encoder leaves it out. Raises `SourceError`."""
        self._desk.handed_over.append((frame, timestamp))
        encoded = await self._thread.next(0.0, keyframe)
        if encoded is not None:
            self._send(encoded)

    async def close(self) -> None:
        """End the thread."""
        await self._thread.close()


class _Desk(Generic[F]):
    """`FrameMaker` of the frames that are put on it, one each time; nobody may wait for some any more."""

    def __init__(self, encode: _Encode[F]) -> None:
        self.handed_over: deque[tuple[F, int]] = deque()
        self._encode = encode

    @property
    def ahead(self) -> int:
        """There is nothing to make frames of before they are written."""
        return 1

    def next(self, elapsed: float, wants_keyframe: bool) -> EncodedFrame | None:
        """Encode the first."""
        frame, timestamp = self.handed_over.popleft()
        return self._encode(frame, timestamp, wants_keyframe)

    def close(self) -> None:
        """Encoders need no closing."""


class _PictureEncoder:
    def __init__(self, codec: Codec, frame_rate: int) -> None:
        self._codec = codec
        self._frame_rate = frame_rate
        self._encoder: VideoEncoder | None = None
        self._size: Size | None = None

    def encode(self, picture: VideoFrame, timestamp: int, keyframe: bool) -> EncodedFrame | None:
        size = picture.width, picture.height
        if self._encoder is None or size != self._size:
            self._encoder = VideoEncoder(self._codec, *size, self._frame_rate)
            self._size = size
        return self._encoder.encode(picture, timestamp, keyframe)


class _SoundEncoder:
    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._encoder: OpusEncoder | None = None

    def encode(self, sound: AudioFrame, timestamp: int, keyframe: bool) -> EncodedFrame:
        self._encoder = self._encoder or OpusEncoder(self._channels)
        return self._encoder.encode(sound, timestamp)
