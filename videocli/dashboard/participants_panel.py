"""The panel of participants: everybody with their tracks, and what flows on them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rich.text import Text

from videocli.dashboard.lines import STATE_STYLES, Part, exactly, fit, line, rule
from videocli.dashboard.safe_text import MAX_NAME, clean
from videocli.dashboard.units import bits, number
from videocli.dashboard.view import View, listed
from videocli.engine.room.snapshot import ParticipantSnapshot, Snapshot, TrackSnapshot


def participants(snapshot: Snapshot, view: View, width: int, height: int) -> list[Text]:
    """A heading, then a window of all lines around the chosen participant: `height` lines in all."""
    everybody = listed(snapshot, view.sort)
    rows = [(each, track) for each in everybody for track in (None, *each.tracks)]
    chosen = next((at for at, (each, _) in enumerate(rows) if each.participant.sid == view.chosen), 0)
    room_for = height - 1
    first = min(max(chosen - room_for // 3, 0), max(len(rows) - room_for, 0))
    window = rows[first : first + room_for]
    columns = _columns(width)
    sids = [each.participant.sid for each in everybody]
    shown = [each.participant.sid for each, _ in window]
    lines = [rule(width, *_heading(shown, sids, columns))]
    for each, track in window:
        if track is None:
            is_local = snapshot.local is not None and each is snapshot.local
            lines.append(_participant(each, is_local, each.participant.sid == view.chosen, width))
        else:
            lines.append(_track(track, columns, width))
    if snapshot.local is None:
        lines.append(line(width, [("   Not in the room yet", "dim")]))
    elif not snapshot.participants and snapshot.room.state != "disconnected":
        lines.append(line(width, [("   Nobody else is here", "dim")]))
    return exactly(height, lines, width)


def participants_height(snapshot: Snapshot) -> int:
    """Lines that `participants` needs to show all."""
    shown = (*((snapshot.local,) if snapshot.local is not None else ()), *snapshot.participants)
    is_hint_shown = snapshot.local is None or not snapshot.participants
    return 1 + sum(1 + len(each.tracks) for each in shown) + is_hint_shown


@dataclass(frozen=True, slots=True)
class _Column:
    """One number of a track."""

    title: str
    width: int
    show: Callable[[TrackSnapshot], str]
    align: Literal["<", ">"] = ">"


_COLUMNS = (
    _Column("codec", 6, lambda track: track.codec.value if track.codec is not None else "", "<"),
    _Column("size", 9, lambda track: f"{track.width}x{track.height}" if track.width and track.height else ""),
    _Column("fps", 5, lambda track: number(track.frame_rate, 1)),
    _Column("bitrate", 10, lambda track: bits(track.bitrate) if track.bitrate is not None else ""),
    _Column("loss", 7, lambda track: number(track.loss, 100, " %", 1)),
    _Column("jitter", 7, lambda track: number(track.jitter, 1000, " ms")),
    _Column("rtt", 7, lambda track: number(track.round_trip_time, 1000, " ms")),
)
_NAME_WIDTH = 24


def _columns(width: int) -> tuple[_Column, ...]:
    """As many columns as there is room for beside a name."""
    used, shown = _NAME_WIDTH + 1, []
    for column in _COLUMNS:
        used += column.width
        if used > width:
            break
        shown.append(column)
    return tuple(shown)


def _heading(shown: list[str], everybody: list[str], columns: tuple[_Column, ...]) -> tuple[str, str]:
    """How many there are, who of them is in sight (by SID), and the titles of the columns."""
    count = str(len(everybody))
    if shown and len(set(shown)) < len(everybody):
        count = f"{everybody.index(shown[0]) + 1}-{everybody.index(shown[-1]) + 1}/{count}"
    titles = "".join(f"{column.title:{column.align}{column.width}}" for column in columns)
    return f"Participants {count}", titles + " "


def _participant(each: ParticipantSnapshot, is_local: bool, is_chosen: bool, width: int) -> Text:
    participant = each.participant
    left: list[Part] = [
        ("▸ " if is_chosen else "  ", "bold cyan"),
        (clean(participant.identity, MAX_NAME), "bold cyan" if is_chosen else "bold"),
    ]
    if is_local:
        left.append((" (you)", "dim"))
    if participant.state != "connected":
        left.append((f"  {participant.state}", STATE_STYLES[participant.state]))
    if not each.tracks:
        left.append(("  no tracks", "dim"))
    return line(width, left, [(f"{clean(participant.sid, MAX_NAME)} ", "dim")] if width >= 120 else ())


def _track(track: TrackSnapshot, columns: tuple[_Column, ...], width: int) -> Text:
    what = track.track
    room_for = width - 1 - sum(column.width for column in columns)
    tag = _tag(track)
    label = f"    {what.kind} {clean(what.name, MAX_NAME)}"
    if tag:
        shown = fit(label, min(len(label), max(room_for - len(tag) - 2, 0))).rstrip()
        left: list[Part] = [(shown, "dim"), (f" {tag}", "yellow")]
        left.append((" " * (room_for - Text.assemble(*left).cell_len), ""))
    else:
        left = [(fit(label, room_for - 1) + " ", "")]
    if what.kind == "data":
        plural = "" if track.messages == 1 else "s"
        return line(width, [*left, (f"{track.messages} message{plural}", "dim")])
    for column in columns:
        style = _loss_style(track.loss) if column.title == "loss" else ""
        left.append((f"{column.show(track):{column.align}{column.width}}", style))
    return line(width, left)


def _tag(track: TrackSnapshot) -> str:
    """What keeps a track from flowing."""
    if not track.track.enabled:
        return "muted"
    if track.track.sid is None:
        return "publishing"
    return "" if track.is_subscribed else "not subscribed"


def _loss_style(loss: float | None) -> str:
    if loss is None or loss < 0.01:
        return ""
    return "bold red" if loss >= 0.05 else "bold yellow"
