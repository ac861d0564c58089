"""What receiving costs when nobody looks: `python -m tests.benchmarks.receiving`.

A peer connection of ours sends a clip of 1280x720 at 30 frames and 1.5 Mbit/s from one process, and another
process receives it: stock aiortc, decoding, on asyncio's loop as it comes, or ours on the loop that videocli
runs on. Then a real bot, through a real server. Every figure is CPU time by getrusage or /proc; on a busy
machine the ratio holds, the number of streams does not.
"""

import asyncio
import itertools
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from tests.benchmarks.awake import cores_awake
from tests.benchmarks.clips import FRAME_RATE, KEYFRAME_SECONDS, read_clip, write_clip
from tests.benchmarks.table import Row, table
from tests.sdk.programs import Program, serve, videocli
from videocli.cli import wiring
from videocli.media.aiortc_peer import make_peer
from videocli.media.frames import Codec, EncodedFrame
from videocli.media.peer import PeerConfig, PeerEvent, RemoteTrackStarted

SECONDS = 8.0
SETTLING = 2.0
PATIENCE = 60.0
STEPS = (20, 40, 60, 80, 100, 120, 140, 160)
GOLDEN = 0.618034
"""Its multiples spread evenly over whatever they wrap around."""
CONFIG = PeerConfig(with_loopback=True)
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Received:
    """What a receiving process found in `SECONDS`."""

    share: float
    """Of one core."""
    frame_rate: float
    """Of a stream."""
    lost: int
    """Packets that had to be asked for again, or never came."""


def measure() -> list[Row]:
    """The rows of the table."""
    with tempfile.TemporaryDirectory() as directory:
        clip = Path(directory, "clip.mkv")
        write_clip(clip)
        with cores_awake():
            stock = _receive(_run_stock, clip, 1)
            ours = _receive(_run_ours, clip, 1)
            bot_share = asyncio.run(_bot_share(clip))
        return [
            Row("stock aiortc, receives 1280x720 at 30 frames, decodes and drops it", _percent(stock)),
            _against("a peer connection of ours, nobody looking", ours.share, stock.share),
            _against("`videocli join`, through `videocli serve`, nobody looking", bot_share, stock.share),
            _row_of_streams(clip),
        ]


def _row_of_streams(clip: Path) -> Row:
    """Step up until a packet is lost, or the sender cannot keep up."""
    best, why = (0, Received(0.0, 0.0, 0)), "there were no more steps"
    for streams in STEPS:
        received = _receive(_run_ours, clip, streams)
        if received.lost:
            why = f"at {streams}, {received.lost} packets lost, at {_percent(received)}"
            break
        if received.frame_rate < 0.98 * FRAME_RATE:
            why = f"at {streams}, {received.frame_rate:.1f} frames a second came"
            break
        best = (streams, received)
    streams, received = best
    return Row(
        f"such streams that one process takes without loss ({why})",
        f"{streams} ({_percent(received)})",
        "at least 80",
        streams >= 80,
    )


def _against(what: str, share: float, stock: float) -> Row:
    return Row(what, f"{share * 100:.2f} % (1/{stock / share:.1f})", "at most 1/6 of it", share * 6 <= stock)


def _percent(received: Received) -> str:
    return f"{received.share * 100:.2f} % of a core"


# A sending process and a receiving one.


def _receive(run: Callable[[Connection, int, Connection], None], clip: Path, streams: int) -> Received:
    """Let one process send and another receive; what the other found."""
    offerer, answerer = _SPAWN.Pipe()
    result, findings = _SPAWN.Pipe(duplex=False)
    sender = _SPAWN.Process(target=_run_sender, args=(offerer, clip, streams), daemon=True)
    receiver = _SPAWN.Process(target=run, args=(answerer, streams, findings), daemon=True)
    for process in (sender, receiver):
        process.start()
    findings.close()
    try:
        received = result.recv()
    finally:
        for process in (sender, receiver):
            process.kill()
            process.join()
    assert isinstance(received, Received)
    return received


def _run_sender(signaling: Connection, clip: Path, streams: int) -> None:
    asyncio.run(_send(signaling, read_clip(clip), streams))


