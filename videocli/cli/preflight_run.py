"""What `preflight` does, from its options to its exit code: token, server, flight, report."""

import asyncio
from dataclasses import dataclass

from videocli import tokens
from videocli.cli import destination, settings
from videocli.cli.exit_codes import ExitCode, exit_code_for
from videocli.cli.joining.attend import JoinRequest, server_for
from videocli.cli.leaving import Departure
from videocli.cli.profiles import part as profile_part
from videocli.cli.token.command import run_token_command
from videocli.cli.token.origin import ENVIRONMENT, GivenToken, origin_of
from videocli.cli.token.source import TokenSource
from videocli.cli.tracks.open_sources import open_named
from videocli.cli.words import preflight_text
from videocli.cli.writing import output
from videocli.cli.writing.progress import Progress
from videocli.errors import TokenError, VideoError
from videocli.media.frames import MediaKind
from videocli.media.peer import PeerConfig
from videocli.outside import Outside
from videocli.preflight.flight import Flight, FlightPlan, Guest
from videocli.preflight.steps import Status, StepResult

_OURS: tuple[tuple[MediaKind, str], ...] = (("video", "testsrc"), ("audio", "tone"))
_THEIRS: tuple[tuple[MediaKind, str], ...] = (("audio", "tone"),)
_TOKEN_SECONDS = 600
"""How long the tokens live beyond the time that media is measured for."""


@dataclass(frozen=True, slots=True)
class PreflightRequest:
    """What the user asked for. Times are in seconds."""

    token: GivenToken | None
    """None: `token_command` gives it, or two are minted."""
    token_command: str | None
    url: str | None
    region: str | None
    media_seconds: float
    step_seconds: float
    is_json: bool


async def run_preflight(request: PreflightRequest, outside: Outside, departure: Departure) -> int:
    """Take the preflight and print its report; the exit code is the verdict.

    Stopped by a signal, it is no verdict. Raises `UsageError` or `TokenError` for what fails before the first
    step.
    """
    try:
        return await _run(request, outside, departure)
    except TokenError as refused:
        refused.explanation = f"{refused.explanation} {_origin_part(refused, request)}".rstrip()
        raise
    except asyncio.CancelledError:
        if not departure.was_asked_for:
            raise
        return ExitCode.STOPPED


async def _run(request: PreflightRequest, outside: Outside, departure: Departure) -> int:
    room = f"preflight-{outside.random.getrandbits(48):012x}"
    given = None if request.token is None else request.token.text
    if given is None and request.token_command is not None:
        given = await run_token_command(request.token_command)
    if given is None:
        ttl = int(request.media_seconds) + _TOKEN_SECONDS
        first, guest = await _minted(room, "a", _OURS, ttl, outside)
        _, other = await _minted(room, "b", _THEIRS, ttl, outside)
    else:
        first, guest, other = given, await _given(given, outside), None
        room = tokens.peek(first).room or room
    join = JoinRequest(room=room, face="plain", url=request.url, region=request.region)
    progress = Progress()
    async with server_for(join, first, outside) as (url, _):
        plan = FlightPlan(
            url=url,
            room=room,
            guest=guest,
            other=other,
            gather=PeerConfig(with_loopback=destination.is_on_this_machine(url)),
            media_seconds=request.media_seconds,
            step_seconds=request.step_seconds,
            why_silent=preflight_text.why_silent(
                origin_of(None, request.token, request.token_command) is ENVIRONMENT
            ),
        )

        def tell(result: StepResult) -> None:
            if result.status is not Status.SKIPPED:
                progress.say(preflight_text.step_line(result).strip(), preflight_text.next_words(result.step))

        flight = Flight(plan, outside, tell)
        flying = asyncio.create_task(flight.run(), name="preflight")
        departure.leave = flying.cancel
        await asyncio.wait({flying})
        progress.clear()
    report = flight.report() if flying.cancelled() else flying.result()
    if request.is_json:
        output.json_result(preflight_text.to_json(report))
    else:
        output.result("\n".join(preflight_text.to_lines(report)))
    if report.error is not None:
        for words in (
            profile_part.part(report.error, request.url, first),
            _origin_part(report.error, request),
        ):
            if words:
                output.say(words)
        return exit_code_for(report.error)
    return ExitCode.OK if report.is_complete else ExitCode.STOPPED


def _origin_part(error: VideoError, request: PreflightRequest) -> str:
    """What the place where the token came from has to do with the error; "" for nothing."""
    origin = origin_of(None, request.token, request.token_command)
    return "" if origin is None else origin.part(error)


async def _minted(
    room: str, who: str, sources: tuple[tuple[MediaKind, str], ...], ttl: int, outside: Outside
) -> tuple[str, Guest]:
    identity = f"{room}-{who}"
    token = tokens.mint(settings.credentials(), identity, room, ttl, outside.utcnow()).token
    media = [await open_named(kind, spec, identity, outside) for kind, spec in sources]
    return token, Guest(TokenSource(token, None, outside.utcnow), media)


async def _given(token: str, outside: Outside) -> Guest:
    """Whoever the token is for. In a room that it opens there may be others: nothing is published there."""
    claims = tokens.peek(token)
    media = []
    if claims.room is None:
        media = [await open_named(kind, spec, claims.identity or "", outside) for kind, spec in _OURS]
    return Guest(TokenSource(token, None, outside.utcnow), media)
