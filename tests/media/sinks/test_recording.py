"""A whole recording: files, manifest, and what is told of them."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.media.sinks.support import Played, all_written, frames, in_loop, manifest_of
from videocli.media.frames import Codec, EncodedFrame
from videocli.media.sinks.causes import Cause
from videocli.media.sinks.disk import Disk
from videocli.media.sinks.recording import FileNews, RecordBy, Recording, prepare

PICTURES, SOUNDS = frames(Codec.VP8), frames(Codec.OPUS)
ALICE, BOB = ("PA1", "alice"), ("PA2", "b/ob")


def record(
    directory: Path,
    scene: Callable[[Recording, list[FileNews]], Awaitable[None]],
    by: RecordBy = "participant",
) -> dict[str, Any]:
    """Play a scene; the manifest at the end."""

    async def play() -> None:
        news: list[FileNews] = []
        recording = Recording(
            directory,
            by,
            disk=Disk(),
            utcnow=lambda: datetime(2026, 11, 27, tzinfo=UTC),
            restart=lambda sid: None,
            tell=news.append,
        )
        await scene(recording, news)
        assert await recording.close("we left")

    prepare(directory)
    in_loop(play)
    return manifest_of(directory)


def begin(recording: Recording, participant: tuple[str, str], *kinds: str) -> None:
    for kind in kinds:
        recording.track_began(
            participant, f"{participant[1]}-{kind}", kind, "audio" if kind == "mic" else "video"
        )


def feed(recording: Recording, participant: tuple[str, str]) -> None:
    for sid, some in ((f"{participant[1]}-cam", PICTURES), (f"{participant[1]}-mic", SOUNDS)):
        for frame in some:
            recording.take(participant[0], sid, frame)


async def two_people(recording: Recording, news: list[FileNews]) -> None:
    recording.joined("RM1", "standup", "recorder")
    for person in (ALICE, BOB):
        begin(recording, person, "cam", "mic")
        feed(recording, person)
    recording.participant_left("PA1", "left")


def test_each_participant_has_a_file(tmp_path: Path) -> None:
    manifest = record(tmp_path, two_people)
    assert manifest["room"] == {"sid": "RM1", "name": "standup"}
    assert (manifest["recordedBy"], manifest["endedAt"]) == ("recorder", "2026-11-27T00:00:00.000Z")
    alice, bob = manifest["participants"]
    assert [(file["path"], file["endedBy"]) for file in alice["files"]] == [("alice-1.mkv", "left")]
    assert [(file["path"], file["endedBy"]) for file in bob["files"]] == [("b_ob-1.mkv", "we left")]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "alice-1.mkv",
        "b_ob-1.mkv",
        "recording.json",
    ]
    for file in (*alice["files"], *bob["files"]):
        assert Played(tmp_path / file["path"]).codecs == ["vp8", "opus"]
        assert file["bytes"] == (tmp_path / file["path"]).stat().st_size


def test_each_track_has_a_file(tmp_path: Path) -> None:
    manifest = record(tmp_path, two_people, "track")
    files = [[file["path"] for file in person["files"]] for person in manifest["participants"]]
    assert files == [["alice-cam-1.mkv", "alice-mic-1.mkv"], ["b_ob-cam-1.mkv", "b_ob-mic-1.mkv"]]
    assert Played(tmp_path / "alice-mic-1.mkv").codecs == ["opus"]
    assert Played(tmp_path / "alice-cam-1.mkv").decoded["video"] == 50


def test_what_becomes_of_files_is_told(tmp_path: Path) -> None:
    told: list[FileNews] = []

    async def scene(recording: Recording, news: list[FileNews]) -> None:
        await two_people(recording, news)
        told.extend(news)

    record(tmp_path, scene)
    assert [(news.path.name, news.fate, news.why) for news in told] == [
        ("alice-1.mkv", "began", None),
        ("alice-1.mkv", "ended", "left"),
    ]


def test_the_manifest_is_there_from_the_beginning(tmp_path: Path) -> None:
    async def scene(recording: Recording, news: list[FileNews]) -> None:
        await all_written(recording.disk)
        assert manifest_of(tmp_path)["participants"] == []

    record(tmp_path, scene)


def test_a_file_of_a_track_ends_when_it_is_unpublished(tmp_path: Path) -> None:
    async def scene(recording: Recording, news: list[FileNews]) -> None:
        begin(recording, ALICE, "mic")
        feed(recording, ALICE)
        recording.track_ended("PA1", "alice-mic")
        recording.track_unpublished("alice-mic")
        feed(recording, ALICE)

    (alice,) = record(tmp_path, scene, "track")["participants"]
    assert [file["endedBy"] for file in alice["files"]] == ["unpublished"]


def test_a_track_that_is_subscribed_to_again_goes_on_in_its_file(tmp_path: Path) -> None:
    async def scene(recording: Recording, news: list[FileNews]) -> None:
        for _ in range(2):
            begin(recording, ALICE, "mic")
            feed(recording, ALICE)
            recording.track_ended("PA1", "alice-mic")
        recording.trouble(Cause.MUTE, "alice-mic", is_over=False)

    (alice,) = record(tmp_path, scene, "track")["participants"]
    (file,) = alice["files"]
    assert file["tracks"][0]["frames"] == 2 * len(SOUNDS)


def test_a_picture_that_says_nonsense_costs_nobody_the_recording(tmp_path: Path) -> None:
    narrower_than_nothing = bytes.fromhex("6742001eda7c06480c9d")
    nonsense = b"".join(b"\0\0\0\1" + nal for nal in (narrower_than_nothing, b"\x68\xce", b"\x65\x88"))

    async def scene(recording: Recording, news: list[FileNews]) -> None:
        begin(recording, ALICE, "cam", "mic")
        recording.take("PA1", "alice-cam", EncodedFrame(nonsense, 0, True, Codec.H264))
        feed(recording, ALICE)
        begin(recording, BOB, "cam", "mic")
        feed(recording, BOB)

    alice, bob = record(tmp_path, scene)["participants"]
    assert [track["codec"] for file in alice["files"] for track in file["tracks"]] == ["H264", "opus"]
    assert Played(tmp_path / bob["files"][0]["path"]).codecs == ["vp8", "opus"]


def test_an_earlier_recording_in_the_same_place_is_kept(tmp_path: Path) -> None:
    record(tmp_path, two_people)
    again = record(tmp_path, two_people)
    assert again["participants"][0]["files"][0]["path"] == "alice-2.mkv"
    assert {path.name for path in tmp_path.iterdir()} >= {"recording-1.json", "alice-1.mkv", "alice-2.mkv"}


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        prepare(tmp_path / "file" / "below")
    with pytest.raises(OSError, match="File exists"):
        prepare(tmp_path / "file")
