import asyncio
from collections.abc import Callable
from itertools import count

from videocli.cli.tracks.tapped import Tapping
from videocli.engine import commands as cmd
from videocli.media.frames import EncodedFrame


class Session:
    """Notes which taps were opened, and closed, in order."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self._numbers = count(1)

    def tap(self, track_sid: str, take: Callable[[EncodedFrame], None]) -> Callable[[], None]:
        number = next(self._numbers)
        self.log.append(f"open {track_sid} {number}")
        return lambda: self.log.append(f"close {track_sid} {number}")

    def post(self, command: cmd.Command) -> None:
        raise AssertionError(command)


def play(*acts: Callable[[Tapping], None]) -> list[str]:
    """What becomes of the taps on a track that is taken, one act after the other in one turn of the loop."""
    session = Session()

    async def scene() -> None:
        tapping = Tapping(session, "MT1")
        tapping.begin(lambda frame: None)
        for act in acts:
            act(tapping)
        session.log.append("later")
        await asyncio.sleep(0)

    asyncio.run(scene())
    return session.log


def test_a_track_begins_anew_but_not_while_a_frame_is_taken() -> None:
    assert play(Tapping.restart_soon) == ["open MT1 1", "later", "close MT1 1", "open MT1 2"]


def test_what_is_over_does_not_begin_anew() -> None:
    assert play(Tapping.restart_soon, Tapping.end) == ["open MT1 1", "close MT1 1", "later"]
