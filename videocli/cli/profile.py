"""`videocli profile`."""

import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from videocli.cli.help import completing
from videocli.cli.options import Json, Region
from videocli.cli.writing.redaction import hide, one_line, redact

if TYPE_CHECKING:
    from videocli.cli.profiles.format import Profile

_name_argument = partial(
    typer.Argument, metavar="NAME", show_default=False, autocompletion=completing.profile_names
)


def profile() -> None:
    """Keep settings under names, and choose among them.

    A profile has a room server or a region, credentials, an identity, a token command. Commands take it with
    --profile NAME, or VIDEOCLI_PROFILE, or because 'profile use' chose it. A flag and the environment come
    before it, defaults after it. The file is profiles.toml in the user's configuration directory (or in
    VIDEOCLI_CONFIG_DIR), with mode 0600; a secret in it is never shown.

    \b
    videocli profile add work --account-sid AC… --api-key SK…       asks for the secret
    videocli profile add lab --url wss://lab.example/signaling --identity probe
    videocli profile use work
    videocli join standup --profile lab
    """


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.", show_default=False)],
    url: Annotated[
        str | None, typer.Option(metavar="URL", show_default=False, help="The room server.")
    ] = None,
    region: Region = None,
    account_sid: Annotated[
        str | None, typer.Option(metavar="SID", show_default=False, help="The account: AC….")
    ] = None,
    api_key: Annotated[
        str | None,
        typer.Option(metavar="SID", show_default=False, help="The API key to mint tokens with: SK…."),
    ] = None,
    api_secret: Annotated[
        str | None,
        typer.Option(
            metavar="[-]",
            show_default=False,
            help="Ask for the key's secret; '-' reads a line of stdin. On a terminal --api-key asks, too.",
        ),
    ] = None,
    identity: Annotated[
        str | None,
        typer.Option(metavar="NAME", show_default=False, help="Who to be, when a token is minted."),
    ] = None,
    token_command: Annotated[
        str | None,
        typer.Option(metavar="COMMAND", show_default=False, help="Prints a token; see 'videocli join'."),
    ] = None,
    use: Annotated[
        bool,
        typer.Option(
            "--use", help="Use it from now on. The first one is used anyway, if its credentials are whole."
        ),
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of the one so called.")
    ] = False,
) -> None:
    """Add a profile.

    A secret is never a word of the command line, where every user of the machine could read it.

    \b
    videocli profile add work --account-sid AC… --api-key SK…
    videocli profile add ci --account-sid AC… --api-key SK… --api-secret - < secret.txt
    videocli profile add lab --url wss://lab.example/signaling --use
    """
    from videocli.cli.exit_codes import UsageError
    from videocli.cli.profiles import file as profile_file
    from videocli.cli.profiles.format import (
        Profile,
        ProfileError,
        adding,
        check,
        check_name,
        check_sids,
        missing_credentials,
        using,
    )
    from videocli.cli.writing import output

    values = {
        "url": url,
        "region": region,
        "account_sid": account_sid,
        "api_key": api_key,
        "identity": identity,
        "token_command": token_command,
    }
    if api_secret is None and all(value is None for value in values.values()):
        raise UsageError(
            f"there is nothing to keep in profile '{name}'",
            "Give at least one option; 'videocli profile add --help' has them.",
        )
    try:
        check_name(name)
        check(Profile(**values))
        check_sids(Profile(**values))
        made = Profile(**values, api_secret=_secret(api_secret, api_key is not None))
        check(made)
    except ProfileError as fault:
        raise UsageError(
            str(fault), "Nothing is changed. 'videocli profile add --help' has examples."
        ) from fault
    profiles = profile_file.change(adding(name, made, replace))
    missing = missing_credentials(made)
    is_used = use or (len(profiles.by_name) == 1 and not missing)
    if is_used:
        profile_file.change(using(name))
    output.say(f"profile '{name}' is kept{' and used from now on' if is_used else ''}")
    if missing:
        variables = [f"TWILIO_{key.upper()}" for key in missing]
        output.warn(
            f"it has no {' and no '.join(missing)}: {' and '.join(variables)} "
            f"{'has' if len(missing) == 1 else 'have'} to be set where it is used"
            + (
                ""
                if is_used or profiles.used == name
                else f"; it is not in use until 'videocli profile use {name}'"
            )
        )


