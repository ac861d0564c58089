"""`videocli inspect-token`."""

from typing import Annotated

import typer

from videocli.cli.options import Json


def inspect_token(
    token: Annotated[
        str,
        typer.Argument(
            metavar="TOKEN",
            show_default=False,
            help="The token; '-' reads a line of stdin. Default: VIDEOCLI_TOKEN, or a prompt without echo.",
        ),
    ] = "",
    room: Annotated[
        str | None,
        typer.Option(metavar="NAME", show_default=False, help="Also check whether it opens this room."),
    ] = None,
    json: Json = False,
) -> int:
    """See what a token says, and what a server would say of it.

    \b
    videocli inspect-token                                     asks for it, without echo
    videocli inspect-token --room standup                      the one in VIDEOCLI_TOKEN, for a room
    videocli mint-token --room standup | videocli inspect-token -
    videocli inspect-token --json | jq -r .expiresAt

    All that a server looks at, in its order, the signature too where the token's key is at hand: the
    environment's, the profile's, or the development key. Ends with 3 if the token is refused.
    """
    from datetime import UTC, datetime

    from videocli import tokens
    from videocli.cli import settings
    from videocli.cli.exit_codes import ExitCode, UsageError
    from videocli.cli.token.given import given_token
    from videocli.cli.words import token_text
    from videocli.cli.writing import output
    from videocli.errors import TokenError

    if room is not None:
        tokens.check_room_name(room)
    given = given_token(token, missing="no token is given")
    assert given is not None, "without an option a token is asked for"
    try:
        known = settings.known_credentials()
    except UsageError as fault:
        output.warn(f"no key is at hand to check the signature with: {fault.problem}")
        known = {}
    now = datetime.now(UTC)
    try:
        inspection = tokens.inspect(given.text, known, room, now)
    except TokenError as refusal:
        if not json:
            raise
        output.json_result({"accepted": False, "refusals": [token_text.refusal_json(refusal)]})
        return ExitCode.TOKEN
    if json:
        output.json_result(token_text.to_json(inspection, room, now))
    else:
        output.result("\n".join(token_text.to_lines(inspection, room, now, zone=None)))
    return ExitCode.TOKEN if inspection.refusals else ExitCode.OK
