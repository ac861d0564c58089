import errno
import http.server
import os
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.media.sources.support import PATIENCE, SteppingClock, collect, make_file, picture, steps
from videocli.errors import SourceError
from videocli.media.frames import Codec, MediaKind, Source
from videocli.media.sources import FileSource, Silence, TestPicture, TestTone, open_source
from videocli.media.sources import input as media_input


def opened(kind: MediaKind, spec: str | Path) -> Source:
    return open_source(kind, str(spec), identity="a", utcnow=lambda: datetime(2026, 1, 1, tzinfo=UTC))


def refusal(kind: MediaKind, spec: str | Path) -> SourceError:
    with pytest.raises(SourceError) as caught:
        opened(kind, spec)
    assert caught.value.explanation
    assert "\n" not in caught.value.message + caught.value.explanation
    return caught.value


def open_files() -> set[Path]:
    """What the process has open; nothing where the system does not tell."""
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        return set()
    return {link.resolve() for link in descriptors.iterdir() if link.exists() and link.resolve().is_file()}


def test_testsrc_is_the_test_picture_and_tone_the_test_tone() -> None:
    assert isinstance(opened("video", "testsrc"), TestPicture)
    assert isinstance(opened("audio", "tone"), TestTone)
    assert opened("video", "testsrc").kind == "video"
    assert opened("audio", "tone").kind == "audio"
    assert isinstance(opened("audio", "silence"), Silence)


@pytest.mark.parametrize(
    ("kind", "spec", "explanation"),
    [
        ("video", "tone", "Use --audio tone, or --video testsrc."),
        ("audio", "testsrc", "Use --video testsrc, or --audio tone."),
        ("video", "silence", "Use --audio silence, or --video testsrc."),
        ("video", "-", "Use join's --video - and --audio -, without --json."),
    ],
)
def test_the_wrong_kind_of_test_source_is_explained(kind: MediaKind, spec: str, explanation: str) -> None:
    assert refusal(kind, spec).explanation == explanation


def test_a_file_is_opened_by_its_path(tmp_path: Path) -> None:
    path = make_file(tmp_path / "odd: näme?.mkv", video="libvpx", audio="libopus")
    assert opened("video", path).kind == "video"
    assert opened("audio", path).kind == "audio"


def test_a_relative_path_with_a_colon_is_a_file_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_file(tmp_path / "a.mkv", video="libvpx").rename(tmp_path / "http:a.mkv")
    monkeypatch.chdir(tmp_path)
    assert opened("video", "http:a.mkv").kind == "video"


def test_nothing_stays_open(tmp_path: Path) -> None:
    path = make_file(tmp_path / "a.mkv", video="libvpx")
    before = open_files()
    kept = opened("video", path)
    assert path.resolve() not in open_files()
    assert open_files() == before
    assert kept.kind == "video"


def deny(url: str, **options: object) -> None:
    """What FFmpeg says to anybody but root."""
    raise av.error.PermissionError(errno.EACCES, "Permission denied", url)


