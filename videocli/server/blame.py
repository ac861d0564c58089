"""Who pays for a fault of ours: the one participant whom it concerns, and nobody else in the room."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_log = logging.getLogger(__name__)


class Blame:
    """The participants, by SID, for whom something failed."""

    def __init__(self) -> None:
        self.sids: set[str] = set()

    @contextmanager
    def on(self, participant_sid: str) -> Iterator[None]:
        """What is done here concerns this one only: a fault is logged, and goes no further."""
        try:
            yield
        except Exception:
            _log.exception("what concerns %s failed", participant_sid)
            self.sids.add(participant_sid)
