"""What can be read only once, for picture and sound together."""

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.media.sources.support import PATIENCE, SteppingClock, collect, make_file, packets, steps
from videocli.errors import SourceError
from videocli.media.frames import Codec, MediaKind
from videocli.media.sources import demuxer as demuxing
from videocli.media.sources.demuxer import Demuxer
from videocli.media.sources.stdin import DemuxedSource, DescriptorFile, open_stdin

BOTH: tuple[MediaKind, ...] = ("video", "audio")


class Bytes:
    """A `PacketFile` of what is at hand, which stays open until it is closed, or ends by itself."""

    def __init__(self, data: bytes, seconds: float = 0.0, ends: bool = True) -> None:
        self.seconds = seconds
        self.is_closed = threading.Event()
        self.is_used_up = threading.Event()
        self._data = data
        self._ends = ends

    def read(self, size: int) -> bytes:
        data, self._data = self._data[:size], self._data[size:]
        if not data:
            self.is_used_up.set()
            if not self._ends:
                assert self.is_closed.wait(PATIENCE)
        return data

    def close(self) -> None:
        self.is_closed.set()


@pytest.fixture
def pipe() -> Iterator[tuple[int, BinaryIO]]:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb"), os.fdopen(writing, "wb", buffering=0) as file:
        yield reading, file


def both(path: Path, **options: object) -> Path:
    return make_file(path, video="libvpx", audio="libopus", **options)  # type: ignore[arg-type]


def feed(file: BinaryIO, data: bytes) -> threading.Thread:
    """Write it all, and then close."""

    def work() -> None:
        with file:
            file.write(data)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize("name", ["a.mkv", "a.ts"])
def test_picture_and_sound_come_from_one_reading(
    name: str, tmp_path: Path, pipe: tuple[int, BinaryIO]
) -> None:
    path = make_file(
        tmp_path / name,
        video="libx264",
        audio="libopus",
        options={"profile": "baseline", "preset": "ultrafast"},
    )
    reading, writing = pipe
    writer = feed(writing, path.read_bytes())
    sources = open_stdin(BOTH, reading)
    writer.join(PATIENCE)
    assert [sources[kind].preferred_codec for kind in BOTH] == [Codec.H264, Codec.OPUS]
    for kind, codec, count in (("video", Codec.H264, 25), ("audio", Codec.OPUS, 51)):
        sources[kind]._clock = SteppingClock()  # type: ignore[index]
        frames = collect(sources[kind], codec, None)  # type: ignore[index]
        assert abs(len(frames) - count) <= 1
        assert len(set(steps(frames))) == 1


def test_what_is_not_wanted_is_not_kept(tmp_path: Path) -> None:
    path = both(tmp_path / "a.mkv")
    demuxer = Demuxer("stdin", Bytes(path.read_bytes()), ["video"])
    frames = collect(DemuxedSource(demuxer, "video", SteppingClock()), Codec.VP8, None)
    assert [frame.data for frame in frames] == packets(path, "video")


def test_one_kind_goes_on_when_the_other_is_no_longer_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demuxing, "AHEAD_SECONDS", 0.2)
    path = both(tmp_path / "a.mkv", frames=75, seconds=3.0)
    demuxer = Demuxer("stdin", Bytes(path.read_bytes()), BOTH)
    sound = DemuxedSource(demuxer, "audio", SteppingClock())
    collect(sound, Codec.OPUS, 5)
    frames = collect(DemuxedSource(demuxer, "video", SteppingClock()), Codec.VP8, None)
    assert [frame.data for frame in frames] == packets(path, "video")


def test_the_file_is_closed_when_nothing_is_wanted_any_more(tmp_path: Path) -> None:
    file = Bytes(both(tmp_path / "a.mkv").read_bytes(), ends=False)
    demuxer = Demuxer("stdin", file, BOTH)
    collect(DemuxedSource(demuxer, "audio", SteppingClock()), Codec.OPUS, 5)
    assert not file.is_closed.is_set()
    collect(DemuxedSource(demuxer, "video", SteppingClock()), Codec.VP8, 5)
    assert file.is_closed.is_set()


