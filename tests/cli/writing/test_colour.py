import os

import pytest

from videocli.cli.writing.colour import wants_colour


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
)
def test_a_terminal_gets_colour_unless_nobody_wants_it(environ: dict[str, str], wanted: bool) -> None:
    master, slave = os.openpty()
    with os.fdopen(slave, "w") as terminal:
        assert wants_colour(terminal, environ) is wanted
    os.close(master)


def test_a_pipe_gets_none() -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w") as pipe:
        assert not wants_colour(pipe, {"TERM": "xterm"})
    os.close(read)
