"""`--record`: from the events of a room to files, and as a user runs it."""

import asyncio
import json
import os
import shutil
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.media.sinks.support import Played, all_written, frames, in_loop, manifest_of
from tests.sdk.programs import bot, videocli
from videocli.cli.tracks.recording import RecordRequest
from videocli.cli.wiring import real_outside
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.errors import error
from videocli.media.frames import Codec, EncodedFrame

SOUNDS = frames(Codec.OPUS)
ROOM = ev.Room("RM1", "standup", "connected")
OVER = ev.Room("RM1", "standup", "disconnected")
RECORDER, ALICE = ev.Participant("PA0", "rec", "connected"), ev.Participant("PA1", "alice", "connected")
PRESENT = ev.PresentParticipant(ALICE.sid, ALICE.identity, ALICE.state)
MIC = ev.Track("MT1", "mic", "audio", True, "standard")
CHAT = ev.Track("MT2", "chat", "data", True, "standard")


class HandSession:
    """A session whose frames the test feeds."""

    def __init__(self) -> None:
        self.posted: list[cmd.Command] = []
        self.complained = asyncio.Event()
        self.takers: dict[str, Callable[[EncodedFrame], None]] = {}

    def tap(self, track_sid: str, take: Callable[[EncodedFrame], None]) -> Callable[[], None]:
        self.takers[track_sid] = take
        return lambda: self.takers.pop(track_sid, None) and None

    def post(self, command: cmd.Command) -> None:
        self.posted.append(command)
        if isinstance(command, cmd.Complain):
            self.complained.set()


class Desk:
    """A recorder, its session, and what happens in the room."""

    def __init__(self, directory: Path) -> None:
        self.session = HandSession()
        request = RecordRequest(directory)
        request.prepare()
        self.recorder = request.open(self.session, real_outside())
        self.disk = self.recorder._recording.disk

    def tell(self, *events: ev.Event, room: ev.Room = ROOM) -> None:
        for event in events:
            self.recorder.show(ev.Occurrence(datetime(2026, 11, 27, tzinfo=UTC), room, event))

    def feed(self, some: tuple[EncodedFrame, ...] = SOUNDS) -> None:
        for frame in some:
            self.session.takers["MT1"](frame)


def record(directory: Path, play: Callable[[Desk], None]) -> dict[str, Any]:
    """Play a scene; the manifest."""

    async def scene() -> None:
        desk = Desk(directory)
        desk.tell(ev.Connected(RECORDER, (PRESENT,), None))
        play(desk)
        await desk.recorder.close()

    in_loop(scene)
    return manifest_of(directory)


def test_a_stay_becomes_a_file_a_participant(tmp_path: Path) -> None:
    def play(desk: Desk) -> None:
        desk.tell(ev.TrackSubscribed(ALICE, MIC), ev.TrackSubscribed(ALICE, CHAT))
        assert set(desk.session.takers) == {"MT1"}
        desk.feed()
        desk.tell(ev.TrackUnsubscribed(ALICE, MIC), ev.Disconnected(None), room=OVER)
        assert desk.session.takers == {}

    manifest = record(tmp_path, play)
    assert (manifest["room"]["name"], manifest["recordedBy"]) == ("standup", "rec")
    (file,) = manifest["participants"][0]["files"]
    assert (file["path"], file["endedBy"]) == ("alice-1.mkv", "we left")
    assert Played(tmp_path / "alice-1.mkv").decoded["audio"] == len(SOUNDS)


def test_files_are_announced(tmp_path: Path) -> None:
    def play(desk: Desk) -> None:
        desk.tell(ev.TrackSubscribed(ALICE, MIC))
        desk.feed()
        desk.tell(ev.TrackUnsubscribed(ALICE, MIC), ev.ParticipantDisconnected(ALICE))
        path = str(tmp_path / "alice-1.mkv")
        (began, ended) = desk.session.posted
        assert began == cmd.Announce(ev.FileStarted(ALICE, path))
        assert isinstance(ended, cmd.Announce)
        assert isinstance(ended.event, ev.FileFinished)
        assert (ended.event.path, ended.event.reason) == (path, "left")

    record(tmp_path, play)


def test_a_file_that_cannot_be_written_is_an_error_event(tmp_path: Path) -> None:
    async def scene() -> None:
        desk = Desk(tmp_path)
        desk.tell(ev.Connected(RECORDER, (PRESENT,), None), ev.TrackSubscribed(ALICE, MIC))
        (tmp_path / "alice-1.mkv").mkdir()
        desk.feed()
        desk.tell(ev.ParticipantDisconnected(ALICE))
        await desk.session.complained.wait()
        (complaint,) = (each.error for each in desk.session.posted if isinstance(each, cmd.Complain))
        assert "alice-1.mkv' cannot be written any more: File exists" in str(complaint)
        assert complaint.explanation
        await desk.recorder.close()

    in_loop(scene)


