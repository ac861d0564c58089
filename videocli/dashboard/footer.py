"""The last line: what is asked, or what the last key had to say, or the keys that work now."""

from rich.cells import cell_len
from rich.text import Text

from videocli.dashboard.actions import hints
from videocli.dashboard.lines import Part, line
from videocli.dashboard.prompt import MAX_TYPED, Asks, Prompt
from videocli.dashboard.safe_text import clean
from videocli.dashboard.view import NOTICE_SECONDS, View
from videocli.engine.room.snapshot import Snapshot

_QUESTIONS: dict[Asks, str] = {
    "message": "Message to all: ",
    "participants": "Participants with: ",
    "events": "Events with: ",
    "practice": "Lose a connection on purpose? ",
}
_ANSWERS = "Enter sends, Esc does not"
_FILTER_ANSWERS = "Enter keeps, Esc clears"
_PRACTICE_ANSWERS = (("s", "signaling"), ("m", "media"), ("any other key", "no"))
_NO_KEYS = " No keys here: neither stdin nor what controls us is a terminal"
_HELP: Part = ("? help ", "dim")


def footer(snapshot: Snapshot, view: View, width: int) -> Text:
    """The last line of the screen."""
    if view.prompt is not None:
        return _question(view.prompt, width)
    if view.notice and not _has_faded(view, snapshot):
        return line(width, [(f" {view.notice}", "bold yellow")], [_HELP])
    if not view.has_keyboard:
        return line(width, [(_NO_KEYS, "dim")])
    return line(width, _keys(hints(view, snapshot), width))


def _has_faded(view: View, snapshot: Snapshot) -> bool:
    """Whether a notice was there for long enough; or comes from a clock that was set back since."""
    if view.noticed_at is None:
        return False
    return not 0 <= (snapshot.time - view.noticed_at).total_seconds() < NOTICE_SECONDS


def _keys(keys: list[tuple[str, str]], width: int) -> list[Part]:
    """As many keys as there is room for; the last one, which tells of the others, always."""
    used = _width_of(keys[-1])
    shown = []
    for key in keys[:-1]:
        if used + _width_of(key) <= width:
            used += _width_of(key)
            shown.append(key)
    return [
        part for key, words in (*shown, keys[-1]) for part in ((f" {key}", "bold"), (f" {words} ", "dim"))
    ]


def _width_of(key: tuple[str, str]) -> int:
    return sum(map(cell_len, key)) + 3


def _question(prompt: Prompt, width: int) -> Text:
    asked: Part = (f" {_QUESTIONS[prompt.asks]}", "bold yellow")
    if prompt.asks == "practice":
        answers = [
            part for key, words in _PRACTICE_ANSWERS for part in ((key, "bold"), (f" {words}  ", "dim"))
        ]
        return line(width, [asked, *answers])
    typed = clean(prompt.text, MAX_TYPED + 1)
    room_for = width - cell_len(asked[0]) - 1
    while typed and cell_len(typed) > room_for:
        typed = typed[max((cell_len(typed) - room_for) // 2, 1) :]
    answers_words = _ANSWERS if prompt.asks == "message" else _FILTER_ANSWERS
    return line(width, [asked, (typed, ""), (" ", "reverse")], [(f"{answers_words} ", "dim")])
