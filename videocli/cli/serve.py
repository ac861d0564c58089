"""`videocli serve`."""

from typing import Annotated

import typer

from videocli.cli.options import Json


def serve(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; media uses the same address.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="Where to listen; 0 takes a free one.")
    ] = 7780,
    session_timeout: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0,
            max=86_400,
            help="How long a participant who lost the connection may take to resume.",
        ),
    ] = 30.0,
    max_participants: Annotated[
        int, typer.Option(metavar="COUNT", min=1, help="How many participants fit into one room.")
    ] = 50,
    json: Json = False,
) -> int:
    """Serve rooms on this machine.

    A room is made when somebody joins it. Tokens count that were signed with TWILIO_ACCOUNT_SID,
    TWILIO_API_KEY and TWILIO_API_SECRET of the environment, with the key of the profile in use,
    or with the development key of this machine.
    In the background of a terminal ('videocli serve &') it says only that it listens; -v says more.

    \b
    videocli serve
    videocli serve --port 0 --json | jq --unbuffered -r 'select(.event == "listening").url'
    videocli serve --host 0.0.0.0 --max-participants 8      for other machines, too
    """
    from videocli.cli import wiring
    from videocli.cli.leaving import leavable
    from videocli.cli.serving import serve_rooms
    from videocli.server.serve import ServeConfig

    config = ServeConfig(host, port, session_timeout, max_participants)
    outside = wiring.real_outside()
    return wiring.run(leavable(lambda departure: serve_rooms(config, outside, json, departure)))
