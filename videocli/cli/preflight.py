"""`videocli preflight`."""

from typing import Annotated

import typer

from videocli.cli.options import Json, Region, Url, token_command_option, token_option

MEASURING = "Measuring"
"""The group of its options about time, which are not about leaving."""


def preflight(
    url: Url = None,
    region: Region = None,
    token: Annotated[
        str | None,
        token_option(
            help="Test with this token, in one direction only; '-' reads a line of stdin; without a value "
            "VIDEOCLI_TOKEN, or a prompt. Without this option VIDEOCLI_TOKEN, or the token command's, or two "
            "tokens are minted.",
        ),
    ] = None,
    token_command: Annotated[
        str | None, token_command_option(help="Prints a token to test with, where none is given.")
    ] = None,
    duration: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0.5,
            max=3600,
            rich_help_panel=MEASURING,
            help="How long to measure media.",
        ),
    ] = 5.0,
    timeout: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0.1,
            max=600,
            rich_help_panel=MEASURING,
            help="How long each step may take.",
        ),
    ] = 15.0,
    json: Json = False,
) -> int:
    """Test everything on the way to a server, step by step.

    \b
    videocli preflight                                    where 'join' would go
    videocli preflight --url wss://video.example.com/signaling
    videocli preflight --duration 60                      measure for a minute
    videocli preflight --json | jq -r .failedStep

    From the server's name to media that flows both ways, between two participants in a room made for it.
    Says how long each step took, which one failed and why, and how good the media was. The exit code is the
    verdict: 0, or 3 for the token, 5 for signaling, 6 for media.
    """
    from videocli.cli import preflight_run, wiring
    from videocli.cli.leaving import leavable
    from videocli.cli.token.given import given_token

    request = preflight_run.PreflightRequest(
        given_token(token), token_command, url, region, duration, timeout, json
    )
    outside = wiring.real_outside()
    return wiring.run(leavable(lambda departure: preflight_run.run_preflight(request, outside, departure)))
