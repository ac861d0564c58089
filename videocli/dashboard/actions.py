"""What each key does: `press`, and the table that the help and the footer are made of."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from videocli.dashboard.keys import PASTE_BEGINS, PASTE_ENDS
from videocli.dashboard.prompt import Asks, Prompt, typed
from videocli.dashboard.safe_text import MAX_NAME, clean
from videocli.dashboard.view import SORTS, View, chosen_row, passing_events, rows
from videocli.dashboard.words import describe
from videocli.engine.commands import Command, Disconnect, Practise, SendMessage, SetEnabled
from videocli.engine.room.snapshot import Snapshot
from videocli.media.frames import MediaKind

PAGE = 10
"""Lines that a page key passes."""


@dataclass(frozen=True, slots=True)
class Copy:
    """Put a text into the clipboard of whoever sits at the terminal."""

    text: str


Effect = Command | Copy | None
Outcome = tuple[View, Effect]
_Action = Callable[[View, Snapshot], Outcome]
_Hint = Callable[[View, Snapshot], str]
Group = Literal["We", "Participants", "Events and outages", "The dashboard"]
GROUPS: tuple[tuple[Group, ...], ...] = (("We", "The dashboard"), ("Participants", "Events and outages"))
"""As the columns of the help have them."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Keys and what they do."""

    group: Group
    keys: tuple[str, ...]
    shown: str
    """The keys as people write them."""
    words: str
    """For the help."""
    act: _Action | None = None
    """None: the terminal's own driver acts."""
    hint: _Hint = lambda view, snapshot: ""
    """For the footer; empty: the key does nothing worth a hint now."""


def press(view: View, key: str, snapshot: Snapshot) -> Outcome:
    """What a key changes in the view, and what it asks for; an unknown key changes nothing."""
    view, effect = _act(replace(view, notice=""), key, snapshot)
    return replace(view, noticed_at=snapshot.time if view.notice else None), effect


def _act(view: View, key: str, snapshot: Snapshot) -> Outcome:
    if key in (PASTE_BEGINS, PASTE_ENDS):
        return replace(view, is_pasting=key == PASTE_BEGINS), None
    if view.is_pasting:
        return _paste(view, key), None
    if key == "ctrl+c":
        return _leave(view, snapshot)
    if view.prompt is not None:
        return _answer(view, view.prompt, key, snapshot)
    action = _ACTIONS.get(key)
    return (view, None) if action is None else action(view, snapshot)


def hints(view: View, snapshot: Snapshot) -> list[tuple[str, str]]:
    """The keys that work now with a word or two for each, the most useful first."""
    if view.page != "room":
        return [("Esc", "back to the room"), ("q", "leave")]
    shown = [(binding.shown, binding.hint(view, snapshot)) for binding in BINDINGS]
    return [(keys, words) for keys, words in shown if words]


def is_any_enabled(snapshot: Snapshot, kind: MediaKind) -> bool | None:
    """Whether a track of ours of this kind is not muted; None: we publish none."""
    tracks = snapshot.local.tracks if snapshot.local is not None else ()
    states = [track.track.enabled for track in tracks if track.track.kind == kind]
    return any(states) if states else None


def _answer(view: View, prompt: Prompt, key: str, snapshot: Snapshot) -> Outcome:
    """A key while something is asked."""
    closed = replace(view, prompt=None)
    if prompt.asks == "practice":
        leg = _LEGS.get(key)
        if leg is None:
            return replace(closed, notice="Nothing was dropped"), None
        return replace(closed, notice=f"Dropped {leg} on purpose: watch it come back"), Practise(leg)
    if key == "escape":
        return _filtered(closed, prompt.asks, ""), None
    if key == "enter":
        if prompt.asks != "message" or not prompt.text.strip():
            return closed, None
        fate = "Sent to all" if _can_send_now(snapshot) else "Will be sent when connected"
        return replace(closed, notice=f"{fate}: {clean(prompt.text)}"), SendMessage(prompt.text)
    prompt = typed(prompt, key)
    return _filtered(replace(view, prompt=prompt), prompt.asks, prompt.text), None


def _can_send_now(snapshot: Snapshot) -> bool:
    """Whether a message leaves at once: media carries it, the first needs signaling to publish a track."""
    tracks = snapshot.local.tracks if snapshot.local is not None else ()
    has_track = any(track.track.kind == "data" and track.track.sid for track in tracks)
    return snapshot.media.state == "connected" and (has_track or snapshot.signaling.state == "connected")


def _paste(view: View, key: str) -> View:
    """A pasted character; the end of a line is a blank, for a paste sends and decides nothing."""
    prompt = view.prompt
    if prompt is None or prompt.asks == "practice":
        return view
    prompt = typed(prompt, " " if key == "enter" else key if len(key) == 1 else "")
    return _filtered(replace(view, prompt=prompt), prompt.asks, prompt.text)


