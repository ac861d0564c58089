"""Decodes what a file holds and encodes it anew, for the codec that was negotiated."""

import contextlib
from collections.abc import Generator, Iterator
from fractions import Fraction
from typing import Any

from av import error as averror
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.filter.graph import Graph
from av.video.frame import VideoFrame

from videocli.errors import SourceError
from videocli.media.frames import Codec, EncodedFrame
from videocli.media.sources.encode import OPUS_SAMPLES, OpusEncoder, VideoEncoder
from videocli.media.sources.input import MediaInput, not_media, shown, translated, usual_rate
from videocli.media.sources.timeline import Timeline

MAX_WIDTH, MAX_HEIGHT = 1280, 720
"""Larger pictures are made smaller (pixels)."""

HOLD_SECONDS = 0.2
"""A picture that stands longer is sent again and again at this distance."""

_MAX_RATE = 30
_MAX_LATE_SECONDS = 0.1
_MAX_SKIPPED = 4
"""Late pictures left out in a row before one is sent all the same."""

_MAX_FAULTS = 100
"""Packets in a row that cannot be decoded before the file is given up."""

_SHORTEST_SOUND = Codec.OPUS.clock_rate // 5
"""Samples: a shorter sound is followed by silence, or looping it would be all there is to do."""


class _Decoder:
    """What a stream holds, pass after pass."""

    def __init__(self, opened: MediaInput, loop: bool) -> None:
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

    ahead = 1

    def __init__(self, opened: MediaInput, codec: Codec, loop: bool) -> None:
        self._input = opened
        self._codec = codec
        self._rate = codec.clock_rate
        rate = usual_rate(opened.stream)
        self._frame_rate = min(max(round(rate), 1), _MAX_RATE)
        self._timeline = Timeline(self._rate, max(round(self._rate / rate), 1))
        self._pictures = self._timed(_Decoder(opened, loop))
        self._encoder: VideoEncoder | None = None
        self._upcoming: tuple[int, VideoFrame | None] | None = None
        self._shown: VideoFrame | None = None
        self._last = 0
        self._skipped = 0

    def next(self, elapsed: float, wants_keyframe: bool) -> EncodedFrame | None:
        with translated(self._input.spec, "cannot be encoded"):
            while (timed := self._next_picture(elapsed)) is not None:
                timestamp, picture = timed
                self._last = timestamp
                self._shown = picture
                encoded = self._encode(picture, timestamp, wants_keyframe)
                if encoded is not None:
                    return encoded
        return None

    def remake(self) -> EncodedFrame | None:
        with translated(self._input.spec, "cannot be encoded"):
            return self._encoder.encode_again() if self._encoder is not None else None

    def close(self) -> None:
        self._pictures.close()
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
        return picture.reformat(width, height, "yuv420p", dst_color_range="MPEG", threads=1)

    def _encode(self, picture: VideoFrame, timestamp: int, wants_keyframe: bool) -> EncodedFrame | None:
        if self._encoder is None:
            self._encoder = VideoEncoder(self._codec, picture.width, picture.height, self._frame_rate)
        return self._encoder.encode(picture, timestamp, wants_keyframe)

    def _timed(self, decoder: _Decoder) -> Generator[tuple[int, VideoFrame | None], None, None]:
        """Pictures with their timestamps; after a still image, nothing new for ever."""
        for pictures in decoder.passes():
            count = 0
            for picture in pictures:
                count += 1
                yield self._place(picture), picture
            while count == 1 and decoder.loops:
                yield self._last, None
            self._timeline.end_pass(self._input.pass_seconds)

    def _place(self, picture: VideoFrame) -> int:
        if picture.pts is None or picture.time_base is None:
            return self._timeline.place(None, None)
        ticks = picture.time_base * self._rate
        return self._timeline.place(round(picture.pts * ticks), round(picture.duration * ticks))


def fitted_size(width: int, height: int) -> tuple[int, int]:
    """The even size, in the same proportions, that fits into 1280x720."""
    scale = min(Fraction(1), Fraction(MAX_WIDTH, width), Fraction(MAX_HEIGHT, height))
    return max(int(width * scale / 2) * 2, 2), max(int(height * scale / 2) * 2, 2)


