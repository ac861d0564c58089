"""Messages to a file: what is written, and what happens when it cannot be."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from videocli.cli.exit_codes import UsageError
from videocli.cli.joining.stay import Stay
from videocli.cli.tracks import data_out
from videocli.cli.tracks.data_out import DataOutFace, open_data_out
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.outside import Outside

PATIENCE = 20.0
BOB = ev.Participant("PA1", "bob", "connected")
CHAT = ev.Track("MT1", "chat", "data", True, "standard")


class Told:
    """The face and the stay around it."""

    def __init__(self) -> None:
        self.shown: list[ev.Event] = []
        self.posted: list[cmd.Command] = []
        self.news = asyncio.Event()

    def show(self, occurrence: ev.Occurrence) -> None:
        self.shown.append(occurrence.event)

    @asynccontextmanager
    async def around(self, stay: Stay, outside: Outside) -> AsyncIterator[None]:
        yield

    def abandon(self) -> None: ...

    def post(self, command: cmd.Command) -> None:
        self.posted.append(command)
        self.news.set()


def happened(event: ev.Event) -> ev.Occurrence:
    time = datetime(2026, 11, 23, 12, 0, 0, 5000, tzinfo=UTC)
    return ev.Occurrence(time, ev.Room("RM1", "room", "connected"), event)


def said(data: str | bytes) -> ev.Occurrence:
    return happened(ev.TrackMessage(BOB, CHAT, data))


def with_face(path: Path, scene: Callable[[DataOutFace, Told], Awaitable[None]]) -> Told:
    async def play() -> Told:
        told = Told()
        face = DataOutFace(told, path, open_data_out(path))
        async with asyncio.timeout(PATIENCE), face.around(cast(Stay, told), cast(Outside, None)):
            await scene(face, told)
        return told

    return asyncio.run(play())


def read(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_message_is_a_line_after_what_the_file_had(tmp_path: Path) -> None:
    path = tmp_path / "messages.ndjson"
    path.write_text('{"of":"yesterday"}\n')

    async def scene(face: DataOutFace, told: Told) -> None:
        for occurrence in (said("grüße\n"), happened(ev.RecordingStarted()), said(b"\x00\xff")):
            face.show(occurrence)

    told = with_face(path, scene)
    message = {
        "time": "2026-11-23T12:00:00.005Z",
        "participant": {"sid": "PA1", "identity": "bob", "state": "connected"},
        "track": {"sid": "MT1", "name": "chat", "kind": "data", "enabled": True, "priority": "standard"},
    }
    assert read(path) == [
        {"of": "yesterday"},
        message | {"data": "grüße\n"},
        message | {"data": "AP8=", "encoding": "base64"},
    ]
    assert len(told.shown) == 3
    assert told.posted == []


def test_a_full_disk_is_one_error_and_the_stay_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    async def scene(face: DataOutFace, told: Told) -> None:
        face.show(said("one"))
        await told.news.wait()
        face.show(said("two"))

    told = with_face(Path("/dev/full"), scene)
    (complaint,) = told.posted
    assert isinstance(complaint, cmd.Complain)
    assert "/dev/full cannot be written: No space left" in complaint.error.message
    assert len(told.shown) == 2
    assert capsys.readouterr().err == ""


def test_a_slow_disk_is_one_error_until_it_has_caught_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_out, "MAX_UNWRITTEN_BYTES", 100_000)
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def read_to_the_end() -> list[str]:
        os.set_blocking(reader, True)
        data = b""
        while not data.endswith(b"\n") or b"later" not in data:
            data += os.read(reader, 65_536)
        return [json.loads(line)["data"] for line in data.splitlines()]

    lines: list[str] = []

    async def scene(face: DataOutFace, told: Told) -> None:
        for number in range(300):
            face.show(said(f"{number:04}" + "x" * 1000))
        reading = asyncio.create_task(asyncio.to_thread(read_to_the_end))
        assert face._writer is not None
        while face._writer.unwritten_bytes >= 100_000:  # noqa: ASYNC110  # no event tells of it
            await asyncio.sleep(0.005)
        face.show(said("later"))
        lines.extend(await reading)

    told = with_face(path, scene)
    os.close(reader)
    (complaint,) = told.posted
    assert isinstance(complaint, cmd.Complain)
    assert "too slow" in complaint.error.message
    assert lines[-1] == "later"
    assert [int(line[:4]) for line in lines[:-1]] == list(range(len(lines) - 1))
    assert 50 < len(lines) < 200


@pytest.mark.parametrize(("name", "why"), [("-", "stdout is taken"), ("no/such/place", "No such file")])
def test_what_cannot_be_written_is_refused_at_once(name: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        open_data_out(Path(name))


def test_a_pipe_that_nobody_reads_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(UsageError, match="nobody reads the pipe"):
        open_data_out(tmp_path / "fifo")
