from tests.media.sources.support import SteppingClock, collect, decode, steps
from videocli.media.frames import Codec, EncodedFrame
from videocli.media.sources import Silence


def test_it_is_opus_that_decodes_to_nothing_at_all() -> None:
    frames = collect(Silence(SteppingClock()), Codec.OPUS, 50)
    assert set(steps(frames)) == {960}
    sounds = decode(frames)
    assert sum(sound.samples for sound in sounds) == 50 * 960
    assert not any(any(bytes(plane)) for sound in sounds for plane in sound.planes)


def test_packets_are_sent_when_they_are_due_and_left_out_after_a_stall() -> None:
    clock = SteppingClock()
    sent_at: list[tuple[float, int]] = []
    frames: list[EncodedFrame] = []

    def after(sent: int) -> None:
        sent_at.append((round(clock.now - 100, 3), sent))
        if sent == 3:
            clock.now += 4

    frames = collect(Silence(clock), Codec.OPUS, 6, after)
    assert [at for at, _ in sent_at] == [0.0, 0.02, 0.04, 4.04, 4.06, 4.08]
    assert steps(frames) == [960, 960, 200 * 960, 960, 960]
