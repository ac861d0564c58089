"""`videocli join`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from videocli.cli.help import completing
from videocli.cli.options import (
    Json,
    Region,
    Url,
    audio_option,
    seconds_option,
    token_command_option,
    token_option,
    video_option,
)


class RecordBy(StrEnum):
    """What has a file of its own."""

    PARTICIPANT = "participant"
    TRACK = "track"


def join(
    room: Annotated[str, typer.Argument(metavar="ROOM", help="The room's name or SID.", show_default=False)],
    token: Annotated[
        str | None,
        token_option(
            help="An access token; '-' reads a line of stdin; without a value VIDEOCLI_TOKEN, or a prompt. "
            "Without this option VIDEOCLI_TOKEN, or a token minted with the credentials at hand.",
        ),
    ] = None,
    token_command: Annotated[
        str | None,
        token_command_option(
            help="Prints a token; run for the first one without --token, and again when it has expired.",
        ),
    ] = None,
    identity: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="Who to be, when the token is minted here. Default: your user name and a few digits.",
        ),
    ] = None,
    url: Url = None,
    region: Region = None,
    video: Annotated[
        list[str] | None,
        video_option(
            help="Publish a picture: 'testsrc', a media file, a device (/dev/video0), a URL that FFmpeg "
            "opens, or '-' for Matroska or MPEG-TS on stdin. Repeatable.",
        ),
    ] = None,
    audio: Annotated[
        list[str] | None,
        audio_option(
            help="Publish sound: 'tone', 'silence', a media file, a device (alsa:default), a URL that FFmpeg "
            "opens, or '-' for stdin. Repeatable.",
        ),
    ] = None,
    no_loop: Annotated[
        bool, typer.Option("--no-loop", help="Play files once; then their tracks are unpublished.")
    ] = False,
    exit_after_publish: Annotated[
        bool,
        typer.Option(
            "--exit-after-publish",
            help="Leave with 0 when all that --video and --audio name has ended; files are played once.",
        ),
    ] = False,
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[,OPTION…]",
            show_default=False,
            help="Publish a data track. Options: unordered, and max-retransmits=N or "
            "max-packet-life-time=MILLISECONDS. Repeatable.",
        ),
    ] = None,
    data_out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Append every message that comes on a data track: a JSON object a line, with time, "
            "participant, track and data (text, or base64).",
        ),
    ] = None,
    no_subscribe: Annotated[
        bool, typer.Option("--no-subscribe", help="Receive nobody's tracks; see only that they are there.")
    ] = False,
    subscribe: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE",
            show_default=False,
            help="Receive only this: all, none, audio, video, data, IDENTITY or IDENTITY:KIND; or with a '-' "
            "before it, all but this. Repeatable: the last rule that matches a track decides.",
        ),
    ] = None,
    record: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="Record the others into Matroska files in this directory, as they come, with a manifest.",
        ),
    ] = None,
    record_by: Annotated[
        RecordBy, typer.Option(help="With --record: what has a file of its own.")
    ] = RecordBy.PARTICIPANT,
    pipe: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND:IDENTITY=COMMAND",
            show_default=False,
            help="Feed a participant's decoded sound (s16le, 48 kHz, stereo) or picture (yuv4mpeg, 30 "
            "frames/s) to a shell command; '*' is anybody. Repeatable.",
        ),
    ] = None,
    json: Json = False,
    plain: Annotated[bool, typer.Option("--plain", help="One line an event, even on a terminal.")] = False,
    duration: Annotated[float | None, seconds_option(min=0, help="Leave after so long in the room.")] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="EVENT",
            show_default=False,
            autocompletion=completing.until,
            help="Leave with 0 once it has happened: connected, reconnecting, reconnected, "
            "participantConnected[:IDENTITY], participantDisconnected[:IDENTITY], trackStarted[:KIND], "
            "message[:TEXT].",
        ),
    ] = None,
    timeout: Annotated[
        float | None, seconds_option(min=0, help="Leave with 7 if --until took longer than this.")
    ] = None,
    stats_interval: Annotated[
        float | None, seconds_option(min=0.1, help="Say a 'stats' event this often.")
    ] = None,
) -> int:
    """Join a room and stay until you leave.

    On a terminal you see the room; otherwise, or with --plain, one line an event; with --json an object an
    event, and commands are taken as JSON lines on stdin, whose end does not end the stay: disconnect,
    sendMessage, publish, unpublish, enable, disable, setPriority, subscribe, unsubscribe, stats.

    Where no server runs on this machine, the first join is one until it leaves; 'videocli serve' stays.

    \b
    videocli join standup                                     look into a room of this machine's server
    videocli join standup --video testsrc --audio tone        publish a moving picture and a tone
    videocli join standup --video talk.mp4 --audio talk.mp4 --exit-after-publish     play it, and leave
    ffmpeg -nostdin … -f matroska - | videocli join standup --video - --audio -
    videocli join standup --data chat,unordered,max-retransmits=0     a data track that may lose messages
    videocli join standup --subscribe alice --subscribe -alice:video  only alice, without her picture
    videocli join standup --json --duration 10 > events.ndjson
    videocli join standup --until trackStarted:video --timeout 20     a check in CI
    videocli join standup --token-command 'ssh host mint'     a fresh token whenever one is needed
    videocli join standup --record talks                      one file a participant, without transcoding
    videocli join standup --pipe 'audio:alice=aplay -f dat'       hear her
    """
    from videocli.cli import wiring
    from videocli.cli.joining import attend
    from videocli.cli.joining.faces import choose_face
    from videocli.cli.joining.stay import Limits
    from videocli.cli.joining.until import parse_until
    from videocli.cli.leaving import leavable
    from videocli.cli.token.given import given_token
    from videocli.cli.tracks.data_tracks import parse_data_track
    from videocli.cli.tracks.publish_options import check_stdin, names_to_await, to_publish
    from videocli.cli.tracks.room_sinks import sink_requests
    from videocli.cli.tracks.subscribe_rules import parse_rules

    if json and plain:
        raise typer.BadParameter("--json and --plain exclude each other", param_hint="'--plain'")
    try:
        tracks = tuple(map(parse_data_track, data or ()))
    except ValueError as fault:
        raise typer.BadParameter(str(fault), param_hint="'--data'") from fault
    try:
        wanted = parse_rules(subscribe or (), not no_subscribe)
    except ValueError as fault:
        raise typer.BadParameter(str(fault), param_hint="'--subscribe'") from fault
    if timeout is not None and until is None:
        raise typer.BadParameter("it needs --until to wait for", param_hint="'--timeout'")
    try:
        condition = parse_until(until) if until is not None else None
    except ValueError as fault:
        raise typer.BadParameter(str(fault), param_hint="'--until'") from fault
    media = to_publish(video or (), audio or ())
    sources = names_to_await(media) if exit_after_publish else frozenset()
    check_stdin(media, reads_commands=json, reads_token=token == "-")
    request = attend.JoinRequest(
        room=room,
        token=given_token(token),
        token_command=token_command,
        identity=identity,
        url=url,
        region=region,
        media=media,
        loop=not (no_loop or exit_after_publish),
        data=tracks,
        data_out=data_out,
        subscribe=wanted,
        limits=Limits(condition, timeout, duration, sources),
        stats_seconds=stats_interval,
        sinks=sink_requests(record, record_by.value, pipe or []),
        face=choose_face(json, plain),
    )
    outside = wiring.real_outside()
    return wiring.run(leavable(lambda departure: attend.attend(request, outside, departure)))
