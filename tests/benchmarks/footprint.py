"""What processes use, with all their children: CPU time, and memory as the sum of PSS (Linux, proc(5))."""

import os
import resource
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


class Usage(NamedTuple):
    """Of one or more processes."""

    cpu_seconds: float
    pss_bytes: int


def usage(*roots: int) -> Usage:
    """Of these processes and all their children."""
    cpu, pss = 0.0, 0
    for pid in _trees(roots):
        try:
            fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
            rollup = (PROC / str(pid) / "smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        cpu += (int(fields[11]) + int(fields[12])) / TICKS
        pss += int(next(line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:"))) * 1024
    return Usage(cpu, pss)


def own_cpu_seconds() -> float:
    """Of this process alone, all its threads together."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime


def children_of(pid: int, program: str = "") -> list[int]:
    """The children of a process, perhaps only those that run this program."""
    return [child for child, (parent, name) in _processes().items() if parent == pid and program in name]


def _processes() -> dict[int, tuple[int, str]]:
    """Every process: its parent, and the name of its program."""
    found = {}
    for path in PROC.glob("[0-9]*/stat"):
        try:
            head, _, rest = path.read_text().rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        found[int(path.parent.name)] = int(rest.split()[1]), head.partition("(")[2]
    return found


def _trees(roots: tuple[int, ...]) -> set[int]:
    children = defaultdict(list)
    for pid, (parent, _) in _processes().items():
        children[parent].append(pid)
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children[pid]
    return found
