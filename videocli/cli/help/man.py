"""The manual, from the parser: a page for videocli and for each of its commands, in the language of man(7).

`python -m videocli.cli.help.completions` writes them anew, beside the completion scripts.
"""

import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from videocli import __version__
from videocli.cli.app import command_line
from videocli.cli.help.pages import VERBATIM, OptionHelp, arguments, option_groups, take_apart

ENVIRONMENT = {
    "TWILIO_ACCOUNT_SID, TWILIO_API_KEY, TWILIO_API_SECRET": (
        "The credentials that tokens are minted with; without any, those of the profile, or else a "
        "development key that is made once per user."
    ),
    "VIDEOCLI_TOKEN": "An access token to join with.",
    "VIDEOCLI_TOKEN_COMMAND": "A command that prints an access token, like --token-command.",
    "VIDEOCLI_URL": "The room server, like --url.",
    "VIDEOCLI_PROFILE": "The profile to use, like --profile.",
    "VIDEOCLI_CONFIG_DIR": "Where profiles.toml is, in place of $XDG_CONFIG_HOME/videocli.",
    "VIDEOCLI_STATE_DIR": "Where the development key is, in place of $XDG_STATE_HOME/videocli.",
    "VIDEOCLI_PICTURE": (
        "How the dashboard shows pictures: auto (the default; asks the terminal), kitty, sixel, blocks, off."
    ),
    "NO_COLOR": "Set to anything: no colours.",
}
FILES = {
    "~/.config/videocli/profiles.toml": "The profiles; see videocli-profile(1). It has mode 0600.",
    "~/.local/state/videocli/development-key.json": "The development key of this user. It has mode 0600.",
}
_SIGNS = {
    "\\": "\\e",
    "-": "\\-",
    "'": "\\(aq",
    "`": "\\(ga",
    "^": "\\(ha",
    "~": "\\(ti",
    "…": "...",
}
_EXIT_CODE = re.compile(r"\s+(\d+)\s+(.+)")
_WORDS = re.compile(r"(?P<option>--?[a-z][\w-]*)|(?P<value>[A-Z][A-Z_]*)")


def pages() -> dict[str, str]:
    """The text of each page, by the name of its file."""
    root: Any = command_line()
    context = root.make_context("videocli", [], resilient_parsing=True)
    found = dict(_pages(root, context, ("videocli",)))
    names = sorted(found)
    return {f"{name}.1": _page(name, *found[name], names) for name in names}


def _pages(
    command: Any, context: Any, path: tuple[str, ...]
) -> Iterator[tuple[str, tuple[Any, Any, tuple[str, ...]]]]:
    yield "-".join(path), (command, context, path)
    for name, each in getattr(command, "commands", {}).items():
        inner = each.make_context(name, [], parent=context, resilient_parsing=True)
        yield from _pages(inner.command, inner, (*path, name))


def _page(name: str, command: Any, context: Any, path: tuple[str, ...], names: Sequence[str]) -> str:
    text = take_apart(command.help or "")
    summary = text.summary.rstrip(".")
    lines = [
        f'.TH "{name.upper()}" "1" "" "videocli {__version__}" "User Commands"',
        ".nh",
        ".ad l",
        ".SH NAME",
        f"{_escaped(name)} \\- {_escaped(summary[0].lower() + summary[1:])}",
        ".SH SYNOPSIS",
        f".B {_escaped(' '.join(path))}",
        " ".join(_marked(piece) for piece in command.collect_usage_pieces(context)),
        ".SH DESCRIPTION",
        *_running_text(text.summary),
    ]
    for paragraph in text.details:
        lines += [".PP", *_paragraph(paragraph)]
    if subcommands := getattr(command, "commands", None):
        lines.append(".SH COMMANDS")
        for subcommand, each in subcommands.items():
            lines += _entry(
                f"\\fB{_escaped(f'{name}-{subcommand}')}\\fR(1)", take_apart(each.help or "").summary
            )
    if stands := arguments(command, context):
        lines += [".SH ARGUMENTS", *_entries(stands)]
    lines.append(".SH OPTIONS")
    for group, options in option_groups(command, context).items():
        lines += [f".SS {_escaped(group)}", *_entries(options)]
    if len(path) == 1:
        lines += _root_sections(command.epilog)
    if text.examples:
        lines += [".SH EXAMPLES", *_verbatim(text.examples)]
    others = [each for each in names if each != name]
    lines += [".SH SEE ALSO", *(f".BR {_escaped(each)} (1)," for each in others[:-1])]
    lines.append(f".BR {_escaped(others[-1])} (1)")
    return "\n".join(lines) + "\n"


def _root_sections(epilog: str) -> Iterator[str]:
    yield ".SH EXIT STATUS"
    for line in epilog.splitlines():
        if found := _EXIT_CODE.fullmatch(line):
            yield from _entry(f"\\fB{found[1]}\\fR", found[2])
    for heading, entries in (("ENVIRONMENT", ENVIRONMENT), ("FILES", FILES)):
        yield f".SH {heading}"
        for name, words in entries.items():
            yield from _entry(f"\\fB{_escaped(name)}\\fR", words)


def _entries(options: Sequence[OptionHelp]) -> Iterator[str]:
    for option in options:
        yield from _entry(_marked(option.usage), option.help)


def _entry(head: str, words: str) -> Iterator[str]:
    yield from (".TP", head)
    yield from _running_text(words)


def _paragraph(paragraph: str) -> Sequence[str]:
    head, _, body = paragraph.partition("\n")
    return _verbatim(body) if head == VERBATIM else _running_text(paragraph)


def _verbatim(text: str) -> list[str]:
    return [".nf", ".RS", *(_escaped(line) if line else "\\&" for line in text.splitlines()), ".RE", ".fi"]


def _running_text(text: str) -> list[str]:
    return [
        _escaped(line) for line in textwrap.wrap(text, 76, break_long_words=False, break_on_hyphens=False)
    ]


def _marked(usage: str) -> str:
    """An option's names in bold, the value it takes in italics."""
    marked = []
    position = 0
    for word in _WORDS.finditer(usage):
        font = "B" if word["option"] else "I"
        marked += [_escaped(usage[position : word.start()]), f"\\f{font}{_escaped(word[0])}\\fR"]
        position = word.end()
    return "".join([*marked, _escaped(usage[position:])])


def _escaped(text: str) -> str:
    """The text as it is to be read: no sign of it means anything to man(7), which is in ASCII.

    The signs that it would print as others are those of groff_man_style(7), "Portability".
    """
    text = "".join(_SIGNS.get(sign) or (sign if sign.isascii() else f"\\[u{ord(sign):04X}]") for sign in text)
    return f"\\&{text}" if text.startswith(".") else text
