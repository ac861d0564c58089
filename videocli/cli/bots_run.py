"""What `bots` does, from its options to its exit code: tokens, server, processes, report."""

import asyncio
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from videocli import tokens
from videocli.bots import junit, progress, report
from videocli.bots.conditions import Condition
from videocli.bots.crew import Crew
from videocli.bots.plan import Bot, Orders, Ramp, end_of_ramp, plan_bots, share_out
from videocli.bots.report import Report
from videocli.bots.results import TOO_MANY_FILES, Standing
from videocli.bots.script_check import problem_of
from videocli.cli import settings
from videocli.cli.exit_codes import ExitCode, UsageError, exit_code_for
from videocli.cli.joining.attend import JoinRequest, server_for
from videocli.cli.leaving import Departure, stop_at_once
from videocli.cli.token.command import run_token_command
from videocli.cli.tracks.open_sources import open_named
from videocli.cli.writing import output
from videocli.cli.writing.progress import Progress
from videocli.errors import error
from videocli.media.frames import MediaKind
from videocli.media.sources import STDIN
from videocli.outside import Outside
from videocli.tasks import stop

LIVE_SECONDS = 1.0
PLAIN_SECONDS = 5.0
"""How often to say how the bots stand, on a terminal and elsewhere."""


@dataclass(frozen=True, slots=True)
class BotsRequest:
    """What the user asked for."""

    room: str
    count: int
    rooms: int
    ramp: Ramp
    video: tuple[str, ...]
    audio: tuple[str, ...]
    publishers: int | None
    subscribe: str
    duration: float | None
    script: Path | None
    processes: int
    identity: str
    token_command: str | None
    url: str | None
    region: str | None
    conditions: tuple[Condition, ...]
    junit: Path | None
    is_json: bool


async def run_bots(request: BotsRequest, outside: Outside, departure: Departure) -> int:
    """Send them, wait for them, report; the exit code.

    Raises `UsageError`, `SourceError` or `VideoError` for what keeps all of them from coming.
    """
    if not output.has_stdout():
        output.warn("stdout is closed, so the report will be lost")
    bots = plan_bots(
        request.room, request.count, request.rooms, request.ramp, request.identity, request.publishers
    )
    for room in {bot.room for bot in bots}:
        tokens.check_room_name(room)
    script = None if request.script is None else _check_script(request.script)
    held = _mint(bots, outside) if request.token_command is None else {}
    await _try_sources(request, outside)
    first = next(iter(held.values()), None) or await _first_token(request, bots[0])
    join = JoinRequest(request.room, "plain", url=request.url, region=request.region)
    async with server_for(join, first, outside, guests=len(bots)) as (url, _):
        verbosity, is_quiet, log_file = output.asked()
        leaves_at = None if request.duration is None else end_of_ramp(bots) + request.duration
        shares = [
            Orders(
                url=url,
                bots=share,
                tokens={bot.identity: held[bot.identity] for bot in share if bot.identity in held},
                token_command=request.token_command,
                video=request.video,
                audio=request.audio,
                subscribe=request.subscribe,
                leaves_at=leaves_at,
                script=script,
                verbosity=verbosity,
                is_quiet=is_quiet,
                log_file=None if log_file is None else str(log_file),
            )
            for share in share_out(bots, request.processes)
        ]
        told = await _send(Crew(shares), len(bots), departure)
    return _conclude(request, told, outside)


async def _send(crew: Crew, count: int, departure: Departure) -> Report:
    clock = asyncio.get_running_loop().time
    began_at = clock()
    showing: asyncio.Task[None] | None = None

    def begin() -> None:
        nonlocal began_at, showing
        began_at = clock()
        showing = asyncio.create_task(_show_progress(crew, count), name="progress")

    def abandon() -> None:
        crew.kill()
        stop_at_once()

    departure.leave, departure.abandon = crew.leave, abandon
    if departure.was_asked_for:
        crew.leave()
    try:
        await crew.run(begin)
    finally:
        if showing is not None:
            await stop(showing)
    results = tuple(sorted(crew.results, key=lambda result: result.number))
    rooms = len({result.room for result in results})
    return Report(rooms, crew.process_count, clock() - began_at, results, tuple(crew.loads), crew.silence)


