"""The steps of a preflight, in order, and how each went."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from videocli.errors import VideoError, error
from videocli.preflight.quality import Quality


class Step(StrEnum):
    """What has to work, each on the shoulders of those before it."""

    DNS = "dns"
    TCP = "tcp"
    TLS = "tls"
    WEBSOCKET = "websocket"
    HELLO = "hello"
    """TCMP: hello and welcome."""
    ICE_SERVERS = "ice-servers"
    """RSP: the token is good, and the server says which STUN and TURN servers to use."""
    GATHERING = "gathering"
    """Local addresses for media."""
    STUN_TURN = "stun-turn"
    """Addresses that those servers see, or lend."""
    ROOM = "room"
    """RSP: let into the room, with an answer to our media description."""
    ICE = "ice"
    """A path for media."""
    DTLS = "dtls"
    """It is encrypted."""
    MEDIA_OUT = "media-out"
    """What we send comes out at another participant's."""
    MEDIA_BACK = "media-back"
    """What the other sends comes out at ours."""
    QUALITY = "quality"
    """Media flows for a while, and is measured."""


class Status(StrEnum):
    """How a step went."""

    OK = "ok"
    WARNING = "warning"
    """It did not work, and what follows may get on without it."""
    SKIPPED = "skipped"
    """There is nothing to do."""
    FAILED = "failed"
    STOPPED = "stopped"
    """Somebody stopped the preflight meanwhile."""
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class StepResult:
    """How one step went."""

    step: Step
    status: Status
    seconds: float | None = None
    detail: str = ""
    """A few words; what others said in it is not made safe to show."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that a preflight found out, complete or not."""

    url: str
    steps: tuple[StepResult, ...]
    """Every step, in order."""
    quality: Quality | None
    """None: it never came to that."""
    error: VideoError | None
    """Why it failed; None: it did not, or was stopped."""

    @property
    def failed(self) -> Step | None:
        """The step that failed."""
        return next((result.step for result in self.steps if result.status is Status.FAILED), None)

    @property
    def is_complete(self) -> bool:
        """Whether it came to its end: no step failed, and none is left."""
        gone = (Status.OK, Status.WARNING, Status.SKIPPED)
        return all(result.status in gone for result in self.steps)


class Log:
    """Takes the steps down as they end, and tells each to `tell`."""

    def __init__(self, url: str, tell: Callable[[StepResult], None]) -> None:
        self._url = url
        self._tell = tell
        self._results: dict[Step, StepResult] = {}
        self.current: Step | None = None
        """The step that is being taken."""
        self.quality: Quality | None = None
        self.error: VideoError | None = None

    def begin(self, step: Step) -> None:
        """A step is being taken."""
        self.current = step

    def end(self, step: Step, status: Status, seconds: float | None = None, detail: str = "") -> None:
        """It has ended."""
        self.current = None
        result = self._results[step] = StepResult(step, status, seconds, detail)
        self._tell(result)

    def fail(self, reason: VideoError, seconds: float | None = None) -> None:
        """The current step failed, and with it the preflight."""
        self.error = reason
        if self.current is not None:
            self.end(self.current, Status.FAILED, seconds, _in_brief(reason))

    def stop(self) -> None:
        """Somebody stopped it."""
        if self.current is not None:
            self.end(self.current, Status.STOPPED)

    def report(self) -> Report:
        """What there is so far."""
        return Report(
            self._url,
            tuple(self._results.get(step, StepResult(step, Status.NOT_TRIED)) for step in Step),
            self.quality,
            self.error,
        )


_SENTENCE_END = re.compile(r"(?<=[.!?])\s")


def _in_brief(reason: VideoError) -> str:
    """The error, and the first sentence of what is known of it."""
    sentence = _SENTENCE_END.split(reason.explanation, 1)[0]
    return f"{reason}. {sentence}" if sentence else str(reason)


_WHEN_SILENT = {Step.ICE: 53405, Step.DTLS: 53407, Step.MEDIA_OUT: 53405, Step.MEDIA_BACK: 53405}
_NO_ANSWER = 53002


def took_too_long(step: Step, seconds: float) -> VideoError:
    """Why a step failed that did not end in time."""
    general = error(_WHEN_SILENT.get(step, _NO_ANSWER))
    assert general.code is not None
    words = f"Nothing came of it within {seconds:g} s. {general.explanation}"
    return error(general.code, explanation=words)
