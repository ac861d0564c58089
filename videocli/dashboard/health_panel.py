"""The first line of sight: the room's state, both legs, the token, and where to look for what is wrong."""

from collections.abc import Sequence
from datetime import timedelta

from rich.cells import cell_len
from rich.text import Text

from videocli.dashboard.diagnosis import Severity, diagnose, token_life, token_severity
from videocli.dashboard.gauges import bar, sparkline
from videocli.dashboard.lines import STATE_MARKS, STATE_STYLES, Part, fit, line, wrapped
from videocli.dashboard.safe_text import MAX_NAME, clean
from videocli.dashboard.units import bits, clock, local_time
from videocli.dashboard.view import View, bitrate
from videocli.engine.room.snapshot import Leg, ParticipantSnapshot, Snapshot
from videocli.urls import shown

_SEVERITY_STYLES: dict[Severity, str] = {"fine": "green", "warning": "bold yellow", "broken": "bold red"}
_SEVERITY_MARKS: dict[Severity, str] = {"fine": "●", "warning": "!", "broken": "✗"}
_LABEL_WIDTH = 11
_STATE_WIDTH = 13
_AGE_WIDTH = 11
_TROUBLE_LINES = 2
_VERDICT_LINES = 4
_WINDOW_CELLS = 12
"""Of the bar that shows how much of the session's time is left."""
_SPARK_CELLS = 6
_HOSTING = (
    "  you serve this room: leaving ends it for all",
    "  you serve this room",
    "  you serve it",
)
_NARROW = 60
"""Columns below which the marks alone tell the states of the legs."""
_WIDE = 100
"""Columns from which there is room for the time of day beside a length of time."""


def status_bar(snapshot: Snapshot, view: View, width: int) -> Text:
    """The room's state across the whole screen, which room it is, and who we are."""
    left: list[Part] = [
        (f" {snapshot.room.state.upper()} ", ""),
        ("  room ", "not bold"),
        (clean(snapshot.room.name, MAX_NAME), ""),
    ]
    if snapshot.local is not None:
        left += [("  you are ", "not bold"), (clean(snapshot.local.participant.identity, MAX_NAME), "")]
    if snapshot.is_recording:
        left += [("  recording", "")]
    right: list[Part] = [(f"{local_time(snapshot.time, view.timezone):%H:%M:%S} ", "not bold")]
    if snapshot.connected_at is not None:
        right.insert(0, (f"  joined {clock(snapshot.time - snapshot.connected_at)} ago  ", "not bold"))
    if view.is_host:
        words = _longest(_HOSTING, width, (*left, *right))
        if words is None:
            right = right[-1:]
            words = _longest(_HOSTING, width, (*left, *right)) or _HOSTING[-1]
        left.append((words, ""))
    return line(width, left, right, style=f"{STATE_STYLES[snapshot.room.state]} reverse")


def _longest(forms: Sequence[str], width: int, others: Sequence[Part]) -> str | None:
    """The first of the forms, longest first, that has room beside the others."""
    room_for = width - sum(cell_len(text) for text, _ in others) - 1
    return next((form for form in forms if cell_len(form) <= room_for), None)


def health(snapshot: Snapshot, view: View, width: int) -> list[Text]:
    """Where to look, both legs, the token: is it me, the network, the server or the token?"""
    server = clean(shown(snapshot.url))
    if snapshot.region:
        server += f", {clean(snapshot.region, MAX_NAME)}"
    return [
        *_verdict(snapshot, width),
        *_leg("signaling", snapshot.signaling, [(server, "dim")], snapshot, (view, width)),
        *_leg("media", snapshot.media, _flow(snapshot), snapshot, (view, width)),
        _token(snapshot, view, width),
    ]


def _verdict(snapshot: Snapshot, width: int) -> list[Text]:
    diagnosis = diagnose(snapshot)
    style = _SEVERITY_STYLES[diagnosis.severity]
    if diagnosis.suspect == "nothing":
        return [line(width, [(f" {diagnosis.sentence}", style)])]
    suspect = f" {diagnosis.suspect} "
    head: list[Part] = [_label("look at"), (suspect, f"{style} reverse")]
    if width < _NARROW:
        sentence = wrapped(diagnosis.sentence, width - 2, _VERDICT_LINES - 1)
        return [line(width, head), *(line(width, [(f" {words}", "bold")]) for words in sentence)]
    first, *more = wrapped(diagnosis.sentence, width - _LABEL_WIDTH - len(suspect) - 1, _VERDICT_LINES)
    blank = " " * (_LABEL_WIDTH + len(suspect))
    return [
        line(width, [*head, (f" {first}", "bold")]),
        *(line(width, [(f"{blank} {words}", "bold")]) for words in more),
    ]


