"""What a browser sends stays in step in a recording, whatever the network does meanwhile."""

import asyncio
import math
import statistics
from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from tests.faults.proxy import proxy_to
from tests.media.aiortc_lab import close_sockets
from tests.media.sinks.support import manifest_of
from tests.sdk.history import History
from tests.sdk.programs import mint_token, serve
from tests.sdk.sdk import Chromium
from videocli.cli.tracks.recording import RecordRequest
from videocli.cli.wiring import real_outside
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.engine.session import JoinConfig, Session
from videocli.engine.signaling.backend import SignalingConfig
from videocli.media.peer import PeerConfig, PeerConnection, PeerEvent

pytestmark = pytest.mark.chromium

ROOM = "recorded"
BEEP_SECONDS = 0.5
TURN_SECONDS = 361 / 600
"""Chromium's fake camera draws a disk that fills at 600 degrees a second, and beeps by the same clock."""
IN_STEP_SECONDS = 0.06


class Recorded:
    """A session that records, in this process."""

    def __init__(self, url: str, token: str, directory: Path) -> None:
        self.events: History[ev.Event] = History()
        self.peers: list[PeerConnection] = []
        outside = real_outside()

        def make_peer(config: PeerConfig, deliver: Callable[[PeerEvent], None]) -> PeerConnection:
            self.peers.append(outside.make_peer(config, deliver))
            return self.peers[-1]

        async def give_token() -> str:
            return token

        config = JoinConfig(SignalingConfig(url, ROOM, give_token), gather=PeerConfig(with_loopback=True))
        self.session = Session(config, replace(outside, make_peer=make_peer), self._on_event)
        request = RecordRequest(directory)
        request.prepare()
        self.recorder = request.open(self.session, outside)

    def _on_event(self, occurrence: ev.Occurrence) -> None:
        self.recorder.show(occurrence)
        self.events.add(occurrence.event)

    async def happens(self, kind: type[ev.Event], start: int = 0) -> None:
        """Wait for such an event after the first `start` ones."""
        await self.events.wait(lambda event: isinstance(event, kind), 20, start)


def test_flash_and_beep_stay_together_over_a_signaling_drop_and_an_ice_restart(
    chromium: Chromium, tmp_path: Path
) -> None:
    async def run() -> None:
        async with chromium.pages() as browser, serve() as server, proxy_to(server.url) as proxy:
            page, token, ours = await asyncio.gather(
                browser.page(), mint_token("sdk", ROOM), mint_token("rec", ROOM)
            )
            recorded = Recorded(proxy.url, ours, tmp_path)
            staying = asyncio.create_task(recorded.session.run())
            await recorded.happens(ev.Connected)
            await page.connect(token, ROOM, server.url, video={"width": 320, "height": 240, "frameRate": 30})
            await recorded.happens(ev.FileStarted)
            await asyncio.sleep(3)
            heard = len(recorded.events)
            proxy.cut()
            await recorded.happens(ev.Reconnected, heard)
            await asyncio.sleep(1)
            heard = len(recorded.events)
            close_sockets(recorded.peers[0])
            await recorded.happens(ev.Reconnected, heard)
            await asyncio.sleep(4)
            await page.disconnect()
            recorded.session.post(cmd.Disconnect())
            assert await staying is None
            await recorded.recorder.close()

    asyncio.run(run())
    (file,) = manifest_of(tmp_path)["participants"][0]["files"]
    assert "media outage" in {gap["cause"] for track in file["tracks"] for gap in track["gaps"]}
    offsets = flashes_against_beeps(tmp_path / file["path"])
    print("flash against beep:", [f"{at:.1f} s: {off * 1000:+.0f} ms" for at, off in offsets])
    assert offsets[-1][0] > file["duration"] - 2
    assert len(offsets) >= 10
    assert max(abs(off) for _, off in offsets) < IN_STEP_SECONDS


def flashes_against_beeps(path: Path) -> list[tuple[float, float]]:
    """For each beep: when it was, and how far the picture is off, against the first ones, in seconds."""
    loudness, brightness = levels(path)
    threshold = max(level for _, level in loudness) * 0.3
    beeps = [at for (_, before), (at, level) in pairwise(loudness) if before <= threshold < level]
    darkest = min(level for _, level in brightness)
    brightest = max(level for _, level in brightness)
    offsets = []
    for beep in beeps:
        at, level = max((each for each in brightness if each[0] <= beep), default=(-math.inf, 0.0))
        if beep - at > 0.07:
            continue
        elapsed = round((beep - beeps[0]) / BEEP_SECONDS) * BEEP_SECONDS
        phase = (level - darkest) / (brightest - darkest) * TURN_SECONDS + beep - at
        offsets.append((beep, (phase - elapsed) % TURN_SECONDS))
    first = offsets[0][1]
    around_first = [
        (at, (off - first + TURN_SECONDS / 2) % TURN_SECONDS - TURN_SECONDS / 2) for at, off in offsets
    ]
    usual = statistics.median(off for _, off in around_first[:5])
    return [(at, off - usual) for at, off in around_first]


def levels(path: Path) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """How loud each 5 ms are and how bright each picture is, with their times."""
    loudness: list[tuple[float, float]] = []
    brightness: list[tuple[float, float]] = []
    to_mono = av.AudioResampler("s16", "mono", 48_000)
    with av.open(str(path)) as container:
        for packet in container.demux():
            decoded: Sequence[Any] = packet.decode()
            for frame in decoded:
                at = float(frame.pts * frame.time_base)
                if packet.stream.type == "video":
                    brightness.append((at, mean_luminance(frame)))
                    continue
                for piece in to_mono.resample(frame):
                    samples = array("h", bytes(piece.planes[0])[: 2 * piece.samples])
                    for start in range(0, len(samples), 240):
                        part = samples[start : start + 240]
                        loudness.append(
                            (at + start / 48_000, math.sqrt(sum(n * n for n in part) / len(part)))
                        )
    return loudness, sorted(brightness)


def mean_luminance(frame: Any) -> float:
    small = frame.reformat(width=64, height=48, format="gray")
    plane = small.planes[0]
    data = bytes(plane)
    return sum(sum(data[row * plane.line_size :][:64]) for row in range(48)) / (64 * 48)
