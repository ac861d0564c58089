"""Decodes what a file holds and encodes it anew, for the codec that was negotiated."""

from collections.abc import Iterator
from typing import Any

from av import error as averror
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.video.frame import VideoFrame

from videocli.errors import SourceError
from videocli.media.frames import Codec, EncodedFrame
from videocli.media.sources.encode import OPUS_SAMPLES, OpusEncoder, VideoEncoder
from videocli.media.sources.input import Input, not_media, shown
from videocli.media.sources.timeline import Timeline

MAX_WIDTH, MAX_HEIGHT = 1280, 720
"""Larger pictures are made smaller (pixels)."""

HOLD_SECONDS = 0.2
"""A picture that stands longer is sent again and again at this distance."""

_MAX_RATE = 30
_FALLBACK_RATE = 25
_MAX_LATE_SECONDS = 0.1
_MAX_SKIPPED = 4
"""Late pictures left out in a row before one is sent all the same."""

_MAX_FAULTS = 100
"""Packets in a row that cannot be decoded before the file is given up."""

_SHORTEST_SOUND = Codec.OPUS.clock_rate // 5
"""Samples: a shorter sound is followed by silence, or looping it would be all there is to do."""


class _Decoder:
    """What a stream holds, pass after pass."""

    def __init__(self, opened: Input, loop: bool) -> None:
        self._input = opened
        self.loops = loop and opened.can_rewind

    def passes(self) -> Iterator[Iterator[Any]]:
        """Each time through the file: its pictures or sounds. The next pass begins when one is used up."""
        while True:
            yield self._decode()
            if not self.loops:
                return
            self._input.rewind()

    def _decode(self) -> Iterator[Any]:
        faults = 0
        is_empty = True
        while (packet := self._input.read()) is not None:
            try:
                decoded = packet.decode()
            except averror.EOFError:
                break
            except averror.FFmpegError as error:
                faults += 1
                if faults > _MAX_FAULTS:
                    raise SourceError(
                        message=f"'{shown(self._input.spec)}' is damaged: {error.strerror}",
                        explanation="Name another file, or make it anew.",
                    ) from error
                continue
            faults = 0
            for frame in decoded:
                is_empty = False
                yield frame
        if is_empty:
            raise not_media(self._input.spec)


