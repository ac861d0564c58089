"""Runs the real program."""

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import NamedTuple


class Ran(NamedTuple):
    """How a run of videocli ended, and what it wrote."""

    exit_code: int
    stdout: str
    stderr: str


def videocli(*arguments: str, **variables: str) -> Ran:
    """Run videocli as a process, without a terminal and without stdin, with more environment variables."""
    ran = python("-m", "videocli", *arguments, variables=variables)
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def python(*arguments: str, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run this Python."""
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | (variables or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