def list_profiles(json: Json = False) -> None:
    """List the profiles.

    The one in use is marked with '*'.

    \b
    videocli profile list
    videocli profile list --json | jq -r 'select(.used).name'
    """
    from videocli.cli.profiles import file as profile_file
    from videocli.cli.writing import output

    profiles = profile_file.load()
    if not profiles.by_name:
        output.say("there is no profile: 'videocli profile add --help' says how to make one")
    for name, each in profiles.by_name.items():
        is_used = name == profiles.used
        if json:
            output.json_result({"name": name, "used": is_used, **_shown(each)})
        else:
            place = each.url or (each.account_sid and f"{each.account_sid} {each.region or ''}") or ""
            output.result(f"{'*' if is_used else ' '} {name:<20} {redact(one_line(place))}".rstrip())


def use(
    name: Annotated[str | None, _name_argument(help="The profile.")] = None,
    none: Annotated[bool, typer.Option("--none", help="Use no profile.")] = False,
) -> None:
    """Use a profile from now on, in all commands.

    \b
    videocli profile use work
    videocli profile use --none
    """
    from videocli.cli.profiles import file as profile_file
    from videocli.cli.profiles.format import using
    from videocli.cli.writing import output

    if (name is None) != none:
        raise typer.BadParameter("give the name of a profile, or --none", param_hint="'NAME'")
    profile_file.change(using(name))
    output.say("no profile is used from now on" if name is None else f"profile '{name}' is used from now on")


def remove(name: Annotated[str, _name_argument(help="The profile.")]) -> None:
    """Remove a profile, and its secret with it.

    \b
    videocli profile remove lab
    """
    from videocli.cli.profiles import file as profile_file
    from videocli.cli.profiles.format import removing
    from videocli.cli.writing import output

    was_used = profile_file.load().used == name
    profile_file.change(removing(name))
    output.say(f"profile '{name}' is removed{'; no profile is used from now on' if was_used else ''}")


def show(
    name: Annotated[str | None, _name_argument(help="The profile. Default: the one in use.")] = None,
    json: Json = False,
) -> None:
    """Show what a profile says, but for its secret.

    \b
    videocli profile show
    videocli profile show work --json | jq -r .url
    """
    from videocli.cli.exit_codes import UsageError
    from videocli.cli.profiles import file as profile_file
    from videocli.cli.profiles.format import named
    from videocli.cli.writing import output

    profiles = profile_file.load()
    name = name or profiles.used
    if name is None:
        raise UsageError("no profile is in use", "Name one, or choose one with 'videocli profile use NAME'.")
    found = named(name, profiles)
    if json:
        output.json_result({"name": name, "used": name == profiles.used, **_shown(found)})
        return
    output.say(f"profile '{name}' of {profile_file.path_of_profiles()}")
    for key, value in found.values().items():
        shown = "(kept, not shown)" if key == "api_secret" else redact(one_line(value))
        output.result(f"{key:<14}{shown}")


SUBCOMMANDS: dict[str, Callable[..., None]] = {
    "add": add,
    "list": list_profiles,
    "use": use,
    "remove": remove,
    "show": show,
}


def _shown(found: "Profile") -> dict[str, str | bool | None]:
    return {
        "url": found.url and redact(found.url),
        "region": found.region,
        "accountSid": found.account_sid,
        "apiKey": found.api_key,
        "hasApiSecret": found.api_secret is not None,
        "identity": found.identity,
        "tokenCommand": found.token_command and redact(found.token_command),
    }


def _secret(option: str | None, may_ask: bool) -> str | None:
    """The secret that `--api-secret` asks for: "" at a prompt, "-" on stdin. None: the profile has none."""
    import getpass

    from videocli.cli.exit_codes import UsageError
    from videocli.cli.joining import stdin_lines

    if option == "-":
        secret = stdin_lines.read_line().strip()
        if not secret:
            raise UsageError("stdin ended without a secret", "Pipe it in: … --api-secret - < secret.txt")
    elif option:
        hide(option)
        raise UsageError(
            "a secret on the command line can be read by every user of this machine",
            "Give --api-secret alone to be asked for it, or '--api-secret -' to pipe it in. Make a new key.",
        )
    elif sys.stdin.isatty() and (option is not None or may_ask):
        try:
            secret = getpass.getpass("API secret (nothing: it is not kept here): ").strip()
        except EOFError:
            secret = ""
    elif option is not None:
        raise UsageError(
            "there is no terminal to ask on", "Pipe the secret in: … --api-secret - < secret.txt"
        )
    else:
        return None
    hide(secret)
    return secret or None
