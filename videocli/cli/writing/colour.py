"""Whether lines may have colour."""

from collections.abc import Mapping
from typing import IO


def wants_colour(stdout: IO[str], environ: Mapping[str, str]) -> bool:
    """Only a terminal that can show colour gets it, and nobody who does not want it (no-color.org)."""
    return stdout.isatty() and environ.get("TERM", "dumb") not in ("", "dumb") and not environ.get("NO_COLOR")
