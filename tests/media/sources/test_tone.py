import pytest

from tests.media.sources.support import SteppingClock, collect, frequency, samples, steps
from videocli.media.frames import Codec
from videocli.media.sources import TestTone


def test_the_tone_is_a_sine_of_440_hertz_a_quarter_as_loud_as_can_be() -> None:
    sound = samples(collect(TestTone(SteppingClock()), Codec.OPUS, 100))
    assert frequency(sound) == pytest.approx(440, abs=0.5)
    assert max(sound) == pytest.approx(8_000, rel=0.1)
    assert min(sound) == pytest.approx(-8_000, rel=0.1)


def test_packets_last_20_ms() -> None:
    frames = collect(TestTone(SteppingClock()), Codec.OPUS, 50)
    assert frames[0].timestamp == 0
    assert set(steps(frames)) == {960}
    assert all(frame.is_keyframe and frame.codec is Codec.OPUS for frame in frames)


def test_a_short_delay_loses_nothing() -> None:
    clock = SteppingClock()

    def delay(sent: int) -> None:
        if sent == 10:
            clock.now += 0.1

    assert set(steps(collect(TestTone(clock), Codec.OPUS, 30, delay))) == {960}


def test_a_long_stall_is_skipped_and_the_sine_goes_on_as_if_it_had_been_heard() -> None:
    clock = SteppingClock()

    def stall(sent: int) -> None:
        if sent == 10:
            clock.now += 3

    leaps = [step for step in steps(collect(TestTone(clock), Codec.OPUS, 30, stall)) if step != 960]
    assert leaps == [pytest.approx(3 * 48_000, abs=960)]
