"""A row of the table of codes → lines for people, or a JSON object."""

import textwrap
from collections.abc import Iterator
from typing import Any

from videocli.cli.exit_codes import exit_code_for
from videocli.errors import ERRORS, ErrorInfo, error
from videocli.explanations import BACKGROUNDS, RETRY_WORDS, SaidBy

MIN_WIDTH = 50
"""Columns; narrower than this, lines break where the terminal breaks them."""

_GROUPS = (
    ("The token", range(20101, 20200)),
    ("Signaling", range(53000, 53100)),
    ("The room", range(53100, 53200)),
    ("The participant", range(53200, 53300)),
    ("A track", range(53300, 53400)),
    ("Media", range(53400, 53500)),
    ("Configuration", range(53500, 53600)),
)


def to_lines(row: ErrorInfo, width: int) -> Iterator[str]:
    """What is known of a code, in lines no wider than that."""
    background = BACKGROUNDS[row.code]
    yield f"{row.code} {row.name}"
    yield from _wrapped(row.message, width)
    yield ""
    yield from _wrapped(row.explanation, width)
    yield from _numbered("Likely causes, the likeliest first", background.causes, width)
    yield from _numbered("What to do", background.steps, width)
    yield ""
    yield from _labelled("Try again?", RETRY_WORDS[background.retry], width)
    yield from _labelled("Said by", background.said_by.value, width)
    if background.said_by is not SaidBy.REST:
        yield from _labelled("Exit code", f"{_exit_code(row)}, if it ends a command", width)


def list_lines() -> Iterator[str]:
    """Every code, by what it is about."""
    for title, codes in _GROUPS:
        yield from ("", title) if codes is not _GROUPS[0][1] else (title,)
        for row in ERRORS.values():
            if row.code in codes:
                yield f"  {row.code}  {row.name}"


def to_json(row: ErrorInfo) -> dict[str, Any]:
    """The same as an object."""
    background = BACKGROUNDS[row.code]
    return {
        "code": row.code,
        "name": row.name,
        "message": row.message,
        "explanation": row.explanation,
        "causes": background.causes,
        "steps": background.steps,
        "retry": background.retry.value,
        "retryExplanation": RETRY_WORDS[background.retry],
        "saidBy": background.said_by.value,
        "exitCode": _exit_code(row),
    }


def _exit_code(row: ErrorInfo) -> int:
    return int(exit_code_for(error(row.code)))


def _numbered(title: str, sentences: tuple[str, ...], width: int) -> Iterator[str]:
    yield from ("", title)
    for number, sentence in enumerate(sentences, 1):
        yield from _wrapped(sentence, width, first=f"  {number}. ")


def _labelled(label: str, text: str, width: int) -> Iterator[str]:
    return _wrapped(text, width, first=f"{label:<11} ")


def _wrapped(text: str, width: int, first: str = "") -> Iterator[str]:
    yield from textwrap.wrap(
        text,
        max(width, MIN_WIDTH),
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_on_hyphens=False,
    )
