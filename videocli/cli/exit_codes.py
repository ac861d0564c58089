"""Exit codes, and which error has which (the contract's table)."""

from enum import IntEnum

from videocli.errors import MediaError, RoomError, SignalingError, SourceError, TokenError, TrackError


class ExitCode(IntEnum):
    """What a script learns from how videocli ended."""

    OK = 0
    """Left gracefully, or what `--until` waited for happened."""
    FAULT = 1
    """A fault of ours."""
    USAGE = 2
    """An option, an argument, a setting or a media file cannot be used."""
    TOKEN = 3
    """The token is refused or has expired."""
    ROOM = 4
    """The room or the participant is refused, or ended by the server."""
    SIGNALING = 5
    """Signaling failed for good."""
    MEDIA = 6
    """Media failed for good."""
    UNTIL_TIMED_OUT = 7
    """`--until` did not happen within `--timeout`."""
    FAIL_IF = 8
    """A condition of `bots --fail-if` was met."""
    STOPPED = 130
    """Stopped at once, without leaving."""


class UsageError(Exception):
    """A command cannot be run as it was asked to: `problem` says why, `remedy` what to do next."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(problem)


_TABLE: tuple[tuple[type[Exception], ExitCode], ...] = (
    (UsageError, ExitCode.USAGE),
    (SourceError, ExitCode.USAGE),
    (TokenError, ExitCode.TOKEN),
    (RoomError, ExitCode.ROOM),
    (TrackError, ExitCode.ROOM),
    (SignalingError, ExitCode.SIGNALING),
    (MediaError, ExitCode.MEDIA),
)


def exit_code_for(error: BaseException) -> ExitCode:
    """The exit code of a process that ends with this error."""
    return next((code for kind, code in _TABLE if isinstance(error, kind)), ExitCode.FAULT)
