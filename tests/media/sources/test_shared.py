import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.media.sources.support import make_file
from tests.simulation.clock import run_virtually
from videocli.errors import SourceError
from videocli.media.frames import Codec, EncodedFrame, MediaKind, Source
from videocli.media.sources import shared as sharing
from videocli.media.sources.shared import SharedSource, SharedSources


class Counting:
    """A source of a frame each second, which are numbered, and counted wherever they are made."""

    kind: MediaKind = "video"
    preferred_codec = Codec.H264

    def __init__(self, count: int = 1000, fails: bool = False) -> None:
        self.count = count
        self.fails = fails
        self.made = 0
        self.running = 0
        self.starts = 0
        self.keyframes_asked = 0

    def request_keyframe(self) -> None:
        self.keyframes_asked += 1

    async def run(self, codec: Codec, send: Callable[[EncodedFrame], None]) -> None:
        self.running += 1
        self.starts += 1
        try:
            for number in range(self.count):
                self.made += 1
                send(EncodedFrame(b"%d" % number, number * 90_000, number == 0, codec))
                await asyncio.sleep(1.0)
            if self.fails:
                raise SourceError(message="broken")
        finally:
            await asyncio.sleep(0.1)
            self.running -= 1


def taking(view: Source, codec: Codec = Codec.VP8) -> tuple["asyncio.Task[None]", list[bytes]]:
    taken: list[bytes] = []
    return asyncio.create_task(view.run(codec, lambda frame: taken.append(frame.data))), taken


async def end(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def test_all_get_what_is_made_once_and_the_last_to_leave_stops_it() -> None:
    async def run() -> None:
        source = Counting()
        shared = SharedSource(source)
        one, first = taking(shared.view())
        await asyncio.sleep(2.5)
        two, second = taking(shared.view())
        await asyncio.sleep(2.0)
        assert (first, second) == ([b"0", b"1", b"2", b"3", b"4"], [b"3", b"4"])
        assert source.keyframes_asked == 1, "for the one who came later"
        await end(one)
        await asyncio.sleep(1.0)
        assert (second[-1], len(first)) == (b"5", 5)
        await end(two)
        assert (source.made, source.running, source.starts) == (6, 0, 1)

    run_virtually(run())


def test_it_starts_again_for_who_comes_after_all_have_left() -> None:
    async def run() -> None:
        source = Counting()
        shared = SharedSource(source)
        for _ in range(2):
            task, taken = taking(shared.view())
            await asyncio.sleep(1.5)
            await end(task)
            assert taken == [b"0", b"1"]
        assert (source.starts, source.running) == (2, 0)

    run_virtually(run())


def test_each_codec_is_made_once() -> None:
    async def run() -> None:
        source = Counting()
        shared = SharedSource(source)
        tasks = [taking(shared.view(), codec)[0] for codec in (Codec.VP8, Codec.H264, Codec.VP8)]
        await asyncio.sleep(0.5)
        assert source.running == 2
        await end(*tasks)
        assert source.running == 0

    run_virtually(run())


@pytest.mark.parametrize("fails", [False, True])
def test_its_end_is_the_end_for_all(fails: bool) -> None:
    async def run() -> None:
        shared = SharedSource(Counting(count=2, fails=fails))
        tasks = [taking(shared.view())[0] for _ in range(3)]
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert [str(end) for end in ends] == (["broken"] if fails else ["None"]) * 3

    run_virtually(run())


def test_a_view_is_like_its_source() -> None:
    source = Counting()
    view = SharedSource(source).view()
    view.request_keyframe()
    assert (view.kind, source.keyframes_asked) == ("video", 1)
    assert getattr(view, "preferred_codec") is Codec.H264  # noqa: B009  # `Source` does not promise it


class TestOpening:
    @pytest.fixture
    def opened(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """What was opened."""
        names: list[str] = []

        def note(kind: MediaKind, spec: str, *, identity: str, **options: object) -> Source:
            names.append(f"{spec} of {identity}")
            return Counting()

        monkeypatch.setattr(sharing, "open_source", note)
        return names

    def open(self, sources: SharedSources, spec: str, identity: str, loop: bool = True) -> Source:
        return sources.open(
            "video", spec, identity=identity, utcnow=lambda: datetime(2026, 1, 1, tzinfo=UTC), loop=loop
        )

    def test_what_is_the_same_is_opened_once(self, opened: list[str]) -> None:
        sources = SharedSources()
        for identity in ("a", "b"):
            for spec in ("talk.mp4", "testsrc"):
                for _ in range(2):
                    self.open(sources, spec, identity)
        assert opened == ["talk.mp4 of a", "testsrc of a", "testsrc of b"]

    def test_what_is_played_once_is_played_by_everybody_from_its_beginning(self, opened: list[str]) -> None:
        sources = SharedSources()
        for identity in ("a", "b"):
            self.open(sources, "talk.mp4", identity, loop=False)
        assert opened == ["talk.mp4 of a", "talk.mp4 of b"]

    def test_any_thread_may_open(self, opened: list[str]) -> None:
        sources = SharedSources()
        threads = [threading.Thread(target=self.open, args=(sources, "talk.mp4", "a")) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert opened == ["talk.mp4 of a"]

    def test_what_cannot_be_opened_is_refused_each_time(self, tmp_path: Path) -> None:
        sources = SharedSources()
        for _ in range(2):
            with pytest.raises(SourceError):
                self.open(sources, str(tmp_path / "none.mp4"), "a")
        make_file(tmp_path / "none.mp4", video="mpeg4")
        assert self.open(sources, str(tmp_path / "none.mp4"), "a").kind == "video"
