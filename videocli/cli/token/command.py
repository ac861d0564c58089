"""Runs what `--token-command` names, and takes the access token out of what it prints."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping

from videocli import tokens
from videocli.cli.writing.commands_output import commands_output
from videocli.errors import TokenError, error

COMMAND_SECONDS = 30.0
"""For the command to print a token."""
MAX_OUTPUT_BYTES = 65_536
"""A command that has printed so much without a token prints none."""

_CHUNK_BYTES = 4096
"""To look into at a time, since others want to run, too."""
_POLL_SECONDS = 0.02
_REAP_SECONDS = 1.0
"""For a killed process to be gone; only one that is stuck in the kernel takes longer."""
_WANTED = "It has to print an access token on a line of its standard output."


async def run_token_command(command: str, environ: Mapping[str, str] | None = None) -> str:
    """The first line of what the shell command prints that has the structure of an access token.

    Nothing is waited for beyond that line: not the command's end, nor that of what it started and that may
    hold its standard output open. All of them are killed then, and as well when this is cancelled.

    The command runs in a session of its own, so that it can be killed as a whole, and so that Ctrl-C is ours
    alone. `environ` is its environment; None: ours. Its standard error is ours, so that it can speak for
    itself, unless the dashboard holds it, which it would tear; what it printed is in no message.

    Raises `TokenError`: 20101 when it printed only other things; without a code when it cannot be started,
    fails, prints nothing, prints more than `MAX_OUTPUT_BYTES`, or takes longer than `COMMAND_SECONDS`.
    """
    process = _start(command, environ)
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            return await _token_of(process)
    except TimeoutError:
        raise _failed(f"printed no token within {COMMAND_SECONDS:.0f} s") from None
    finally:
        _end(process)


def _start(command: str, environ: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
    try:
        process = subprocess.Popen(
            command,
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=commands_output(),
            bufsize=0,
            start_new_session=True,
            env=environ,
        )
    except OSError as fault:
        raise _failed(f"cannot be started: {fault.strerror}") from fault
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the command with all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_REAP_SECONDS)
    if process.stdout is not None:
        process.stdout.close()


async def _token_of(process: subprocess.Popen[bytes]) -> str:
    """Read until there is a token, or the command has ended without one. Raises `TokenError`.

    Looking now and then notices both output and end, and needs no end of file.
    """
    assert process.stdout is not None
    size, line = 0, b""
    while True:
        status = process.poll()
        while chunk := process.stdout.read(_CHUNK_BYTES):
            size += len(chunk)
            *lines, line = (line + chunk).split(b"\n")
            if (token := _first_token(lines)) is not None:
                return token
            if size > MAX_OUTPUT_BYTES:
                raise _failed(f"printed more than {MAX_OUTPUT_BYTES // 1024} KiB, and no token")
            await asyncio.sleep(0)
        if status is not None:
            break
        await asyncio.sleep(_POLL_SECONDS)
    if (token := _first_token([line])) is not None:
        return token
    if status != 0:
        raise _failed(f"ended with exit code {status}" if status > 0 else f"was ended by signal {-status}")
    if size == 0:
        raise _failed("printed nothing")
    raise error(20101, explanation=f"The token command printed something else. {_WANTED}")


def _first_token(lines: list[bytes]) -> str | None:
    for line in lines:
        if line.count(b".") != 2:  # the others need no costly look (RFC 7515, section 3.1)
            continue
        text = line.decode(errors="replace").strip()
        with contextlib.suppress(TokenError):
            tokens.peek(text)
            return text
    return None


def _failed(how: str) -> TokenError:
    return TokenError(name="TokenCommandFailed", message=f"The token command {how}", explanation=_WANTED)
