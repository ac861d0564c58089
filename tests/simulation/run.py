"""Performs many plays, on all processors."""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.perform import Outcome, perform
from tests.simulation.script import draw

CHUNK = 25


def failures(first: int, count: int, workers: int | None = None) -> Iterator[Outcome]:
    """The plays of these seeds that broke an invariant, in order."""
    chunks = [range(at, min(at + CHUNK, first + count)) for at in range(first, first + count, CHUNK)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers or os.cpu_count(), mp_context=context) as pool:
        for outcomes in pool.map(failures_among, chunks):
            yield from outcomes


def failures_among(seeds: range) -> list[Outcome]:
    """The plays of these seeds that broke an invariant, performed here."""
    return [outcome for seed in seeds if (outcome := perform(draw(seed))).violations]
