"""What was said to clients as their session ended: one that was away asks again when it comes back."""

from collections import OrderedDict

from videocli.protocol.rsp import ServerError

MAX_FAREWELLS = 1000
"""The oldest are forgotten beyond that."""


class Farewells:
    """Kept by session for as long as a client may try to resume it; it is told the time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._kept: OrderedDict[str, tuple[float, str, ServerError]] = OrderedDict()

    def keep(self, session: str, identity: str, farewell: ServerError, now: float) -> None:
        """A session has ended so."""
        self._forget(now)
        self._kept[session] = (now + self._seconds, identity, farewell)
        if len(self._kept) > MAX_FAREWELLS:
            self._kept.popitem(last=False)

    def find(self, session: str, identity: str, now: float) -> ServerError | None:
        """How the session of this identity ended; None: it is not known, or no longer."""
        self._forget(now)
        _, whose, farewell = self._kept.get(session, (0.0, "", None))
        return farewell if whose == identity else None

    def _forget(self, now: float) -> None:
        while self._kept and next(iter(self._kept.values()))[0] <= now:
            self._kept.popitem(last=False)
