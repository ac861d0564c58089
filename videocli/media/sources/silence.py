"""`silence`: sound in which there is nothing to hear, for next to nothing."""

from collections.abc import Callable

from videocli.media.frames import Codec, EncodedFrame, MediaKind
from videocli.media.sources.paced import Clock, LoopClock

_PACKET = b"\xf8\xff\xfe"
"""20 ms of mono silence: CELT, full band, one frame (RFC 6716, 3.1), whose first bit says so (4.3)."""

_SAMPLES = Codec.OPUS.clock_rate // 50
_MAX_LATE_SECONDS = 0.5


class Silence:
    """`Source` of one and the same packet, fifty times a second, without a thread or an encoder."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or LoopClock()

    @property
    def kind(self) -> MediaKind:
        return "audio"

    def request_keyframe(self) -> None:
        """Every packet is one."""

    async def run(self, codec: Codec, send: Callable[[EncodedFrame], None]) -> None:
        clock, rate = self._clock, Codec.OPUS.clock_rate
        started_at = clock.time()
        timestamp = 0
        while True:
            late = clock.time() - started_at - timestamp / rate
            if late > _MAX_LATE_SECONDS:
                timestamp += int(late * rate) // _SAMPLES * _SAMPLES
            await clock.sleep_until(started_at + timestamp / rate)
            send(EncodedFrame(_PACKET, timestamp, True, Codec.OPUS))
            timestamp += _SAMPLES
