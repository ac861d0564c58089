"""How long a process has been silent, and when there is no hope that it will be heard of again."""

from dataclasses import replace

from videocli.bots.results import Blocked, Silence, Standing

LOOK_SECONDS = 1.0
SILENT_SECONDS = 3.0
"""A process that has not been heard of for so long is late: it has something to say every second."""
LEAVE_SECONDS = 10.0
"""When its bots were to leave, a process that is silent for so long will not be heard of any more.

A graceful leave takes three seconds, and a process whose bots take longer goes on to say how they stand.
"""


class Vigil:
    """Driven by what the process says, and by looks at it.

    Looks are counted, `LOOK_SECONDS` each, and not the time: a pause of our own (Ctrl-Z) is no silence of
    others.
    """

    def __init__(self) -> None:
        self.blocked: Blocked | None = None
        """What blocks its event loop, by its own account."""
        self.longest: Silence | None = None
        """The longest silence so far that was too long."""
        self._silent_looks = 0
        self._looks_since_leave = 0

    def heard(self) -> None:
        """Its event loop has said something."""
        self._silent_looks = 0
        self.blocked = None

    def look(self, *, is_to_leave: bool) -> None:
        """A look is taken; `is_to_leave` since its bots were to leave."""
        self._silent_looks += 1
        self._looks_since_leave += is_to_leave
        silence = self.silence
        if silence is not None and (self.longest is None or silence.seconds >= self.longest.seconds):
            self.longest = silence

    @property
    def silence(self) -> Silence | None:
        """The present one; None: it is not too long."""
        seconds = self._silent_looks * LOOK_SECONDS
        if seconds < SILENT_SECONDS:
            return None
        return Silence(seconds, "" if self.blocked is None else self.blocked.words)

    @property
    def is_hopeless(self) -> bool:
        """Whether to end the process, since it does not answer."""
        return min(self._silent_looks, self._looks_since_leave) * LOOK_SECONDS >= LEAVE_SECONDS

    def as_of_now(self, standing: Standing) -> Standing:
        """How the process stands, who last stood so: its event loop is late by its silence at least."""
        silence = self.silence
        if silence is None:
            return standing
        lag = max(standing.lag, silence.seconds)
        return replace(standing, lag=lag, silence=silence.seconds, held_up=silence.words)
