"""The panels of the dashboard: each a function from a snapshot to lines of a given width."""

from datetime import datetime, timedelta

from rich.text import Text

from videocli.dashboard.diagnosis import Severity, diagnose, token_life, token_severity
from videocli.dashboard.keys import HELP, is_any_enabled
from videocli.dashboard.lines import STATE_STYLES, Part, exactly, fit, line, rule, wrapped
from videocli.dashboard.safe_text import MAX_NAME, clean
from videocli.dashboard.units import bits, clock
from videocli.dashboard.view import View, bitrate
from videocli.dashboard.words import describe
from videocli.engine import events as ev
from videocli.engine.room.snapshot import Leg, Snapshot

_SEVERITY_STYLES: dict[Severity, str] = {"fine": "green", "warning": "bold yellow", "broken": "bold red"}
_EVENT_STYLES: tuple[tuple[tuple[type, ...], str], ...] = (
    ((ev.Disconnected, ev.Error, ev.TrackSubscriptionFailed, ev.LocalTrackPublicationFailed), "red"),
    ((ev.Reconnecting, ev.ParticipantReconnecting, ev.LocalParticipantReconnecting), "yellow"),
    ((ev.Connected, ev.Reconnected, ev.ParticipantReconnected, ev.LocalParticipantReconnected), "green"),
)
_LABEL_WIDTH = 11
_STATE_WIDTH = 13
_AGE_WIDTH = 11
_TROUBLE_LINES = 2
_VERDICT_LINES = 5
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
    right = [(f"{_local(snapshot.time, view):%H:%M:%S} ", "not bold")]
    if snapshot.connected_at is not None:
        right.insert(0, (f"  joined {clock(snapshot.time - snapshot.connected_at)} ago  ", "not bold"))
    return line(width, left, right, style=f"{STATE_STYLES[snapshot.room.state]} reverse")


def health(snapshot: Snapshot, view: View, width: int) -> list[Text]:
    """Both legs, the token, and where to look: is it me, the network, the server or the token?"""
    server = clean(snapshot.url)
    if snapshot.region:
        server += f", {clean(snapshot.region, MAX_NAME)}"
    return [
        *_leg("signaling", snapshot.signaling, server, snapshot, (view, width)),
        *_leg("media", snapshot.media, _flow(snapshot), snapshot, (view, width)),
        _token(snapshot, view, width),
        *_verdict(snapshot, width),
    ]


def events(snapshot: Snapshot, view: View, width: int, height: int) -> list[Text]:
    """The latest events, the newest at the bottom."""
    latest = snapshot.recent[-(height - 1) :] if height > 1 else ()
    lines = [rule(width, "Events")]
    for occurrence in latest:
        style = next((style for kinds, style in _EVENT_STYLES if isinstance(occurrence.event, kinds)), "")
        at = f" {_local(occurrence.time, view):%H:%M:%S}  "
        lines.append(line(width, [(at, "dim"), (describe(occurrence.event), style)]))
    return exactly(height, lines, width)


def help_page(width: int, height: int) -> list[Text]:
    """What the keys do."""
    keys = [line(width, [(f"   {fit(key, 14)}", "bold"), (words, "")]) for key, words in HELP]
    return exactly(height, [rule(width, "Keys", "? closes"), *keys], width)


def footer(snapshot: Snapshot, view: View, width: int) -> Text:
    """The keys that matter most, or what the last key had to say."""
    if view.notice:
        return line(width, [(f" {view.notice}", "bold yellow")], [("? help ", "dim")])
    audio = "unmute" if is_any_enabled(snapshot, "audio") is False else "mute"
    video = "unmute" if is_any_enabled(snapshot, "video") is False else "mute"
    keys = (
        ("q", "leave"),
        ("a", f"{audio} audio"),
        ("v", f"{video} video"),
        ("j k", "choose"),
        ("s", f"sort ({view.sort})"),
        ("?", "help"),
    )
    return line(width, [part for key, words in keys for part in ((f" {key}", "bold"), (f" {words} ", "dim"))])


