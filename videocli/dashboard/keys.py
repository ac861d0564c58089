"""Keys: what the terminal sends → names of keys.

A key is named by its character, or `up`, `page-down`, `ctrl+c`, `escape` and the like. What the terminal
answers to a question comes the same way; it is `REPLY` and the sequence.
"""

import re

REPLY = "reply "

_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[ -~]|_G[ -~]*\x1b\\|[^\x1b\[O])")
"""A whole escape sequence: CSI, SS3, an application's command, or Alt and a key (ECMA-48 section 5.4)."""
_BEGUN_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|O|_|_G[ -~]*\x1b?)?\Z")
_MAX_SEQUENCE = 128
_REPLY = re.compile(r"\x1b(?:\[\?[\d;]*c|\[6;\d+;\d+t|_G.*)")
"""What a terminal is (DA1), how large its cells are (xterm's ctlseqs), whether it knows kitty's graphics."""
_BEGUN_REPLY = re.compile(r"\x1b(?:\[\?|\[\d{1,2};\d{2,}|_G)")
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
            text_of_it = sequence.group()
            is_reply = _REPLY.fullmatch(text_of_it) is not None
            key = REPLY + text_of_it if is_reply else _NAMED_SEQUENCES.get(text_of_it)
        else:
            key = _key_of(text[position])
            position += 1
        if key is not None:
            keys.append(key)
    return keys, ""


def is_reply_begun(begun: str) -> bool:
    """Whether what has begun can only be a reply, whose end is worth waiting for."""
    return _BEGUN_REPLY.match(begun) is not None


def _key_of(character: str) -> str:
    if character in _NAMED_CHARACTERS:
        return _NAMED_CHARACTERS[character]
    return f"ctrl+{chr(ord(character) + 96)}" if character < "\x1b" else character
