"""`videocli doctor`."""

import typer

from videocli.cli.options import Json


def doctor(ctx: typer.Context, json: Json = False) -> None:
    """Say what a ticket should say of this machine.

    \b
    videocli doctor
    videocli doctor --json | jq .versions

    Versions, media libraries, devices, terminal, network, clock, settings and where they come from. Safe to
    paste: no secret, no token, no address, no user name; of an API key the last four characters, of variables
    only the names. A profile or a URL that cannot be used is told, and does not end it.
    """
    from videocli.cli import machine
    from videocli.cli.words import doctor_text
    from videocli.cli.writing import output

    sections = machine.look(profile_fault=ctx.obj.profile_fault)
    if json:
        output.json_result(doctor_text.to_json(sections))
    else:
        output.result("\n".join(doctor_text.to_lines(sections)))
