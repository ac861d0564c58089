"""What recording costs, against aiortc's MediaRecorder: `python -m tests.benchmarks.recording`.

One process sends an encoded clip over a peer connection; another receives and records it, and counts its own
CPU time from the moment the file grows. Without an address but loopback aiortc finds no path.
"""

import asyncio
import multiprocessing
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import av
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRecorder

from tests.benchmarks.clips import (
    BITRATE,
    HEIGHT,
    KEYFRAME_SECONDS,
    NOISE,
    RATE,
    REALTIME,
    WIDTH,
    add_picture,
    encode,
    moving_picture,
)
from tests.benchmarks.footprint import own_cpu_seconds
from tests.benchmarks.table import Row, table
from videocli.media.aiortc_peer import make_peer
from videocli.media.frames import MediaKind
from videocli.media.peer import PeerConfig, PeerEvent, RemoteTrackStarted
from videocli.media.sinks.disk import Disk
from videocli.media.sinks.recording import Recording, prepare
from videocli.media.sources.file import FileSource

SECONDS = 10.0
SETTLING = 3.0
BAR = 8

_CLIP_SECONDS = 8
_SOUND = f"sine=frequency=440:sample_rate=48000:duration={_CLIP_SECONDS}"
_KINDS: tuple[MediaKind, ...] = ("audio", "video")
_SPAWN = multiprocessing.get_context("spawn")

Record = Callable[[Connection, Path], Any]
"""Receive what is offered and record it into a directory; a coroutine of the share of a core."""


def measure() -> list[Row]:
    """The rows of the table."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder, "clip.mkv")
        _write_clip(clip)
        stock = _cost(_record_with_aiortc, clip, Path(folder, "stock"))
        ours = _cost(_record_with_ours, clip, Path(folder, "ours"))
    return [
        Row("aiortc's MediaRecorder, 640x360 VP8 at 30 frames and Opus", f"{stock * 100:.2f} % of a core"),
        Row(
            "recording the same without transcoding",
            f"{ours * 100:.2f} % (1/{stock / ours:.1f})",
            f"at most 1/{BAR} of it",
            ours * BAR <= stock,
        ),
    ]


def _write_clip(path: Path) -> None:
    with av.open(_SOUND, format="lavfi") as sounds, av.open(str(path), "w") as container:
        options = {**REALTIME, "lag-in-frames": "0"}
        video = add_picture(container, (WIDTH, HEIGHT), BITRATE, KEYFRAME_SECONDS, options=options)
        audio: Any = container.add_stream("libopus", rate=RATE)
        audio.layout = "stereo"
        encode(container, video, moving_picture((WIDTH, HEIGHT), _CLIP_SECONDS, NOISE))
        resampler = av.AudioResampler("s16", "stereo", RATE, frame_size=960)
        for sound in sounds.decode(audio=0):
            for piece in resampler.resample(sound):
                container.mux(audio.encode(piece))
        container.mux(audio.encode(None))


def _cost(record: Record, clip: Path, directory: Path) -> float:
    """Let one process send and another record; the share of a core that the other took."""
    offerer, answerer = _SPAWN.Pipe()
    result, finding = _SPAWN.Pipe(duplex=False)
    prepare(directory)
    sender = _SPAWN.Process(target=_send, args=(offerer, clip), daemon=True)
    recorder = _SPAWN.Process(target=_record, args=(record, answerer, directory, finding), daemon=True)
    for process in (sender, recorder):
        process.start()
    finding.close()
    try:
        share = result.recv()
    finally:
        for process in (sender, recorder):
            process.kill()
            process.join()
    assert isinstance(share, float)
    return share


def _send(signaling: Connection, clip: Path) -> None:
    async def send() -> None:
        peer = make_peer(PeerConfig(), lambda event: None)
        senders = [peer.add_sender(kind, kind) for kind in _KINDS]
        signaling.send(await peer.create_offer())
        await peer.accept_answer(signaling.recv())
        async with asyncio.TaskGroup() as tasks:
            for sender in senders:
                assert sender.codec is not None
                source = FileSource(sender.kind, str(clip))
                sender.on_keyframe_request = source.request_keyframe
                tasks.create_task(source.run(sender.codec, sender.send_frame))

    asyncio.run(send())


def _record(record: Record, signaling: Connection, directory: Path, finding: Connection) -> None:
    finding.send(asyncio.run(record(signaling, directory)))


async def _record_with_ours(signaling: Connection, directory: Path) -> float:
    recording = Recording(
        directory,
        "participant",
        disk=Disk(),
        utcnow=lambda: datetime.now(UTC),
        restart=lambda track_sid: None,
        tell=lambda news: None,
    )

    def on_event(event: PeerEvent) -> None:
        if isinstance(event, RemoteTrackStarted):
            receiver = event.receiver
            recording.track_began(("PA1", "sender"), receiver.mid, receiver.kind, receiver.kind)
            receiver.on_frame = lambda frame: recording.take("PA1", receiver.mid, frame)

    peer = make_peer(PeerConfig(), on_event)
    signaling.send(await peer.accept_offer(signaling.recv()))
    share = await _share_of_core(directory)
    await recording.close("done")
    await peer.close()
    return share


async def _record_with_aiortc(signaling: Connection, directory: Path) -> float:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    recorder = MediaRecorder(str(directory / "stock.mkv"))

    has_picture = asyncio.Event()

    def take(track: MediaStreamTrack) -> None:
        recorder.addTrack(_PictureFirst(track, has_picture))

    peer.on("track", take)
    await peer.setRemoteDescription(RTCSessionDescription(signaling.recv(), "offer"))
    await recorder.start()
    await peer.setLocalDescription(await peer.createAnswer())
    signaling.send(peer.localDescription.sdp)
    share = await _share_of_core(directory)
    await recorder.stop()
    await peer.close()
    return share


class _PictureFirst(MediaStreamTrack):
    """A track as it is, but for sound, which waits for the first picture.

    MediaRecorder fails where sound comes first: its size is set when its codec is open already.
    """

    def __init__(self, track: MediaStreamTrack, has_picture: asyncio.Event) -> None:
        super().__init__()
        self.kind = track.kind
        self._track = track
        self._has_picture = has_picture
        self._is_asked_again = False

    async def recv(self) -> Any:
        if self.kind == "video" and self._is_asked_again:
            self._has_picture.set()
        self._is_asked_again = True
        frame = await self._track.recv()
        if self.kind == "audio":
            await self._has_picture.wait()
        return frame


async def _share_of_core(directory: Path) -> float:
    """Of this process, once a file grows and all has settled."""
    while _recorded(directory) < 10_000:  # noqa: ASYNC110  # a file tells nobody that it grows
        await asyncio.sleep(0.1)
    await asyncio.sleep(SETTLING)
    size, before = _recorded(directory), own_cpu_seconds()
    await asyncio.sleep(SECONDS)
    assert _recorded(directory) > size
    return (own_cpu_seconds() - before) / SECONDS


def _recorded(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.glob("*.mkv"))


if __name__ == "__main__":
    sys.stdout.write(table(measure()))
