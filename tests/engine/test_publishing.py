"""Which codec a source is to make, and what becomes of one that misbehaves."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest

from videocli.engine.publishing import MediaPublication, Publishing
from videocli.engine.reports import LocalTrackInfo
from videocli.errors import SourceError, error
from videocli.media.frames import MAX_SOUND_BYTES, Codec, EncodedFrame, MediaKind
from videocli.media.peer import PeerConnection, Sender


class Plain:
    kind: MediaKind = "video"

    async def run(self, codec: Codec, send: Callable[[EncodedFrame], None]) -> None: ...

    def request_keyframe(self) -> None: ...


class Encoded(Plain):
    def __init__(self, codec: Codec | None) -> None:
        self.preferred_codec = codec


class Taking:
    """A sender for which these codecs were negotiated."""

    def __init__(self, *codecs: Codec) -> None:
        self.codecs = codecs
        self.sent: list[EncodedFrame] = []
        self.on_keyframe_request: Callable[[], None] | None = None

    def send_frame(self, frame: EncodedFrame) -> None:
        self.sent.append(frame)


class OnlySender:
    """A peer connection that gives this sender."""

    def __init__(self, sender: Taking) -> None:
        self._sender = sender

    def add_sender(self, kind: MediaKind, track_id: str) -> Taking:
        return self._sender


def publication(source: Plain, *senders: Taking) -> MediaPublication:
    by_peer = {str(number): cast(Sender, sender) for number, sender in enumerate(senders)}
    return MediaPublication("id", source, senders=by_peer)


@pytest.mark.parametrize(
    ("source", "negotiated", "chosen"),
    [
        (Plain(), (Codec.VP8, Codec.H264), Codec.VP8),
        (Encoded(Codec.H264), (Codec.VP8, Codec.H264), Codec.H264),
        (Encoded(Codec.H264), (Codec.VP8,), Codec.VP8),
        (Encoded(None), (Codec.VP8, Codec.H264), Codec.VP8),
        (Encoded(Codec.H264), (), None),
    ],
)
def test_a_source_makes_what_it_prefers_if_that_was_negotiated(
    source: Plain, negotiated: tuple[Codec, ...], chosen: Codec | None
) -> None:
    assert publication(source, Taking(*negotiated)).choose_codec() is chosen


def test_a_peer_connection_that_has_agreed_on_nothing_yet_decides_nothing() -> None:
    assert publication(Plain(), Taking(), Taking(Codec.H264)).choose_codec() is Codec.H264


def test_a_frame_goes_where_its_codec_was_negotiated() -> None:
    both, one = Taking(Codec.VP8, Codec.H264), Taking(Codec.VP8)
    frame = EncodedFrame(b"x", 0, True, Codec.H264)
    publication(Plain(), both, one).send(frame)
    assert (both.sent, one.sent) == ([frame], [])


def test_sound_that_no_packet_carries_is_refused_and_reaches_no_sender() -> None:
    sender = Taking(Codec.OPUS)
    with pytest.raises(ValueError, match="1301 bytes"):
        publication(Plain(), sender).send(EncodedFrame(bytes(MAX_SOUND_BYTES + 1), 0, True, Codec.OPUS))
    assert not sender.sent


@pytest.mark.parametrize(
    "frame",
    [
        "frame",
        EncodedFrame("data", 0, True, Codec.VP8),  # type: ignore[arg-type]
        EncodedFrame(bytearray(b"data"), 0, True, Codec.VP8),  # type: ignore[arg-type]
        EncodedFrame(b"data", 1.5, True, Codec.VP8),  # type: ignore[arg-type]
        EncodedFrame(b"data", 0, True, "VP8"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_frame_reaches_no_sender(frame: EncodedFrame) -> None:
    sender = Taking(Codec.VP8)
    with pytest.raises(TypeError):
        publication(Plain(), sender).send(frame)
    assert not sender.sent


class Moody(Plain):
    @property
    def preferred_codec(self) -> Codec:
        raise RuntimeError("a script's own fault")


def test_a_source_that_cannot_say_what_it_prefers_makes_what_was_negotiated(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert publication(Moody(), Taking(Codec.H264)).choose_codec() is Codec.H264
    assert "a script's own fault" in caplog.text


class Failing(Plain):
    def __init__(self, fault: BaseException) -> None:
        self._fault = fault

    async def run(self, codec: Codec, send: Callable[[EncodedFrame], None]) -> None:
        raise self._fault


@pytest.mark.parametrize("fault", [ValueError("its own fault"), asyncio.CancelledError("its own fault")])
def test_what_a_source_raises_is_why_it_failed_and_the_log_shows_where(
    fault: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    failure = asyncio.run(publication(Failing(fault)).run(Codec.VP8))
    assert isinstance(failure, SourceError)
    assert failure.message == f"The source failed: {fault!r}"
    assert failure.__cause__ is fault
    assert "Traceback" in caplog.text


def test_a_video_error_that_a_source_raises_is_why_it_failed_and_no_fault(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reason = error(53405)
    assert asyncio.run(publication(Failing(reason)).run(Codec.VP8)) is reason
    assert not caplog.text


def test_a_source_that_is_cancelled_has_not_failed() -> None:
    class Lasting(Plain):
        async def run(self, codec: Codec, send: Callable[[EncodedFrame], None]) -> None:
            await asyncio.sleep(1000)

    async def check() -> None:
        running = asyncio.create_task(publication(Lasting()).run(Codec.VP8))
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(check())


class Refusing(Plain):
    def __init__(self) -> None:
        self.has_run = False

    async def run(self, codec: Codec, send: Callable[[EncodedFrame], None]) -> None:
        self.has_run = True

    def request_keyframe(self) -> None:
        raise RuntimeError("a script's own fault")


def test_a_source_that_fails_when_asked_for_a_keyframe_is_sent_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def check() -> None:
        def spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
            started.append(asyncio.create_task(work))
            return started[-1]

        started: list[asyncio.Task[None]] = []
        source, sender = Refusing(), Taking(Codec.VP8)
        publishing = Publishing(lambda report: None, spawn)
        publishing.add_media(LocalTrackInfo("id", "camera", "video"), source)
        publishing.attach("peer", cast(PeerConnection, OnlySender(sender)))
        assert sender.on_keyframe_request is not None
        sender.on_keyframe_request()
        publishing.set_enabled("id", True)
        await asyncio.gather(*started)
        assert source.has_run

    asyncio.run(check())
    assert "a script's own fault" in caplog.text
