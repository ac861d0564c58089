"""What the dashboard costs beside `--json`, of one core: `python -m tests.benchmarks.dashboard`.

Fifty participants with sound and picture, four redraws a second. What `--json` does too (signaling, media,
reading the counters once a second) is in neither figure; what is drawn goes to a terminal that takes it.

Then what an open picture costs besides: `testsrc` (VP8, 640x360, 24 frames a second) decoded, and ten
pictures a second of it shown by each method.
"""

import asyncio
import os
import subprocess
import sys
import termios
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from functools import partial
from unittest.mock import patch

from tests.benchmarks.footprint import own_cpu_seconds
from tests.benchmarks.table import Row, table
from tests.dashboard import rooms
from videocli.dashboard import terminal
from videocli.dashboard.canvas import Canvas
from videocli.dashboard.half_blocks import HalfBlocks
from videocli.dashboard.kitty import Kitty
from videocli.dashboard.painting import CellSize, Painter
from videocli.dashboard.render import render
from videocli.dashboard.sixel import Sixel
from videocli.dashboard.view import View
from videocli.engine import events as ev
from videocli.engine import reports as rp
from videocli.engine.meter import Direction, Meter
from videocli.engine.room.room import Room
from videocli.engine.room.snapshot import Snapshot
from videocli.media.frames import Codec, EncodedFrame
from videocli.media.peer import TrackStats
from videocli.media.sinks.viewing import Pictures
from videocli.media.sources import testsrc
from videocli.media.sources.encode import VideoEncoder

PARTICIPANTS = 50
REDRAWS = 240
"""A minute of them."""
FRAME_SECONDS = terminal.FRAME_SECONDS
SIZES = ((80, 24), (120, 40), (200, 60))
PICTURE_SIZES = ((80, 24), (200, 60))
PICTURE_SECONDS = 20
CELL = CellSize(10, 20)
LIMIT = 0.05
"""Of one core; what the dashboard may cost more than `--json`."""


class FullHouse:
    """A room of fifty whose counters grow."""

    def __init__(self) -> None:
        people = tuple(
            rp.ParticipantInfo(
                f"PA{number}",
                f"guest {number}",
                "connected",
                (rp.TrackInfo(f"MT{number}a", "mic", "audio"), rp.TrackInfo(f"MT{number}v", "cam", "video")),
            )
            for number in range(PARTICIPANTS)
        )
        sids = [track.sid for each in people for track in each.tracks]
        self.room = Room("full")
        self.room.apply(rp.Joined("RM1", "full", "PA", "alice", people, 30.0), 0.0)
        self.room.apply(rp.SubscriptionsChanged({sid: sid for sid in sids}), 0.0)
        for sid in sids:
            self.room.apply(rp.MediaArrived(sid), 0.0)
        self.seconds = 0
        self.meter = Meter(self._counters, dict)
        for _ in range(30):
            self.tick()

    def tick(self) -> None:
        """A second passes."""
        self.seconds += 1
        self.meter.sample(self.room, float(self.seconds))

    def tick_at(self, redraw: int) -> None:
        """The counters are read once a second, whoever looks."""
        if redraw % round(1 / FRAME_SECONDS) == 0:
            self.tick()

    def snapshot(self, redraw: int) -> Snapshot:
        """The room at a redraw, as `Session.snapshot` makes it."""
        local, participants = self.meter.snapshot(self.room)
        return replace(
            rooms.connected(PARTICIPANTS),
            time=rooms.NOW + timedelta(seconds=redraw * FRAME_SECONDS),
            local=local,
            participants=participants,
        )

    def _counters(self, direction: Direction, media_id: str) -> TrackStats:
        grown = self.seconds * (1000 + self.seconds % 7)
        if media_id.endswith("a"):
            return TrackStats(packets=grown, bytes=4 * grown, jitter=0.004, codec=Codec.OPUS)
        return TrackStats(
            packets=grown,
            bytes=150 * grown,
            packets_lost=grown // 90,
            frames=30 * self.seconds,
            jitter=0.012 + self.seconds % 3 / 1000,
            round_trip_time=0.024,
            width=1280,
            height=720,
            codec=Codec.VP8,
        )


