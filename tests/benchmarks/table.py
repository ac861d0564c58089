"""What a benchmark found, as lines of one table."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, and what it is held against."""

    what: str
    measured: str
    bar: str = ""
    """Empty: a figure to compare others with."""
    is_met: bool | None = None

    def __str__(self) -> str:
        verdict = {None: "", True: "met", False: "MISSED"}[self.is_met]
        return f"{self.what:<72} {self.measured:>24}  {self.bar:<18} {verdict}".rstrip()


def table(rows: Iterable[Row]) -> str:
    """One line a row."""
    return "".join(f"{row}\n" for row in rows)
