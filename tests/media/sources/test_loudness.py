import math
from array import array

import pytest
from av.audio.frame import AudioFrame

from videocli.media.frames import AudioLevel, Codec
from videocli.media.sources.loudness import loudness
from videocli.media.sources.tone import _ToneMaker


def sound(samples: "array[int]", layout: str = "mono") -> AudioFrame:
    channels = 2 if layout == "stereo" else 1
    frame = AudioFrame(format="s16", layout=layout, samples=len(samples) // channels)
    frame.planes[0].update(samples.tobytes())
    return frame


def sine(amplitude: float) -> "array[int]":
    return array(
        "h", (round(32_767 * amplitude * math.sin(n * 2 * math.pi * 440 / 48_000)) for n in range(960))
    )


@pytest.mark.parametrize(("amplitude", "attenuation"), [(1.0, 3), (0.1, 23), (0.01, 43)])
def test_a_sine_is_3_db_below_its_amplitude(amplitude: float, attenuation: int) -> None:
    assert loudness(sound(sine(amplitude))) == AudioLevel(False, attenuation)


def test_a_square_wave_of_full_scale_is_the_loudest_there_is() -> None:
    assert loudness(sound(array("h", [32_767] * 960))).attenuation == 0
    assert loudness(sound(array("h", [-32_768] * 960))).attenuation == 0


def test_digital_silence_is_127_and_nothing_else_is() -> None:
    assert loudness(sound(array("h", [0] * 960))).attenuation == 127
    assert loudness(sound(array("h", [1] * 960))).attenuation == 90


def test_both_channels_are_heard() -> None:
    for silent in ("left", "right"):
        one_sided = array("h")
        for sample in sine(0.1):
            one_sided.extend((0, sample) if silent == "left" else (sample, 0))
        assert loudness(sound(one_sided, "stereo")).attenuation == 26


def test_what_is_encoded_says_how_loud_it_is() -> None:
    frame = _ToneMaker().next(0.0, False)
    assert frame.codec is Codec.OPUS
    assert frame.audio_level == AudioLevel(False, 15)
