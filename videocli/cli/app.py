"""The command line: its commands, what all of them share, and the one place where an error meets the user."""

import logging
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from importlib import import_module
from typing import Annotated, Any, NamedTuple, NoReturn

import typer
import typer.core
import typer.main

from videocli import __version__
from videocli.cli.exit_codes import ExitCode, UsageError, exit_code_for
from videocli.cli.help import completing
from videocli.cli.help.pages import HelpfulCommand, HelpfulGroup
from videocli.cli.options import LogFile, Profile, ProfileBeforeTheCommand, Quiet, Shared, Verbose
from videocli.cli.writing import output
from videocli.errors import VideoError

_log = logging.getLogger(__name__)

_EPILOG = """\
\b
Exit codes:
  0    left gracefully, or what --until waited for happened
  1    a fault of ours
  2    bad usage
  3    the token is refused or has expired (20101-20107)
  4    the room or participant is refused or ended by the server (531xx, 532xx)
  5    signaling failed for good (53000-53006)
  6    media failed for good (534xx)
  7    --until did not happen within --timeout
  8    a condition of bots --fail-if was met
  130  stopped at once, by a second signal
"""


class CommandEntry(NamedTuple):
    """Where a command is, and what the list of commands says of it."""

    module: str
    """Under `videocli.cli`; imported when the command is used. Its function has the same name.

    Where the module has `SUBCOMMANDS`, the function only says what these are about.
    """
    summary: str
    takes_profile: bool = True
    """Whether `--profile` means anything to it."""


COMMANDS: dict[str, CommandEntry] = {
    "join": CommandEntry("join", "Join a room and stay until you leave."),
    "serve": CommandEntry("serve", "Serve rooms on this machine."),
    "demo": CommandEntry(
        "demo", "See a room at once: a server, a bot with picture and sound, and you.", False
    ),
    "bots": CommandEntry("bots", "Send bots into rooms by the hundred, and report how they fared."),
    "mint-token": CommandEntry("mint_token", "Mint an access token."),
    "inspect-token": CommandEntry(
        "inspect_token", "See what a token says, and what a server would say of it."
    ),
    "preflight": CommandEntry("preflight", "Test everything on the way to a server, step by step."),
    "doctor": CommandEntry("doctor", "Say what a ticket should say of this machine."),
    "explain": CommandEntry("explain", "Explain an error code: meaning, causes, what to do.", False),
    "profile": CommandEntry("profile", "Keep settings under names, and choose among them.", False),
}


class LazyCommand(typer.core.TyperCommand):
    """Stands in the list of commands, and makes the command itself when it is used."""

    def __init__(self, name: str, entry: CommandEntry) -> None:
        super().__init__(name, help=entry.summary, rich_markup_mode=None)
        self._entry = entry

    def make_context(self, info_name: Any, args: list[str], *rest: Any, **extra: Any) -> Any:
        """The context of the command itself; the types are those of the class above."""
        command = self.command()
        if not args and _subcommands(command) and not extra.get("resilient_parsing"):
            args = ["--help"]
        params = [*command.params, *(param for each in _subcommands(command) for param in each.params)]
        bare = {name for each in params if (each.metavar or "").startswith("[") for name in each.opts}
        context = command.make_context(info_name, fill_bare_options(args, bare), *rest, **extra)
        if isinstance(context.obj, Shared):
            context.obj.say_warnings()
        return context

    def command(self) -> Any:
        """The command itself, or the group of commands."""
        module = import_module(f"videocli.cli.{self._entry.module}")
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        subcommands = getattr(module, "SUBCOMMANDS", None)
        if subcommands is None:
            app.command(self.name, cls=HelpfulCommand)(getattr(module, self._entry.module))
        else:
            app.callback(cls=HelpfulGroup)(getattr(module, self._entry.module))
            for name, function in subcommands.items():
                app.command(name, cls=HelpfulCommand)(function)
        command: Any = typer.main.get_command(app)
        command.name = self.name
        for each in (command, *_subcommands(command)):
            each.params += _shared_options(self._entry.takes_profile)
        return command


def _subcommands(command: Any) -> list[Any]:
    return list(getattr(command, "commands", {}).values())


