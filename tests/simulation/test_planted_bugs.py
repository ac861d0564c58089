"""The simulation finds bugs: each one of `planted/bugs.py`, planted, breaks an invariant of some play."""

import pytest

from tests.simulation.perform import perform
from tests.simulation.planted.bugs import BUGS
from tests.simulation.script import draw

SEEDS = 2000


@pytest.mark.parametrize("name", BUGS)
def test_the_simulation_catches(name: str) -> None:
    bug = BUGS[name]
    for seed in (bug.seed, *range(SEEDS)):
        with bug.plant():
            outcome = perform(draw(seed))
        if outcome.violations:
            return
    pytest.fail(f"{bug.description}: not caught by {SEEDS} plays")


@pytest.mark.parametrize("name", BUGS)
def test_what_catches_it_is_the_bug_alone(name: str) -> None:
    assert not perform(draw(BUGS[name].seed)).violations
