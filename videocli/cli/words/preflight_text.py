"""The report of a preflight → lines for people, or a JSON object."""

from collections.abc import Iterator
from typing import Any

from videocli.cli.token.origin import TOKEN
from videocli.cli.writing.redaction import one_line
from videocli.preflight.quality import Quality, Spread
from videocli.preflight.steps import Report, Status, Step, StepResult
from videocli.urls import shown

LABELS = {
    Step.DNS: "DNS",
    Step.TCP: "TCP",
    Step.TLS: "TLS",
    Step.WEBSOCKET: "WebSocket",
    Step.HELLO: "Hello",
    Step.ICE_SERVERS: "Token, ICE servers",
    Step.GATHERING: "Gathering",
    Step.STUN_TURN: "STUN and TURN",
    Step.ROOM: "Room",
    Step.ICE: "ICE",
    Step.DTLS: "DTLS",
    Step.MEDIA_OUT: "Media out",
    Step.MEDIA_BACK: "Media back",
    Step.QUALITY: "Quality",
}
"""What the steps are called."""

SCORES = ("unknown", "bad", "poor", "fair", "good", "excellent")
"""Words for the score."""

MAX_DETAIL = 120
"""Characters of what others said."""


def to_lines(report: Report) -> Iterator[str]:
    """The report as a table, and the verdict last."""
    yield f"Preflight of {shown(report.url)}"
    yield ""
    for result in report.steps:
        yield step_line(result)
    if report.quality is not None:
        yield ""
        yield from _quality_lines(report.quality)
    yield ""
    yield from _verdict(report)


def why_silent(is_of_environment: bool) -> str:
    """Why nothing is published in the room of a token, and how to try media all the same."""
    remedy = f"unset {TOKEN}" if is_of_environment else "give no token"
    return (
        "nothing is published in the token's room, where others may be; "
        f"{remedy} to try media in one of its own"
    )


def step_line(result: StepResult) -> str:
    """A step as a row of the table."""
    time = "" if result.seconds is None else _time(result.seconds)
    detail = one_line(result.detail)
    detail = detail if len(detail) <= MAX_DETAIL else f"{detail[:MAX_DETAIL]}…"
    return f"  {result.status.value:<9}  {LABELS[result.step]:<18}  {time:>8}  {detail}".rstrip()


def next_words(step: Step) -> str:
    """What is being done once this step is over."""
    steps = list(Step)
    following = steps[steps.index(step) + 1 :]
    return (
        f"{len(steps) - len(following)} of {len(steps)} steps done, next: {LABELS[following[0]]}"
        if following
        else ""
    )


def to_json(report: Report) -> dict[str, Any]:
    """The report as an object; times are in seconds."""
    error, quality = report.error, report.quality
    return {
        "url": shown(report.url),
        "verdict": "failed" if error is not None else "ok" if report.is_complete else "stopped",
        "failedStep": report.failed.value if report.failed is not None else None,
        "error": None
        if error is None
        else {
            "code": error.code,
            "name": error.name,
            "message": error.message,
            "explanation": error.explanation,
        },
        "steps": [
            {
                "step": result.step.value,
                "status": result.status.value,
                "seconds": None if result.seconds is None else round(result.seconds, 6),
                "detail": result.detail,
            }
            for result in report.steps
        ],
        "roundTripTime": _spread_json(quality.round_trip_time) if quality is not None else None,
        "jitter": _spread_json(quality.jitter) if quality is not None else None,
        "packetLoss": None if quality is None or quality.loss is None else round(quality.loss, 6),
        "mos": None if quality is None or quality.mos is None else round(quality.mos, 3),
        "score": quality.score if quality is not None else 0,
    }


def _quality_lines(quality: Quality) -> Iterator[str]:
    yield _figures("Round trip", quality.round_trip_time)
    yield _figures("Jitter", quality.jitter)
    yield f"  {'Loss':<11} {'unknown' if quality.loss is None else f'{100 * quality.loss:.2f} %'}"
    score = f"{SCORES[quality.score]}, {quality.score} of 5"
    yield f"  {'MOS':<11} {'unknown' if quality.mos is None else f'{quality.mos:.2f} ({score})'}"


def _figures(label: str, spread: Spread | None) -> str:
    if spread is None:
        return f"  {label:<11} unknown"
    low, average, high = (_time(value) for value in (spread.min, spread.average, spread.max))
    return f"  {label:<11} {average} on average, {low} to {high}"


def _verdict(report: Report) -> Iterator[str]:
    error = report.error
    warned = [LABELS[result.step] for result in report.steps if result.status is Status.WARNING]
    if error is not None:
        where = LABELS[report.failed] if report.failed is not None else "the preflight"
        yield f"FAILED at {where}: {one_line(str(error))}"
        yield one_line(error.explanation)
        if error.code is not None:
            yield f"More: videocli explain {error.code}"
    elif not report.is_complete:
        yield "STOPPED before the end"
    elif warned:
        yield f"GOOD, but see {', '.join(warned)}"
    else:
        yield f"GOOD: {_what_works(report)}"


def _what_works(report: Report) -> str:
    skipped = {result.step for result in report.steps if result.status is Status.SKIPPED}
    if Step.MEDIA_OUT in skipped:
        return "signaling and the path for media work; media itself was not tried, see Media out"
    if Step.MEDIA_BACK in skipped:
        return "signaling works, and media goes out; the way back was not tried"
    return "signaling and media work"


def _spread_json(spread: Spread | None) -> dict[str, float] | None:
    if spread is None:
        return None
    return {
        "min": round(spread.min, 6),
        "max": round(spread.max, 6),
        "average": round(spread.average, 6),
    }


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms"
