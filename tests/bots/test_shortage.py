import errno
import os
import resource

import pytest

from videocli.bots.results import TOO_MANY_FILES, Failure
from videocli.bots.shortage import shortage

LIMIT = f"too many open files: ulimit -n is {resource.getrlimit(resource.RLIMIT_NOFILE)[0]}"


@pytest.mark.parametrize(
    "words",
    [
        str(OSError(errno.EMFILE, os.strerror(errno.EMFILE), "/some/module.py")),
        "Signaling connection timed out Too many open files. The server did not answer.",
        "No socket can be opened for media: Too many open files.",
    ],
)
def test_it_names_the_limit_wherever_it_was_met(words: str) -> None:
    assert shortage("joining", words) == Failure("joining", None, TOO_MANY_FILES, LIMIT)


def test_another_failure_is_none() -> None:
    assert shortage("joining", str(OSError(errno.ENOENT, os.strerror(errno.ENOENT)))) is None
