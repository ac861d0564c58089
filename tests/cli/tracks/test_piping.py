"""`--pipe`: which track goes to which command."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.tracks.test_recording import ALICE, CHAT, MIC, OVER, ROOM, HandSession
from tests.media.sinks.support import frames, in_loop
from tests.sdk.programs import bot, videocli
from videocli.cli.tracks.piping import PipeRequest, PipeRule, parse_pipe
from videocli.cli.wiring import real_outside
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.media.frames import Codec

BOB = ev.Participant("PA2", "bob", "connected")
CAMERA = ev.Track("MT3", "camera", "video", True, "standard")
SOUNDS = frames(Codec.OPUS)


def occurrence(event: ev.Event, room: ev.Room = ROOM) -> ev.Occurrence:
    return ev.Occurrence(datetime(2026, 11, 27, tzinfo=UTC), room, event)


def test_a_rule_names_kind_identity_and_command() -> None:
    assert parse_pipe("audio:alice=aplay -f cd") == PipeRule("audio", "alice", "aplay -f cd")
    assert parse_pipe("video:*=A=1 cat") == PipeRule("video", "*", "A=1 cat")
    assert parse_pipe("audio:sip:alice@x=cat") == PipeRule("audio", "sip:alice@x", "cat")


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        (PipeRule("audio", "alice", "x"), [("alice", "audio")]),
        (PipeRule("audio", "*", "x"), [("alice", "audio"), ("bob", "audio")]),
        (PipeRule("video", "bob", "x"), [("bob", "video")]),
        (PipeRule("video", "carol", "x"), []),
    ],
)
def test_a_rule_wants_the_tracks_it_names(rule: PipeRule, wanted: list[tuple[str, str]]) -> None:
    there = [(who, track) for who in (ALICE, BOB) for track in (MIC, CAMERA, CHAT)]
    assert [(who.identity, track.kind) for who, track in there if rule.is_for(who, track)] == wanted


def test_a_command_lives_as_long_as_the_track(tmp_path: Path) -> None:
    async def scene() -> None:
        session = HandSession()
        rule = PipeRule("audio", "*", f"cat >'{tmp_path}'/$VIDEOCLI_IDENTITY")
        piper = PipeRequest((rule,)).open(session, real_outside())
        for event in (ev.TrackSubscribed(ALICE, MIC), ev.TrackSubscribed(ALICE, CHAT)):
            piper.show(occurrence(event))
        assert set(session.takers) == {"MT1"}
        for frame in SOUNDS[:5]:
            session.takers["MT1"](frame)
        piper.show(occurrence(ev.TrackUnsubscribed(ALICE, MIC), OVER))
        assert session.takers == {}
        await piper.close()
        assert session.posted == []

    in_loop(scene)
    assert (tmp_path / "alice").exists()


def test_a_command_that_ends_is_an_error_event_and_the_room_goes_on() -> None:
    async def scene() -> None:
        session = HandSession()
        piper = PipeRequest((PipeRule("audio", "alice", "exit 3"),)).open(session, real_outside())
        piper.show(occurrence(ev.TrackSubscribed(ALICE, MIC)))
        while "MT1" in session.takers:
            session.takers["MT1"](SOUNDS[0])
            await asyncio.sleep(0.001)
        (complaint,) = session.posted
        assert isinstance(complaint, cmd.Complain)
        assert "--pipe 'audio:alice=exit 3' takes no more: it ended with 3" in str(complaint.error)
        assert complaint.error.explanation
        await piper.close()

    in_loop(scene)


def test_sound_and_picture_of_a_bot_reach_commands(url: str, tmp_path: Path) -> None:
    async def scene() -> None:
        pipes = [
            *("--pipe", f"audio:alice=head -c 38400 >'{tmp_path}/sound'"),
            *("--pipe", f"video:*=head -c 700000 >'{tmp_path}/picture'; echo said by the command"),
        ]
        async with (
            bot(url, "piped", "alice"),
            videocli("join", "piped", "--url", url, "--json", *pipes) as program,
        ):
            await program.wait_event("error", lambda line: "audio:alice" in line.fields["error"]["message"])
            await program.wait_event("error", lambda line: "video:*" in line.fields["error"]["message"])
            await program.command("disconnect")
            assert await program.exit_code() == 0
        assert program.stderr == ["said by the command\n"]

    in_loop(scene)
    assert (tmp_path / "sound").stat().st_size == 38_400
    assert (tmp_path / "picture").read_bytes().startswith(b"YUV4MPEG2 W640 H360 F30:1 ")
