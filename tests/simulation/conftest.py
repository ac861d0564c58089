"""How many plays a run performs."""

import os

import pytest

USUAL_SEEDS = 2000 if os.environ.get("CI") else 500


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/simulation --seeds 100000 --first-seed 2000` for a longer run."""
    parser.addoption("--seeds", type=int, default=USUAL_SEEDS, help="how many plays to perform")
    parser.addoption("--first-seed", type=int, default=0, help="the first play's seed")
