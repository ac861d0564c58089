"""How long nothing came over a media path that should have brought something.

Times are seconds on the loop's clock.
"""

from dataclasses import dataclass

_FLOWING = 0.5
"""Where the last thing before a silence came no later than this after media, media was flowing."""
_NOTABLE = 0.5
"""A shorter silence is none: a voice that pauses sends a packet every 0.4 s (Opus, RFC 7587, 3.1.3)."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A time that nothing came."""

    since: float
    until: float

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.until - self.since


class Silences:
    """Tells silence from idleness.

    Where media flowed, silence begins with the last of it. On an idle path nothing comes but answers, and
    only when somebody asks: there it begins when the first question that was not answered was due, be it
    that nobody was awake to ask.
    """

    def __init__(self) -> None:
        self._media_at: float | None = None
        self._heard_at: float | None = None
        self._due_at: float | None = None
        self.latest: Silence | None = None
        """The latest one that is over."""

    @property
    def since(self) -> float | None:
        """When the silence began that goes on now; None: nothing is owed, or nothing ever came."""
        heard_at, media_at = self._heard_at, self._media_at
        if heard_at is not None and media_at is not None and heard_at - media_at <= _FLOWING:
            return heard_at
        return self._due_at if heard_at is not None else None

    def expect(self, at: float) -> None:
        """From then on an answer is owed."""
        if self._due_at is None:
            self._due_at = at if self._heard_at is None else max(at, self._heard_at)

    def media(self, now: float) -> None:
        """A datagram of media or data came."""
        if self._media_at is None or now - self._media_at > _NOTABLE:
            self._end(now)
        self._media_at = self._heard_at = now
        self._due_at = None

    def answer(self, now: float, asked_at: float) -> None:
        """An answer came, to a question of that time.

        If that was the first that was owed, the path was never silent, however long its round trip.
        """
        if self._due_at is not None and asked_at - self._due_at > _NOTABLE:
            self._end(now)
        self._heard_at = now
        self._due_at = None

    def _end(self, now: float) -> None:
        since = self.since
        if since is not None and now - since > _NOTABLE:
            self.latest = Silence(since, now)
