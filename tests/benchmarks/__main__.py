"""All benchmarks, one table: `python -m tests.benchmarks`, or the names of some of them.

Each is a module of its own and says in its first lines what it measures. They run one after another, each in
a process of its own; on a machine that does nothing else it takes a good quarter of an hour.
"""

import platform
import subprocess
import sys
import time
from pathlib import Path

NAMES = (
    "starting",
    "receiving",
    "publishing",
    "recording",
    "against_browser",
    "connecting",
    "bots",
    "endurance",
    "dashboard",
)


def main() -> int:
    """Run them; 1 if one failed to measure, or found what it should not."""
    unknown = [name for name in sys.argv[1:] if name not in NAMES]
    if unknown:
        sys.stderr.write(f"no benchmark {', '.join(unknown)}: there are {', '.join(NAMES)}\n")
        return 2
    is_well = True
    today, python = time.strftime("%d %b %Y"), platform.python_version()
    sys.stdout.write(f"{today}, Python {python}, {platform.machine()}\n")
    for name in sys.argv[1:] or NAMES:
        sys.stdout.write(f"\n{name}\n")
        sys.stdout.flush()
        ran = subprocess.run(
            [sys.executable, "-m", f"{__package__}.{name}"],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        sys.stdout.write(ran.stdout)
        is_well &= ran.returncode == 0 and "MISSED" not in ran.stdout
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