def fill_bare_options(arguments: Sequence[str], options: Collection[str]) -> list[str]:
    """The arguments, with the value "" for each of the options (metavar `[X]`) that stands without one.

    That is one at the end or before another option; `-` alone is a value. Typer knows no such options.
    """
    filled: list[str] = []
    for position, argument in enumerate(arguments):
        if argument == "--":
            return [*filled, *arguments[position:]]
        filled.append(argument)
        following = arguments[position + 1 : position + 2]
        if argument in options and (not following or (following[0].startswith("-") and following[0] != "-")):
            filled.append("")
    return filled


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"videocli {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit."),
    ] = False,
    verbose: Verbose = 0,
    quiet: Quiet = False,
    log_file: LogFile = None,
    profile: ProfileBeforeTheCommand = None,
) -> None:
    """The command-line client for video rooms.

    \b
    videocli demo                               see a room at once, without any set-up
    videocli mint-token --identity alice        mint an access token
    videocli COMMAND --help                     examples and options of a command
    """


def _shared_options(with_profile: bool) -> list[Any]:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)

    @app.command()
    def _(
        verbose: Verbose = 0, quiet: Quiet = False, log_file: LogFile = None, profile: Profile = None
    ) -> None:
        """Nothing but its options is used."""

    options: list[Any] = typer.main.get_command(app).params
    return [each for each in options if with_profile or each.name != "profile"]


def command_line() -> typer.core.TyperGroup:
    """The whole command line, ready to run or to be looked into; no module of a command is imported."""
    app = typer.Typer(rich_markup_mode=None, context_settings={"help_option_names": ["--help", "-h"]})
    app.callback(cls=HelpfulGroup, epilog=_EPILOG)(_root)
    group = typer.main.get_group(app)
    group.params += typer.main.get_install_completion_arguments()
    for name, entry in COMMANDS.items():
        group.add_command(LazyCommand(name, entry))
    return group


def run(arguments: Sequence[str]) -> int:
    """Run videocli with these arguments; its exit code. Shell completion ends in `SystemExit`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if "_VIDEOCLI_COMPLETE" in os.environ:
        completing.answer_quickly()
    shared = Shared()
    shared.apply()
    try:
        outcome = command_line().main(
            args=list(arguments) or ["--help"], prog_name="videocli", standalone_mode=False, obj=shared
        )
        sys.stdout.flush()
    except SystemExit:
        raise
    except (output.ReaderGone, BrokenPipeError):
        _let_go_of_stdout()
        return ExitCode.OK
    except BaseException as fault:
        return _explain(fault)
    return outcome if isinstance(outcome, int) else ExitCode.OK


def main() -> NoReturn:
    """Run videocli as a process."""
    _open_closed_streams()
    try:
        code = run(sys.argv[1:])
    finally:
        output.finish()
    sys.exit(code)


def _open_closed_streams() -> None:
    """Open the standard streams that came closed (`<&-`), or a socket would get the number of one."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            mode = "r" if number == 0 else "w"
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
            if name == "stdout":
                output.leads_nowhere()


def _explain(fault: BaseException) -> int:
    """Tell the user about an error in two lines, and the log everything; the exit code."""
    _log.debug("ended by an error", exc_info=fault)
    causes = list(_leaves(fault))
    fault = next((cause for cause in causes if exit_code_for(cause) != ExitCode.FAULT), causes[0])
    match fault:
        case typer.Abort() | KeyboardInterrupt():
            return ExitCode.STOPPED
        case typer.TyperException():
            context = getattr(fault, "ctx", None)
            path = context.command_path if context is not None else "videocli"
            output.complain(fault.format_message(), f"Try '{path} --help'.")
            return fault.exit_code
        case UsageError():
            output.complain(fault.problem, fault.remedy)
        case VideoError():
            output.complain(str(fault), fault.explanation)
        case OSError(filename=output.STDOUT):
            _let_go_of_stdout()
            output.complain(
                f"stdout cannot be written: {fault.strerror}", "Send it elsewhere, or make room there."
            )
        case OSError():
            output.complain(str(fault), "Run it again with -vv to see where it happened.")
        case _:
            output.complain(
                f"{type(fault).__name__}: {fault}", "This is a fault of ours: please report what -vv shows."
            )
    return exit_code_for(fault)


def _leaves(fault: BaseException) -> Iterator[BaseException]:
    if isinstance(fault, BaseExceptionGroup):
        for part in fault.exceptions:
            yield from _leaves(part)
    else:
        yield fault


def _let_go_of_stdout() -> None:
    """Point stdout to nowhere, or Python would complain at exit that it could not flush it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