class TestPace:
    def lag(self, path: Path, seconds: float, ends: bool) -> float:
        """How late the first frame is, where `seconds` have passed since the first byte."""
        file = Bytes(path.read_bytes(), seconds, ends)
        demuxer = Demuxer("stdin", file, BOTH)
        packet = demuxer.read("video")
        assert packet is not None
        assert file.is_used_up.wait(PATIENCE)
        lag = 100.0 - demuxer.starts_at("video", 100.0)
        for kind in BOTH:
            demuxer.close(kind)
        return lag

    def test_what_came_at_the_pace_of_life_is_late_by_what_has_gathered(self, tmp_path: Path) -> None:
        path = both(tmp_path / "a.mkv", frames=50, seconds=2.0)
        assert self.lag(path, seconds=2.0, ends=False) == pytest.approx(2.0, abs=0.3)

    def test_what_came_faster_is_not_late(self, tmp_path: Path) -> None:
        path = both(tmp_path / "a.mkv", frames=50, seconds=2.0)
        assert self.lag(path, seconds=0.1, ends=False) == 0.0

    def test_picture_and_sound_keep_step_whoever_begins_first(self, tmp_path: Path) -> None:
        file = Bytes(both(tmp_path / "a.mkv", frames=50, seconds=2.0).read_bytes())
        demuxer = Demuxer("stdin", file, BOTH)
        for kind in BOTH:
            demuxer.read(kind)
        assert file.is_used_up.wait(PATIENCE)
        assert demuxer.starts_at("audio", 100.0) == 100.0
        assert demuxer.starts_at("video", 107.0) == pytest.approx(100.0, abs=0.03)
        for kind in BOTH:
            demuxer.close(kind)

    def test_a_late_first_frame_is_sent_at_once_and_those_after_it_too_until_it_has_caught_up(
        self, tmp_path: Path
    ) -> None:
        path = both(tmp_path / "a.mkv", frames=50, seconds=2.0)
        file = Bytes(path.read_bytes(), seconds=2.0, ends=False)
        clock = SteppingClock()
        source = DemuxedSource(Demuxer("stdin", file, ["video"]), "video", clock)
        assert file.is_used_up.wait(PATIENCE)
        sent_at: list[float] = []
        frames = collect(source, Codec.VP8, 40, lambda sent: sent_at.append(clock.now))
        assert set(steps(frames)) == {3600}
        assert sent_at[-1] == 100.0


class Bursts:
    """A `PacketFile` of which each part comes at a time of its own, when it is let through."""

    def __init__(self, *parts: tuple[float, bytes]) -> None:
        self.seconds = parts[0][0]
        self.passed = 0
        """Parts that were read to their ends."""
        self._parts = list(parts)
        self._let_through = 1
        self._changed = threading.Condition()
        self._is_closed = False

    def read(self, size: int) -> bytes:
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self.passed < self._let_through, PATIENCE)
            if self._is_closed or self.passed == len(self._parts):
                return b""
            self.seconds, data = self._parts[self.passed]
            self._parts[self.passed] = (self.seconds, data[size:])
            if len(data) <= size:
                self.passed += 1
                self._changed.notify_all()
            return data[:size]

    def let_through(self, parts: int) -> None:
        """So many, and wait until they were read."""
        with self._changed:
            self._let_through = parts
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self.passed == parts, PATIENCE)

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()


