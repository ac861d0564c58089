"""What starting videocli costs, as a ratio to importing typer: `python -m tests.benchmarks.starting`."""

import statistics
import subprocess
import sys
import time

RUNS = 11
COMMANDS = {
    "python -c 'import typer'": [sys.executable, "-c", "import typer"],
    "videocli --version": [sys.executable, "-m", "videocli", "--version"],
}


def seconds(command: list[str]) -> float:
    """How long one run takes."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    """Run both in turns, so that whatever else the machine does meets both."""
    for command in COMMANDS.values():
        seconds(command)
    runs = [{name: seconds(command) for name, command in COMMANDS.items()} for _ in range(RUNS)]
    medians = [statistics.median(run[name] for run in runs) for name in COMMANDS]
    for name, median in zip(COMMANDS, medians, strict=True):
        sys.stdout.write(f"{median * 1000:7.1f} ms  {name}\n")
    sys.stdout.write(f"{medians[1] / medians[0]:7.2f}     ratio\n")


if __name__ == "__main__":
    main()