_LEGS: dict[str, Literal["signaling", "media"]] = {"s": "signaling", "m": "media"}


def _filtered(view: View, asks: Asks, text: str) -> View:
    """A filter works while it is typed."""
    match asks:
        case "participants":
            return replace(view, participant_filter=text)
        case "events":
            return replace(view, event_filter=text)
        case _:
            return view


def _leave(view: View, snapshot: Snapshot) -> Outcome:
    return replace(view, notice="Leaving the room"), Disconnect()


def _mute(kind: MediaKind) -> _Action:
    def action(view: View, snapshot: Snapshot) -> Outcome:
        is_enabled = is_any_enabled(snapshot, kind)
        if is_enabled is None:
            return replace(view, notice=f"We publish no {kind}"), None
        return view, SetEnabled(kind, not is_enabled)

    return action


def _mute_hint(kind: MediaKind) -> _Hint:
    words = {None: "", True: f"mute {kind}", False: f"unmute {kind}"}
    return lambda view, snapshot: words[is_any_enabled(snapshot, kind)]


def _ask(asks: Asks) -> _Action:
    def action(view: View, snapshot: Snapshot) -> Outcome:
        before = {"participants": view.participant_filter, "events": view.event_filter}
        return replace(view, page="room", prompt=Prompt(asks, before.get(asks, ""))), None

    return action


def _ask_for_message(view: View, snapshot: Snapshot) -> Outcome:
    if snapshot.local is None:
        return replace(view, notice="Not in the room yet"), None
    return _ask("message")(view, snapshot)


def _ask_for_practice(view: View, snapshot: Snapshot) -> Outcome:
    if snapshot.room.state != "connected":
        return replace(view, notice="Practise when the room is connected: now it is real"), None
    return _ask("practice")(view, snapshot)


def _move(step: int) -> _Action:
    def action(view: View, snapshot: Snapshot) -> Outcome:
        if view.page == "help":
            return replace(view, help_top=max(view.help_top + step, 0)), None
        keys = [row.key for row in rows(snapshot, view)]
        if not keys:
            return view, None
        before = keys.index(view.chosen) if view.chosen in keys else -1 if step > 0 else 0
        return replace(view, chosen=keys[min(max(before + step, 0), len(keys) - 1)]), None

    return action


def _move_to_participant(step: int) -> _Action:
    """The next or previous participant, around the end."""

    def action(view: View, snapshot: Snapshot) -> Outcome:
        sids = [row.participant.participant.sid for row in rows(snapshot, view) if row.track is None]
        if not sids:
            return view, None
        now = view.chosen.participant if view.chosen is not None else None
        before = sids.index(now) if now in sids else -1 if step > 0 else 0
        row = next(
            row
            for row in rows(snapshot, view)
            if row.participant.participant.sid == sids[(before + step) % len(sids)]
        )
        return replace(view, chosen=row.key), None

    return action


def _toggle_video(view: View, snapshot: Snapshot) -> Outcome:
    if not view.can_show_video:
        return replace(view, notice="There are no pictures here"), None
    return replace(view, page="room", is_video_open=view.page != "room" or not view.is_video_open), None


def _video_hint(view: View, snapshot: Snapshot) -> str:
    if not view.can_show_video or not snapshot.participants:
        return ""
    return "close picture" if view.is_video_open else "picture"


def _sort(view: View, snapshot: Snapshot) -> Outcome:
    following = SORTS[(SORTS.index(view.sort) + 1) % len(SORTS)]
    return replace(view, sort=following, notice=f"Participants by {following}"), None


def _fold(view: View, snapshot: Snapshot) -> Outcome:
    chosen = view.chosen._replace(track=None) if view.chosen is not None else None
    return replace(view, are_tracks_folded=not view.are_tracks_folded, chosen=chosen), None


def _copy_chosen(view: View, snapshot: Snapshot) -> Outcome:
    row = chosen_row(snapshot, view)
    if row is None:
        return replace(view, notice="Choose a participant or a track first, with j and k"), None
    sid = row.participant.participant.sid if row.track is None else row.track.track.sid
    return _copied(view, sid)


def _copy_room(view: View, snapshot: Snapshot) -> Outcome:
    return _copied(view, snapshot.room.sid)


def _copied(view: View, sid: str | None) -> Outcome:
    if sid is None:
        return replace(view, notice="It has no SID yet"), None
    return replace(view, notice=f"Copied {clean(sid, MAX_NAME)}, if the terminal allows it"), Copy(sid)


def _pause(view: View, snapshot: Snapshot) -> Outcome:
    return replace(view, paused_at=None if view.paused_at is not None else snapshot.time), None


