"""What `--help` shows: usage, what it does, examples, the details, then the options in groups.

A command's docstring has the summary first, paragraphs of details, and the examples as the paragraph that
begins with `\\b` (which also stands for "do not wrap").
"""

import inspect
from collections.abc import Iterable
from typing import Any, NamedTuple

import typer
import typer.core

from videocli.cli.help.quick_values import QuickCommand
from videocli.cli.writing.output import STDOUT

VERBATIM = "\b"

OTHER = "Options"
GROUPS: dict[str, tuple[str, ...]] = {
    OTHER: (),
    "Bots": ("--count", "--rooms", "--ramp", "--script", "--processes"),
    "Access": ("--token", "--token-command", "--identity", "--profile"),
    "Server": ("--url", "--region"),
    "Publishing": ("--video", "--audio", "--no-loop", "--exit-after-publish", "--data", "--publishers"),
    "Receiving": ("--subscribe", "--no-subscribe", "--record", "--record-by", "--pipe", "--data-out"),
    "Leaving": ("--duration", "--until", "--timeout"),
    "Output": ("--json", "--plain", "--stats-interval", "--fail-if", "--junit"),
    "Everywhere": ("--verbose", "--quiet", "--log-file", "--help"),
}
"""The groups in their order, and which option is in which, in any command. An option may name another."""

_GROUP_OF = {option: group for group, options in GROUPS.items() for option in options}


class Text(NamedTuple):
    """A docstring, taken apart."""

    summary: str
    details: tuple[str, ...] = ()
    """Paragraphs, each on one line, or as it is after `\\b`."""
    examples: str = ""


class OptionHelp(NamedTuple):
    """An option or argument, as the help and the manual show it."""

    usage: str
    help: str


def take_apart(docstring: str) -> Text:
    """The summary, the details and the examples: the last verbatim paragraph with a command in it."""
    first, *rest = inspect.cleandoc(docstring).split("\n\n")
    examples = ""
    details = []
    for paragraph in rest:
        head, _, body = paragraph.partition("\n")
        if head != VERBATIM:
            details.append(" ".join(paragraph.split()))
        elif "videocli" in body and not examples:
            examples = body
        else:
            details.append(paragraph)
    return Text(" ".join(first.split()), tuple(details), examples)


def arguments(command: Any, ctx: Any) -> list[OptionHelp]:
    """What stands on the command line without a name."""
    found = []
    for param in command.get_params(ctx):
        if isinstance(param, typer.core.TyperArgument) and (record := param.get_help_record(ctx)):
            found.append(OptionHelp(param.display_name_raw, record[1].removesuffix("  [required]")))
    return found


def option_groups(command: Any, ctx: Any) -> dict[str, list[OptionHelp]]:
    """The options by group, in the groups' order; groups that only this command has follow the rest."""
    groups: dict[str, list[OptionHelp]] = {group: [] for group in GROUPS}
    everywhere = groups.popitem()
    for param in command.get_params(ctx):
        if isinstance(param, typer.core.TyperOption) and (record := param.get_help_record(ctx)):
            group = param.rich_help_panel or _group(param.opts)
            (everywhere[1] if group == everywhere[0] else groups.setdefault(group, [])).append(
                OptionHelp(*record)
            )
    return {group: options for group, options in [*groups.items(), everywhere] if options}


def _group(names: Iterable[str]) -> str:
    return next((_GROUP_OF[name] for name in names if name in _GROUP_OF), OTHER)


class _Page:
    """The parts of a help page, for the command classes below; the types are those of Typer."""

    help: str | None

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the arguments apart, which may show the help.

        A complaint knows of which command, so that it can name its help; an `OSError` of stdout names that.
        """
        try:
            rest: list[str] = super().parse_args(ctx, args)  # type: ignore[misc]  # of the other base class
        except typer.TyperException as fault:
            if getattr(fault, "ctx", ctx) is None:
                fault.ctx = ctx  # type: ignore[attr-defined]  # not all have one
            raise
        except OSError as fault:
            if fault.filename is None and not isinstance(fault, BrokenPipeError):
                raise OSError(fault.errno, fault.strerror, STDOUT) from fault
            raise
        return rest

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        pieces: list[str] = super().collect_usage_pieces(ctx)  # type: ignore[misc]  # of the other base class
        return [piece.strip("{}") for piece in pieces]

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        text = take_apart(self.help or "")
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(text.summary)
        if text.examples:
            with formatter.section("Examples"):
                formatter.write_text(f"{VERBATIM}\n{text.examples}")
        for paragraph in text.details:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(paragraph)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        sections = {"Arguments": arguments(self, ctx), **option_groups(self, ctx)}
        for heading, rows in sections.items():
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)


class HelpfulCommand(_Page, QuickCommand, typer.core.TyperCommand):
    """A command with such a help page."""


class HelpfulGroup(_Page, QuickCommand, typer.core.TyperGroup):
    """A command that has commands."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, take_apart(each.help or "").summary) for name, each in self.commands.items()]
            )
        super().format_options(ctx, formatter)
