"""Text from elsewhere, made safe to show: names, messages and causes come from anybody on the network.

What is left holds no control character, so no escape sequence; nothing that changes the direction of writing;
no lone surrogate, so that it can be encoded. JSON needs none of this: its own escapes are enough.
"""

import unicodedata

MAX_NAME = 128
"""Characters; as long as the service lets an identity or a track name be."""
MAX_WORDS = 500
"""Characters of a message or an explanation."""

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories: control, format (bidi too), surrogates, separators of lines and paragraphs."""
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and a symbol without any ink, which Unicode counts as neither space nor format."""
_MAX_MARKS = 3
"""Combining marks in a row that are kept; taller stacks would cover the lines around them."""


def clean(text: str, limit: int = MAX_WORDS) -> str:
    """The text on one line, at most `limit` characters, safe for any terminal.

    White space becomes a blank. Joiners, variation selectors and skin tones are left out, since terminals do
    not agree on their width. Other control and format characters, and letters without ink, show as U+FFFD, so
    that a name that hides something looks like one.
    """
    kept: list[str] = []
    marks = 0
    for character in text:
        if len(kept) > limit:
            break
        if _is_modifier(character):
            continue
        if character.isspace():
            character = " "
        category = unicodedata.category(character)
        if category in _UNSAFE or character in _BLANKS:
            character = _REPLACEMENT
        marks = marks + 1 if category.startswith("M") else 0
        if marks <= _MAX_MARKS:
            kept.append(character)
    return "".join(kept) if len(kept) <= limit else "".join(kept[: limit - 1]) + "…"


def name(text: str) -> str:
    """A name inside a sentence; quoted unless it is one plain word, so that it never reads as part of it."""
    safe = clean(text, MAX_NAME)
    is_plain = safe != "" and all(character.isalnum() or character in "-_.@+" for character in safe)
    return safe if is_plain else '"' + safe.replace('"', "'") + '"'


def _is_modifier(character: str) -> bool:
    """Whether it only changes how its neighbour looks."""
    return (
        character in "\u200c\u200d"
        or "\ufe00" <= character <= "\ufe0f"
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0100" <= character <= "\U000e01ef"
    )
