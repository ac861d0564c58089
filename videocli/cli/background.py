"""Whether somebody else has the terminal: a shell that started us with '&', or what runs in front of us."""

import os
import sys


def is_in_background() -> bool:
    """Whether stderr is our terminal, and another job is in its foreground (POSIX.1-2017, 11.1.1)."""
    if sys.platform == "win32":
        return False
    try:
        return os.tcgetpgrp(sys.stderr.fileno()) != os.getpgrp()
    except OSError:  # no file, or no terminal of ours
        return False
