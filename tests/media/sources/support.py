"""A clock that never waits, files made by FFmpeg, and what comes out of a source."""

import asyncio
import bisect
import math
import threading
from array import array
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container.output import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from videocli.media.frames import Codec, EncodedFrame, MediaKind, Source

PATIENCE = 20.0
"""Seconds after which a test gives up; nothing here takes nearly as long."""

_DECODERS = {Codec.VP8: "vp8", Codec.H264: "h264", Codec.OPUS: "libopus"}


class SteppingAlarm:
    """A call that a `SteppingClock` makes when it passes its time."""

    def __init__(self, at: float, call: Callable[[], None], alarms: "list[SteppingAlarm]") -> None:
        self.at = at
        self.call = call
        self._alarms = alarms

    def cancel(self) -> None:
        if self in self._alarms:
            self._alarms.remove(self)


class SteppingClock:
    """Time passes only by waiting, and then at once."""

    def __init__(self) -> None:
        self.now = 100.0
        self._alarms: list[SteppingAlarm] = []

    def time(self) -> float:
        return self.now

    def call_at(self, at: float, call: Callable[[], None]) -> SteppingAlarm:
        alarm = SteppingAlarm(at, call, self._alarms)
        bisect.insort(self._alarms, alarm, key=lambda other: other.at)
        return alarm

    async def sleep_until(self, at: float) -> None:
        while self._alarms and self._alarms[0].at <= at:
            alarm = self._alarms.pop(0)
            self.now = max(self.now, alarm.at)
            alarm.call()
            await asyncio.sleep(0)
        self.now = max(self.now, at)
        await asyncio.sleep(0)


def collect(
    source: Source,
    codec: Codec,
    count: int | None,
    after: Callable[[int], None] = lambda sent: None,
) -> list[EncodedFrame]:
    """Run a source until it has sent so many frames (None: until it ends), then cancel it.

    `after` is called with the number of frames sent so far, after each. Its thread must be gone then.
    """
    frames: list[EncodedFrame] = []

    async def run() -> None:
        enough = asyncio.Event()

        def send(frame: EncodedFrame) -> None:
            if count is None or len(frames) < count:
                frames.append(frame)
                after(len(frames))
            if len(frames) == count:
                enough.set()

        async with asyncio.timeout(PATIENCE):
            running = asyncio.create_task(source.run(codec, send))
            waiting = asyncio.create_task(enough.wait())
            await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            ended = running.done()
            running.cancel()
            await asyncio.wait([running])
            if ended:
                running.result()

    asyncio.run(run())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("videocli-")]
    return frames


def decode(frames: list[EncodedFrame]) -> list[Any]:
    """The pictures or sounds in encoded frames."""
    context: Any = av.CodecContext.create(_DECODERS[frames[0].codec], "r")
    decoded: list[Any] = []
    for frame in frames:
        packet = av.Packet(frame.data)
        packet.pts = packet.dts = frame.timestamp
        packet.time_base = Fraction(1, frame.codec.clock_rate)
        decoded += context.decode(packet)
    decoded += context.decode(None)
    return decoded


def samples(frames: list[EncodedFrame]) -> "array[int]":
    """The first channel of what Opus packets decode to, at 48 kHz, without the decoder's run-in."""
    resampler = av.AudioResampler("s16", "mono", 48_000)
    found = array("h")
    for sound in decode(frames):
        for piece in resampler.resample(sound):
            found.frombytes(bytes(piece.planes[0])[: 2 * piece.samples])
    return found[4_800:]


def frequency(sound: "array[int]") -> float:
    """Hertz, by counting where the sound goes up through zero."""
    ups = [n for n in range(1, len(sound)) if sound[n - 1] < 0 <= sound[n]]
    return 48_000 * (len(ups) - 1) / (ups[-1] - ups[0])


def picture(number: int, width: int, height: int) -> VideoFrame:
    """A picture whose brightness tells its number."""
    frame = VideoFrame(width, height, "yuv420p")
    for plane, value in zip(frame.planes, (40 + 6 * (number % 30), 90, 160), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    return frame


def sine(samples_count: int, start: int, rate: int, layout: str = "mono") -> AudioFrame:
    """A sine of 500 Hz as s16."""
    sound = AudioFrame("s16", layout, samples_count)
    sound.sample_rate = rate
    channels = len(sound.layout.channels)
    values = array("h")
    for n in range(start, start + samples_count):
        values.extend([round(9000 * math.sin(2 * math.pi * 500 * n / rate))] * channels)
    sound.planes[0].update(values.tobytes())
    sound.pts = start
    sound.time_base = Fraction(1, rate)
    return sound


def make_file(
    path: Path,
    *,
    video: str | None = None,
    audio: str | None = None,
    frames: int = 25,
    size: tuple[int, int] = (160, 96),
    keyframe_every: int = 5,
    seconds: float = 1.0,
    rate: int = 48_000,
    layout: str = "mono",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    frame_rate: int = 25,
    audio_options: dict[str, str] | None = None,
) -> Path:
    """A file with a video stream and an audio stream, as far as encoders are named."""
    with av.open(str(path), "w", options=container_options or {}) as container:
        pictures = container.add_stream(video, rate=frame_rate, options=options or {}) if video else None
        sound = container.add_stream(audio, rate=rate, options=audio_options or {}) if audio else None
        if isinstance(pictures, VideoStream):
            pictures.width, pictures.height = size
            pictures.pix_fmt = "rgb24" if video == "png" else "yuv420p"
            pictures.codec_context.gop_size = keyframe_every
            pictures.codec_context.thread_count = 1
        if isinstance(sound, AudioStream):
            sound.layout = layout
        if isinstance(pictures, VideoStream):
            for number in range(frames):
                frame = picture(number, *size).reformat(format=pictures.pix_fmt)
                frame.pts, frame.time_base = number, Fraction(1, frame_rate)
                container.mux(pictures.encode(frame))
            container.mux(pictures.encode(None))
        if isinstance(sound, AudioStream):
            _encode_sine(container, sound, int(seconds * rate))
    return path


def _encode_sine(container: OutputContainer, stream: AudioStream, count: int) -> None:
    resampler = av.AudioResampler(stream.format, stream.layout, stream.rate)
    fifo = av.AudioFifo()
    for piece in resampler.resample(sine(count, 0, stream.rate, stream.layout.name)):
        fifo.write(piece)
    while (chunk := fifo.read(stream.frame_size or 960, partial=True)) is not None:
        container.mux(stream.encode(chunk))
    container.mux(stream.encode(None))


def packets(path: Path, kind: MediaKind) -> list[bytes]:
    """The packets of a file's stream, as they lie there."""
    with av.open(str(path)) as container:
        stream = container.streams.best(kind)
        return [bytes(packet) for packet in container.demux(stream) if packet.size]


def steps(frames: list[EncodedFrame]) -> list[int]:
    """The distances of the timestamps."""
    times = [frame.timestamp for frame in frames]
    return [after - before for before, after in pairwise(times)]
