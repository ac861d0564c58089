"""`videocli explain`."""

from typing import Annotated

import typer

from videocli.cli.options import Json

MAX_WIDTH = 100


def _complete(incomplete: str) -> list[tuple[str, str]]:
    from videocli.errors import ERRORS

    return [(str(row.code), row.name) for row in ERRORS.values() if str(row.code).startswith(incomplete)] + [
        (row.name, row.message) for row in ERRORS.values() if row.name.startswith(incomplete or "?")
    ]


def explain(
    code: Annotated[
        str | None,
        typer.Argument(
            metavar="CODE",
            show_default=False,
            autocompletion=_complete,
            help="A code (53002) or a name (SignalingConnectionTimeout). Default: list all of them.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Explain an error code: meaning, causes, what to do.

    \b
    videocli explain 53405
    videocli explain SignalingConnectionTimeoutError     names do, too
    videocli explain                                     list all of them
    videocli explain 20104 --json | jq -r .retry
    """
    import shutil

    from videocli.cli.exit_codes import UsageError
    from videocli.cli.words import explain_text
    from videocli.cli.writing import output
    from videocli.errors import ERRORS
    from videocli.explanations import find, nearest

    if code is None:
        if json:
            for row in ERRORS.values():
                output.json_result(explain_text.to_json(row))
        else:
            output.result("\n".join(explain_text.list_lines()))
        return
    found = find(code)
    if found is None:
        meant = " or ".join(f"{row.code} {row.name}" for row in nearest(code))
        raise UsageError(
            f"'{code[:100]}' is no code or name of an error",
            f"Did you mean {meant}?" if meant else "Run 'videocli explain' to see all of them.",
        )
    if json:
        output.json_result(explain_text.to_json(found))
    else:
        width = min(shutil.get_terminal_size().columns, MAX_WIDTH)
        output.result("\n".join(explain_text.to_lines(found, width)))
