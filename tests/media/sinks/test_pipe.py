"""Commands that read what comes, too slowly, or not at all."""

import asyncio
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.media.sinks.support import frames, in_loop
from videocli.media.frames import Codec, MediaKind
from videocli.media.sinks import pipe as piping
from videocli.media.sinks.pipe import WAITING_FRAMES, Pipe

SOUNDS, PICTURES = frames(Codec.OPUS), frames(Codec.VP8)


class Line:
    """A pipe and what it says."""

    def __init__(self, command: str, kind: MediaKind = "audio") -> None:
        self.restarts = 0
        self.restarted = asyncio.Event()
        self.gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.pipe = Pipe(
            command,
            kind,
            {"VIDEOCLI_IDENTITY": "alice; rm -rf /"},
            output=subprocess.DEVNULL,
            restart=self._restart,
            gone=self.gone.set_result,
        )

    def _restart(self) -> None:
        self.restarts += 1
        self.restarted.set()


def test_a_command_reads_everything_that_was_decoded(tmp_path: Path) -> None:
    async def play() -> None:
        line = Line(f"printf %s \"$VIDEOCLI_IDENTITY\" >'{tmp_path}/who'; head -c 192000 >'{tmp_path}/raw'")
        for frame in SOUNDS:
            line.pipe.take(frame)
        assert await line.gone == "it ended with 0"
        await line.pipe.close()

    in_loop(play)
    assert (tmp_path / "who").read_text() == "alice; rm -rf /"
    assert (tmp_path / "raw").stat().st_size == 192_000


def test_the_end_of_the_stay_is_the_end_of_stdin(tmp_path: Path) -> None:
    async def play() -> None:
        line = Line(f"cat >'{tmp_path}/raw'; echo done >'{tmp_path}/done'")
        for frame in SOUNDS[:50]:
            line.pipe.take(frame)
        await line.pipe.close()
        assert not line.gone.done()

    in_loop(play)
    assert (tmp_path / "done").read_text() == "done\n"
    assert (tmp_path / "raw").stat().st_size == 50 * 960 * 4


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("exit 3", "it ended with 3"),
        ("/no/such/command", "it cannot be found or started (exit code 127)"),
        ("/dev/null", "it cannot be found or started (exit code 126)"),
        ("kill -9 $$", "it ended by signal 9"),
    ],
)
def test_a_command_that_ends_is_told_once(command: str, words: str) -> None:
    async def play() -> None:
        line = Line(command)
        while not line.gone.done():
            line.pipe.take(SOUNDS[0])
            await asyncio.sleep(0.001)
        assert line.gone.result() == words
        await line.pipe.close()

    in_loop(play)


def test_a_command_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    async def play() -> None:
        line = Line("cat")
        assert await line.gone == "it cannot be started: Resource temporarily unavailable"
        await line.pipe.close()

    monkeypatch.setattr(subprocess, "Popen", fail)
    in_loop(play)


def test_a_slow_command_drops_and_pictures_go_on_with_a_keyframe(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        line = Line("exec sleep 60", "video")
        for _ in range(4):
            for frame in PICTURES:
                line.pipe.take(frame)
        assert line.pipe.dropped >= 4 * len(PICTURES) - WAITING_FRAMES["video"] - 10
        assert line.restarts >= 1
        await line.pipe.close()

    shorten(monkeypatch)
    in_loop(play)


def test_a_keyframe_that_cannot_be_decoded_is_asked_for_again(tmp_path: Path) -> None:
    async def play() -> None:
        line = Line(f"cat >'{tmp_path}/raw'", "video")
        line.pipe.take(replace(PICTURES[0], data=PICTURES[0].data[:20]))
        await line.restarted.wait()
        for picture in (*PICTURES[1:5], *PICTURES[:3]):
            line.pipe.take(picture)
        await line.pipe.close()
        assert line.restarts == 1
        assert line.pipe.dropped == 0

    in_loop(play)
    assert (tmp_path / "raw").read_bytes().count(b"FRAME\n") >= 3


def test_sound_that_cannot_be_decoded_is_as_good_as_lost(tmp_path: Path) -> None:
    async def play() -> None:
        line = Line(f"cat >'{tmp_path}/raw'")
        for sound in (SOUNDS[0], replace(SOUNDS[1], data=b"\xff" * 40), *SOUNDS[2:4]):
            line.pipe.take(sound)
        await line.pipe.close()
        assert line.restarts == 0

    in_loop(play)
    assert (tmp_path / "raw").stat().st_size == 4 * 960 * 4


@pytest.mark.parametrize("command", ["exec sleep 60", "trap '' TERM; sleep 60"])
def test_a_command_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    async def play() -> None:
        line = Line(command)
        for frame in SOUNDS:
            line.pipe.take(frame)
        await line.pipe.close()
        assert line.pipe._process is not None
        assert line.pipe._process.returncode is not None
        assert not line.gone.done()

    shorten(monkeypatch)
    in_loop(play)


def shorten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(piping, "FINISH_SECONDS", 0.2)
    monkeypatch.setattr(piping, "TERMINATE_SECONDS", 0.2)
