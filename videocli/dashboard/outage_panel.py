"""An outage as a timeline: when it was noticed, each attempt and its fate, the end, and the silence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.text import Text

from videocli.dashboard.lines import Part, exactly, fit, line, rule
from videocli.dashboard.safe_text import clean
from videocli.dashboard.units import local_time
from videocli.dashboard.view import View
from videocli.engine.room.snapshot import AttemptSnapshot, OutageSnapshot, Snapshot
from videocli.errors import error

AFTERWARDS = timedelta(seconds=15)
"""How long an outage that is over stays in sight."""
_SUCCESSES = ("resumed", "connected")
"""The fates of attempts that brought a leg back (`engine/room/room.py`)."""
_LEGS = ("signaling", "media")
_LABEL_WIDTH = 11
_FIXED_LINES = 4
"""The heading, the axis, a line for each leg."""
_SHOWN_ATTEMPTS = 4


def current_outage(snapshot: Snapshot) -> OutageSnapshot | None:
    """The outage that goes on, or has just ended; None: there is none."""
    last = snapshot.outages[-1] if snapshot.outages else None
    if last is None or (last.is_over and snapshot.time - _end_of(last) > AFTERWARDS):
        return None
    return last


def outage_height(outage: OutageSnapshot) -> int:
    """Lines that a timeline with its latest attempts takes."""
    return _FIXED_LINES + min(len(outage.attempts), _SHOWN_ATTEMPTS)


def timeline(outage: OutageSnapshot, snapshot: Snapshot, view: View, width: int, height: int) -> list[Text]:
    """A heading, an axis, a line for each leg, and the latest attempts: `height` lines in all."""
    scale = _scale(outage, snapshot, width - _LABEL_WIDTH - 1)
    lines = [
        rule(width, [_title(outage)], error(outage.code).name),
        _axis(outage, snapshot, view, scale, width),
    ]
    for leg in _LEGS:
        attempts = [attempt for attempt in outage.attempts if attempt.leg == leg]
        drawn = _track(attempts, outage, scale) if attempts else [(_untried(leg, outage, snapshot), "dim")]
        lines.append(line(width, [(f" {fit(leg, _LABEL_WIDTH - 1)}", "dim"), *drawn]))
    room_for = max(height - _FIXED_LINES, 0)
    latest = outage.attempts[-room_for:] if room_for else ()
    before = outage.attempt_count - len(latest)
    lines += [
        _attempt(number, attempt, outage, view, width)
        for number, attempt in enumerate(latest, start=before + 1)
    ]
    return exactly(height, lines, width)


def history(snapshot: Snapshot, view: View, width: int, height: int) -> list[Text]:
    """Every outage of the stay, the latest first."""
    lines: list[Text] = []
    for outage in reversed(snapshot.outages):
        lines += timeline(outage, snapshot, view, width, _FIXED_LINES + len(outage.attempts))
        lines.append(line(width, []))
    if not lines:
        lines = [rule(width, ["Outages"]), line(width, [("   There has been none", "dim")])]
    return exactly(height, lines, width)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Puts times on cells."""

    begins_at: datetime
    seconds: float
    now: datetime
    """Up to when anything is known."""
    cells: int

    def cell(self, time: datetime) -> int:
        """The cell of a time, within the axis."""
        share = (time - self.begins_at).total_seconds() / self.seconds
        return min(max(int(share * self.cells), 0), self.cells - 1)


def _scale(outage: OutageSnapshot, snapshot: Snapshot, cells: int) -> _Scale:
    """From the loss to the end; to the end of the session while it goes on."""
    end = now = _end_of(outage)
    if not outage.is_over and snapshot.session_ends_at is not None:
        end = max(snapshot.session_ends_at, now)
    seconds = max((end - outage.began_at).total_seconds(), 0.001)
    return _Scale(outage.began_at, seconds, now, max(cells, 1))


def _end_of(outage: OutageSnapshot) -> datetime:
    return outage.began_at + timedelta(seconds=outage.downtime)


def _title(outage: OutageSnapshot) -> str:
    attempts = "1 attempt" if outage.attempt_count == 1 else f"{outage.attempt_count} attempts"
    figures = f"{outage.downtime:.1f} s, {attempts}, {outage.media_gap:.1f} s without media"
    return f"Outage {outage.code}: {figures}"


def _axis(outage: OutageSnapshot, snapshot: Snapshot, view: View, scale: _Scale, width: int) -> Text:
    """The times at both ends."""
    right = local_time(scale.begins_at + timedelta(seconds=scale.seconds), view.timezone)
    if outage.is_over:
        words = "over" if snapshot.room.state != "disconnected" else "given up"
    else:
        words = "the session ends"
    left = f"{'':{_LABEL_WIDTH}}{local_time(scale.begins_at, view.timezone):%H:%M:%S} lost"
    return line(width, [(left, "dim")], [(f"{words} {right:%H:%M:%S} ", "dim")])


def _untried(leg: str, outage: OutageSnapshot, snapshot: Snapshot) -> str:
    """Why a leg has no attempts."""
    if outage.is_over:
        return "no attempts"
    is_up = (snapshot.signaling if leg == "signaling" else snapshot.media).state == "connected"
    return "not lost" if is_up else "no attempt yet"


def _track(attempts: Sequence[AttemptSnapshot], outage: OutageSnapshot, scale: _Scale) -> list[Part]:
    """One leg: attempts as bars that end in their fate, waits as dots; then the time that is left."""
    now = scale.cell(scale.now)
    cells: list[Part] = [("·", "dim")] * (now + 1)
    ends = [_ended_at(attempt, scale) for attempt in attempts]
    for attempt, last in zip(attempts, ends, strict=True):
        for at in range(scale.cell(attempt.began_at), last + 1):
            cells[at] = ("━", "yellow")
    for attempt, last in zip(attempts, ends, strict=True):
        cells[last] = _mark(attempt)
    if not outage.is_over:
        cells += [("╎", "bold"), ("┈" * (scale.cells - now - 2), "dim")]
    return cells


def _ended_at(attempt: AttemptSnapshot, scale: _Scale) -> int:
    """The cell where it ended, or has got to; never after now."""
    now = scale.cell(scale.now)
    if attempt.seconds is None:
        return now
    return min(scale.cell(attempt.began_at + timedelta(seconds=attempt.seconds)), now)


def _mark(attempt: AttemptSnapshot) -> Part:
    if attempt.seconds is None:
        return "╸", "bold yellow"
    return ("✓", "bold green") if attempt.fate in _SUCCESSES else ("✗", "bold red")


def _attempt(number: int, attempt: AttemptSnapshot, outage: OutageSnapshot, view: View, width: int) -> Text:
    """When, after how long, and what became of it."""
    mark, style = _mark(attempt)
    after = (attempt.began_at - outage.began_at).total_seconds()
    took = "" if attempt.seconds is None else f" after {attempt.seconds:.1f} s"
    at = f"{local_time(attempt.began_at, view.timezone):%H:%M:%S}"
    return line(
        width,
        [
            (f" {at}  +{after:.1f} s  ".ljust(22), "dim"),
            (f"{mark} ", style),
            (f"{attempt.leg} attempt {number}: {clean(attempt.fate)}{took}", ""),
        ],
    )
