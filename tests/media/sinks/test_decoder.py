import pytest

from tests.media.sinks.support import frames
from videocli.media.frames import Codec, EncodedFrame
from videocli.media.sinks import decoder as decoding
from videocli.media.sinks.decoder import Decoder


@pytest.mark.parametrize("codec", Codec)
def test_every_codec_is_decoded_and_may_change(codec: Codec) -> None:
    decoder = Decoder()
    assert all(decoder.decode(frame) for frame in frames(codec)[:5])
    for other in Codec:
        assert decoder.decode(frames(other)[0])


@pytest.mark.parametrize("codec", [Codec.VP8, Codec.H264])
def test_a_picture_that_is_too_large_is_as_good_as_lost(
    codec: Codec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "MAX_PIXELS", 160 * 96 - 1)
    assert Decoder().decode(frames(codec)[0]) == []


@pytest.mark.parametrize("codec", Codec)
def test_rubbish_is_as_good_as_lost(codec: Codec) -> None:
    decoder = Decoder()
    decoder.decode(EncodedFrame(b"\xff" * 40, 0, True, codec))
    assert decoder.decode(frames(codec)[0])
