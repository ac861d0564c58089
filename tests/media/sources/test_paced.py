import asyncio
import threading
from collections.abc import Callable
from functools import partial

import pytest

from tests.media.sources.support import PATIENCE, SteppingClock, collect, steps
from tests.simulation.clock import run_virtually
from videocli.errors import SourceError
from videocli.media.frames import Codec, EncodedFrame
from videocli.media.sources import maker_thread
from videocli.media.sources.maker_thread import FrameMaker
from videocli.media.sources.paced import Delay, LoopClock, PacedSource


class Maker:
    """One packet every 20 ms."""

    ahead = 1

    def __init__(self, count: int | None = None) -> None:
        self.count = count
        self.made = 0
        self.thread: threading.Thread | None = None
        self.closed_on: threading.Thread | None = None

    def next(self, elapsed: float, wants_keyframe: bool) -> EncodedFrame | None:
        self.thread = threading.current_thread()
        if self.made == self.count:
            return None
        self.made += 1
        return EncodedFrame(b"x", (self.made - 1) * 960, True, Codec.OPUS)

    def close(self) -> None:
        self.closed_on = threading.current_thread()


class FailingMaker(Maker):
    def next(self, elapsed: float, wants_keyframe: bool) -> EncodedFrame | None:
        if self.made == 3:
            raise SourceError(message="broken")
        return super().next(elapsed, wants_keyframe)


class TakingMaker:
    """A picture every 40 ms, ten made ahead; keyframes where the file has them, and where they are wanted."""

    ahead = 10

    def __init__(self, keyframes: frozenset[int], bridges: bool = True) -> None:
        self._keyframes = keyframes
        self._bridges = bridges
        self._number = 0
        self.taken_back: list[int] = []

    def next(self, elapsed: float, wants_keyframe: bool) -> EncodedFrame | None:
        number = self._number
        self._number += 1
        is_keyframe = number in self._keyframes or (wants_keyframe and self._bridges)
        return EncodedFrame(b"x", number * 3600, is_keyframe, Codec.VP8)

    def take_back(self, count: int) -> None:
        self.taken_back.append(count)
        self._number -= count

    def close(self) -> None:
        pass


class HangingMaker(Maker):
    """Hangs in the second packet until released."""

    def __init__(self) -> None:
        super().__init__()
        self.hangs = threading.Event()
        self.release = threading.Event()

    def next(self, elapsed: float, wants_keyframe: bool) -> EncodedFrame | None:
        if self.made == 1:
            self.hangs.set()
            assert self.release.wait(PATIENCE)
        return super().next(elapsed, wants_keyframe)


def paced(maker: FrameMaker, clock: SteppingClock | None = None) -> PacedSource:
    return PacedSource("audio", lambda codec: maker, clock or SteppingClock())


def delayed(clock: SteppingClock, seconds: float, sent_at: list[float]) -> Callable[[int], None]:
    """Notes when each frame is sent, and lets time pass after the fifth."""

    def after(sent: int) -> None:
        sent_at.append(clock.now)
        if sent == 5:
            clock.now += seconds

    return after


def test_the_source_ends_with_its_maker_which_is_closed_where_it_worked() -> None:
    maker = Maker(count=10)
    assert len(collect(paced(maker), Codec.OPUS, None)) == 10
    assert maker.closed_on is maker.thread is not threading.current_thread()


def test_frames_are_sent_when_they_are_due_and_not_before() -> None:
    clock = SteppingClock()
    sent_at: list[float] = []
    collect(paced(Maker(), clock), Codec.OPUS, 4, lambda sent: sent_at.append(clock.now))
    assert sent_at == pytest.approx([100, 100.02, 100.04, 100.06])


def test_what_is_a_little_late_is_sent_at_once_under_its_own_time() -> None:
    clock = SteppingClock()
    sent_at: list[float] = []
    frames = collect(paced(Maker(), clock), Codec.OPUS, 30, delayed(clock, 0.3, sent_at))
    assert set(steps(frames)) == {960}
    assert sent_at[5:7] == pytest.approx([100.38, 100.38])
    assert sent_at[-1] == pytest.approx(100.58)


def test_after_a_long_stall_the_timestamps_leap_by_as_much() -> None:
    clock = SteppingClock()
    sent_at: list[float] = []
    frames = collect(paced(Maker(), clock), Codec.OPUS, 30, delayed(clock, 4, sent_at))
    assert [step for step in steps(frames) if step != 960] == [4 * 48_000]
    assert sent_at[4:7] == pytest.approx([100.08, 104.08, 104.10])
    assert sent_at[-1] == pytest.approx(104.56)


def test_a_delay_puts_off_all_that_follows_and_its_timestamps() -> None:
    clock, delay = SteppingClock(), Delay()
    sent_at: list[float] = []

    def after(sent: int) -> None:
        sent_at.append(clock.now)
        if sent == 5:
            delay.at_least(0.3)

    source = PacedSource("audio", lambda codec: Maker(), clock, make_delay=lambda: delay)
    frames = collect(source, Codec.OPUS, 30, after)
    assert steps(frames) == [960] * 4 + [960 + 14_400] + [960] * 24
    assert sent_at == pytest.approx([100 + frame.timestamp / 48_000 for frame in frames])


def test_what_stalls_one_delays_the_other_as_much() -> None:
    clock, delay = SteppingClock(), Delay()
    sources = [PacedSource("audio", lambda codec: Maker(), clock, make_delay=lambda: delay) for _ in range(2)]
    collect(sources[0], Codec.OPUS, 10, delayed(clock, 4, []))
    assert delay.seconds == pytest.approx(4, abs=0.05)
    assert collect(sources[1], Codec.OPUS, 2)[0].timestamp == round(delay.seconds * 48_000)