async def _send(signaling: Connection, frames: list[EncodedFrame], streams: int) -> None:
    """Send the clip on every stream, each at a time of its own, as strangers would."""
    peer = make_peer(CONFIG, lambda event: None)
    senders = [peer.add_sender("video", f"track{index}") for index in range(streams)]
    signaling.send(await peer.create_offer())
    await peer.accept_answer(signaling.recv())
    loop = asyncio.get_running_loop()
    interval = 1 / FRAME_RATE
    delays = [index / streams * KEYFRAME_SECONDS + index * GOLDEN % 1 * interval for index in range(streams)]
    order = sorted(range(streams), key=lambda index: delays[index] % interval)
    began = loop.time()
    for tick in itertools.count():
        for index in order:
            number = tick - int(delays[index] / interval)
            if number < 0:
                continue
            due = began + tick * interval + delays[index] % interval
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            frame = frames[number % len(frames)]
            timestamp = number * Codec.VP8.clock_rate // FRAME_RATE
            senders[index].send_frame(EncodedFrame(frame.data, timestamp, frame.is_keyframe, frame.codec))


def _run_ours(signaling: Connection, streams: int, findings: Connection) -> None:
    findings.send(wiring.run(_receive_with_ours(signaling, streams)))


async def _receive_with_ours(signaling: Connection, streams: int) -> Received:
    events: list[PeerEvent] = []
    peer = make_peer(CONFIG, events.append)
    signaling.send(await peer.accept_offer(signaling.recv()))
    receivers = [event.receiver for event in events if isinstance(event, RemoteTrackStarted)]
    assert len(receivers) == streams

    def counted() -> tuple[int, int]:
        stats = [receiver.stats() for receiver in receivers]
        return sum(each.frames for each in stats), sum(each.nacks + each.packets_lost for each in stats)

    async with asyncio.timeout(PATIENCE):
        while not all(receiver.stats().keyframes for receiver in receivers):  # noqa: ASYNC110  # or 80 events
            await asyncio.sleep(0.1)
    await asyncio.sleep(SETTLING)
    frames, lost = counted()
    share = await _share_of_core()
    frames, lost = counted()[0] - frames, counted()[1] - lost
    await peer.close()
    return Received(share, frames / streams / SECONDS, lost)


def _run_stock(signaling: Connection, streams: int, findings: Connection) -> None:
    findings.send(asyncio.run(_receive_with_stock(signaling, streams)))


async def _receive_with_stock(signaling: Connection, streams: int) -> Received:
    """It gathers no loopback address, so it needs another one on this machine."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    decoded = 0
    drains: list[asyncio.Task[None]] = []

    async def drain(track: MediaStreamTrack) -> None:
        nonlocal decoded
        try:
            while True:
                await track.recv()
                decoded += 1
        except MediaStreamError:
            return

    peer.on("track", lambda track: drains.append(asyncio.create_task(drain(track))))
    await peer.setRemoteDescription(RTCSessionDescription(signaling.recv(), "offer"))
    await peer.setLocalDescription(await peer.createAnswer())
    signaling.send(peer.localDescription.sdp)
    async with asyncio.timeout(PATIENCE):
        while not decoded:  # noqa: ASYNC110  # no event tells of it
            await asyncio.sleep(0.1)
    await asyncio.sleep(SETTLING)
    before = decoded
    share = await _share_of_core()
    frames = decoded - before
    await peer.close()
    await asyncio.gather(*drains)
    return Received(share, frames / streams / SECONDS, 0)


async def _share_of_core() -> float:
    """What this process uses in `SECONDS`, all its threads together."""
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    await asyncio.sleep(SECONDS)
    after, ended = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used / (ended - began)


# A real bot.


async def _bot_share(clip: Path) -> float:
    """The share of one core that a bot uses which is in a room with another that publishes the clip."""

    def join(url: str, identity: str, *options: str) -> AbstractAsyncContextManager[Program]:
        return videocli("join", "benchmark", "--json", "--identity", identity, "--url", url, *options)

    async with (
        serve() as server,
        join(server.url, "publisher", "--video", str(clip)),
        join(server.url, "viewer") as viewer,
    ):
        await viewer.wait_event("trackStarted")
        await asyncio.sleep(SETTLING)
        before, began = _cpu_seconds(viewer.pid), time.monotonic()
        await asyncio.sleep(SECONDS)
        return (_cpu_seconds(viewer.pid) - before) / (time.monotonic() - began)


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process (proc(5), /proc/PID/stat, fields 14 and 15)."""
    fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.stdout.write(table(measure()))
