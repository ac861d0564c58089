"""What published tracks are called."""

import asyncio
from pathlib import Path

import pytest

from tests.media.sources.support import make_file
from videocli.cli.tracks.open_sources import default_name, default_names, open_all
from videocli.cli.wiring import real_outside
from videocli.media.frames import MediaKind
from videocli.media.sources import FileSource


def test_a_track_is_named_after_its_file() -> None:
    assert default_names([("video", "media/talk.mp4"), ("audio", "tone")]) == ["talk.mp4", "tone"]


def test_sound_and_picture_of_one_file_have_two_names() -> None:
    assert default_names([("video", "talk.mp4"), ("audio", "talk.mp4")]) == ["talk.mp4", "talk.mp4 audio"]


def test_names_stay_apart_however_often_a_source_is_named() -> None:
    names = default_names([("video", "testsrc")] * 4)
    assert len(set(names)) == 4


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("-", "stdin"),
        ("/dev/video0", "video0"),
        ("alsa:default", "alsa:default"),
        ("https://me:hunter2@example.org/live/a.m3u8?token=hunter2", "a.m3u8"),
        ("rtsp://me:hunter2@camera.example.org:554", "camera.example.org"),
        ("rtsp://me:hunter2@camera.example.org:554/?token=hunter2", "camera.example.org"),
        ("rtsp://[bad", "rtsp"),
        ("x" * 200, "x" * 128),
        ("media/\udcff.mp4", "?.mp4"),
    ],
)
def test_a_name_holds_nothing_that_is_secret_or_too_long_or_no_unicode(spec: str, name: str) -> None:
    assert default_name(spec) == name


def test_picture_and_sound_of_one_file_begin_together(tmp_path: Path) -> None:
    files = [make_file(tmp_path / name, video="libvpx", audio="libopus") for name in ("a.webm", "b.webm")]
    media: list[tuple[MediaKind, str]] = [("video", str(files[0])), ("audio", str(files[0]))]
    opened = asyncio.run(open_all([*media, ("video", str(files[1]))], "alice", real_outside()))
    beginnings = [named.source.beginning for named in opened if isinstance(named.source, FileSource)]
    assert beginnings[0] is beginnings[1]
    assert beginnings[0] is not beginnings[2]
