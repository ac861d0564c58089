"""Keys: what the terminal sends → names of keys.

A key is named by its character, or `up`, `page-down`, `ctrl+c`, `escape` and the like. What the terminal
answers to a question comes the same way; it is `REPLY` and the sequence.
"""

import re

REPLY = "reply "
PASTE_BEGINS, PASTE_ENDS = "paste-begins", "paste-ends"

ESCAPE_SECONDS = 0.05
"""After this long an escape character is the escape key, not the beginning of a sequence."""
SILENCE_SECONDS = 1.0
"""After so long without a character nobody waits any more for the end of a sequence or of a paste."""

_STRING = r"[PX\]^_][^\x07\x18\x1a\x1b\x9c]*"
"""DCS, SOS, OSC, PM and APC, up to their end: ST or BEL; CAN, SUB or another sequence, which cancel them."""
_SEQUENCE = re.compile(
    r"\x1b(?:\[M[\s\S]{3}|\[[ -?]*(?:[@-LN-~]|(?=[^ -~]))|\[[ -?]+M|O[ -~]?|[^\x1b\[OPX\]^_]|"
    rf"{_STRING}(?:[\x07\x18\x1a\x9c]|\x1b\\|(?=\x1b[^\\])))"
)
"""A whole escape sequence: a click as X10 tells it, CSI, SS3, Alt and a key, or a control string (ECMA-48
sections 5.4 and 5.6; xterm's ctlseqs)."""
_BEGUN_SEQUENCE = re.compile(rf"\x1b(?:\[[ -?]*|\[M[\s\S]{{0,2}}|O|{_STRING}\x1b?)?\Z")
_MAX_SEQUENCE = 128
_REPLY = re.compile(r"\x1b(?:\[\?[\d;]*c|\[6;\d+;\d+t|_G[ -~]{0,100}\x1b\\)")
"""What a terminal is (DA1), how large its cells are (xterm's ctlseqs), whether it knows kitty's graphics."""
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
    "\x1b[Z": "shift+tab",
    "\x1b[200~": PASTE_BEGINS,
    "\x1b[201~": PASTE_ENDS,
}
_NAMED_CHARACTERS = {"\t": "tab", "\r": "enter", "\n": "enter", "\x7f": "backspace", "\x1b": "escape"}


class KeyParser:
    """Makes keys of what the terminal sends, driven by its text (`receive`) and by its `silence`."""

    def __init__(self) -> None:
        self._begun = ""
        self._is_pasting = False

    def receive(self, text: str) -> list[str]:
        """The keys that are whole now."""
        keys, self._begun = split_keys(self._begun + text)
        for key in keys:
            if key in (PASTE_BEGINS, PASTE_ENDS):
                self._is_pasting = key == PASTE_BEGINS
        return keys

    @property
    def patience(self) -> float | None:
        """Seconds without text after which to call `silence`; None: nothing is begun."""
        if self._begun == "\x1b":
            return ESCAPE_SECONDS
        return SILENCE_SECONDS if self._begun or self._is_pasting else None

    def silence(self) -> list[str]:
        """What has begun goes no further: an escape was the key, and ends a paste that has no end."""
        was_escape, was_pasting = self._begun == "\x1b", self._is_pasting
        self._begun, self._is_pasting = "", False
        if was_pasting:
            return [PASTE_ENDS]
        return ["escape"] if was_escape else []


def split_keys(text: str) -> tuple[list[str], str]:
    """The keys in what the terminal sent, and the beginning of a sequence whose end has not come yet.

    Sequences that mean nothing here are dropped, however long they are.
    """
    keys: list[str] = []
    position = 0
    while position < len(text):
        if _BEGUN_SEQUENCE.match(text, position):
            return keys, _bounded(text[position:])
        if sequence := _SEQUENCE.match(text, position):
            position = sequence.end()
            text_of_it = sequence.group()
            is_reply = _REPLY.fullmatch(text_of_it) is not None
            key = REPLY + text_of_it if is_reply else _NAMED_SEQUENCES.get(text_of_it)
        else:
            key = _key_of(text[position])
            position += 1
        if key is not None:
            keys.append(key)
    return keys, ""


def _bounded(begun: str) -> str:
    """A beginning that ends where this one would, and means nothing where this one is too long to."""
    if len(begun) <= _MAX_SEQUENCE:
        return begun
    if begun[1] == "[":
        return "\x1b[0" + begun[-1:]
    return "\x1bX" + ("\x1b" if begun.endswith("\x1b") else "")


def _key_of(character: str) -> str:
    if character in _NAMED_CHARACTERS:
        return _NAMED_CHARACTERS[character]
    return f"ctrl+{chr(ord(character) + 96)}" if character < "\x1b" else character
