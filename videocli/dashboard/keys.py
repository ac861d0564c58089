"""Keys: what the terminal sends → names of keys, and a key → what changes.

A key is named by its character, or `up`, `page-down`, `ctrl+c`, `escape` and the like.
"""

import re
from collections.abc import Callable
from dataclasses import replace

from videocli.dashboard.view import SORTS, View, listed
from videocli.engine.commands import Command, Disconnect, SetEnabled
from videocli.engine.room.snapshot import Snapshot
from videocli.media.frames import MediaKind

PAGE = 10
"""Participants that a page key passes."""

HELP = (
    ("q", "leave the room"),
    ("a", "mute or unmute our audio"),
    ("v", "mute or unmute our video"),
    ("j k, arrows", "choose a participant"),
    ("PgUp PgDn", "ten participants up or down"),
    ("g G", "the first, the last participant"),
    ("s", "sort participants: by joining, name, bitrate"),
    ("Ctrl-L", "draw everything anew"),
    ("Ctrl-Z", "stop; fg comes back"),
    ("?", "open or close this help"),
)
"""Keys and what they do."""

_Action = Callable[[View, Snapshot], tuple[View, Command | None]]

_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[ -~]|[^\x1b\[O])")
"""A whole escape sequence: CSI, SS3, or Alt and a key (ECMA-48 section 5.4)."""
_BEGUN_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|O)?\Z")
_MAX_SEQUENCE = 32
_NAMED_SEQUENCES = {
    "\x1b[A": "up",
    "\x1bOA": "up",
    "\x1b[B": "down",
    "\x1bOB": "down",
    "\x1b[5~": "page-up",
    "\x1b[6~": "page-down",
    "\x1b[H": "home",
    "\x1bOH": "home",
    "\x1b[1~": "home",
    "\x1b[F": "end",
    "\x1bOF": "end",
    "\x1b[4~": "end",
}
_NAMED_CHARACTERS = {"\t": "tab", "\r": "enter", "\n": "enter", "\x7f": "backspace", "\x1b": "escape"}


def split_keys(text: str) -> tuple[list[str], str]:
    """The keys in what the terminal sent, and the beginning of a sequence whose end has not come yet.

    If nothing follows it soon, it was the escape key. Sequences that mean nothing here are dropped.
    """
    keys: list[str] = []
    position = 0
    while position < len(text):
        if _BEGUN_SEQUENCE.match(text, position) and len(text) - position <= _MAX_SEQUENCE:
            return keys, text[position:]
        if sequence := _SEQUENCE.match(text, position):
            position = sequence.end()
            key = _NAMED_SEQUENCES.get(sequence.group())
        else:
            key = _key_of(text[position])
            position += 1
        if key is not None:
            keys.append(key)
    return keys, ""


def press(view: View, key: str, snapshot: Snapshot) -> tuple[View, Command | None]:
    """What a key changes in the view, and what it asks of the session; an unknown key changes nothing."""
    view = replace(view, notice="")
    action = _ACTIONS.get(key)
    return (view, None) if action is None else action(view, snapshot)


def is_any_enabled(snapshot: Snapshot, kind: MediaKind) -> bool | None:
    """Whether a track of ours of this kind is not muted; None: we publish none."""
    tracks = snapshot.local.tracks if snapshot.local is not None else ()
    states = [track.track.enabled for track in tracks if track.track.kind == kind]
    return any(states) if states else None


def _key_of(character: str) -> str:
    if character in _NAMED_CHARACTERS:
        return _NAMED_CHARACTERS[character]
    return f"ctrl+{chr(ord(character) + 96)}" if character < "\x1b" else character


def _leave(view: View, snapshot: Snapshot) -> tuple[View, Command | None]:
    return replace(view, notice="Leaving the room"), Disconnect()


def _mute(kind: MediaKind) -> _Action:
    def action(view: View, snapshot: Snapshot) -> tuple[View, Command | None]:
        is_enabled = is_any_enabled(snapshot, kind)
        if is_enabled is None:
            return replace(view, notice=f"We publish no {kind}"), None
        return view, SetEnabled(kind, not is_enabled)

    return action


def _move(step: int) -> _Action:
    def action(view: View, snapshot: Snapshot) -> tuple[View, Command | None]:
        sids = [each.participant.sid for each in listed(snapshot, view.sort)]
        if not sids:
            return view, None
        before = sids.index(view.chosen) if view.chosen in sids else -1 if step > 0 else 0
        after = min(max(before + step, 0), len(sids) - 1)
        return replace(view, chosen=sids[after]), None

    return action


def _sort(view: View, snapshot: Snapshot) -> tuple[View, Command | None]:
    following = SORTS[(SORTS.index(view.sort) + 1) % len(SORTS)]
    return replace(view, sort=following), None


def _toggle_help(view: View, snapshot: Snapshot) -> tuple[View, Command | None]:
    return replace(view, is_help_open=not view.is_help_open), None


def _close_help(view: View, snapshot: Snapshot) -> tuple[View, Command | None]:
    return replace(view, is_help_open=False), None


_FAR = 1_000_000

_ACTIONS: dict[str, _Action] = {
    "q": _leave,
    "ctrl+c": _leave,
    "a": _mute("audio"),
    "v": _mute("video"),
    "j": _move(1),
    "down": _move(1),
    "k": _move(-1),
    "up": _move(-1),
    "page-down": _move(PAGE),
    "page-up": _move(-PAGE),
    "home": _move(-_FAR),
    "g": _move(-_FAR),
    "end": _move(_FAR),
    "G": _move(_FAR),
    "s": _sort,
    "?": _toggle_help,
    "escape": _close_help,
}
