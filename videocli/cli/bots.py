"""`videocli bots`."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from videocli.cli.options import (
    Json,
    Region,
    Url,
    audio_option,
    seconds_option,
    token_command_option,
    video_option,
)


class Wanted(StrEnum):
    """What every bot receives."""

    ALL = "all"
    NONE = "none"
    AUDIO = "audio"
    VIDEO = "video"


def bots(
    room: Annotated[
        str,
        typer.Argument(metavar="ROOM", help="The room's name, or its beginning.", show_default=False),
    ],
    count: Annotated[
        int, typer.Option("--count", "-n", metavar="N", min=1, max=10_000, help="How many bots.")
    ] = 10,
    rooms: Annotated[
        int, typer.Option(metavar="N", min=1, max=10_000, help="Spread them over ROOM-1, ROOM-2 … ROOM-N.")
    ] = 1,
    ramp: Annotated[
        str,
        typer.Option(
            metavar="RAMP",
            help="How fast they come: '30s', all within so long; '5/s', five a second.",
        ),
    ] = "10/s",
    video: Annotated[
        list[str] | None,
        video_option(help="Each publishes this, as join does. Default: no picture. Repeatable."),
    ] = None,
    audio: Annotated[
        list[str] | None,
        audio_option(help="Each publishes this, as join does. Default: no sound. Repeatable."),
    ] = None,
    publishers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            show_default=False,
            help="Only N in each room publish. Default: all.",
        ),
    ] = None,
    subscribe: Annotated[
        Wanted,
        typer.Option(metavar="WHAT", help="What they receive, also of others: all, none, audio or video."),
    ] = Wanted.ALL,
    duration: Annotated[
        float | None,
        seconds_option(
            min=0,
            help="Leave so long after the last one has come. Default: on Ctrl-C, or when a script ends.",
        ),
    ] = None,
    script: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.py",
            show_default=False,
            help="Each bot runs its coroutine function 'bot(room)', and leaves when that returns.",
        ),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=256, show_default=False, help="Default: one for each core."),
    ] = None,
    identity: Annotated[
        str, typer.Option(metavar="PREFIX", help="They are called PREFIX-1, PREFIX-2 …")
    ] = "bot",
    token_command: Annotated[
        str | None,
        token_command_option(
            help="Prints the token of the bot in VIDEOCLI_IDENTITY for the room in VIDEOCLI_ROOM. "
            "Default: minted with the credentials at hand.",
        ),
    ] = None,
    url: Url = None,
    region: Region = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION",
            show_default=False,
            help="Exit with 8 if it holds at the end: METRIC, then > >= < <= == or !=, then a number with "
            "ms, s, %, kB, MB, kbit or Mbit. Repeatable. Metrics: as in --json.",
        ),
    ] = None,
    junit: Annotated[
        Path | None,
        typer.Option(metavar="FILE", show_default=False, help="Also write the report as JUnit XML."),
    ] = None,
    json: Json = False,
) -> int:
    """Send bots into rooms by the hundred, and report how they fared.

    Each is a participant of its own; one that fails is counted, and the others go on. The report goes to
    stdout: joins, failures by code, connect times, what was received, loss, reconnections, and whether the
    tester itself was the bottleneck. Ctrl-C sends all of them away and reports; a second one stops at once.

    With no --fail-if the exit code is 0, unless nobody could join: then it says why.

    \b
    videocli bots load -n 50 --audio tone --publishers 4 --duration 60
    videocli bots load -n 200 --rooms 20 --ramp 5/s --video talk.mp4 --audio talk.mp4
    videocli bots load -n 20 --script bot.py --fail-if 'failed>0' --fail-if 'connect_p95>2s' --junit out.xml
    """
    from videocli.bots.conditions import parse_condition
    from videocli.bots.plan import parse_ramp
    from videocli.cli import bots_run, wiring
    from videocli.cli.leaving import leavable

    try:
        pace = parse_ramp(ramp)
    except ValueError as fault:
        raise typer.BadParameter(str(fault), param_hint="'--ramp'") from fault
    try:
        conditions = tuple(parse_condition(text) for text in fail_if or ())
    except ValueError as fault:
        raise typer.BadParameter(str(fault), param_hint="'--fail-if'") from fault
    request = bots_run.BotsRequest(
        room=room,
        count=count,
        rooms=min(rooms, count),
        ramp=pace,
        video=tuple(video or ()),
        audio=tuple(audio or ()),
        publishers=publishers,
        subscribe=subscribe.value,
        duration=duration,
        script=script,
        processes=processes or os.cpu_count() or 1,
        identity=identity,
        token_command=token_command,
        url=url,
        region=region,
        conditions=conditions,
        junit=junit,
        is_json=json,
    )
    outside = wiring.real_outside()
    return wiring.run(leavable(lambda departure: bots_run.run_bots(request, outside, departure)))