def _conclude(request: BotsRequest, told: Report, outside: Outside) -> int:
    """Report in all the ways asked for, of which one that fails costs no other; the exit code."""
    try:
        return _say(request, told, outside)
    finally:
        if request.junit is not None:
            _write(request.junit, junit.to_junit(told, request.conditions, f"videocli bots {request.room}"))


def _say(request: BotsRequest, told: Report, outside: Outside) -> int:
    metrics = told.metrics()
    held = [condition for condition in request.conditions if condition.is_met(metrics)]
    if request.is_json:
        output.json_result(report.to_json(told, [each.text for each in held], outside.utcnow()))
    else:
        for line in report.to_lines(told):
            output.result(line)
    for condition in held:
        output.complain(f"--fail-if {condition.text}: {condition.found(metrics)}", "")
    if held:
        return ExitCode.FAIL_IF
    if told.results and not told.joined:
        return _why_nobody_joined(told, request)
    return ExitCode.OK


def _why_nobody_joined(told: Report, request: BotsRequest) -> int:
    """The exit code of the commonest failure, which is the one that `join` would have had.

    Before anybody has joined a script is only loaded, so where it is at fault, that has failed.
    """
    commonest = told.failures()[0][0]
    words = f"{commonest.title}: {commonest.message}"
    if commonest.stage == "script":
        output.complain(
            f"nobody could join, since the script {request.script} cannot be loaded: {words}",
            f"Try it alone: python3 {shlex.quote(str(request.script))}",
        )
        return ExitCode.USAGE
    if commonest.name == TOO_MANY_FILES:
        output.complain(
            f"nobody could join: {commonest.message}", "Raise that limit, or use more --processes."
        )
        return ExitCode.FAULT
    output.complain(f"nobody could join: {words}", "Try one of them: videocli join.")
    return exit_code_for(error(commonest.code)) if commonest.code is not None else ExitCode.FAULT


async def _show_progress(crew: Crew, count: int) -> None:
    """On a terminal one line, written over; elsewhere a line now and then; nothing with --quiet."""
    if not output.may_say():
        return
    loop, shown = asyncio.get_running_loop(), Progress()
    interval = LIVE_SECONDS if shown.is_live else PLAIN_SECONDS
    began_at, before = loop.time(), Standing()
    try:
        while True:
            await asyncio.sleep(interval)
            now = crew.standing
            line = progress.to_line(now, before, interval, count, loop.time() - began_at)
            before = now
            shown.say(line, line)
    finally:
        shown.clear()


def _mint(bots: Sequence[Bot], outside: Outside) -> dict[str, str]:
    credentials, ttl, now = settings.credentials(), tokens.MAX_TTL_SECONDS, outside.utcnow()
    return {bot.identity: tokens.mint(credentials, bot.identity, bot.room, ttl, now).token for bot in bots}


async def _first_token(request: BotsRequest, bot: Bot) -> str:
    """A token of the command, to see whose it is."""
    assert request.token_command is not None, "tokens are minted without"
    variables = {"VIDEOCLI_IDENTITY": bot.identity, "VIDEOCLI_ROOM": bot.room}
    return await run_token_command(request.token_command, {**os.environ, **variables})


async def _try_sources(request: BotsRequest, outside: Outside) -> None:
    """Raise what is wrong with a source once, and not for each bot."""
    named: list[tuple[MediaKind, str]] = [("video", spec) for spec in request.video]
    named += [("audio", spec) for spec in request.audio]
    for kind, spec in named:
        if spec == STDIN:
            raise UsageError("stdin can be read only once", "Name a file that every process can open.")
        await open_named(kind, spec, request.identity, outside)


def _check_script(path: Path) -> str:
    """The script's path, from the root. Raises `UsageError` if it cannot be one."""
    try:
        problem = problem_of(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as fault:
        problem = fault.strerror if isinstance(fault, OSError) else "it is not text"
    if path.suffix != ".py":
        problem = problem or "its name does not end in .py"
    if problem is not None:
        raise UsageError(f"the script {path} cannot be used: {problem}", "It needs 'async def bot(room)'.")
    return str(path.resolve())


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as fault:
        raise UsageError(f"{path} cannot be written: {fault.strerror}", "Choose another --junit.") from fault
