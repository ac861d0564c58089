"""Cores that do not fall asleep while something is measured.

A virtual machine's idle core is halted, and what it takes to wake it is charged to whoever is woken: the same
publisher costs 1.7 % of a core on an idle machine and 1.1 % on one that does anything else. What wakes rarely
and works long, as an encoder does, hardly pays that; so without this, ratios are of the hypervisor.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SPIN = "import os; os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nwhile True: pass"


@contextmanager
def cores_awake() -> Iterator[None]:
    """For as long as the context: one process for each core that runs only where nobody else wants to."""
    spinning = [subprocess.Popen([sys.executable, "-c", _SPIN]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for each in spinning:
            each.kill()
            each.wait()
