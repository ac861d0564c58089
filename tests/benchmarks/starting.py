"""What starting videocli costs, as a ratio to importing typer: `python -m tests.benchmarks.starting`."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import NamedTuple

from tests.benchmarks.table import Row, table
from videocli.cli.app import COMMANDS

RUNS = 11
LIMIT = 2.0
"""What is quick may cost this many times `import typer`."""


class Start(NamedTuple):
    """A command line whose cost is its start."""

    arguments: tuple[str, ...]
    variables: Mapping[str, str] = {}
    is_videocli: bool = True
    is_quick: bool = True
    """False: it imports more than the start needs; of a token, PyJWT and `cryptography`."""


STARTS = {
    "python -c 'import typer'": Start(("-c", "import typer"), is_videocli=False),
    "videocli --version": Start(("--version",)),
    **{f"videocli {name} --help": Start((name, "--help")) for name in COMMANDS},
    "videocli mint-token": Start(("mint-token", "--identity", "alice", "--room", "standup")),
    "videocli inspect-token": Start(("inspect-token", "--room", "standup"), is_quick=False),
    "videocli explain 53002": Start(("explain", "53002")),
    "completing a command": Start(
        (), {"_VIDEOCLI_COMPLETE": "complete_bash", "COMP_WORDS": "videocli ", "COMP_CWORD": "1"}
    ),
    "completing an option": Start(
        (), {"_VIDEOCLI_COMPLETE": "complete_bash", "COMP_WORDS": "videocli join --", "COMP_CWORD": "2"}
    ),
}


def command(start: Start) -> list[str]:
    """The process to run."""
    return [sys.executable, *(("-m", "videocli") if start.is_videocli else ()), *start.arguments]


def seconds(start: Start, environment: Mapping[str, str]) -> float:
    """How long one run takes."""
    began = time.perf_counter()
    subprocess.run(command(start), env={**environment, **start.variables}, check=True, capture_output=True)
    return time.perf_counter() - began


def measure() -> list[Row]:
    """Run all in turns, so that whatever else the machine does meets each of them."""
    with tempfile.TemporaryDirectory() as state:
        environment = {**os.environ, "VIDEOCLI_STATE_DIR": state}
        mint = STARTS["videocli mint-token"]
        minted = subprocess.run(command(mint), env=environment, check=True, capture_output=True, text=True)
        environment["VIDEOCLI_TOKEN"] = minted.stdout.strip()
        for start in STARTS.values():
            seconds(start, environment)
        runs = [{name: seconds(start, environment) for name, start in STARTS.items()} for _ in range(RUNS)]
    medians = {name: statistics.median(run[name] for run in runs) for name in STARTS}
    base = next(iter(medians.values()))
    return [
        Row(
            name,
            f"{median * 1000:.0f} ms ({median / base:.2f})",
            f"at most {LIMIT:g}",
            median <= LIMIT * base,
        )
        if STARTS[name].is_quick
        else Row(name, f"{median * 1000:.0f} ms ({median / base:.2f})")
        for name, median in medians.items()
    ]


def main() -> None:
    """Print the table."""
    sys.stdout.write(table(measure()))


if __name__ == "__main__":
    main()
