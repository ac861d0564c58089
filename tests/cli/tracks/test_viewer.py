"""The dashboard's viewer: a tap and a thread while somebody watches, and neither when nobody does."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from tests.media.sinks.support import frames
from videocli.cli.tracks.viewer import TapViewer
from videocli.dashboard.half_blocks import HalfBlocks
from videocli.dashboard.painting import Place, Wanted
from videocli.engine import commands as cmd
from videocli.media.frames import Codec, EncodedFrame
from videocli.media.sinks.decoder import Decoder

FRAMES = frames(Codec.VP8)
BLOCKS, SMALLER = HalfBlocks(Place(3, 1, 40, 12)), HalfBlocks(Place(3, 1, 20, 6))
PATIENCE = 20


class Session:
    """Tracks that may be tapped."""

    def __init__(self) -> None:
        self.takers: dict[str, Callable[[EncodedFrame], None]] = {}
        self.taps = 0

    def tap(self, track_sid: str, take: Callable[[EncodedFrame], None]) -> Callable[[], None]:
        assert track_sid not in self.takers
        self.takers[track_sid] = take
        self.taps += 1
        return lambda: self.takers.pop(track_sid, None) and None

    def post(self, command: cmd.Command) -> None:
        raise AssertionError(command)

    def send(self, track_sid: str, count: int = 1) -> None:
        """Frames come, beginning with a keyframe; nobody has to be there."""
        for frame in FRAMES[:count]:
            if track_sid in self.takers:
                self.takers[track_sid](frame)


class Scene:
    def __init__(self) -> None:
        self.session = Session()
        self.viewer = TapViewer(self.session)
        self._came = asyncio.Event()

    def watch(self, track_sid: str | None, painter: HalfBlocks = BLOCKS) -> None:
        wanted = None if track_sid is None else Wanted(track_sid, painter)
        self.viewer.watch(wanted, self._came.set)

    async def picture(self) -> tuple[HalfBlocks, int]:
        """The next one's painter and width."""
        await self._came.wait()
        self._came.clear()
        painting = self.viewer.latest()
        assert painting is not None
        assert isinstance(painting.painter, HalfBlocks)
        return painting.painter, painting.bitmap.width


def play(scene: Callable[[Scene], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(PATIENCE):
            stage = Scene()
            await scene(stage)
            await stage.viewer.close()
            assert stage.session.takers == {}
        assert not any(thread.name == "videocli-picture" for thread in threading.enumerate())

    asyncio.run(run())


def test_what_is_watched_is_tapped_and_shown() -> None:
    async def scene(stage: Scene) -> None:
        stage.watch("MT1")
        assert stage.viewer.latest() is None
        stage.session.send("MT1")
        assert await stage.picture() == (BLOCKS, 40)
        stage.watch("MT1")
        assert stage.viewer.latest() is not None
        assert stage.session.taps == 1

    play(scene)


def test_nothing_is_decoded_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []

    def decode(decoder: Decoder, frame: EncodedFrame) -> list[object]:
        decoded.append(frame)
        return []

    monkeypatch.setattr(Decoder, "decode", decode)

    async def scene(stage: Scene) -> None:
        stage.session.send("MT1", 10)
        stage.watch("MT1")
        stage.watch(None)
        stage.session.send("MT1", 10)
        assert stage.viewer.latest() is None
        await stage.viewer.close()

    play(scene)
    assert decoded == []


def test_another_track_ends_the_tap_of_the_former() -> None:
    async def scene(stage: Scene) -> None:
        stage.watch("MT1")
        stage.session.send("MT1")
        await stage.picture()
        stage.watch("MT2")
        assert stage.viewer.latest() is None
        assert list(stage.session.takers) == ["MT2"]
        stage.session.send("MT2")
        assert await stage.picture() == (BLOCKS, 40)

    play(scene)


def test_another_place_keeps_the_tap() -> None:
    async def scene(stage: Scene) -> None:
        stage.watch("MT1")
        stage.session.send("MT1")
        await stage.picture()
        stage.watch("MT1", SMALLER)
        assert await stage.picture() == (SMALLER, 20)
        assert stage.session.taps == 1

    play(scene)


def test_a_decoder_that_lags_begins_anew_with_a_fresh_tap(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = threading.Event()
    decode = Decoder.decode

    def decode_slowly(decoder: Decoder, frame: EncodedFrame) -> list[object]:
        assert goes_on.wait(PATIENCE)
        return decode(decoder, frame)

    monkeypatch.setattr(Decoder, "decode", decode_slowly)

    async def scene(stage: Scene) -> None:
        stage.watch("MT1")
        stage.session.send("MT1", 20)
        take = stage.session.takers["MT1"]
        for frame in FRAMES[1:20]:
            take(frame)
        await asyncio.sleep(0)
        assert stage.session.taps == 2
        goes_on.set()
        stage.session.send("MT1")
        await stage.picture()

    play(scene)