def _page_events(step: int) -> _Action:
    """Older or newer events; newer than the newest follows them again."""

    def action(view: View, snapshot: Snapshot) -> Outcome:
        passing = passing_events(snapshot, view, describe)
        end = view.paused_at
        shown = len(passing) if end is None else sum(event.time <= end for event in passing)
        wanted = max(shown + step, 1)
        if not passing or wanted >= len(passing):
            return replace(view, paused_at=None), None
        return replace(view, paused_at=passing[wanted - 1].time), None

    return action


def _toggle_page(page: Literal["help", "outages"]) -> _Action:
    def action(view: View, snapshot: Snapshot) -> Outcome:
        return replace(view, page="room" if view.page == page else page, help_top=0), None

    return action


def _escape(view: View, snapshot: Snapshot) -> Outcome:
    """Close a page; in the room, drop what narrows it."""
    if view.page != "room":
        return replace(view, page="room"), None
    return replace(view, participant_filter="", event_filter="", paused_at=None), None


def _always(words: str) -> _Hint:
    return lambda view, snapshot: words


def _narrowed_hint(view: View, snapshot: Snapshot) -> str:
    return "show all" if view.participant_filter or view.event_filter or view.paused_at is not None else ""


_FAR = 1_000_000

BINDINGS = (
    Binding("We", ("q", "ctrl+c"), "q", "leave the room", _leave, _always("leave")),
    Binding("We", ("a",), "a", "mute or unmute our audio", _mute("audio"), _mute_hint("audio")),
    Binding("We", ("c",), "c", "mute or unmute our video", _mute("video"), _mute_hint("video")),
    Binding(
        "We",
        ("m",),
        "m",
        "send a message to all",
        _ask_for_message,
        lambda view, snapshot: "message" if snapshot.local is not None else "",
    ),
    Binding("The dashboard", ("escape",), "Esc", "back; end filter and pause", _escape, _narrowed_hint),
    Binding("Participants", ("v",), "v", "picture: chosen or speaker", _toggle_video, _video_hint),
    Binding(
        "Participants",
        ("j", "down"),
        "j k",
        "choose a line; scroll this",
        _move(1),
        lambda view, snapshot: "choose" if snapshot.local is not None else "",
    ),
    Binding("Participants", ("k", "up"), "", "", _move(-1)),
    Binding("Participants", ("tab",), "Tab", "next participant; Shift-Tab", _move_to_participant(1)),
    Binding("Participants", ("shift+tab",), "", "", _move_to_participant(-1)),
    Binding("Participants", ("page-down",), "PgUp PgDn", "ten lines up or down", _move(PAGE)),
    Binding("Participants", ("page-up",), "", "", _move(-PAGE)),
    Binding("Participants", ("g", "home"), "g G", "first or last line", _move(-_FAR)),
    Binding("Participants", ("G", "end"), "", "", _move(_FAR)),
    Binding(
        "Participants",
        ("t",),
        "t",
        "fold or unfold tracks",
        _fold,
        lambda view, snapshot: _fold_hint(view),
    ),
    Binding(
        "We",
        ("x",),
        "x",
        "practise an outage",
        _ask_for_practice,
        lambda view, snapshot: "practise" if snapshot.room.state == "connected" else "",
    ),
    Binding(
        "Participants",
        ("s",),
        "s",
        "sort by name, bitrate …",
        _sort,
        lambda view, snapshot: f"sort ({view.sort})",
    ),
    Binding("Participants", ("/",), "/", "filter participants", _ask("participants"), _always("filter")),
    Binding(
        "Participants",
        ("y",),
        "y",
        "copy SID of the chosen line",
        _copy_chosen,
        lambda view, snapshot: "copy SID" if view.chosen is not None else "",
    ),
    Binding("Participants", ("Y",), "Y", "copy SID of the room", _copy_room),
    Binding("Events and outages", ("f",), "f", "filter events", _ask("events")),
    Binding(
        "Events and outages",
        ("p", " "),
        "p",
        "pause or go on",
        _pause,
        lambda view, snapshot: "go on" if view.paused_at is not None else "pause",
    ),
    Binding("Events and outages", ("[",), "[ ]", "older or newer events", _page_events(-PAGE)),
    Binding("Events and outages", ("]",), "", "", _page_events(PAGE)),
    Binding(
        "Events and outages",
        ("o",),
        "o",
        "outages, attempt by attempt",
        _toggle_page("outages"),
        lambda view, snapshot: "outages" if snapshot.outages else "",
    ),
    Binding("The dashboard", ("ctrl+l",), "Ctrl-L", "draw everything anew"),
    Binding("The dashboard", (), "Ctrl-Z", "stop; fg comes back"),
    Binding("The dashboard", ("?",), "?", "open or close this help", _toggle_page("help"), _always("help")),
)
"""Every key there is; bindings without `shown` are told of by the one before."""

_ACTIONS: dict[str, _Action] = {
    key: binding.act for binding in BINDINGS for key in binding.keys if binding.act is not None
}


def _fold_hint(view: View) -> str:
    return "show tracks" if view.are_tracks_folded else "fold"
