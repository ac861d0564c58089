"""What takes tracks needs this much of a session, and has tracks begin anew."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Protocol

from videocli.engine import commands as cmd
from videocli.media.frames import EncodedFrame


class Tapped(Protocol):
    """A `Session`, as far as recordings and pipes know it."""

    def tap(self, track_sid: str, take: Callable[[EncodedFrame], None]) -> Callable[[], None]:
        """Hand the track's frames to `take`; call the result to stop."""
        ...

    def post(self, command: cmd.Command) -> None:
        """Ask for something."""
        ...


class Tapping:
    """Takes the frames of one track, between `begin` and `end`. Made and used on the loop's thread."""

    def __init__(self, session: Tapped, track_sid: str) -> None:
        self._tap = partial(session.tap, track_sid)
        self._loop = asyncio.get_running_loop()
        self._take: Callable[[EncodedFrame], None] | None = None
        self._untap: Callable[[], None] = lambda: None

    def begin(self, take: Callable[[EncodedFrame], None]) -> None:
        """Hand the frames to `take` from now on."""
        self._take = take
        self._untap = self._tap(take)

    def restart_soon(self) -> None:
        """Have the track begin anew, but not yet: whoever takes a frame may ask for it."""
        self._loop.call_soon(self._restart)

    def end(self) -> None:
        """Take nothing more."""
        self._take = None
        self._untap()

    def _restart(self) -> None:
        """A fresh tap begins with a keyframe, and asks until it comes."""
        if self._take is not None:
            self._untap()
            self._untap = self._tap(self._take)
