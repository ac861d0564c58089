"""`python -m tests.simulation SEEDS [--first-seed N]`: many plays; `--show SEED`: one, with its whole log."""

import argparse
import sys
import time

from tests.simulation.perform import perform
from tests.simulation.run import failures
from tests.simulation.script import draw


def main() -> int:
    """Print every play that broke an invariant; 1 if there was one."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seeds", type=int, nargs="?", default=2000)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--show", type=int, metavar="SEED")
    options = parser.parse_args()
    if options.show is not None:
        outcome = perform(draw(options.show))
        print(outcome)
        return 1 if outcome.violations else 0
    began_at, failed = time.monotonic(), 0
    for outcome in failures(options.first_seed, options.seeds):
        failed += 1
        print(f"seed {outcome.script.seed}: {outcome.violations[0]}", flush=True)
    seconds = time.monotonic() - began_at
    print(f"{options.seeds} plays in {seconds:.1f} s, {failed} broke an invariant")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
