"""Keys: what the terminal sends → names of keys.

A key is named by its character, or `up`, `page-down`, `ctrl+c`, `escape` and the like.
"""

import re

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
    "\x1b[Z": "shift+tab",
    "\x1b[200~": "paste-begins",
    "\x1b[201~": "paste-ends",
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


def _key_of(character: str) -> str:
    if character in _NAMED_CHARACTERS:
        return _NAMED_CHARACTERS[character]
    return f"ctrl+{chr(ord(character) + 96)}" if character < "\x1b" else character
