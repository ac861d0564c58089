"""What the fault tests measured: printed at the end of the run, beside the bound where there is one."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """Values of one thing, in `unit`; `bound` as the issue says it."""

    subject: str
    values: tuple[float, ...]
    unit: str
    bound: str

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def __str__(self) -> str:
        bound = f"   (bound: {self.bound})" if self.bound else ""
        if len(self.values) == 1:
            return f"{self.subject}: {_text(self.median)} {self.unit}{bound}"
        spread = f"{_text(min(self.values))} … {_text(max(self.values))}"
        return (
            f"{self.subject}: median of {len(self.values)} {_text(self.median)} {self.unit}, {spread}{bound}"
        )


MEASURED: list[Figure] = []
"""In the order of the run."""


def measured(subject: str, values: Sequence[float], unit: str = "s", bound: str = "") -> Figure:
    """Keep it for the end of the run."""
    figure = Figure(subject, tuple(values), unit, bound)
    MEASURED.append(figure)
    return figure


def _text(value: float) -> str:
    return f"{value:.3f}" if value != int(value) else f"{value:.0f}"
