"""What publishing a file costs whose packets are sent as they are, as a ratio to encoding the file anew.

`python -m tests.benchmarks.publishing`: one bot after another, each a process of its own, publishes the same
moving picture to an embedded server on loopback; what is measured is the CPU time of the bot alone, once it
has begun (`getrusage`). Only the ratios mean anything on another machine.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import av

from tests.benchmarks.awake import cores_awake
from tests.benchmarks.clips import FRAME_RATE, REALTIME, add_picture, encode, moving_picture
from tests.benchmarks.footprint import own_cpu_seconds
from tests.benchmarks.table import Row, table
from tests.cli.room_server import SERVER_VARIABLES, minted, running_server
from videocli.cli import wiring
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.engine.session import JoinConfig, NamedSource, Session
from videocli.engine.signaling.backend import SignalingConfig
from videocli.media.peer import PeerConfig, TrackStats
from videocli.media.sources import open_source

SIZE = (1280, 720)
RAW_SECONDS, FILE_SECONDS = 2, 10
BITRATE = 1_500_000
WARM_UP_SECONDS = 2.0
MEASURED_SECONDS = 8.0
BAR = 15
"""Sending costs at most one part in so many of encoding."""
ROOM = "benchmark"


@dataclass(frozen=True, slots=True)
class _Clip:
    name: str
    file: str
    seconds: int
    encoder: str
    options: Mapping[str, str]


_RAW = _Clip("encoding it from raw pictures", "raw.nut", RAW_SECONDS, "rawvideo", {})
"""Reading these costs nothing."""

_FOREIGN = _Clip(
    "encoding it from an H264 file of another profile",
    "high.mp4",
    FILE_SECONDS,
    "libx264",
    {"profile": "high", "preset": "veryfast", "bf": "2"},
)
"""As a telephone makes it: nobody negotiates its profile, so it is decoded and encoded."""

_ENCODED = (
    _Clip(
        "sending the packets of a VP8 file",
        "vp8.webm",
        FILE_SECONDS,
        "libvpx",
        REALTIME,
    ),
    _Clip(
        "sending the packets of an H264 file",
        "h264.mp4",
        FILE_SECONDS,
        "libx264",
        {"profile": "baseline", "preset": "veryfast", "level": "3.1"},
    ),
)


def measure() -> list[Row]:
    """What encoding costs first, then what each file does; the ratio is to what has to be encoded."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, running_server() as url, cores_awake():
        for clip in (_RAW, _FOREIGN, *_ENCODED):
            _make(Path(folder), clip)
            cores = _cores(url, Path(folder, clip.file))
            if clip is _FOREIGN:
                encoding = cores
            share = f"{cores:.2%} of a core"
            if clip in _ENCODED:
                found = f"{share} (1/{encoding / cores:.1f})"
                rows.append(Row(clip.name, found, f"at most 1/{BAR}", cores * BAR <= encoding))
            else:
                rows.append(Row(clip.name, share))
    return rows


def _make(folder: Path, clip: _Clip) -> None:
    """Of the same moving picture, again and again."""
    with av.open(str(folder / clip.file), "w") as container:
        stream = add_picture(container, SIZE, BITRATE, clip.seconds, clip.encoder, clip.options)
        times = range(clip.seconds // RAW_SECONDS)
        encode(container, stream, chain.from_iterable(moving_picture(SIZE, RAW_SECONDS) for _ in times))


def _cores(url: str, file: Path) -> float:
    """CPU seconds a second of a process that publishes the file."""
    ran = subprocess.run(
        [sys.executable, "-m", __spec__.name, url, str(file)],
        env={**os.environ, **SERVER_VARIABLES},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(ran.stdout)


async def _publish(url: str, file: str) -> float:
    """Publish a file for a while; the CPU seconds that each second took."""
    outside = wiring.real_outside()
    token = minted("bot", ROOM)

    async def give() -> str:
        return token

    source = open_source("video", file, identity="bot", utcnow=lambda: datetime.now(UTC))
    config = JoinConfig(
        signaling=SignalingConfig(url, ROOM, give),
        media=[NamedSource("file", source)],
        gather=PeerConfig(addresses=("127.0.0.1",), with_loopback=True),
    )
    sent: list[TrackStats] = []

    def note(occurrence: ev.Occurrence) -> None:
        if isinstance(occurrence.event, ev.Stats):
            sent.extend(row.counters for row in occurrence.event.tracks)

    session = Session(config, outside, note)
    staying = asyncio.create_task(session.run())
    await asyncio.sleep(WARM_UP_SECONDS)
    before, began_at = own_cpu_seconds(), asyncio.get_running_loop().time()
    await asyncio.sleep(MEASURED_SECONDS)
    spent, seconds = own_cpu_seconds() - before, asyncio.get_running_loop().time() - began_at
    session.post(cmd.ReportStats())
    session.post(cmd.Disconnect())
    await staying
    (counters,) = sent
    assert counters.frames > 0.9 * seconds * FRAME_RATE, f"it has sent no more than {counters.frames} frames"
    return spent / seconds


def main() -> None:
    """Print the table; in a child, publish."""
    if len(sys.argv) == 3:
        sys.stdout.write(f"{wiring.run(_publish(sys.argv[1], sys.argv[2]))}\n")
        return
    sys.stdout.write(table(measure()))


if __name__ == "__main__":
    main()