def measure() -> list[Row]:
    """The share of one core at each size, and with the tracks folded."""
    undrawn = _cpu_share(_tick_only)
    found = []
    for size in SIZES:
        for name, view in (
            ("", View(timezone=UTC)),
            (", folded", View(timezone=UTC, are_tracks_folded=True)),
        ):
            drawn = _cpu_share(partial(_redraw, view=view, size=size))
            what = f"dashboard of {PARTICIPANTS}, {size[0]}x{size[1]}{name}"
            share = drawn - undrawn
            found.append(Row(what, f"{share:.2%} of a core", f"at most {LIMIT:.0%}", share <= LIMIT))
    return found


def _cpu_share(work: Callable[[FullHouse], None]) -> float:
    """What a minute of it uses of one core."""
    house = FullHouse()
    before = own_cpu_seconds()
    work(house)
    return (own_cpu_seconds() - before) / (REDRAWS * FRAME_SECONDS)


def _tick_only(house: FullHouse) -> None:
    for number in range(REDRAWS):
        house.tick_at(number)


def _redraw(house: FullHouse, view: View, size: tuple[int, int]) -> None:
    """Show the room on a terminal, as fast as it goes."""
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (size[1], size[0]))
    numbers = iter(range(REDRAWS))

    def next_snapshot() -> Snapshot:
        number = next(numbers, None)
        if number is None:
            return replace(house.snapshot(0), room=ev.Room("RM1", "full", "disconnected"))
        house.tick_at(number)
        return house.snapshot(number)

    environ = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    reader = subprocess.Popen(["cat"], stdin=master, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(master)
    with patch.object(terminal, "FRAME_SECONDS", 0.0):
        shown = terminal.show(
            next_snapshot, lambda command: None, view=view, stdin=-1, stdout=slave, environ=environ
        )
        asyncio.run(shown)
    os.close(slave)
    reader.wait()


def measure_pictures() -> list[Row]:
    """The share of one core that an open picture takes, by size and method; and how much is sent."""
    encoder = VideoEncoder(Codec.VP8, testsrc.WIDTH, testsrc.HEIGHT, testsrc.FRAME_RATE)
    background = testsrc._background("alice")
    frames = [
        encoder.encode(
            testsrc.draw(background, number, rooms.NOW + timedelta(seconds=number / testsrc.FRAME_RATE)),
            number * Codec.VP8.clock_rate // testsrc.FRAME_RATE,
            number == 0,
        )
        for number in range(PICTURE_SECONDS * testsrc.FRAME_RATE)
    ]
    found = [_picture_row("decoding alone", frames, None)]
    for size in PICTURE_SIZES:
        view = View(timezone=UTC, can_show_video=True, is_video_open=True)
        screening = render(rooms.connected(1), view, size).screening
        assert screening is not None
        place = screening.place
        for name, painter in (
            ("half blocks", HalfBlocks(place)),
            ("kitty", Kitty(place, CELL)),
            ("sixel", Sixel(place, CELL)),
        ):
            found.append(_picture_row(f"{size[0]}x{size[1]}, {name}", frames, painter))
    return found


def _picture_row(name: str, frames: list[EncodedFrame | None], painter: Painter | None) -> Row:
    pictures, canvas, sent, shown = Pictures(), Canvas(), 0, 0
    before = own_cpu_seconds()
    for number, frame in enumerate(frames):
        now = number / testsrc.FRAME_RATE
        if frame is not None:
            pictures.take(frame)
        due_at = pictures.due_at()
        if painter is not None and due_at is not None and due_at < now + 1 / testsrc.FRAME_RATE:
            bitmap = pictures.cut(painter.box, max(due_at, now))
            assert bitmap is not None
            sent += len(canvas.show(painter.paint(bitmap), frozenset()).encode())
            shown += 1
    share = (own_cpu_seconds() - before) / PICTURE_SECONDS
    rate = f"{shown / PICTURE_SECONDS:.1f} pictures, {sent / PICTURE_SECONDS / 1000:.0f} kB a second"
    return Row(f"picture of testsrc, {name}: {rate}", f"{share:.2%} of a core")


def main() -> None:
    """Print the table."""
    sys.stdout.write(table([*measure(), *measure_pictures()]))


if __name__ == "__main__":
    main()
