"""`tone`: a steady sine of 440 Hz."""

import math
from array import array

from av.audio.frame import AudioFrame

from videocli.media.frames import Codec, EncodedFrame
from videocli.media.sources.encode import OPUS_SAMPLES, OpusEncoder
from videocli.media.sources.paced import Clock, PacedSource

FREQUENCY = 440
"""Hertz."""

_AMPLITUDE = 8_000
"""A quarter of full scale: heard, and not startling."""

_PACKETS_A_SECOND = Codec.OPUS.clock_rate // OPUS_SAMPLES
_MAX_BEHIND = 5
"""Packets that may be sent late; receivers hold about as many back."""


class TestTone(PacedSource):
    """`Source` of the test tone: mono Opus."""

    __test__ = False

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__("audio", lambda _: _ToneMaker(), clock)


class _ToneMaker:
    ahead = 1

    def __init__(self) -> None:
        self._encoder = OpusEncoder(channels=1)
        self._chunks = _chunks()
        self._index = 0

    def next(self, elapsed: float, wants_keyframe: bool) -> EncodedFrame:
        now = int(elapsed * _PACKETS_A_SECOND)
        if now - self._index > _MAX_BEHIND:
            self._index = now
        index = self._index
        self._index += 1
        sound = AudioFrame(format="s16", layout="mono", samples=OPUS_SAMPLES)
        sound.planes[0].update(self._chunks[index % len(self._chunks)])
        return self._encoder.encode(sound, index * OPUS_SAMPLES)

    def close(self) -> None:
        pass


def _chunks() -> list[bytes]:
    """The samples of the fewest packets that hold whole periods."""
    rate = Codec.OPUS.clock_rate
    count = rate // math.gcd(rate, FREQUENCY * OPUS_SAMPLES)
    step = 2 * math.pi * FREQUENCY / rate
    samples = array("h", (round(_AMPLITUDE * math.sin(step * n)) for n in range(count * OPUS_SAMPLES)))
    whole = samples.tobytes()
    size = OPUS_SAMPLES * samples.itemsize
    return [whole[start : start + size] for start in range(0, len(whole), size)]