def _leg(
    label: str, leg: Leg, when_fine: list[Part], snapshot: Snapshot, drawn: tuple[View, int]
) -> list[Text]:
    """Its state and for how long; then what it carries, or in an outage what is known about it."""
    view, width = drawn
    age = fit(f"for {clock(snapshot.time - leg.since)}", _AGE_WIDTH)
    if width >= _WIDE:
        age += f"since {local_time(leg.since, view.timezone):%H:%M:%S}  "
    style = STATE_STYLES.get(leg.state, "bold")
    mark = STATE_MARKS.get(leg.state, "?")
    state = f"{mark} " if width < _NARROW else f"{mark} {fit(leg.state, _STATE_WIDTH)}"
    left = [_label(label), (state, style), (f"{age} ", "")]
    if leg.state == "connected":
        return [line(width, [*left, *when_fine])]
    cause = _cause(leg)
    indent = " " if width < _NARROW else " " * (_LABEL_WIDTH + 2)
    words = wrapped(cause, width - len(indent) - 1, _TROUBLE_LINES) if cause else []
    return [
        line(width, [*left, *_window(leg, snapshot)]),
        *(line(width, [(f"{indent}{text}", "bold")]) for text in words),
    ]


def _window(leg: Leg, snapshot: Snapshot) -> list[Part]:
    """The time that is left to come back, and the attempts made."""
    parts: list[Part] = []
    if leg.state == "reconnecting" and snapshot.session_ends_at is not None:
        left = max((snapshot.session_ends_at - snapshot.time).total_seconds(), 0.0)
        lost_at = min(each.since for each in (snapshot.signaling, snapshot.media) if each.state == leg.state)
        share = left / max((snapshot.session_ends_at - lost_at).total_seconds(), 1.0)
        style = _SEVERITY_STYLES["broken" if share < 1 / 3 else "warning"]
        parts += [
            (f"{left:.0f} s left ", style),
            (bar(share, _WINDOW_CELLS, "░"), style),
            ("  ", ""),
        ]
    if leg.attempts:
        parts.append((f"attempt {leg.attempts}", "bold"))
    return parts


def _cause(leg: Leg) -> str:
    """The code, its name, and how the last connection or attempt ended."""
    code = "" if leg.error is None or leg.error.code is None else f"{leg.error.code} "
    name = "" if leg.error is None else clean(leg.error.name, MAX_NAME)
    return ": ".join(filter(None, (f"{code}{name}".strip(), clean(leg.cause or ""))))


def _flow(snapshot: Snapshot) -> list[Part]:
    """What comes in and goes out now, and of late."""
    local = (snapshot.local,) if snapshot.local is not None else ()
    parts: list[Part] = []
    for word, people in (("in", snapshot.participants), ("out", local)):
        history = _added_up(people)
        parts.append((f"{word} {bits(sum(map(bitrate, people)))} ", ""))
        parts.append((f"{sparkline(history, min(_SPARK_CELLS, len(history)))}  ", "cyan"))
    return parts


def _added_up(people: tuple[ParticipantSnapshot, ...]) -> list[float]:
    """The latest bitrates of all their tracks together, oldest first."""
    total = [0.0] * _SPARK_CELLS
    longest = 0
    for each in people:
        for track in each.tracks:
            latest = track.bitrates[-_SPARK_CELLS:]
            longest = max(longest, len(latest))
            for back, rate in enumerate(reversed(latest), start=1):
                total[-back] += rate
    return total[_SPARK_CELLS - longest :]


def _token(snapshot: Snapshot, view: View, width: int) -> Text:
    life, expires_at = token_life(snapshot), snapshot.token_expires_at
    if life is None or expires_at is None:
        return line(width, [_label("token"), ("  expiry not known", "dim")])
    severity = token_severity(snapshot)
    style = _SEVERITY_STYLES[severity]
    renewal = ", renews itself" if snapshot.is_token_renewable else ""
    if life <= timedelta(0):
        state, words = "expired", f"{clock(-life)} ago{renewal}"
    else:
        until = local_time(expires_at, view.timezone)
        is_today = until.date() == local_time(snapshot.time, view.timezone).date()
        state = "valid" if severity == "fine" else "expires soon"
        words = f"{clock(life)} left, until {until:{'%H:%M:%S' if is_today else '%a %H:%M:%S'}}{renewal}"
    named = fit(state, _STATE_WIDTH) if width >= _NARROW else "" if severity == "fine" else f"{state} "
    shown = f"{_SEVERITY_MARKS[severity]} {named}"
    return line(width, [_label("token"), (shown, style), (words, "" if severity == "fine" else style)])


def _label(text: str) -> Part:
    return f" {fit(text, _LABEL_WIDTH - 1)}", "dim"
