"""What takes tracks needs this much of a session."""

from collections.abc import Callable
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
