"""What a process keeps that joins, publishes, records and leaves: `python -m tests.benchmarks.endurance`.

A thousand rounds stand for an hour. Memory is the process's own PSS after a garbage collection.
"""

import asyncio
import gc
import shutil
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.clips import make_clip
from tests.benchmarks.table import Row, table
from tests.cli.room_server import minted
from tests.sdk.programs import bot, serve
from videocli.cli import wiring
from videocli.cli.tracks.recording import RecordRequest
from videocli.cli.tracks.room_sinks import room_sinks
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.engine.session import JoinConfig, NamedSource, Session
from videocli.engine.signaling.backend import SignalingConfig
from videocli.media.peer import PeerConfig
from videocli.media.sources import open_source

ROUNDS, SETTLED_ROUNDS = 1000, 100
ROOM = "endurance"
BAR_BYTES = 20_000_000
FRAMES_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Held:
    """What this process holds."""

    pss_bytes: int
    threads: int
    descriptors: int
    tasks: int


def measure(rounds: int = ROUNDS) -> list[Row]:
    """All rounds; what is held after the first tenth is what the end is held against."""
    with tempfile.TemporaryDirectory() as folder:
        return wiring.run(_measure(Path(folder), rounds))


async def _measure(folder: Path, rounds: int) -> list[Row]:
    clip = make_clip(folder / "clip.webm")
    settled_rounds = min(SETTLED_ROUNDS, max(rounds // 2, 1))
    async with serve() as server, bot(server.url, ROOM) as company:
        url = server.url

        async def play(numbers: range) -> Held:
            for number in numbers:
                await _round(url, number, clip, folder)
                for program in (server, company):
                    program.events.forget()  # they are the harness's, but kept in this process
            return _held()

        settled = await play(range(settled_rounds))
        end = await play(range(settled_rounds, rounds))
    grown = end.pss_bytes - settled.pss_bytes
    return [
        Row(f"memory after {settled_rounds} rounds", f"{settled.pss_bytes / 1e6:.1f} MB"),
        Row(f"growth until round {rounds}", f"{grown / 1e6:+.1f} MB", "<= 20 MB", grown <= BAR_BYTES),
        *(
            Row(f"{name} then and at the end", f"{before}, {after}", "unchanged", before == after)
            for name, before, after in (
                ("threads", settled.threads, end.threads),
                ("sockets and files", settled.descriptors, end.descriptors),
                ("tasks", settled.tasks, end.tasks),
            )
        ),
    ]


async def _round(url: str, number: int, clip: Path, folder: Path) -> None:
    """Join, publish picture and sound, record what comes for a moment, leave."""
    outside = wiring.real_outside()
    token = minted(f"guest-{number}", ROOM)
    started: set[str] = set()
    flowing = asyncio.Event()

    async def give() -> str:
        return token

    def show(occurrence: ev.Occurrence) -> None:
        if isinstance(occurrence.event, ev.TrackStarted):
            started.add(occurrence.event.track.kind)
            if len(started) == 2:
                flowing.set()
        for watch in watchers:
            watch(occurrence)

    media = [
        NamedSource(kind, open_source(kind, str(clip), identity="guest", utcnow=outside.utcnow))
        for kind in ("video", "audio")
    ]
    config = JoinConfig(SignalingConfig(url, ROOM, give), media=media, gather=PeerConfig(with_loopback=True))
    request = RecordRequest(folder / "recording")
    request.prepare()
    session = Session(config, outside, show)
    async with room_sinks([request], session, outside) as watchers:
        staying = asyncio.create_task(session.run())
        async with asyncio.timeout(30):
            await flowing.wait()
        await asyncio.sleep(FRAMES_SECONDS)
        session.post(cmd.Disconnect())
        error = await staying
    if error is not None:
        raise error
    shutil.rmtree(folder / "recording")


def _held() -> Held:
    gc.collect()
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    return Held(usage_of_self(), len(threading.enumerate()), descriptors, len(asyncio.all_tasks()))


def usage_of_self() -> int:
    """PSS without that of children."""
    rollup = Path("/proc/self/smaps_rollup").read_text()
    return int(next(line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:"))) * 1024


def main() -> None:
    """Print the table; an argument is how many rounds."""
    sys.stdout.write(table(measure(*map(int, sys.argv[1:2]))))


if __name__ == "__main__":
    main()