class VideoTranscoder:
    """`FrameMaker`: at most 1280x720 and 30 frames a second, at least 5. Owns the input from now on."""

    def __init__(self, opened: Input, codec: Codec, loop: bool) -> None:
        self._input = opened
        self._codec = codec
        self._rate = codec.clock_rate
        rate = getattr(opened.stream, "average_rate", None) or _FALLBACK_RATE
        self._frame_rate = min(max(round(rate), 1), _MAX_RATE)
        self._timeline = Timeline(self._rate, max(round(self._rate / rate), 1))
        self._pictures = self._timed(_Decoder(opened, loop))
        self._encoder: VideoEncoder | None = None
        self._upcoming: tuple[int, VideoFrame | None] | None = None
        self._shown: VideoFrame | None = None
        self._last = 0
        self._skipped = 0

    def next(self, elapsed: float, wants_keyframe: bool) -> EncodedFrame | None:
        while (timed := self._next_picture(elapsed)) is not None:
            timestamp, picture = timed
            self._last = timestamp
            self._shown = picture
            encoded = self._encode(picture, timestamp, wants_keyframe)
            if encoded is not None:
                return encoded
        return None

    def close(self) -> None:
        self._input.close()

    def _next_picture(self, elapsed: float) -> tuple[int, VideoFrame] | None:
        """The next picture to send, new or once more the one that stands."""
        hold = round(HOLD_SECONDS * self._rate)
        while True:
            if self._upcoming is None:
                self._upcoming = next(self._pictures, None)
                if self._upcoming is None:
                    return None
            timestamp, picture = self._upcoming
            if self._shown is not None and (picture is None or timestamp > self._last + hold * 3 // 2):
                return self._last + hold, self._shown
            self._upcoming = None
            if picture is not None and not self._is_left_out(timestamp, elapsed):
                return timestamp, self._fitted(picture)

    def _is_left_out(self, timestamp: int, elapsed: float) -> bool:
        if self._shown is None:
            return False
        if timestamp - self._last < self._rate // _MAX_RATE * 3 // 4:
            return True
        is_late = elapsed - timestamp / self._rate > _MAX_LATE_SECONDS
        self._skipped = self._skipped + 1 if is_late and self._skipped < _MAX_SKIPPED else 0
        return self._skipped > 0

    def _fitted(self, picture: VideoFrame) -> VideoFrame:
        if self._shown is not None:
            width, height = self._shown.width, self._shown.height
        else:
            width, height = fitted_size(picture.width, picture.height)
        return picture.reformat(width, height, "yuv420p", dst_color_range="MPEG")

    def _encode(self, picture: VideoFrame, timestamp: int, wants_keyframe: bool) -> EncodedFrame | None:
        if self._encoder is None:
            self._encoder = VideoEncoder(self._codec, picture.width, picture.height, self._frame_rate)
        return self._encoder.encode(picture, timestamp, wants_keyframe)

    def _timed(self, decoder: _Decoder) -> Iterator[tuple[int, VideoFrame | None]]:
        """Pictures with their timestamps; after a still image, nothing new for ever."""
        for pictures in decoder.passes():
            count = 0
            for picture in pictures:
                count += 1
                yield self._place(picture), picture
            while count == 1 and decoder.loops:
                yield self._last, None
            self._timeline.end_pass()

    def _place(self, picture: VideoFrame) -> int:
        if picture.pts is None or picture.time_base is None:
            return self._timeline.place(None, None)
        ticks = picture.time_base * self._rate
        return self._timeline.place(round(picture.pts * ticks), round(picture.duration * ticks))


def fitted_size(width: int, height: int) -> tuple[int, int]:
    """The even size, in the same proportions, that fits into 1280x720."""
    scale = min(1.0, MAX_WIDTH / width, MAX_HEIGHT / height)
    return max(round(width * scale / 2) * 2, 2), max(round(height * scale / 2) * 2, 2)


class AudioTranscoder:
    """`FrameMaker`: mono or stereo Opus, without a gap from pass to pass. Owns the input from now on."""

    def __init__(self, opened: Input, loop: bool) -> None:
        self._input = opened
        context: Any = opened.stream.codec_context
        channels = min(max(context.channels, 1), 2)
        self._layout = "stereo" if channels == 2 else "mono"
        self._encoder = OpusEncoder(channels)
        self._sounds = self._chunks(_Decoder(opened, loop))
        self._timestamp = 0

    def next(self, elapsed: float, wants_keyframe: bool) -> EncodedFrame | None:
        sound = next(self._sounds, None)
        if sound is None:
            return None
        timestamp = self._timestamp
        self._timestamp += OPUS_SAMPLES
        return self._encoder.encode(sound, timestamp)

    def close(self) -> None:
        self._input.close()

    def _chunks(self, decoder: _Decoder) -> Iterator[AudioFrame]:
        """The sound in pieces of one packet; the last one is filled up with silence."""
        resampler = AudioResampler("s16", self._layout, Codec.OPUS.clock_rate)
        fifo = AudioFifo()
        for sounds in decoder.passes():
            samples = 0
            for sound in sounds:
                for piece in _resample(resampler, sound):
                    samples += piece.samples
                    fifo.write(piece)
                while (chunk := fifo.read(OPUS_SAMPLES)) is not None:
                    yield chunk
            if decoder.loops and samples < _SHORTEST_SOUND:
                fifo.write(self._silence(_SHORTEST_SOUND - samples))
        for piece in _resample(resampler, None):
            fifo.write(piece)
        if fifo.samples % OPUS_SAMPLES:
            fifo.write(self._silence(OPUS_SAMPLES - fifo.samples % OPUS_SAMPLES))
        while (chunk := fifo.read(OPUS_SAMPLES)) is not None:
            yield chunk

    def _silence(self, samples: int) -> AudioFrame:
        sound = AudioFrame("s16", self._layout, samples)
        sound.sample_rate = Codec.OPUS.clock_rate
        for plane in sound.planes:
            plane.update(bytes(plane.buffer_size))
        return sound


def _resample(resampler: AudioResampler, sound: AudioFrame | None) -> list[AudioFrame]:
    """Without timestamps: those of a file leap when it begins again, and samples count by themselves."""
    if sound is not None:
        sound.pts = None
    pieces = resampler.resample(sound)
    for piece in pieces:
        piece.pts = None
    return pieces