def too_small(snapshot: Snapshot, width: int, height: int, needed: tuple[int, int]) -> list[Text]:
    """What a terminal too small for the panels still shows: the state, and what is wrong."""
    state = snapshot.room.state
    words = wrapped(f"Terminal too small: {width}x{height}, needs {needed[0]}x{needed[1]}", width, height - 1)
    lines = [line(width, [(state.upper(), STATE_STYLES[state])])]
    return exactly(height, [*lines, *(line(width, [(text, "")]) for text in words)], width)


def _leg(label: str, leg: Leg, when_fine: str, snapshot: Snapshot, drawn: tuple[View, int]) -> list[Text]:
    """Its state and for how long; then what it carries, or in an outage what is known about it."""
    view, width = drawn
    age = fit(f"for {clock(snapshot.time - leg.since)}", _AGE_WIDTH)
    if width >= _WIDE:
        age += f"since {_local(leg.since, view):%H:%M:%S}  "
    style = STATE_STYLES.get(leg.state, "bold")
    left = [_label(label), (fit(leg.state, _STATE_WIDTH), style), (f"{age} ", "")]
    if leg.state == "connected":
        return [line(width, [*left, (when_fine, "dim")])]
    indent = Text.assemble(*left).cell_len
    first, *more = wrapped(_trouble(leg, snapshot), width - indent, _TROUBLE_LINES)
    return [
        line(width, [*left, (first, "bold")]),
        *(line(width, [(" " * indent, ""), (words, "bold")]) for words in more),
    ]


def _trouble(leg: Leg, snapshot: Snapshot) -> str:
    """What is known about an outage, what changes first."""
    parts = []
    if leg.state == "reconnecting" and snapshot.session_ends_at is not None:
        parts.append(f"{max((snapshot.session_ends_at - snapshot.time).total_seconds(), 0):.0f} s left")
    if leg.attempts:
        parts.append(f"attempt {leg.attempts}")
    if leg.error is not None and leg.error.code is not None:
        parts.append(str(leg.error.code))
    if leg.cause:
        parts.append(clean(leg.cause))
    if leg.error is not None:
        parts.append(clean(leg.error.name, MAX_NAME))
    return ", ".join(parts)


def _flow(snapshot: Snapshot) -> str:
    received = sum(map(bitrate, snapshot.participants))
    sent = bitrate(snapshot.local) if snapshot.local is not None else 0.0
    return f"in {bits(received)}, out {bits(sent)}"


def _token(snapshot: Snapshot, view: View, width: int) -> Text:
    life, expires_at = token_life(snapshot), snapshot.token_expires_at
    if life is None or expires_at is None:
        return line(width, [_label("token"), ("expiry not known", "dim")])
    style = _SEVERITY_STYLES[token_severity(life)]
    if life <= timedelta(0):
        return line(width, [_label("token"), (f"expired {clock(-life)} ago", style)])
    state = fit("valid" if token_severity(life) == "fine" else "expires soon", _STATE_WIDTH)
    until = _local(expires_at, view)
    is_today = until.date() == _local(snapshot.time, view).date()
    left = f"{clock(life)} left, until {until:{'%H:%M:%S' if is_today else '%a %H:%M:%S'}}"
    return line(width, [_label("token"), (state, style), (left, style if style != "green" else "")])


def _verdict(snapshot: Snapshot, width: int) -> list[Text]:
    diagnosis = diagnose(snapshot)
    style = _SEVERITY_STYLES[diagnosis.severity]
    if diagnosis.suspect == "nothing":
        return [line(width, [_label(""), (diagnosis.sentence, style)])]
    suspect = fit(diagnosis.suspect, _STATE_WIDTH)
    sentences = wrapped(diagnosis.sentence, width - _LABEL_WIDTH - _STATE_WIDTH - 1, _VERDICT_LINES)
    first = line(width, [_label("look at"), (suspect, style), (sentences[0], "")])
    blank = " " * (_LABEL_WIDTH + _STATE_WIDTH)
    return [first, *(line(width, [(blank, ""), (sentence, "")]) for sentence in sentences[1:])]


def _label(text: str) -> Part:
    return f" {fit(text, _LABEL_WIDTH - 1)}", "dim"


def _local(time: datetime, view: View) -> datetime:
    return time.astimezone(view.timezone)
