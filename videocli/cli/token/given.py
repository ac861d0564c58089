"""The token that the user gives: on the command line, on stdin, in the environment, or at a prompt."""

import getpass
import os
import sys

from videocli.cli.exit_codes import UsageError
from videocli.cli.token.origin import ENVIRONMENT, OPTION, PROMPT, STDIN, TOKEN, GivenToken
from videocli.cli.writing.redaction import hide

NO_VALUE = "--token has no value"


def given_token(option: str | None, missing: str = NO_VALUE) -> GivenToken | None:
    """The token for `--token` as it was given: None: not at all, "": without a value, "-": a line of stdin.

    None: no token is given. May wait for stdin or a terminal, so call it before there is anything to hold
    up. Raises `UsageError`; `missing` is what it says where there is nothing to ask on.
    """
    in_environment = os.environ.get(TOKEN, "").strip()
    token = _find(option, GivenToken(in_environment, ENVIRONMENT) if in_environment else None, missing)
    if token is not None:
        hide(token.text)
    return token


def _find(option: str | None, from_environment: GivenToken | None, missing: str) -> GivenToken | None:
    match option:
        case None:
            return from_environment
        case "-":
            from videocli.cli.joining import stdin_lines

            token = stdin_lines.read_line().strip()
            if not token:
                raise UsageError(
                    "stdin ended without a token", "Pipe one in: videocli mint-token | videocli join …"
                )
            return GivenToken(token, STDIN)
        case "":
            return from_environment or GivenToken(_prompt(missing), PROMPT)
        case token:
            return GivenToken(token, OPTION)


def _prompt(missing: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError(
            f"{missing}, and there is no terminal to ask on",
            f"Set {TOKEN}, or write - to hand it over on stdin.",
        )
    try:
        token = getpass.getpass("Access token: ").strip()
    except EOFError:
        token = ""
    if not token:
        raise UsageError("no token was entered", "Mint one with 'videocli mint-token'.")
    return token
