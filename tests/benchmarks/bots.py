"""How many bots a room of the embedded server carries: `python -m tests.benchmarks.bots`.

Server and bots share two cores. Four of 60 bots publish an Opus file, whose packets pass through; all hear
all of them.
"""

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.clips import make_clip
from tests.benchmarks.footprint import usage
from tests.benchmarks.table import Row, table
from tests.sdk.programs import CREDENTIALS, serve

BOTS, SPEAKERS, CORES = 60, 4, 2
STAY_SECONDS = 30
LOSS = 0.001


def measure(seconds: float = STAY_SECONDS) -> list[Row]:
    """One run."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(cores)[:CORES])
    try:
        with tempfile.TemporaryDirectory() as folder:
            sound = make_clip(Path(folder, "speech.ogg"), with_picture=False)
            return asyncio.run(_measure(sound, seconds))
    finally:
        os.sched_setaffinity(0, cores)


async def _measure(sound: Path, seconds: float) -> list[Row]:
    async with serve("--max-participants", str(BOTS + 1)) as server:
        arguments = ("-n", str(BOTS), "--publishers", str(SPEAKERS), "--audio", str(sound), "--ramp", "10/s")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "videocli", "bots", "load", "--json", "-q"),
            *(*arguments, "--duration", str(seconds), "--url", server.url),
            env={**os.environ, **CREDENTIALS},
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        server_seconds = usage(server.pid).cpu_seconds
    told = json.loads(out)
    metrics = told["metrics"]
    tracks = BOTS * SPEAKERS - SPEAKERS
    heard = metrics["tracks"] - metrics["silent_tracks"]
    loss = metrics["loss"]
    return [
        Row(f"{BOTS} bots in one room: joined", str(metrics["joined"]), str(BOTS), metrics["joined"] == BOTS),
        Row("speakers heard by all together", str(heard), str(tracks), heard == tracks),
        Row(
            "loss",
            "unknown" if loss is None else f"{loss:.4%}",
            f"< {LOSS:.1%}",
            loss is not None and loss < LOSS,
        ),
        Row("connect time, p95", f"{(metrics['connect_p95'] or 0) * 1000:.0f} ms"),
        Row("busiest process of bots, share of a core", f"{metrics['cpu']:.0%}"),
        Row("the server, over the whole run", f"{server_seconds / told['duration']:.0%} of a core"),
        Row("the tester was the bottleneck", told["bottleneck"] or "no"),
    ]


def main() -> None:
    """Print the table; an argument is how many seconds to stay."""
    sys.stdout.write(table(measure(*map(float, sys.argv[1:2]))))


if __name__ == "__main__":
    main()
