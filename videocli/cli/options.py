"""Options that several commands share, so that each means the same everywhere.

The options of how much to say are accepted before the command and after it: `app.py` gives them to all.
"""

import os
from dataclasses import dataclass, field
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Annotated

import typer
import typer.core

from videocli.cli.exit_codes import UsageError
from videocli.cli.help import completing

PROFILE = "VIDEOCLI_PROFILE"
_VARIABLES = {
    "url": "VIDEOCLI_URL",
    "token_command": "VIDEOCLI_TOKEN_COMMAND",
    "account_sid": "TWILIO_ACCOUNT_SID",
    "api_key": "TWILIO_API_KEY",
    "api_secret": "TWILIO_API_SECRET",
}
"""What comes before a profile's value."""
_TELL_FAULTS = ("doctor",)
"""Commands that are there to tell what is wrong, so that a profile that cannot be used must not end them."""


@dataclass(slots=True)
class Shared:
    """What all commands share, as far as the command line has been read: above all, how much to say."""

    verbosity: int = 0
    is_quiet: bool = False
    log_file: Path | None = None
    profile: str | None = None
    """The one that was named before the command."""
    profile_fault: UsageError | None = None
    """Why there is no profile, for a command that tells such faults rather than to fail of them."""
    warnings: list[str] = field(default_factory=list)
    """To be said as soon as it is known how much to say."""

    def apply(self) -> None:
        """Say that much from now on. Raises `UsageError` when the log file cannot be written."""
        from videocli.cli.writing import output

        output.set_up(self.verbosity, self.is_quiet, self.log_file)

    def say_warnings(self) -> None:
        """Say what was found out before it was known how much to say."""
        from videocli.cli.writing import output

        for words in self.warnings:
            output.warn(words)
        self.warnings.clear()


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


def _profile_before_the_command(ctx: typer.Context, value: str | None) -> None:
    if value is not None and not ctx.resilient_parsing:
        ctx.obj.profile = value


def _profile(ctx: typer.Context, param: typer.core.TyperOption, value: str | None) -> None:
    """Read the profile before the other options look for their values."""
    if ctx.resilient_parsing:
        return
    try:
        _use_profile(ctx, value)
    except UsageError as fault:
        if ctx.command.name not in _TELL_FAULTS:
            raise
        ctx.obj.profile_fault = fault


def _use_profile(ctx: typer.Context, value: str | None) -> None:
    from videocli.cli import settings
    from videocli.cli.profiles import file as profile_file
    from videocli.cli.profiles.format import Profiles, named

    by_option = value if value is not None else ctx.obj.profile
    name = by_option if by_option is not None else os.environ.get(PROFILE)
    try:
        profiles = profile_file.load(warn=ctx.obj.warnings.append)
    except profile_file.NotOurs as fault:
        if name:
            raise
        ctx.obj.warnings.append(fault.problem)
        profiles = Profiles()
    if not name and by_option is None:
        name = profiles.used
    profile = named(name, profiles) if name else None
    settings.choose(profile, name or "")
    if profile is None:
        return
    values = profile.values()
    ctx.default_map = {**(ctx.default_map or {}), **values}
    first = [variable for key, variable in _VARIABLES.items() if key in values and os.environ.get(variable)]
    if by_option and first:
        ctx.obj.warnings.append(f"profile '{name}' is overruled by {', '.join(first)} of the environment")


_PROFILE_HELP = "Settings kept under a name; see 'videocli profile'. '' is none."
_profile_option = partial(
    typer.Option,
    "--profile",
    metavar="NAME",
    expose_value=False,
    autocompletion=completing.profile_names,
    show_default=False,
)
ProfileBeforeTheCommand = Annotated[
    str | None, _profile_option(callback=_profile_before_the_command, help=_PROFILE_HELP)
]
Profile = Annotated[
    str | None,
    _profile_option(is_eager=True, callback=_profile, help=f"{_PROFILE_HELP}  [env var: {PROFILE}]"),
]

Url = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar=_VARIABLES["url"],
        show_default=False,
        help="The room server. Default: Twilio's cloud for a token of its, else this machine's.",
    ),
]
Region = Annotated[
    str | None,
    typer.Option(
        metavar="REGION",
        show_default=False,
        autocompletion=completing.regions,
        help="Twilio's signaling region: us1, ie1, sg1 …",
    ),
]

Json = Annotated[
    bool, typer.Option("--json", help="Write JSON to stdout, one object a line, and nothing else.")
]


def _finite(value: float | None) -> float | None:
    if value is not None and not isfinite(value):
        raise typer.BadParameter(f"{value} is no number of seconds")
    return value


# What each command says of these in its help is its own.
token_option = partial(typer.Option, metavar="[TOKEN]", show_default=False)
token_command_option = partial(
    typer.Option, metavar="COMMAND", envvar=_VARIABLES["token_command"], show_default=False
)
video_option = partial(
    typer.Option, metavar="SOURCE", show_default=False, autocompletion=completing.video_sources
)
audio_option = partial(
    typer.Option, metavar="SOURCE", show_default=False, autocompletion=completing.audio_sources
)
seconds_option = partial(typer.Option, metavar="SECONDS", show_default=False, callback=_finite)
