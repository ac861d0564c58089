"""The dashboard as an SVG, for the README."""

from io import StringIO

from rich.console import Console

from videocli.dashboard.render import render
from videocli.dashboard.view import View
from videocli.engine.room.snapshot import Snapshot


def svg(
    snapshot: Snapshot, view: View | None = None, size: tuple[int, int] = (100, 30), title: str = "videocli"
) -> str:
    """The picture at `size` columns and rows; the same snapshot and view give the same text."""
    columns, rows = size
    console = Console(
        record=True,
        file=StringIO(),
        width=columns,
        height=rows,
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
        _environ={},
    )
    console.print(render(snapshot, view or View(), size), crop=False)
    return console.export_svg(title=title)
