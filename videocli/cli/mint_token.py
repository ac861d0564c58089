"""`videocli mint-token`."""

import random
from datetime import UTC, datetime
from typing import Annotated

import typer

from videocli.cli.options import Json
from videocli.moments import rfc3339

DEFAULT_TTL_SECONDS = 86_400


def mint_token(
    identity: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="Who the token is for. Default: your user name and a few digits.",
        ),
    ] = None,
    room: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The only room it opens. Default: any room.", show_default=False),
    ] = None,
    ttl: Annotated[
        int,
        typer.Option(
            metavar="SECONDS",
            help="How long it lives, 1 to 86400 (24 hours). A reconnection fails once it has expired.",
        ),
    ] = DEFAULT_TTL_SECONDS,
    json: Json = False,
) -> None:
    """Mint an access token.

    Signed with TWILIO_ACCOUNT_SID, TWILIO_API_KEY and TWILIO_API_SECRET of the environment, or with the key
    of the profile in use; with neither, with a development key that is made on first use and that 'serve' and
    'join' on this machine share.

    \b
    videocli mint-token --identity alice --room standup
    videocli mint-token --room standup --json | jq -r .expiresAt
    VIDEOCLI_TOKEN=$(videocli mint-token --room standup) videocli join standup
    """
    from videocli import tokens
    from videocli.cli import settings
    from videocli.cli.writing import output

    try:
        tokens.check_ttl(ttl)
    except ValueError as fault:
        raise typer.BadParameter(str(fault), param_hint="'--ttl'") from fault
    for name, given in (("--identity", identity), ("--room", room)):
        if given == "":
            words = f"it is empty: a name has 1 to {tokens.MAX_NAME_LENGTH} characters"
            raise typer.BadParameter(words, param_hint=f"'{name}'")
    credentials = settings.credentials()
    if identity is None:
        identity = settings.default_identity(random.SystemRandom())
    minted = tokens.mint(credentials, identity, room, ttl, datetime.now(UTC))
    if room is None:
        output.warn("the token opens every room of the account; --room NAME scopes it to one")
    if not json:
        output.result(minted.token)
        return
    output.json_result(
        {
            "token": minted.token,
            "identity": minted.identity,
            "room": minted.room,
            "issuedAt": rfc3339(minted.issued_at),
            "expiresAt": rfc3339(minted.expires_at),
            "ttl": minted.ttl_seconds,
            "accountSid": minted.account_sid,
            "apiKey": minted.api_key,
        }
    )
