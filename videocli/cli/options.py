"""Options that several commands share, so that each means the same everywhere.

The options of how much to say are accepted before the command and after it: `app.py` gives them to all.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer


@dataclass(slots=True)
class Loudness:
    """How much to say, as far as the command line has been read."""

    verbosity: int = 0
    is_quiet: bool = False
    log_file: Path | None = None

    def apply(self) -> None:
        """Say that much from now on. Raises `UsageError` when the log file cannot be written."""
        from videocli.cli import output

        output.set_up(self.verbosity, self.is_quiet, self.log_file)


def _verbose(ctx: typer.Context, value: int) -> None:
    if value and not ctx.resilient_parsing:
        ctx.obj.verbosity += value
        ctx.obj.apply()


def _quiet(ctx: typer.Context, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        ctx.obj.is_quiet = True
        ctx.obj.apply()


def _log_file(ctx: typer.Context, value: Path | None) -> None:
    if value is not None and not ctx.resilient_parsing:
        ctx.obj.log_file = value
        ctx.obj.apply()


Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        show_default=False,
        metavar="",
        expose_value=False,
        callback=_verbose,
        help="Say what happens on stderr; -vv says everything.",
    ),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", expose_value=False, callback=_quiet, help="Say nothing on stderr but errors."
    ),
]
LogFile = Annotated[
    Path | None,
    typer.Option(
        "--log-file",
        metavar="PATH",
        expose_value=False,
        callback=_log_file,
        help="Append everything that -vv says to a file.",
    ),
]

Json = Annotated[
    bool, typer.Option("--json", help="Write JSON to stdout, one object a line, and nothing else.")
]
