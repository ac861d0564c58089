"""Whether a failure is one of too few file descriptors, whatever it came up as."""

import errno
import os
import sys

from videocli.bots.results import TOO_MANY_FILES, Failure, Stage


def shortage(stage: Stage, words: str) -> Failure | None:
    """The failure that names this process's limit, if `words` are, or hold, what the system says of it.

    A shortage shows wherever something is opened, a socket for signaling or media, a file or a module, and
    each place has an error of its own.
    """
    if os.strerror(errno.EMFILE).lower() not in words.lower():
        return None
    return Failure(stage, None, TOO_MANY_FILES, f"too many open files{_limit()}")


def _limit() -> str:
    if sys.platform == "win32":
        return ""
    import resource

    return f": ulimit -n is {resource.getrlimit(resource.RLIMIT_NOFILE)[0]}"
