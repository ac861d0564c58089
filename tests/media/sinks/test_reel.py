"""One participant's files, from frames to what a player finds."""

import errno
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av import CodecContext, Packet, VideoFrame

from tests.media.sinks.support import Played, Stage, all_written, captured, frames, in_loop, later
from tests.media.sinks.test_disk import Dam
from videocli.media.bitstream import nals_of_frame
from videocli.media.frames import Codec, EncodedFrame
from videocli.media.sinks.causes import Cause
from videocli.media.sinks.disk import Disk
from videocli.media.sinks.manifest import FileRecord, ParticipantRecord
from videocli.media.sinks.reel import FILES_A_MINUTE, Reel
from videocli.media.sinks.timing import PublisherTime


class Take:
    """A reel of alice's, with a camera and a microphone."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self.directory = directory
        self.stage = Stage(directory, disk)
        self.person = ParticipantRecord("PA1", "alice")
        self.reel = Reel(self.stage, self.person, PublisherTime(), "alice")

    @property
    def files(self) -> list[FileRecord]:
        return self.person.files

    def add(self, *sids: str) -> None:
        for sid in sids:
            self.reel.add_track(sid, sid, "audio" if "mic" in sid else "video")

    def play(self, at: float, *tracks: tuple[str, Sequence[EncodedFrame]], delay: float = 0.0) -> float:
        """Frames arrive at their pace from `at` on, pictures later by `delay`; when it is over."""
        arrivals = sorted(
            (
                at + (frame.timestamp - some[0].timestamp) / frame.codec.clock_rate + late,
                sid,
                frame.timestamp,
                frame,
            )
            for sid, some in tracks
            for late in [delay if "cam" in sid else 0.0]
            for frame in some
        )
        for now, sid, _, frame in arrivals:
            self.reel.tick(now)
            self.reel.take(sid, frame, now)
        return arrivals[-1][0]

    def played(self) -> list[Played]:
        return [Played(self.directory / file.path) for file in self.files]


def record(directory: Path, play: Callable[[Take], object], disk: Callable[[], Disk] = Disk) -> Take:
    """Run a scene and wait for the disk."""

    async def scene() -> Take:
        take = Take(directory, disk())
        result = play(take)
        if isinstance(result, Awaitable):
            await result
        assert await take.stage.disk.close(5)
        return take

    made: Take = in_loop(scene)
    return made


PICTURES, SOUNDS = frames(Codec.VP8), frames(Codec.OPUS)


@pytest.mark.parametrize("codec", [Codec.VP8, Codec.H264])
def test_a_camera_and_a_microphone_go_into_one_file(tmp_path: Path, codec: Codec) -> None:
    def play(take: Take) -> None:
        take.add("cam", "mic")
        take.reel.finish("left", take.play(100.0, ("cam", frames(codec)), ("mic", SOUNDS)))

    take = record(tmp_path, play)
    (played,) = take.played()
    assert played.codecs == [{Codec.VP8: "vp8", Codec.H264: "h264"}[codec], "opus"]
    assert played.decoded == {"video": 50, "audio": len(SOUNDS)}
    (file,) = take.files
    assert (file.ended_by, file.started_at) == ("left", take.stage.utc(100.0))
    assert [track.gaps for track in file.tracks] == [[], []]
    assert take.stage.news == ["alice-1.mkv began", "alice-1.mkv ended: left"]


def test_sound_and_picture_are_in_step_by_the_publishers_clock(tmp_path: Path) -> None:
    def play(take: Take) -> None:
        take.add("cam", "mic")
        sounds, pictures = captured(SOUNDS, 5000.0), captured(PICTURES, 5000.5)
        unknown = [replace(frame, captured_at=None) for frame in pictures[:5]]
        tracks = ("cam", [*unknown, *pictures[5:]]), ("mic", sounds)
        take.reel.finish("left", take.play(100.0, *tracks, delay=0.7))

    (played,) = record(tmp_path, play).played()
    assert played.times["video"][0] == pytest.approx(0.5, abs=0.01)
    assert played.times["video"][-1] == pytest.approx(0.5 + 49 / 25, abs=0.01)


def test_a_file_waits_for_the_first_frames_of_all_tracks(tmp_path: Path) -> None:
    def play(take: Take) -> None:
        take.add("mic", "cam")
        at = take.play(100.0, ("mic", SOUNDS))
        take.reel.finish("left", take.play(at + 0.02, ("mic", later(SOUNDS, 2)), ("cam", PICTURES)))

    (played,) = record(tmp_path, play).played()
    assert played.decoded == {"video": 50, "audio": 2 * len(SOUNDS)}
    assert played.times["video"][0] == pytest.approx(2.02, abs=0.02)


def test_a_track_that_comes_later_begins_another_file(tmp_path: Path) -> None:
    def play(take: Take) -> None:
        take.add("mic")
        at = take.play(100.0, ("mic", SOUNDS))
        take.add("cam")
        take.reel.finish("left", take.play(at + 0.02, ("cam", PICTURES), ("mic", later(SOUNDS, 2))))

    take = record(tmp_path, play)
    first, second = take.played()
    assert (first.codecs, second.codecs) == (["opus"], ["vp8", "opus"])
    assert [file.ended_by for file in take.files] == ["another track", "left"]
    assert first.decoded["audio"] + second.decoded["audio"] == 2 * len(SOUNDS)


def test_a_track_that_comes_in_the_place_of_another_goes_on_in_its_file(tmp_path: Path) -> None:
    def play(take: Take) -> None:
        take.add("cam", "mic")
        at = take.play(100.0, ("cam", PICTURES), ("mic", SOUNDS))
        take.stage.troubles.begin(Cause.UNPUBLISHED, "cam", at)
        take.reel.remove_track("cam", at)
        at = take.play(at, ("mic", later(SOUNDS, 2)))
        take.stage.troubles.end(Cause.UNPUBLISHED, "cam", at)
        take.add("cam again")
        take.reel.finish("left", take.play(at, ("cam again", PICTURES), ("mic", later(SOUNDS, 4))))

    take = record(tmp_path, play)
    (played,) = take.played()
    assert played.decoded["video"] == 100
    video, audio = take.files[0].tracks
    assert [(each.sid, round(each.since), round(each.until or 0)) for each in video.publications] == [
        ("cam", 0, 2),
        ("cam again", 4, 6),
    ]
    assert [gap["cause"] for gap in video.gaps] == ["unpublished"]
    assert audio.gaps == []


def test_vp8_may_change_its_size_within_a_file(tmp_path: Path) -> None:
    large = later(frames(Codec.VP8, size=(320, 240)), 2)

    def play(take: Take) -> None:
        take.add("cam")
        take.reel.finish("left", take.play(100.0, ("cam", [*PICTURES, *large])))

    (played,) = record(tmp_path, play).played()
    assert played.sizes == [(160, 96), (320, 240)]
    assert played.decoded["video"] == 100


@pytest.mark.parametrize("change_at", [0.4, 2.0])
def test_h264_that_changes_its_size_begins_another_file(tmp_path: Path, change_at: float) -> None:
    count = int(change_at * 25)
    large = later(frames(Codec.H264, size=(320, 240)), change_at)

    def play(take: Take) -> None:
        take.add("cam", "mic")
        tracks = ("cam", [*frames(Codec.H264)[:count], *large]), ("mic", SOUNDS)
        take.reel.finish("left", take.play(100.0, *tracks))

    take = record(tmp_path, play)
    first, second = take.played()
    assert (first.sizes, second.sizes) == ([(160, 96)], [(320, 240)])
    assert (first.decoded["video"], second.decoded["video"]) == (count, 50)
    assert first.decoded["audio"] + second.decoded["audio"] == len(SOUNDS)
    assert [file.ended_by for file in take.files] == ["another format", "left"]


def test_a_keyframe_without_its_parameter_sets_is_followed_by_another(tmp_path: Path) -> None:
    first, *others = frames(Codec.H264)
    bare = b"".join(b"\0\0\0\1" + nal for nal in nals_of_frame(first.data) if nal[0] & 31 == 5)

    def play(take: Take) -> None:
        take.add("cam")
        take.play(100.0, ("cam", [replace(first, data=bare), *others[:10]]))
        assert take.stage.restarted == ["cam"]
        assert take.files == []
        take.reel.finish("left", take.play(101.0, ("cam", frames(Codec.H264))))

    (played,) = record(tmp_path, play).played()
    assert played.decoded["video"] == 50


def test_pictures_that_change_their_format_all_the_time_do_not_fill_the_folder(tmp_path: Path) -> None:
    sizes = [frames(Codec.H264, size=size, keyframe_every=1) for size in ((160, 96), (320, 240))]
    sent = [replace(sizes[n % 2][n % 50], timestamp=n * 3600, is_keyframe=True) for n in range(200)]

    def play(take: Take) -> None:
        take.add("cam", "mic")
        at = take.play(100.0, ("cam", sent), ("mic", SOUNDS))
        assert len(take.files) == FILES_A_MINUTE
        at = take.play(at + 60.0, ("cam", later(sent[:2], 70)))
        take.reel.finish("left", at)

    take = record(tmp_path, play)
    assert len(take.files) == FILES_A_MINUTE + 1
    *_, crowded, last = take.played()
    assert crowded.decoded["video"] > 50
    assert sum(played.decoded["audio"] for played in take.played()) == len(SOUNDS)
    assert last.decoded["video"] == 1


def test_h264_of_another_level_goes_on_in_its_file_and_every_picture_is_whole(tmp_path: Path) -> None:
    low, high = (sent_by_encoder(options) for options in ({"level": "12", "qp": "20"}, {"level": "31"}))
    sent = [*low, *later(high, 1), *later(low, 2)]

    def play(take: Take) -> None:
        take.add("cam")
        take.reel.finish("left", take.play(100.0, ("cam", sent)))

    take = record(tmp_path, play)
    assert [file.ended_by for file in take.files] == ["left"]
    assert take.played()[0].decoded["video"] == len(sent)
    seen = CodecContext.create("h264", "r")
    as_sent = [each for frame in sent for each in seen.decode(Packet(frame.data))] + seen.decode(None)
    with av.open(str(tmp_path / "alice-1.mkv")) as container:
        recorded = list(container.decode(video=0))
        container.seek(0)
        again = list(container.decode(video=0))
    for pictures in (recorded, again):
        assert [bytes(each.planes[0]) for each in pictures] == [bytes(each.planes[0]) for each in as_sent]


def sent_by_encoder(options: dict[str, str]) -> list[EncodedFrame]:
    """A second of H264, with its parameter sets in the beginning."""
    encoder: Any = CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 160, 96, "yuv420p"
    encoder.time_base, encoder.thread_count = Fraction(1, 25), 1
    encoder.options = {"profile": "baseline", "tune": "zerolatency", **options}
    sent = []
    for number in range(25):
        picture = VideoFrame(160, 96, "yuv420p")
        for index, plane in enumerate(picture.planes):
            plane.update(bytes((at * (index + 1) + number * 5) & 255 for at in range(plane.buffer_size)))
        picture.pts, picture.time_base = number, encoder.time_base
        (packet,) = encoder.encode(picture)
        sent.append(EncodedFrame(bytes(packet), number * 3600, number == 0, Codec.H264))
    return sent


def test_another_track_asks_the_pictures_for_a_keyframe(tmp_path: Path) -> None:
    def play(take: Take) -> None:
        take.add("cam")
        at = take.play(100.0, ("cam", PICTURES[:30]))
        take.add("mic")
        take.reel.finish("left", take.play(at, ("mic", SOUNDS), ("cam", PICTURES[30:])))
        assert take.stage.restarted == ["cam"]

    take = record(tmp_path, play)
    _, second = take.played()
    assert second.decoded["audio"] == len(SOUNDS)


def test_a_short_visit_is_recorded_too(tmp_path: Path) -> None:
    def play(take: Take) -> None:
        take.add("mic")
        at = take.play(100.0, ("mic", SOUNDS[:10]))
        take.reel.remove_track("mic", at)
        take.reel.finish("left", at)

    (played,) = record(tmp_path, play).played()
    assert played.decoded["audio"] == 10


def test_nothing_came_no_file(tmp_path: Path) -> None:
    def play(take: Take) -> None:
        take.add("mic")
        take.reel.tick(105.0)
        take.reel.finish("left", 110.0)

    assert record(tmp_path, play).files == []


@pytest.mark.parametrize(("cause", "subject"), [(Cause.MEDIA_OUTAGE, None), (Cause.MUTE, "mic")])
def test_a_gap_is_listed_with_its_cause(tmp_path: Path, cause: Cause, subject: str | None) -> None:
    def play(take: Take) -> None:
        take.add("mic")
        at = take.play(100.0, ("mic", SOUNDS[:60]))
        take.stage.troubles.begin(cause, subject, at + 1)
        take.stage.troubles.end(cause, subject, at + 3)
        take.reel.finish("left", take.play(at + 3.2, ("mic", SOUNDS[:60])))

    take = record(tmp_path, play)
    (gap,) = take.files[0].tracks[0].gaps
    assert gap == {"from": 1.18, "to": pytest.approx(4.38, abs=0.01), "cause": cause.value}
    (played,) = take.played()
    assert played.times["audio"][-1] == pytest.approx(4.38 + 1.18 - 0.0065, abs=0.01)


def slow(interval: float) -> list[EncodedFrame]:
    """20 keyframes, so many seconds apart."""
    return [later(PICTURES[:1], n * interval)[0] for n in range(20)]


@pytest.mark.parametrize("interval", [1.0, 1.04, 2.0])
def test_slow_pictures_are_no_gaps(tmp_path: Path, interval: float) -> None:
    def play(take: Take) -> None:
        take.add("cam")
        take.reel.finish("left", take.play(100.0, ("cam", slow(interval))))

    assert record(tmp_path, play).files[0].tracks[0].gaps == []


def test_only_what_is_known_to_be_missing_is_loss(tmp_path: Path) -> None:
    pictures = slow(1.0)
    del pictures[15:19], pictures[10]
    pictures[10] = replace(pictures[10], is_after_loss=True)

    def play(take: Take) -> None:
        take.add("cam")
        take.reel.finish("left", take.play(100.0, ("cam", pictures)))

    assert record(tmp_path, play).files[0].tracks[0].gaps == [
        {"from": 9.0, "to": 11.0, "cause": "loss"},
        {"from": 14.0, "to": 19.0, "cause": "nothing came"},
    ]


def test_what_a_slow_disk_drops_is_counted_and_pictures_go_on_with_a_keyframe(tmp_path: Path) -> None:
    dam = Dam()

    def play(take: Take) -> None:
        take.add("cam")
        at = take.play(100.0, ("cam", PICTURES))
        take.play(at + 0.04, ("cam", later(PICTURES, 2)))
        assert set(take.stage.restarted) == {"cam"}
        dam.opened.set()
        take.reel.finish("left", at + 2)

    size = sum(len(frame.data) for frame in PICTURES[:25])
    take = record(tmp_path, play, lambda: Disk(dam.write, waiting_bytes=size + 2000))
    (played,) = take.played()
    (track,) = take.files[0].tracks
    assert track.dropped > 0
    assert track.frames + track.dropped == 100
    assert played.decoded["video"] == track.frames
    assert {gap["cause"] for gap in track.gaps} <= {"slow disk"}


def test_a_full_disk_ends_the_file_but_not_what_is_in_it(tmp_path: Path) -> None:
    room = [4000]

    def write(descriptor: int, data: memoryview) -> int:
        if len(data) > room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        room[0] -= len(data)
        return os.write(descriptor, data)

    async def play(take: Take) -> None:
        take.add("cam", "mic")
        at = take.play(100.0, ("cam", PICTURES), ("mic", SOUNDS))
        await take.stage.failed.wait()
        take.play(at, ("cam", later(PICTURES, 2)), ("mic", later(SOUNDS, 2)))
        take.reel.finish("left", at + 2)

    room[0] = 2000 + sum(len(each.data) + 10 for each in (*PICTURES[:25], *SOUNDS[:51]))
    take = record(tmp_path, play, lambda: Disk(write))
    assert take.stage.news == ["alice-1.mkv began", "alice-1.mkv failed: No space left on device"]
    (played,) = take.played()
    assert 20 < played.decoded["video"] < 50
    (file,) = take.files
    assert file.ended_by == "No space left on device"
    assert file.size == (tmp_path / "alice-1.mkv").stat().st_size
    assert file.duration == pytest.approx(max(played.times["video"]), abs=0.04)


def test_a_file_that_is_removed_is_followed_by_another(tmp_path: Path) -> None:
    async def play(take: Take) -> None:
        take.add("cam", "mic")
        at = take.play(100.0, ("cam", PICTURES), ("mic", SOUNDS))
        await all_written(take.stage.disk)
        (tmp_path / "alice-1.mkv").unlink()
        take.reel.tick(at + 1)
        await take.stage.failed.wait()
        assert take.stage.restarted == ["cam"]
        tracks = ("cam", later(PICTURES, 2)), ("mic", later(SOUNDS, 2))
        take.reel.finish("left", take.play(at, *tracks))

    take = record(tmp_path, play)
    gone, there = take.files
    assert (gone.ended_by, gone.is_removed, gone.size, gone.duration) == ("it was removed", True, 0, 0.0)
    assert there.ended_by == "left"
    assert Played(tmp_path / "alice-2.mkv").decoded == {"video": 50, "audio": len(SOUNDS)}


def test_a_file_is_playable_while_it_is_written(tmp_path: Path) -> None:
    async def play(take: Take) -> None:
        take.add("cam", "mic")
        at = take.play(100.0, ("cam", PICTURES), ("mic", SOUNDS))
        await all_written(take.stage.disk)
        assert Played(tmp_path / "alice-1.mkv").decoded["video"] >= 25
        take.reel.finish("left", at)

    record(tmp_path, play)


def test_a_publisher_that_falls_silent_is_on_the_disk_soon(tmp_path: Path) -> None:
    async def play(take: Take) -> None:
        take.add("mic", "cam")
        take.reel.take("mic", SOUNDS[0], 100.0)
        for tenths in range(42):
            take.reel.tick(100 + tenths / 10)
        await all_written(take.stage.disk)
        assert Played(tmp_path / "alice-1.mkv").decoded["audio"] == 1

    record(tmp_path, play)