class AudioTranscoder:
    """`FrameMaker`: mono or stereo Opus, without a gap from pass to pass. Owns the input from now on."""

    ahead = 1

    def __init__(self, opened: MediaInput, loop: bool) -> None:
        self._input = opened
        context: Any = opened.stream.codec_context
        channels = min(max(context.channels, 1), 2)
        self._layout = "stereo" if channels == 2 else "mono"
        self._encoder = OpusEncoder(channels)
        self._sounds = self._chunks(_Decoder(opened, loop))
        self._timestamp = 0

    def next(self, elapsed: float, wants_keyframe: bool) -> EncodedFrame | None:
        with translated(self._input.spec, "cannot be encoded"):
            sound = next(self._sounds, None)
            if sound is None:
                return None
            timestamp = self._timestamp
            self._timestamp += OPUS_SAMPLES
            return self._encoder.encode(sound, timestamp)

    def close(self) -> None:
        self._sounds.close()
        self._input.close()

    def _chunks(self, decoder: _Decoder) -> Generator[AudioFrame, None, None]:
        """The sound in pieces of one packet; the last one is filled up with silence."""
        resampler = _Resampler(self._layout)
        fifo = AudioFifo()
        length = self._input.exact_seconds
        limit = None if length is None else round(length * Codec.OPUS.clock_rate)
        written = due = 0
        for sounds in decoder.passes():
            samples = 0
            for sound in sounds:
                for piece in resampler.resample(sound):
                    if limit is not None and samples < limit < samples + piece.samples:
                        piece = self._cut(piece, limit - samples)
                    samples += piece.samples
                    fifo.write(piece)
                while (chunk := fifo.read(OPUS_SAMPLES)) is not None:
                    yield chunk
            if not decoder.loops:
                break
            lasts = self._input.pass_seconds
            due += max(samples, _SHORTEST_SOUND) if lasts is None else round(lasts * Codec.OPUS.clock_rate)
            written += samples
            if written > due and (rest := fifo.read()) is not None:
                kept = max(rest.samples - (written - due), 0)
                written -= rest.samples - kept
                if kept:
                    fifo.write(self._cut(rest, kept))
            while written < due:
                silence = self._silence(min(due - written, OPUS_SAMPLES))
                written += silence.samples
                fifo.write(silence)
                while (chunk := fifo.read(OPUS_SAMPLES)) is not None:
                    yield chunk
        for piece in resampler.resample(None):
            fifo.write(piece)
        if fifo.samples % OPUS_SAMPLES:
            fifo.write(self._silence(OPUS_SAMPLES - fifo.samples % OPUS_SAMPLES))
        while (chunk := fifo.read(OPUS_SAMPLES)) is not None:
            yield chunk

    def _cut(self, sound: AudioFrame, samples: int) -> AudioFrame:
        """Without the silence that fills up the last frame of AAC, which would be heard as a gap."""
        return self._sound(samples, bytes(sound.planes[0]))

    def _silence(self, samples: int) -> AudioFrame:
        return self._sound(samples, bytes(4 * samples))

    def _sound(self, samples: int, data: bytes) -> AudioFrame:
        sound = AudioFrame("s16", self._layout, samples)
        sound.sample_rate = Codec.OPUS.clock_rate
        sound.planes[0].update(data[: sound.planes[0].buffer_size])
        return sound


class _Resampler:
    """Makes s16 at 48 kHz of sound whose form may change on the way.

    Without timestamps: those of a file leap when it begins again, and samples count by themselves. PyAV's
    own `AudioResampler` is such a graph too, but starts a thread for each core, and minds a change of form.
    """

    def __init__(self, layout: str) -> None:
        self._layout = layout
        self._form: tuple[str, str, int] | None = None
        self._graph: Graph | None = None

    def resample(self, sound: AudioFrame | None) -> list[AudioFrame]:
        """None: what was held back."""
        if sound is not None:
            form = (sound.format.name, sound.layout.name, sound.sample_rate)
            if form != self._form:
                self._form = form
                self._graph = self._new_graph(*form)
            sound.pts = None
        if self._graph is None:
            return []
        self._graph.push(sound)
        pieces = []
        with contextlib.suppress(averror.BlockingIOError, averror.EOFError):
            while True:
                piece = self._graph.pull()
                assert isinstance(piece, AudioFrame)
                piece.pts = None
                pieces.append(piece)
        return pieces

    def _new_graph(self, sample_format: str, layout: str, rate: int) -> Graph:
        graph = Graph()
        graph.threads = 1
        graph.link_nodes(
            graph.add_abuffer(
                format=sample_format, sample_rate=rate, layout=layout, time_base=Fraction(1, rate)
            ),
            graph.add(
                "aformat",
                sample_fmts="s16",
                sample_rates=str(Codec.OPUS.clock_rate),
                channel_layouts=self._layout,
            ),
            graph.add("abuffersink"),
        ).configure()
        return graph