def test_a_failure_of_the_maker_ends_the_source_and_closes_the_maker() -> None:
    maker = FailingMaker()
    with pytest.raises(SourceError, match="broken"):
        collect(paced(maker), Codec.OPUS, None)
    assert maker.closed_on is not None


def test_what_is_made_ahead_is_sent_when_it_is_due_and_before_a_failure() -> None:
    maker = FailingMaker()
    maker.ahead = 5
    clock = SteppingClock()
    sent_at: list[float] = []
    with pytest.raises(SourceError, match="broken"):
        collect(paced(maker, clock), Codec.OPUS, None, lambda sent: sent_at.append(clock.now))
    assert sent_at == pytest.approx([100, 100.02, 100.04])


def collect_pictures(maker: FrameMaker, wishes: frozenset[int]) -> tuple[list[EncodedFrame], list[float]]:
    """Thirty, and when each was sent; a keyframe is wished for when so many were."""
    clock = SteppingClock()
    source = PacedSource("video", lambda codec: maker, clock)
    sent_at: list[float] = []

    def after(sent: int) -> None:
        sent_at.append(clock.now)
        if sent in wishes:
            source.request_keyframe()

    return collect(source, Codec.VP8, 30, after), sent_at


@pytest.mark.parametrize(("wish", "answered", "taken_back"), [(2, 8, [2]), (9, 9, [1]), (12, 12, [8])])
def test_pictures_made_ahead_are_made_once_more_for_a_keyframe(
    wish: int, answered: int, taken_back: list[int]
) -> None:
    """Not sooner than 0.3 s after the last one."""
    maker = TakingMaker(frozenset({0}))
    frames, sent_at = collect_pictures(maker, frozenset({wish}))
    assert [number for number, frame in enumerate(frames) if frame.is_keyframe] == [0, answered]
    assert set(steps(frames)) == {3600}
    assert sent_at == pytest.approx([100 + number * 0.04 for number in range(30)])
    assert maker.taken_back == taken_back


def test_pictures_are_not_made_once_more_when_a_keyframe_is_among_them() -> None:
    maker = TakingMaker(frozenset({0, 15}))
    frames, _ = collect_pictures(maker, frozenset({12}))
    assert [number for number, frame in enumerate(frames) if frame.is_keyframe] == [0, 15]
    assert maker.taken_back == []


def test_pictures_are_made_once_more_but_once_for_a_keyframe_that_does_not_come() -> None:
    maker = TakingMaker(frozenset({0, 22}), bridges=False)
    frames, sent_at = collect_pictures(maker, frozenset({12, 14, 16}))
    assert [number for number, frame in enumerate(frames) if frame.is_keyframe] == [0, 22]
    assert sent_at == pytest.approx([100 + number * 0.04 for number in range(30)])
    assert maker.taken_back == [8]


def test_a_request_is_answered_for_every_codec_that_runs() -> None:
    source = PacedSource("video", lambda codec: TakingMaker(frozenset({0})), SteppingClock())
    keyframes: dict[Codec, int] = {Codec.VP8: 0, Codec.H264: 0}

    async def run() -> None:
        answered = asyncio.Event()

        def send(codec: Codec, frame: EncodedFrame) -> None:
            keyframes[codec] += frame.is_keyframe
            if list(keyframes.values()) == [1, 1]:
                source.request_keyframe()
            elif min(keyframes.values()) > 1:
                answered.set()

        runs = [asyncio.create_task(source.run(codec, partial(send, codec))) for codec in keyframes]
        async with asyncio.timeout(PATIENCE):
            await answered.wait()
        for each in runs:
            each.cancel()
        await asyncio.wait(runs)

    asyncio.run(run())


def test_a_maker_that_cannot_be_made_ends_the_source() -> None:
    def make(codec: Codec) -> FrameMaker:
        raise SourceError(message="gone")

    with pytest.raises(SourceError, match="gone"):
        collect(PacedSource("audio", make, SteppingClock()), Codec.OPUS, None)


def test_cancelling_closes_the_maker_before_it_returns() -> None:
    maker = Maker()
    collect(paced(maker), Codec.OPUS, 3)
    assert maker.closed_on is maker.thread
    assert maker.closed_on is not None
    assert not maker.closed_on.is_alive()


def test_cancelling_while_the_maker_hangs_leaves_it_behind_and_it_closes_itself_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(maker_thread, "_CLOSE_SECONDS", 0.01)
    maker = HangingMaker()
    sent: list[EncodedFrame] = []

    async def run() -> None:
        async with asyncio.timeout(PATIENCE):
            running = asyncio.create_task(paced(maker).run(Codec.OPUS, sent.append))
            await asyncio.to_thread(maker.hangs.wait, PATIENCE)
            running.cancel()
            await asyncio.wait([running])

    asyncio.run(run())
    assert len(sent) == 1
    assert maker.closed_on is None
    maker.release.set()
    assert maker.thread is not None
    maker.thread.join(PATIENCE)
    assert maker.closed_on is maker.thread


def test_the_loops_clock_is_the_loops() -> None:
    async def run() -> list[float]:
        clock = LoopClock()
        await clock.sleep_until(5.0)
        reached = clock.time()
        await clock.sleep_until(3.0)
        return [reached, clock.time(), asyncio.get_running_loop().time()]

    assert run_virtually(run()) == [5.0, 5.0, 5.0]
