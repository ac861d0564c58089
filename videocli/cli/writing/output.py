"""Results to stdout, words for people to stderr, the log to stderr or a file. No secret passes.

Everything but a result goes through `logging`. What we say to people goes through `videocli.words`, which
`--quiet` silences up to errors; all else is a diagnosis, which `--verbose` and `--log-file` ask for.
"""

import copy
import json
import logging
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from videocli.cli.exit_codes import UsageError
from videocli.cli.writing.log_file import LogFile
from videocli.cli.writing.redaction import one_line, redact
from videocli.cli.writing.stderr_writer import StderrWriter

_words = logging.getLogger("videocli.words")
_TOO_TALKATIVE = {"websockets": logging.INFO, "asyncio": logging.INFO}
"""Never below these: they log whole frames, which hold tokens and passwords cut at any place."""


STDOUT = "<stdout>"
"""What an error that is about stdout has as the name of the file; Python calls it so."""


class ReaderGone(Exception):
    """Nobody reads stdout any more: leave, and quietly."""


class _Line(logging.Formatter):
    """A line of the log: words for people as they are, a diagnosis with time, level and logger."""

    def __init__(self, with_tracebacks: bool) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._with_tracebacks = with_tracebacks

    def format(self, record: logging.LogRecord) -> str:
        if record.name == _words.name:
            text = record.getMessage()
        elif self._with_tracebacks:
            text = super().format(record)
        else:
            plain = copy.copy(record)
            plain.exc_info = plain.exc_text = plain.stack_info = None
            text = super().format(plain)
        return redact(text)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the library's name
        """The line itself; what others sent can neither steer a terminal nor begin a line of its own."""
        record.message = one_line(record.message)
        return super().formatMessage(record)


class _Stderr(logging.StreamHandler[IO[str]]):
    """Writes to what stderr is now, so that the dashboard or a test may put something in its place."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> IO[str]:
        return sys.stderr

    @stream.setter
    def stream(self, value: IO[str]) -> None:
        raise AttributeError("stderr is wherever sys.stderr is")

    def emit(self, record: logging.LogRecord) -> None:
        """Write it; by the thread, if there is one and nothing is in stderr's place."""
        if _beside is None or sys.stderr is not sys.__stderr__:
            super().emit(record)
            return
        try:
            _beside.write(self.format(record) + self.terminator)
        except Exception:
            self.handleError(record)


_beside: StderrWriter | None = None


def never_block() -> None:
    """From now on nobody waits for a reader of stderr; for a command that runs for long."""
    global _beside  # noqa: PLW0603  # like the log's set-up: one stderr, one thread
    stderr = sys.__stderr__
    if _beside is None and stderr is not None and sys.stderr is stderr:
        _beside = StderrWriter(stderr.fileno(), stderr.encoding)


def catch_up(text: str) -> None:
    """Write to stderr what waited while something was in its place; where stderr is gone, it is lost."""
    if _beside is not None and sys.stderr is sys.__stderr__:
        _beside.write(text)
    elif text:
        with suppress(OSError):
            sys.stderr.write(text)


def finish() -> None:
    """Give a reader of stderr who reads at all what was said so far. For the end of the process."""
    if _beside is not None:
        _beside.flush()


_asked: tuple[int, bool, Path | None] = (0, False, None)


def asked() -> tuple[int, bool, Path | None]:
    """What `set_up` was asked for, so that a process of ours can say as much."""
    return _asked


_OWN_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
_OTHERS_LEVELS = (logging.CRITICAL + 1, logging.WARNING, logging.DEBUG)


def set_up(verbosity: int = 0, is_quiet: bool = False, log_file: Path | None = None) -> None:
    """Say as much as asked for. May be called again.

    On stderr, `verbosity` 0 shows videocli's own warnings, 1 also what it does and its libraries' warnings, 2
    everything, with tracebacks. A log file always gets everything. Raises `UsageError` when it cannot be
    written.
    """
    global _asked  # noqa: PLW0603  # there is one log
    _asked = verbosity, is_quiet, log_file
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler.formatter, _Line)]:
        root.removeHandler(handler)
        handler.close()
    stderr = _Stderr()
    stderr.setFormatter(_Line(with_tracebacks=verbosity > 1))
    stderr.addFilter(lambda record: record.levelno >= _least_on_stderr(record.name, verbosity))
    handlers: list[logging.Handler] = [stderr]
    if log_file is not None:
        try:
            handlers.append(LogFile(log_file, warn))
        except OSError as fault:
            raise UsageError(
                f"the log file {log_file} cannot be written: {fault.strerror}", "Choose another --log-file."
            ) from fault
        handlers[-1].setFormatter(_Line(with_tracebacks=True))
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(logging.DEBUG if log_file is not None else _OWN_LEVELS[min(verbosity, 2)])
    _words.setLevel(logging.ERROR if is_quiet else logging.INFO)
    for name, least in _TOO_TALKATIVE.items():
        logging.getLogger(name).setLevel(max(root.level, least))


def _least_on_stderr(logger: str, verbosity: int) -> int:
    if logger == _words.name:
        return logging.NOTSET
    return (_OWN_LEVELS if logger.startswith("videocli") else _OTHERS_LEVELS)[min(verbosity, 2)]


_has_stdout = True


def leads_nowhere() -> None:
    """Stdout was closed before we began, and results are lost."""
    global _has_stdout  # noqa: PLW0603  # there is one stdout
    _has_stdout = False


def has_stdout() -> bool:
    """Whether there is a stdout, be it one that nobody reads."""
    return _has_stdout


def result(text: str) -> None:
    """Write a line of the result to stdout, at once. Raises `ReaderGone`, or `OSError` that names stdout."""
    try:
        print(text, flush=True)
    except BrokenPipeError as fault:
        raise ReaderGone from fault
    except OSError as fault:
        raise OSError(fault.errno, fault.strerror, STDOUT) from fault


def json_result(value: Mapping[str, Any]) -> None:
    """Write a JSON object as a line of stdout, at once. Raises as `result` does."""
    result(json.dumps(value, separators=(",", ":")))


def may_say() -> bool:
    """Whether people want to hear more than errors: not with `--quiet`."""
    return _words.isEnabledFor(logging.INFO)


def say(text: str) -> None:
    """Tell people on stderr, unless `--quiet`."""
    _words.info("%s", one_line(text))


def warn(text: str) -> None:
    """Warn people on stderr, unless `--quiet`."""
    _words.warning("%s", f"warning: {one_line(text)}")


def complain(problem: str, remedy: str) -> None:
    """Tell people on stderr, in two lines, what went wrong and what to do next; `--quiet` does not matter."""
    _words.error("%s", f"error: {one_line(problem)}")
    if remedy:
        _words.error("%s", one_line(remedy))
