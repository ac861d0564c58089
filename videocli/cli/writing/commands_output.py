"""Where a command that we start may write."""

import sys
from subprocess import DEVNULL


def commands_output() -> int:
    """Our stderr, since stdout is for events; nowhere where there is none, or the dashboard holds it."""
    try:
        return sys.stderr.fileno()
    except OSError:
        return DEVNULL
