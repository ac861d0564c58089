"""`--fail-if 'connect_p95>2s'`: a figure of the report, a comparison, a number with a unit.

    condition = metric operator number [unit]
    operator  = ">" | ">=" | "<" | "<=" | "==" | "!="
    unit      = "ms" | "s" | "%" | "kB" | "MB" | "kbit" | "Mbit"

Blanks may stand between them. Without a unit the number is in what the metric is in: seconds, bytes, bits a
second, a share from 0 to 1, or a count. A figure that is not known (`connect_p95` when nobody joined) meets
every condition: what cannot be shown to be well has not gone well.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from videocli.bots.report import METRICS

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
_TIME = {"ms": 0.001, "s": 1.0}
_SHARE = {"%": 0.01}
_SIZE = {"kB": 1e3, "MB": 1e6}
_RATE = {"kbit": 1e3, "Mbit": 1e6}
_UNITS: dict[str, dict[str, float]] = {
    **dict.fromkeys(("lag", "downtime", "media_gap", "silence"), _TIME),
    **dict.fromkeys((name for name in METRICS if name.startswith(("connect_", "media_"))), _TIME),
    "loss": _SHARE,
    "cpu": _SHARE,
    "bytes": _SIZE,
    "bitrate": _RATE,
}
_CONDITION = re.compile(r"\s*([a-z_0-9]+)\s*(>=|<=|==|!=|>|<)\s*(\d+(?:\.\d+)?)\s*([A-Za-z%]*)\s*")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, as it was written."""

    text: str
    metric: str
    compare: Callable[[float, float], bool]
    limit: float

    def is_met(self, metrics: Mapping[str, float | None]) -> bool:
        """Whether the run is to fail for it."""
        value = metrics[self.metric]
        return value is None or self.compare(value, self.limit)

    def found(self, metrics: Mapping[str, float | None]) -> str:
        """What its figure is, for people."""
        value = metrics[self.metric]
        return f"{self.metric} is {'unknown' if value is None else f'{value:g}'}"


def parse_condition(text: str) -> Condition:
    """Read one. Raises `ValueError` with words for people."""
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise ValueError(f"'{text}' is no condition; write METRIC>NUMBER, like connect_p95>2s")
    metric, sign, number, unit = found.groups()
    if metric not in METRICS:
        raise ValueError(f"'{metric}' is no metric; use one of {', '.join(METRICS)}")
    units = _UNITS.get(metric, {})
    if unit and unit not in units:
        allowed = f"takes {', '.join(units)}" if units else "is a plain number"
        raise ValueError(f"'{unit}' is no unit of {metric}, which {allowed}")
    return Condition(text, metric, _OPERATORS[sign], float(number) * units.get(unit, 1.0))
