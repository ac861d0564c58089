"""Frames as a publisher sends them, a recording's files without a room, and what is in a file."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
from av.bitstream import BitStreamFilterContext
from av.video.stream import VideoStream

from tests.media.sources.support import make_file
from videocli.media.bitstream import frame_is_keyframe
from videocli.media.frames import Codec, EncodedFrame
from videocli.media.sinks.causes import Troubles
from videocli.media.sinks.disk import Disk
from videocli.media.sinks.manifest import FileRecord, ParticipantRecord

FRAME_RATE = 25
PATIENCE = 20.0

_ENCODERS = {Codec.VP8: "libvpx", Codec.H264: "libx264", Codec.OPUS: "libopus"}
_OPTIONS = {
    Codec.VP8: {"deadline": "realtime"},
    Codec.H264: {"profile": "baseline", "bf": "0", "preset": "ultrafast"},
    Codec.OPUS: {},
}


@cache
def frames(
    codec: Codec, seconds: float = 2.0, size: tuple[int, int] = (160, 96), keyframe_every: int = 25
) -> tuple[EncodedFrame, ...]:
    """What a source of that codec sends, from timestamp 0, at 25 frames or 50 packets a second."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "frames.mkv")
        if codec is Codec.OPUS:
            make_file(path, audio=_ENCODERS[codec], seconds=seconds, layout="stereo")
        else:
            make_file(
                path,
                video=_ENCODERS[codec],
                frames=int(seconds * FRAME_RATE),
                size=size,
                keyframe_every=keyframe_every,
                options=_OPTIONS[codec],
            )
        return tuple(_read(path, codec))


def later(some: Sequence[EncodedFrame], seconds: float) -> list[EncodedFrame]:
    """The same, with timestamps as if they had been sent that much later."""
    return [
        replace(frame, timestamp=frame.timestamp + int(seconds * frame.codec.clock_rate)) for frame in some
    ]


def _read(path: Path, codec: Codec) -> Iterator[EncodedFrame]:
    step = codec.clock_rate // (50 if codec is Codec.OPUS else FRAME_RATE)
    with av.open(str(path)) as container:
        stream = container.streams[0]
        to_annex_b = BitStreamFilterContext("h264_mp4toannexb", stream) if codec is Codec.H264 else None
        number = 0
        for packet in container.demux(stream):
            for unit in to_annex_b.filter(packet) if to_annex_b else [packet]:
                if unit.size:
                    data = bytes(unit)
                    yield EncodedFrame(data, number * step, frame_is_keyframe(codec, data), codec)
                    number += 1


def captured(all_frames: Sequence[EncodedFrame], first_at: float) -> list[EncodedFrame]:
    """The frames with what a sender report would say: when they were captured, from `first_at` on."""
    return [
        replace(frame, captured_at=first_at + frame.timestamp / frame.codec.clock_rate)
        for frame in all_frames
    ]


class Stage:
    """A `Studio` whose clock is the test's: `now` is UTC, in seconds since 1970."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self.disk = disk
        self.troubles = Troubles()
        self.restarted: list[str] = []
        self.news: list[str] = []
        self.failed = asyncio.Event()
        self._directory = directory
        self._numbers: Counter[str] = Counter()

    def new_path(self, *parts: str) -> Path:
        stem = "-".join(parts)
        self._numbers[stem] += 1
        return self._directory / f"{stem}-{self._numbers[stem]}.mkv"

    def utc(self, at: float) -> datetime:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at)

    def restart(self, track_sid: str) -> None:
        self.restarted.append(track_sid)

    def file_began(self, participant: ParticipantRecord, file: FileRecord) -> None:
        self.news.append(f"{file.path} began")

    def file_ended(self, participant: ParticipantRecord, file: FileRecord) -> None:
        self.news.append(f"{file.path} ended: {file.ended_by}")

    def file_failed(self, participant: ParticipantRecord, file: FileRecord) -> None:
        self.news.append(f"{file.path} failed: {file.ended_by}")
        self.failed.set()


@contextmanager
def quiet_libav() -> Iterator[list[str]]:
    """What libav complains of, warnings and worse."""
    with av.logging.Capture() as logged:
        before = av.logging.get_level()
        av.logging.set_level(av.logging.WARNING)
        said: list[str] = []
        try:
            yield said
        finally:
            av.logging.set_level(before)
            said += [text for level, _, text in logged if level <= av.logging.WARNING]


class Played:
    """What a player finds in a file; fails where it would complain."""

    def __init__(self, path: Path) -> None:
        self.times: dict[str, list[float]] = {"audio": [], "video": []}
        self.sizes: list[tuple[int, int]] = []
        self.decoded: Counter[str] = Counter()
        self.codecs: list[str] = []
        self.profile: str | None = None
        with quiet_libav() as complaints, av.open(str(path)) as container:
            self.duration = None if container.duration is None else container.duration / 1_000_000
            for stream in container.streams:
                self.codecs.append(stream.codec_context.name)
                if isinstance(stream, VideoStream):
                    self.profile = stream.codec_context.profile
                    extra = stream.codec_context.extradata or b""
                    self.header_profile = extra[1:4].hex()
            for packet in container.demux():
                if packet.pts is not None:
                    self.times[packet.stream.type].append(float(packet.pts * packet.time_base))
                for frame in packet.decode():
                    self._count(packet.stream.type, frame)
        assert complaints == []

    def _count(self, kind: str, frame: Any) -> None:
        self.decoded[kind] += 1
        if kind == "video":
            size = frame.width, frame.height
            if size not in self.sizes:
                self.sizes.append(size)


async def all_written(disk: Disk) -> None:
    """Wait until what the disk was told so far is done."""
    done = asyncio.Event()
    disk.enqueue(0, True, lambda: disk.on_loop(done.set))
    await done.wait()


def in_loop(scene: Callable[[], Any]) -> Any:
    """Run a coroutine function, within patience."""

    async def run() -> Any:
        async with asyncio.timeout(PATIENCE):
            return await scene()

    return asyncio.run(run())


def manifest_of(directory: Path) -> dict[str, Any]:
    """`recording.json`."""
    value: dict[str, Any] = json.loads((directory / "recording.json").read_text())
    return value
