"""The panel of participants: everybody with their tracks, and what flows on them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from rich.text import Text

from videocli.dashboard.gauges import loudness, quality, sparkline
from videocli.dashboard.lines import STATE_STYLES, Part, exactly, fit, line, rule
from videocli.dashboard.safe_text import MAX_NAME, clean
from videocli.dashboard.units import bits, number
from videocli.dashboard.view import Row, View, bitrate, listed, rows, worst_loss
from videocli.engine.room.snapshot import ParticipantSnapshot, Snapshot, TrackSnapshot


def participants(snapshot: Snapshot, view: View, width: int, height: int) -> list[Text]:
    """A heading, then a window of all lines around the chosen one: `height` lines in all.

    A window that begins among somebody's tracks begins with whose they are.
    """
    everybody, lines_of = listed(snapshot, view), rows(snapshot, view)
    room_for = max(height - 1, 0)
    chosen = next((at for at, row in enumerate(lines_of) if row.key == view.chosen), 0)
    first = min(max(chosen - room_for // 3, 0), max(len(lines_of) - room_for, 0))
    window = lines_of[first : first + room_for]
    if window and window[0].track is not None and first != chosen:
        window[0] = Row(window[0].participant, None)
    columns = _columns(width)
    here = snapshot.participants if snapshot.local is None else (snapshot.local, *snapshot.participants)
    lines = [rule(width, *_heading(window, everybody, len(here), view, columns))]
    for row in window:
        is_chosen = row.key == view.chosen
        if row.track is None:
            lines.append(_participant(row.participant, snapshot, view, is_chosen, columns, width))
        else:
            lines.append(_track(row.track, is_chosen, columns, width))
    if hint := _hint(snapshot, everybody):
        lines.append(line(width, [(f"   {hint}", "dim")]))
    return exactly(height, lines, width)


def participants_height(snapshot: Snapshot, view: View) -> int:
    """Lines that `participants` needs to show all."""
    return 1 + len(rows(snapshot, view)) + bool(_hint(snapshot, listed(snapshot, view)))


def _hint(snapshot: Snapshot, everybody: list[ParticipantSnapshot]) -> str:
    """Why there is nothing, or nobody else, to see."""
    if snapshot.local is None:
        return "Not in the room yet"
    if not everybody:
        return "Nobody passes the filter"
    if not snapshot.participants and snapshot.room.state != "disconnected":
        return "Nobody else is here"
    return ""


@dataclass(frozen=True, slots=True)
class _Column:
    """One number of a track, or of all tracks of a participant."""

    title: str
    width: int
    show: Callable[[TrackSnapshot], str]
    align: Literal["<", ">"] = ">"
    style: str = ""


_COLUMNS = (
    _Column("codec", 6, lambda track: track.codec.value if track.codec is not None else "", "<"),
    _Column("size", 9, lambda track: f"{track.width}x{track.height}" if track.width and track.height else ""),
    _Column("fps", 4, lambda track: number(track.frame_rate, 1)),
    _Column("bitrate", 10, lambda track: bits(track.bitrate) if track.bitrate is not None else ""),
    _Column("loss", 7, lambda track: number(track.loss, 100, " %", 1)),
    _Column("jitter", 7, lambda track: number(track.jitter, 1000, " ms")),
    _Column("rtt", 7, lambda track: number(track.round_trip_time, 1000, " ms")),
)
_NAME_WIDTH = 22
_SPARK_WIDTHS = (5, 24)
"""The least and the most cells of a sparkline."""
_GAUGES_WIDTH = 15
_GAUGES_TITLE = "net    loud"
"""Network quality and loudness, in the place of a track's codec and size."""


def _spark_column(width: int) -> _Column:
    return _Column("", width + 1, lambda track: sparkline(track.bitrates, width), style="cyan")