def test_a_directory_that_is_removed_is_one_error_event_and_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene() -> None:
        now = [1000.0]
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now[0])
        desk = Desk(tmp_path / "van")
        desk.tell(ev.Connected(RECORDER, (PRESENT,), None), ev.TrackSubscribed(ALICE, MIC))
        for number, frame in enumerate(frames(Codec.OPUS, 6.0)):
            now[0] = 1000 + number / 50
            desk.feed((frame,))
            if number == 100:
                await all_written(desk.disk)
                shutil.rmtree(tmp_path / "van")
            if number == 200:
                await all_written(desk.disk)
        monkeypatch.undo()
        await desk.recorder.close()
        (complaint,) = (each.error for each in desk.session.posted if isinstance(each, cmd.Complain))
        assert str(complaint).startswith(f"'{tmp_path}/van/alice-1.mkv' cannot be written any more")

    with caplog.at_level("INFO"):
        in_loop(scene)
    assert caplog.messages == [f"recorded 1 file into {tmp_path}/van"]
    assert manifest_of(tmp_path / "van")["participants"][0]["files"][1]["path"] == "alice-2.mkv"


@pytest.mark.parametrize(
    ("begin", "end", "cause"),
    [
        (ev.Reconnecting(error(53405)), ev.Reconnected(1.0), "media outage"),
        (ev.Reconnecting(error(53001)), ev.Reconnected(1.0), "signaling outage"),
        (ev.TrackDisabled(ALICE, MIC), ev.TrackEnabled(ALICE, MIC), "mute"),
        (ev.TrackSwitchedOff(ALICE, MIC), ev.TrackSwitchedOn(ALICE, MIC), "switched off"),
        (ev.ParticipantReconnecting(ALICE), ev.ParticipantReconnected(ALICE), "participant reconnecting"),
        (ev.TrackUnsubscribed(ALICE, MIC), ev.TrackSubscribed(ALICE, MIC), "unsubscribed"),
        (ev.Stats(()), ev.Stats(()), "nothing came"),
    ],
)
def test_what_happened_explains_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begin: ev.Event, end: ev.Event, cause: str
) -> None:
    def play(desk: Desk) -> None:
        now = [1000.0]
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now[0])
        desk.tell(ev.TrackSubscribed(ALICE, MIC))
        for number, frame in enumerate(SOUNDS):
            now[0] = 1000 + number / 50
            if number == 60:
                desk.tell(begin)
            if number == 90:
                desk.tell(end)
            if not 60 <= number < 90:
                desk.session.takers["MT1"](frame)
        monkeypatch.undo()

    (file,) = record(tmp_path, play)["participants"][0]["files"]
    assert file["tracks"][0]["gaps"][0] == {"from": 1.18, "to": 1.8, "cause": cause}


def test_a_recorder_that_is_killed_leaves_what_it_recorded(url: str, tmp_path: Path) -> None:
    async def scene() -> None:
        options = (
            "join",
            "killed",
            "--url",
            url,
            "--json",
            "--record",
            str(tmp_path / "talks"),
            "--stats-interval",
            "0.5",
        )
        async with bot(url, "killed", "alice"), videocli(*options) as recorder:
            started = await recorder.wait_event("fileStarted")
            path = Path(started.fields["path"])
            await recorder.wait_event("stats", after=started.at + 1500)
            os.kill(recorder.pid, signal.SIGKILL)
            assert await recorder.exit_code() == -signal.SIGKILL
            played = Played(path)
            assert played.codecs == ["vp8", "opus"]
            assert played.decoded["video"] > 5
            assert played.decoded["audio"] > 10
            (alice,) = manifest_of(tmp_path / "talks")["participants"]
            assert alice["files"][0]["endedBy"] is None

    in_loop(scene)


def test_leaving_finishes_the_files_and_says_so(url: str, tmp_path: Path) -> None:
    async def scene() -> None:
        options = ("join", "left", "--url", url, "--json", "--record", str(tmp_path), "--record-by", "track")
        async with videocli(*options) as recorder:
            await recorder.wait_event("connected")
            async with bot(url, "left", "alice"):
                for _ in range(2):
                    await recorder.wait_event("fileStarted")
            finished = await recorder.wait_event("fileFinished")
            assert finished.fields["reason"] == "left"
            await recorder.command("disconnect")
            assert await recorder.exit_code() == 0
            assert json.loads((tmp_path / "recording.json").read_text())["endedAt"] is not None
        assert recorder.stderr == [f"recorded 2 files into {tmp_path}\n"]

    in_loop(scene)
    files = sorted(path.name for path in tmp_path.glob("*.mkv"))
    assert files == ["alice-testsrc-1.mkv", "alice-tone-1.mkv"]
    assert all(Played(tmp_path / name).duration for name in files)
