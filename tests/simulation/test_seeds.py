"""Whole plays: sessions and a server, random deeds and faults, and the invariants that hold all the while."""

import hashlib
import os
import subprocess
import sys

import pytest

from tests.simulation.conftest import USUAL_SEEDS
from tests.simulation.perform import perform
from tests.simulation.run import failures, failures_among
from tests.simulation.script import draw

DIGEST = """
import hashlib
from tests.simulation.perform import perform
from tests.simulation.script import draw
for seed in range({seeds}):
    print(hashlib.sha256("\\n".join(perform(draw(seed)).log).encode()).hexdigest())
"""


def test_no_play_breaks_an_invariant(request: pytest.FixtureRequest) -> None:
    count = request.config.getoption("--seeds", default=USUAL_SEEDS)
    first = request.config.getoption("--first-seed", default=0)
    failed = list(failures(first, count))
    seeds = [outcome.script.seed for outcome in failed]
    assert not failed, f"seeds {seeds}; the first of them:\n{failed[0]}"


def test_a_seed_reproduces_a_play_exactly() -> None:
    for seed in range(8):
        first, second = perform(draw(seed)), perform(draw(seed))
        assert len(first.log) > 10
        assert first == second


def test_a_seed_reproduces_a_play_in_another_process() -> None:
    seeds = 8
    here = [hashlib.sha256("\n".join(perform(draw(seed)).log).encode()).hexdigest() for seed in range(seeds)]
    for hash_seed in ("1", "2"):
        there = subprocess.run(
            [sys.executable, "-c", DIGEST.format(seeds=seeds)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert there.stdout.split() == here


def test_a_package_that_is_missing_ends_it_and_is_no_broken_invariant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(ModuleNotFoundError, match="jwt"):
        failures_among(range(1))


def test_seeds_make_different_plays() -> None:
    assert len({str(draw(seed)).partition(":")[2] for seed in range(50)}) == 50


def test_a_broken_play_tells_its_script_its_log_and_what_was_broken() -> None:
    outcome = perform(draw(3))
    text = str(outcome)
    assert f"seed {outcome.script.seed}:" in text
    assert all(str(fault) in text for fault in outcome.script.faults)
    assert all(line in text for line in outcome.log)
