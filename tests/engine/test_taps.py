"""Frames of remote tracks reach their takers, over whichever receiver they come."""

import logging
from collections.abc import Callable

import pytest

from videocli.engine.taps import Taps
from videocli.media.frames import Codec, EncodedFrame, MediaKind
from videocli.media.peer import MediaPacket, TrackStats


class HandReceiver:
    """A receiver that the test feeds."""

    kind: MediaKind = "video"
    mid = "0"
    track_id = "media-1"

    def __init__(self) -> None:
        self.on_frame: Callable[[EncodedFrame], None] | None = None
        self.on_packet: Callable[[MediaPacket], None] | None = None
        self.keyframes_asked = 0

    def request_keyframe(self) -> None:
        self.keyframes_asked += 1

    def stats(self) -> TrackStats:
        return TrackStats()

    def feed(self, data: bytes, *, is_keyframe: bool = False, codec: Codec = Codec.VP8) -> None:
        if self.on_frame is not None:
            self.on_frame(EncodedFrame(data, 0, is_keyframe, codec))


class TestTaps:
    def setup_method(self) -> None:
        self.taps = Taps()
        self.receivers: dict[str, HandReceiver] = {}
        self.taken: list[bytes] = []

    def settle(self) -> None:
        self.taps.settle(self.receivers.get)

    def take(self, frame: EncodedFrame) -> None:
        self.taken.append(frame.data)

    def test_a_receiver_is_tapped_whenever_it_comes_and_let_go_with_its_last_taker(self) -> None:
        tap = self.taps.open("MT1", self.take)
        self.settle()
        receiver = self.receivers["MT1"] = HandReceiver()
        self.settle()
        receiver.feed(b"key", is_keyframe=True)
        self.taps.close(tap)
        self.taps.close(tap)
        self.settle()
        assert self.taken == [b"key"]
        assert receiver.on_frame is None

    def test_nobodys_frames_are_not_put_together(self) -> None:
        receiver = self.receivers["MT1"] = HandReceiver()
        self.taps.open("MT2", self.take)
        self.settle()
        assert receiver.on_frame is None

    def test_video_begins_with_a_keyframe_which_a_second_taker_asks_for_until_it_comes(self) -> None:
        receiver = self.receivers["MT1"] = HandReceiver()
        self.taps.open("MT1", lambda frame: None)
        self.settle()
        receiver.feed(b"key", is_keyframe=True)
        self.taps.open("MT1", self.take)
        self.settle()
        assert receiver.keyframes_asked == 1
        receiver.feed(b"x")
        assert receiver.keyframes_asked == 2
        for data, is_keyframe in ((b"a", False), (b"b", True), (b"c", False)):
            receiver.feed(data, is_keyframe=is_keyframe)
        assert self.taken == [b"b", b"c"]
        assert receiver.keyframes_asked == 3

    def test_sound_begins_at_once(self) -> None:
        receiver = self.receivers["MT1"] = HandReceiver()
        self.taps.open("MT1", self.take)
        self.settle()
        receiver.feed(b"opus", codec=Codec.OPUS)
        assert self.taken == [b"opus"]

    def test_another_receiver_of_the_same_track_takes_over(self) -> None:
        old = self.receivers["MT1"] = HandReceiver()
        self.taps.open("MT1", self.take)
        self.settle()
        new = self.receivers["MT1"] = HandReceiver()
        self.settle()
        new.feed(b"new", is_keyframe=True)
        assert old.on_frame is None
        assert self.taken == [b"new"]

    def test_a_taker_that_fails_costs_the_others_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        def fail(frame: EncodedFrame) -> None:
            raise RuntimeError("disk full")

        receiver = self.receivers["MT1"] = HandReceiver()
        self.taps.open("MT1", fail)
        self.taps.open("MT1", self.take)
        self.settle()
        with caplog.at_level(logging.ERROR):
            receiver.feed(b"key", is_keyframe=True)
        assert self.taken == [b"key"]
        assert "a taker of track MT1 failed" in caplog.text