class TestBursts:
    def test_what_comes_too_late_puts_off_all_that_follows_of_both_kinds_alike(self, tmp_path: Path) -> None:
        data = both(tmp_path / "a.mkv", frames=75, seconds=3.0).read_bytes()
        third = len(data) // 3
        file = Bursts((0.5, data[:third]), (2.5, data[third : 2 * third]), (3.0, data[2 * third :]))
        demuxer = Demuxer("stdin", file, BOTH)
        clock = SteppingClock()
        sources = {kind: DemuxedSource(demuxer, kind, clock) for kind in BOTH}
        for kind in BOTH:
            demuxer.read(kind)
        file.let_through(1)
        starts = [demuxer.starts_at(kind, clock.now) for kind in BOTH]
        assert starts == pytest.approx([clock.now] * 2, abs=0.03), (
            "it may be a cluster, so nothing is skipped"
        )
        assert demuxer.delay.seconds == 0.0
        file.let_through(2)
        file.let_through(3)
        assert demuxer.delay.seconds == pytest.approx(2.5 - 0.5 - 1.0 + 0.1, abs=0.3)
        for kind, codec in (("video", Codec.VP8), ("audio", Codec.OPUS)):
            sent_at: list[float] = []
            collect(sources[kind], codec, 20, lambda sent: sent_at.append(clock.now))  # noqa: B023
            assert sent_at[0] == pytest.approx(100.0 + demuxer.delay.seconds, abs=0.05)
            clock.now = 100.0


class TestRefusals:
    def refusal(self, data: bytes, kinds: Sequence[MediaKind]) -> SourceError:
        with pytest.raises(SourceError) as caught:
            Demuxer("stdin", Bytes(data), kinds)
        return caught.value

    def test_nothing_at_all(self) -> None:
        assert self.refusal(b"", BOTH).message == "'stdin' is empty"

    @pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
    def test_an_mp4_that_needs_seeking(self, name: str, tmp_path: Path) -> None:
        error = self.refusal(make_file(tmp_path / name, video="mpeg4").read_bytes(), ["video"])
        assert error.message.startswith("'stdin' is an MP4 whose index comes last")
        assert "Matroska or MPEG-TS" in error.explanation

    @pytest.mark.parametrize("flags", ["faststart", "frag_keyframe+empty_moov"])
    def test_not_an_mp4_that_can_be_read_as_it_comes(self, flags: str, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.mp4", video="mpeg4", container_options={"movflags": flags})
        demuxer = Demuxer("stdin", Bytes(path.read_bytes()), ["video"])
        assert len(collect(DemuxedSource(demuxer, "video", SteppingClock()), Codec.VP8, None)) == 25

    def test_what_is_not_media(self) -> None:
        assert self.refusal(b"no media at all\n" * 500, BOTH).message == (
            "'stdin' is not media that FFmpeg can read"
        )

    def test_without_a_kind_that_is_wanted(self, tmp_path: Path) -> None:
        data = make_file(tmp_path / "a.mkv", video="libvpx").read_bytes()
        assert self.refusal(data, BOTH).message == "'stdin' has no audio"

    def test_a_terminal(self) -> None:
        controlling, terminal = os.openpty()
        try:
            with pytest.raises(SourceError, match="stdin is a terminal"):
                open_stdin(BOTH, terminal)
        finally:
            os.close(controlling)
            os.close(terminal)


def test_a_writer_that_dies_ends_the_source(tmp_path: Path) -> None:
    path = both(tmp_path / "a.mkv", frames=50)
    whole = path.read_bytes()
    demuxer = Demuxer("stdin", Bytes(whole[: len(whole) // 2]), ["video"])
    frames = collect(DemuxedSource(demuxer, "video", SteppingClock()), Codec.VP8, None)
    assert 10 < len(frames) < 50


def test_closing_ends_a_read_that_waits(pipe: tuple[int, BinaryIO]) -> None:
    reading, writing = pipe
    file = DescriptorFile(reading)
    read: list[bytes] = []
    thread = threading.Thread(target=lambda: read.extend([file.read(10), file.read(10)]))
    thread.start()
    writing.write(b"some")
    file.close()
    thread.join(PATIENCE)
    assert read[-1] == b""