def _columns(width: int) -> tuple[_Column, ...]:
    """As many columns as there is room for beside a name; what is left goes to sparklines and names."""
    used = _NAME_WIDTH + 1
    shown: list[_Column] = []
    for column in _COLUMNS:
        used += column.width
        if used > width:
            return tuple(shown)
        shown.append(column)
    least, most = _SPARK_WIDTHS
    spare = width - used - 1
    if spare < least:
        return tuple(shown)
    at = [column.title for column in shown].index("bitrate") + 1
    return (*shown[:at], _spark_column(min(max(spare // 2, least), most)), *shown[at:])


def _heading(
    window: list[Row],
    everybody: list[ParticipantSnapshot],
    here: int,
    view: View,
    columns: tuple[_Column, ...],
) -> tuple[list[str], str]:
    """How many there are, which of them are in sight, what narrows them; and the titles of the columns.

    The former in several lengths, the longest first.
    """
    count = str(here)
    sids = [each.participant.sid for each in everybody]
    shown = [row.participant.participant.sid for row in window]
    if shown and len(set(shown)) < len(everybody):
        count = f"{sids.index(shown[0]) + 1}-{sids.index(shown[-1]) + 1}/{len(everybody)}"
    elif len(everybody) < here:
        count = f"{len(everybody)} of {here}"
    order = f" by {view.sort}" if view.sort != "joined" else ""
    narrowed = f' with "{clean(view.participant_filter, 20)}"' if view.participant_filter else ""
    titles = "".join(f"{column.title:{column.align}{column.width}}" for column in columns)
    if view.are_tracks_folded and len(columns) > 2:
        gauges = sum(column.width for column in columns[:2])
        titles = f"{_GAUGES_TITLE:{gauges}}{titles[gauges:]}"
    return [
        f"Participants {count}{order}{narrowed}",
        f"Participants {count}",
        f"People {count}",
    ], titles + " "


def _participant(
    each: ParticipantSnapshot,
    snapshot: Snapshot,
    view: View,
    is_chosen: bool,
    columns: tuple[_Column, ...],
    width: int,
) -> Text:
    """Who it is and how it is; folded, also all its tracks added up."""
    participant = each.participant
    tags: list[Part] = []
    if snapshot.local is not None and each is snapshot.local:
        tags.append((" (you)", "dim"))
    if participant.state != "connected":
        tags.append((f" {participant.state}", STATE_STYLES[participant.state]))
    if each.is_dominant:
        tags.append((" dominant", "bold green"))
    elif each.speaking:
        tags.append((" speaking", "green"))
    if not each.tracks:
        tags.append((" no tracks", "dim"))
    room_for = width - 1 - sum(column.width for column in columns)
    name = clean(participant.identity, MAX_NAME)
    left = _chosen_name(name, "bold", is_chosen, room_for - 2 - sum(len(text) for text, _ in tags)) + tags
    left.append((" " * (room_for - Text.assemble(*left).cell_len), ""))
    if sum(column.width for column in columns[:2]) < _GAUGES_WIDTH:
        return line(width, left)
    left += _gauges(each)
    if view.are_tracks_folded and each.tracks:
        left += _numbers(_added_up(each), columns[2:])
        return line(width, left)
    return line(width, left, [(f"{clean(participant.sid, MAX_NAME)} ", "dim")] if width >= 120 else ())


def _gauges(each: ParticipantSnapshot) -> list[Part]:
    """Network quality and loudness."""
    level = each.network_quality
    style = "" if level is None or level >= 4 else "yellow" if level >= 2 else "bold red"
    loud = loudness(each.audio_level, 8) if each.audio_level is not None else " " * 8
    return [
        (f"{quality(level)}  ", style),
        (loud, "green" if each.speaking or each.is_dominant else "dim"),
    ]


def _track(track: TrackSnapshot, is_chosen: bool, columns: tuple[_Column, ...], width: int) -> Text:
    what = track.track
    room_for = width - 1 - sum(column.width for column in columns)
    tag = _tag(track)
    tags: list[Part] = [(f" {tag}", "yellow")] if tag else []
    name = f"  {what.kind} {clean(what.name, MAX_NAME)}"
    left = _chosen_name(name, "dim" if tag else "", is_chosen, room_for - 2 - len(tag) - bool(tag)) + tags
    left.append((" " * (room_for - Text.assemble(*left).cell_len), ""))
    if what.kind == "data":
        plural = "" if track.messages == 1 else "s"
        return line(width, [*left, (f"{track.messages} message{plural}", "dim")])
    return line(width, left + _numbers(track, columns))


def _chosen_name(name: str, style: str, is_chosen: bool, room_for: int) -> list[Part]:
    """A name, marked if it is chosen, cut to the room there is (one cell at least is left behind it)."""
    shown = fit(name, max(room_for - 1, 0)).rstrip()
    return [("▸ ", "bold cyan"), (shown, "bold cyan")] if is_chosen else [("  ", ""), (shown, style)]


def _numbers(track: TrackSnapshot, columns: tuple[_Column, ...]) -> list[Part]:
    parts: list[Part] = []
    for column in columns:
        style = _loss_style(track.loss) if column.title == "loss" else column.style
        parts.append((f"{column.show(track):{column.align}{column.width}}", style))
    return parts


def _added_up(each: ParticipantSnapshot) -> TrackSnapshot:
    """All its tracks (it has some) as if they were one: bitrates added, of the rest the worst."""
    tracks = each.tracks
    total = [0.0] * max(len(track.bitrates) for track in tracks)
    for track in tracks:
        for back, rate in enumerate(reversed(track.bitrates), start=1):
            total[-back] += rate
    return replace(
        tracks[0],
        bitrate=bitrate(each) if any(track.bitrate is not None for track in tracks) else None,
        bitrates=tuple(total),
        frame_rate=_worst(track.frame_rate for track in tracks),
        loss=worst_loss(each),
        jitter=_worst(track.jitter for track in tracks),
        round_trip_time=_worst(track.round_trip_time for track in tracks),
    )


def _worst(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


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
