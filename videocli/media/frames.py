"""Encoded frames, and what makes and takes them."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple, Protocol, runtime_checkable

MediaKind = Literal["audio", "video"]
TrackKind = Literal["audio", "video", "data"]


class Codec(StrEnum):
    """A codec that both ends speak; the value is its RTP name (RFC 7741, 6184, 7587)."""

    VP8 = "VP8"
    H264 = "H264"
    OPUS = "opus"

    @property
    def kind(self) -> MediaKind:
        """What the codec carries."""
        return "audio" if self is Codec.OPUS else "video"

    @property
    def clock_rate(self) -> int:
        """RTP timestamp units a second."""
        return 48_000 if self is Codec.OPUS else 90_000


class AudioLevel(NamedTuple):
    """How loud an audio packet is, as its sender says it beside the sound (RFC 6464)."""

    has_voice: bool
    attenuation: int
    """Decibels below the loudest there is, 0 to 127; 127 is digital silence."""

    @property
    def amplitude(self) -> float:
        """0 to 1 of the greatest, as webrtc-stats has it (`audioLevel`)."""
        return AMPLITUDES[self.attenuation]


AMPLITUDES = (*(10 ** (-attenuation / 20) for attenuation in range(127)), 0.0)
"""By attenuation in decibels."""


MAX_SOUND_BYTES = 1_300
"""Of an audio packet that is sent: one RTP packet has to carry it whole (RFC 7587, section 4.2).

One Opus frame has at most 1,275 bytes (RFC 6716, section 3.2.1), so there is always a way to keep to it.
"""


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One video frame (H264: Annex B) or one audio packet, as the codec made it."""

    data: bytes
    timestamp: int
    """In units of `codec.clock_rate`; grows without wrapping."""
    is_keyframe: bool
    codec: Codec
    captured_at: float | None = None
    """Received frames: when it was captured, in seconds since 1970 by the publisher's clock.

    All tracks of a publisher share that clock (RFC 3550, 6.4.1); None: it has not told yet.
    """
    audio_level: AudioLevel | None = None
    """None: whoever made the frame does not know."""
    is_after_loss: bool = False
    """Received frames: whether packets between it and the one before are missing for good."""


def check_frame(frame: object) -> None:
    """Raise `TypeError` for what is no frame, and `ValueError` for sound that is too large to be sent."""
    if not isinstance(frame, EncodedFrame):
        raise TypeError(f"an EncodedFrame is sent, not {type(frame).__name__}")
    for value, kind in ((frame.data, bytes), (frame.timestamp, int), (frame.codec, Codec)):
        if not isinstance(value, kind):
            raise TypeError(f"a frame has {kind.__name__}, not {type(value).__name__}")
    if frame.codec.kind == "audio" and len(frame.data) > MAX_SOUND_BYTES:
        raise ValueError(
            f"an audio packet of {len(frame.data)} bytes is too large: {MAX_SOUND_BYTES} at most"
        )


class Source(Protocol):
    """Makes the frames of one published track."""

    @property
    def kind(self) -> MediaKind:
        """What it makes."""
        ...

    async def run(self, codec: Codec, send: Callable[[EncodedFrame], None]) -> None:
        """Send frames at their pace, on the loop's thread, until the source ends or the task is cancelled.

        Releases all it opened before it returns. Raises `SourceError` when the source cannot go on.
        """
        ...

    def request_keyframe(self) -> None:
        """Make the next video frame a keyframe, and hurry with it, if the source can."""
        ...


@runtime_checkable
class PrefersCodec(Protocol):
    """A source that would rather make one codec than others, because its frames are encoded already."""

    @property
    def preferred_codec(self) -> Codec | None:
        """`run` is given it wherever it was negotiated; None: any codec is as good."""
        ...