class TestRefusals:
    def test_a_missing_file(self, tmp_path: Path) -> None:
        error = refusal("video", tmp_path / "none.mp4")
        assert error.message == f"'{tmp_path}/none.mp4' does not exist"

    def test_an_empty_file(self, tmp_path: Path) -> None:
        path = tmp_path / "empty.mp4"
        path.touch()
        assert refusal("video", path).message == f"'{path}' is empty"

    @pytest.mark.parametrize(
        "name", ["notes.txt", "notes", "notes.mp4", "notes.nfo", "notes.bin", "notes.srt"]
    )
    @pytest.mark.parametrize("kind", ["video", "audio"])
    def test_a_file_that_is_not_media(self, kind: MediaKind, name: str, tmp_path: Path) -> None:
        path = tmp_path / name
        path.write_text("This is a text, and no video at all.\n" * 50)
        message = refusal(kind, path).message
        assert str(path) in message
        assert "not media" in message or f"no {kind}" in message

    @pytest.mark.parametrize("name", ["data", "data.mp3", "data.mp4", "data.h264", "data.png", "data.wav"])
    def test_a_file_of_arbitrary_bytes(self, name: str, tmp_path: Path) -> None:
        path = tmp_path / name
        path.write_bytes(bytes((n * n * 37 + n // 7) % 256 for n in range(20_000)))
        assert str(path) in refusal("video", path).message

    def test_a_file_that_was_cut_off(self, tmp_path: Path) -> None:
        path = make_file(tmp_path / "whole.mp4", video="libx264")
        path.write_bytes(path.read_bytes()[:1000])
        assert "is not media" in refusal("video", path).message

    def test_vp8_without_a_whole_keyframe(self, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.mkv", video="libvpx")
        start_code = b"\x9d\x01\x2a"
        assert start_code in path.read_bytes()
        path.write_bytes(path.read_bytes().replace(start_code, bytes(3)))
        assert "is not media" in refusal("video", path).message

    def test_a_folder(self, tmp_path: Path) -> None:
        assert refusal("video", tmp_path).message == f"'{tmp_path}' is a folder"

    def test_a_file_without_permission(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = make_file(tmp_path / "secret.mkv", video="libvpx")
        path.chmod(0)
        if os.access(path, os.R_OK):
            monkeypatch.setattr(av, "open", deny)
        assert refusal("video", path).message == f"'{path}' may not be read"

    def test_a_file_with_the_other_kind_only(self, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.wav", audio="pcm_s16le")
        error = refusal("video", path)
        assert error.message == f"'{path}' has no video"
        assert error.explanation == "It has audio: use it with --audio."

    @pytest.mark.parametrize("spec", ["a\0b", "x" * 5000, "", "nosuchprotocol://host/path"])
    def test_what_can_be_no_source(self, spec: str) -> None:
        refusal("video", spec)

    def test_a_url_that_refuses(self) -> None:
        with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
            port = server.server_port
        error = refusal("video", f"http://127.0.0.1:{port}/a.mp4")
        assert error.message == f"'http://127.0.0.1:{port}/a.mp4' cannot be reached"

    def test_a_url_that_is_not_there(self, web: str) -> None:
        assert refusal("video", f"{web}/none.mp4").message == f"'{web}/none.mp4' is refused by the web server"

    def test_a_url_that_hangs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(media_input, "_OPEN_SECONDS", 0.1)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.mp4"
            assert refusal("video", url).message == f"'{url}' does not answer"

    def test_an_rtsp_url_that_hangs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(media_input, "_OPEN_SECONDS", 0.1)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/a"
            assert refusal("video", url).message == f"'{url}' does not answer"

    def test_an_empty_name(self) -> None:
        assert refusal("video", "").message == "the name of the source is empty"

    def test_neither_password_nor_query_of_a_url_is_shown(self, web: str) -> None:
        url = web.replace("//", "//me:hunter2@") + "/none.mp4?token=hunter3"
        message = refusal("video", url).message
        assert "hunter" not in message
        assert "/none.mp4?…" in message

    def test_nothing_is_written_to_stderr(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "notes.mp4"
        path.write_text("no video" * 1000)
        refusal("video", path)
        assert capfd.readouterr() == ("", "")


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that the base class has
        pass


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a web server that offers `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    with serving(QuietHandler) as url:
        yield url


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_url_is_opened_and_looped(web: str, tmp_path: Path) -> None:
    make_file(tmp_path / "a.webm", video="libvpx")
    opened("video", f"{web}/a.webm")
    source = FileSource("video", f"{web}/a.webm", clock=SteppingClock())
    assert len(collect(source, Codec.VP8, 30)) == 30


def test_an_hls_url_is_opened_and_looped(web: str, tmp_path: Path) -> None:
    playlist = tmp_path / "a.m3u8"
    with av.open(str(playlist), "w", format="hls", options={"hls_time": "1"}) as container:
        stream = container.add_stream(
            "libx264", rate=25, options={"profile": "baseline", "preset": "ultrafast", "g": "25"}
        )
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(75):
            frame = picture(number, 160, 96)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert len(list(tmp_path.glob("*.ts"))) > 1
    source = opened("video", f"{web}/a.m3u8")
    assert isinstance(source, FileSource)
    assert source.preferred_codec is Codec.H264
    frames = collect(FileSource("video", f"{web}/a.m3u8", clock=SteppingClock()), Codec.H264, 100)
    assert set(steps(frames)) == {3600}


def test_a_url_that_stalls_in_the_middle_fails_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_input, "_READ_SECONDS", 0.2)
    whole = make_file(tmp_path / "a.mkv", video="libvpx", frames=200, size=(320, 240)).read_bytes()
    released = threading.Event()

    class Stalling(QuietHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(whole)))
            self.end_headers()
            self.wfile.write(whole[: len(whole) * 3 // 4])
            self.wfile.flush()
            released.wait(PATIENCE)
            self.close_connection = True

    with serving(Stalling) as url:
        try:
            with pytest.raises(SourceError) as caught:
                collect(FileSource("video", f"{url}/a.mkv", clock=SteppingClock()), Codec.VP8, None)
        finally:
            released.set()
    assert caught.value.message == f"'{url}/a.mkv' does not answer"


class TestDevices:
    def test_a_device_is_opened_by_its_format_and_name(self) -> None:
        spec = "lavfi:testsrc2=size=160x96:rate=10:duration=1"
        source = opened("video", spec)
        assert source.kind == "video"
        frames = collect(FileSource("video", spec, clock=SteppingClock()), Codec.VP8, None)
        assert len(frames) == 10

    def test_a_format_that_this_ffmpeg_lacks_is_named_with_those_it_has(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(av, "formats_available", {"alsa", "mp4", "video4linux2,v4l2"})
        error = refusal("audio", "pulse:default")
        assert error.message == "'pulse:default' needs pulse, which this FFmpeg cannot open"
        assert error.explanation.startswith("It opens alsa, v4l2. ")

    @pytest.mark.parametrize("spec", ["/dev/video97", "v4l2:/dev/video97"])
    def test_a_camera_that_is_not_there(self, spec: str) -> None:
        assert "/dev/video97" in refusal("video", spec).message


def test_a_pipe_is_left_alone_until_the_source_runs_and_ends_it(tmp_path: Path) -> None:
    whole = make_file(tmp_path / "a.mkv", video="libvpx").read_bytes()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    opened("video", pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(whole,))
    writer.start()
    frames = collect(FileSource("video", str(pipe), clock=SteppingClock()), Codec.VP8, None)
    writer.join()
    assert len(frames) == 25
