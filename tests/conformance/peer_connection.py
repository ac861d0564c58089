"""What any `PeerConnection` must do, whoever made it: run on the fake and on aiortc alike.

Each check takes a `PeerLab` and is a coroutine; `CHECKS` lists them. Times out instead of hanging.
"""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

import pytest

from videocli.errors import MediaError
from videocli.media.frames import AudioLevel, Codec, EncodedFrame
from videocli.media.messages import MAX_UNSENT_BYTES, MAX_UNSENT_MESSAGES
from videocli.media.peer import (
    DataChannel,
    DataChannelClosed,
    DataChannelOpened,
    DataMessage,
    DimensionsChanged,
    DtlsConnected,
    IceState,
    IceStateChanged,
    LocalCandidates,
    MakePeer,
    MediaFlowing,
    MediaPacket,
    NotSent,
    PathFound,
    PathVerified,
    PeerConfig,
    PeerConnection,
    PeerEvent,
    Receiver,
    RemoteTrackEnded,
    RemoteTrackStarted,
    Sender,
)

PATIENCE = 10.0
"""Seconds; far more than anything here takes."""

E = TypeVar("E")

VP8_KEYFRAME = bytes([0x10, 0, 0, 0x9D, 0x01, 0x2A]) + bytes([64, 1, 240, 0]) + b"key" * 900
"""320x240, and long enough for three packets."""

VP8_DELTA = bytes([0x11, 0, 0]) + b"delta" * 20
OPUS_PACKET = b"\xfc\xff\xfe"


@dataclass
class PeerLab:
    """How the peers of one kind are made and disturbed."""

    make_peer: MakePeer
    config: PeerConfig
    break_path: Callable[[PeerConnection], None]
    """From now on nothing goes through the path this peer uses; a restart finds another."""
    lose_handshake: Callable[[PeerConnection, bool], None]
    """From now on nothing of this peer's DTLS handshake goes through (or again), but ICE does."""


class Watched:
    """A peer and everything it told."""

    def __init__(self, lab: PeerLab, config: PeerConfig) -> None:
        self.events: list[PeerEvent] = []
        self._news = asyncio.Event()
        self.peer = lab.make_peer(config, self._take)

    def _take(self, event: PeerEvent) -> None:
        self.events.append(event)
        self._news.set()

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until an event makes the condition true."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def first(self, kind: type[E], condition: Callable[[E], bool] = lambda _: True) -> E:
        """The first event of a kind for which the condition holds; waits for it."""

        def found() -> list[E]:
            return [event for event in self.all(kind) if condition(event)]

        await self.until(lambda: bool(found()))
        return found()[0]

    async def state(self, state: IceState) -> None:
        """Wait until the ICE state is this one, as an event said it."""
        await self.until(lambda: self.peer.ice_state is state)

    async def receiver(self, track_id: str) -> Receiver:
        """The receiver that began last for a track."""
        await self.first(RemoteTrackStarted, lambda event: event.receiver.track_id == track_id)
        started = [event.receiver for event in self.all(RemoteTrackStarted)]
        return [receiver for receiver in started if receiver.track_id == track_id][-1]


@dataclass
class Pair:
    """A client and a server, as in a room."""

    client: Watched
    server: Watched

    async def client_offers(self) -> None:
        await negotiate(self.client.peer, self.server.peer)

    async def server_offers(self) -> None:
        await negotiate(self.server.peer, self.client.peer)

    async def connected(self) -> None:
        await self.client.state(IceState.CONNECTED)
        await self.server.state(IceState.CONNECTED)

    async def channel(self, label: str) -> tuple[DataChannel, DataChannel]:
        """Open a channel from the client, and its other end; the section is negotiated if need be."""
        ours = self.client.peer.open_data_channel(label)
        if self.client.peer.needs_negotiation:
            await self.client_offers()
        opened = await self.server.first(DataChannelOpened, lambda event: event.channel.label == label)
        await self.client.first(DataChannelOpened, lambda event: event.channel is ours)
        return ours, opened.channel


async def negotiate(offerer: PeerConnection, answerer: PeerConnection) -> None:
    await offerer.accept_answer(await answerer.accept_offer(await offerer.create_offer()))


@asynccontextmanager
async def watched(lab: PeerLab, config: PeerConfig) -> AsyncIterator[Watched]:
    made = Watched(lab, config)
    try:
        yield made
    finally:
        await made.peer.close()


@asynccontextmanager
async def pair(lab: PeerLab) -> AsyncIterator[Pair]:
    async with (
        watched(lab, lab.config) as client,
        watched(lab, replace(lab.config, mid_style="kinds")) as server,
    ):
        yield Pair(client, server)


@dataclass
class Talk:
    """Sends frames again and again until it is cancelled, as a source would."""

    sender: Sender
    keyframe_wanted: bool = True
    keyframes: int = 0
    _task: "asyncio.Task[None] | None" = field(default=None, repr=False)

    async def __aenter__(self) -> "Talk":
        self.sender.on_keyframe_request = self._want_keyframe
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait({self._task})

    def _want_keyframe(self) -> None:
        self.keyframe_wanted = True

    async def _run(self) -> None:
        timestamp = 0
        while True:
            is_audio = self.sender.kind == "audio"
            is_keyframe = is_audio or self.keyframe_wanted
            codec = Codec.OPUS if is_audio else Codec.VP8
            data = OPUS_PACKET if is_audio else VP8_KEYFRAME if is_keyframe else VP8_DELTA
            if self.sender.codec is not None:
                self.keyframes += is_keyframe
                self.keyframe_wanted = False
            self.sender.send_frame(EncodedFrame(data, timestamp, is_keyframe, codec))
            timestamp += codec.clock_rate // 100
            await asyncio.sleep(0.01)


class Collected:
    """Frames of a receiver."""

    def __init__(self, receiver: Receiver) -> None:
        self.frames: list[EncodedFrame] = []
        self._news = asyncio.Event()
        receiver.on_frame = self._take

    def _take(self, frame: EncodedFrame) -> None:
        self.frames.append(frame)
        self._news.set()

    async def more(self, count: int) -> list[EncodedFrame]:
        """The next `count` frames from now on."""
        start = len(self.frames)
        async with asyncio.timeout(PATIENCE):
            while len(self.frames) < start + count:
                self._news.clear()
                await self._news.wait()
        return self.frames[start : start + count]


def without_candidates(sdp: str) -> str:
    return re.sub(r"a=(candidate:|end-of-candidates).*\r?\n", "", sdp)


async def check_new_peer_has_nothing_to_negotiate(lab: PeerLab) -> None:
    async with pair(lab) as both:
        assert both.client.peer.ice_state is IceState.NEW
        assert not both.client.peer.needs_negotiation


async def check_connects_without_tracks(lab: PeerLab) -> None:
    async with pair(lab) as both:
        await both.client_offers()
        await both.connected()
        states = [event.state for event in both.client.all(IceStateChanged)]
        assert states == [IceState.CHECKING, IceState.CONNECTED]
        assert both.client.all(RemoteTrackStarted) == both.server.all(RemoteTrackStarted) == []


async def check_the_handshake_is_told_once_and_before_media(lab: PeerLab) -> None:
    async with pair(lab) as both:
        sender = both.client.peer.add_sender("audio", "tone")
        await both.client_offers()
        async with Talk(sender):
            await both.server.first(MediaFlowing)
        both.client.peer.restart_ice()
        await both.client_offers()
        await both.channel("after")
        for side in (both.client, both.server):
            (told,) = side.all(DtlsConnected)
            assert all(
                side.events.index(told) < place
                for place, event in enumerate(side.events)
                if isinstance(event, MediaFlowing)
            )


async def check_a_path_is_not_connected_before_its_handshake(lab: PeerLab) -> None:
    """ICE answers all the time, but no media can pass."""
    async with pair(lab) as both:
        lab.lose_handshake(both.server.peer, True)
        await both.client_offers()
        await both.client.first(PathFound)
        both.client.peer.verify_path()
        await asyncio.sleep(0.3)
        assert [event.state for event in both.client.all(IceStateChanged)] == [IceState.CHECKING]
        assert not both.client.all(PathVerified)
        assert not both.client.all(DtlsConnected)
        lab.lose_handshake(both.server.peer, False)
        await both.connected()
        await both.client.first(DtlsConnected)
        both.client.peer.verify_path()
        await both.client.first(PathVerified)


async def check_a_path_that_dies_before_its_handshake_is_not_connected_after_it(lab: PeerLab) -> None:
    async with pair(lab) as both:
        lab.lose_handshake(both.server.peer, True)
        await both.client_offers()
        await both.client.first(PathFound)
        await both.server.first(PathFound)
        lab.break_path(both.server.peer)
        await both.client.state(IceState.FAILED)
        both.client.peer.restart_ice()
        await both.client_offers()
        await both.client.state(IceState.CHECKING)
        await asyncio.sleep(0.3)
        assert IceState.CONNECTED not in [event.state for event in both.client.all(IceStateChanged)]
        lab.lose_handshake(both.server.peer, False)
        await both.connected()
        assert len(both.client.all(PathFound)) == len(both.client.all(DtlsConnected)) == 1


async def check_candidates_are_told_once_complete(lab: PeerLab) -> None:
    async with pair(lab) as both:
        offer = await both.client.peer.create_offer()
        told = await both.client.first(LocalCandidates, lambda event: event.complete)
        assert told.candidates
        assert all(candidate.candidate.startswith("candidate:") for candidate in told.candidates)
        assert f"a=ice-ufrag:{told.ufrag}\r\n" in offer


async def check_candidates_may_come_before_their_description(lab: PeerLab) -> None:
    async with pair(lab) as both:
        offer = await both.client.peer.create_offer()
        ours = await both.client.first(LocalCandidates, lambda event: event.complete)
        await both.server.peer.add_candidates(ours.ufrag, ours.candidates, True)
        answer = await both.server.peer.accept_offer(without_candidates(offer))
        theirs = await both.server.first(LocalCandidates, lambda event: event.complete)
        await both.client.peer.add_candidates(theirs.ufrag, theirs.candidates, True)
        await both.client.peer.accept_answer(without_candidates(answer))
        await both.connected()


async def check_data_goes_both_ways(lab: PeerLab) -> None:
    async with pair(lab) as both:
        ours = both.client.peer.open_data_channel("chat")
        assert both.client.peer.needs_negotiation
        ours.send("sent before it was open")
        await both.client_offers()
        assert not both.client.peer.needs_negotiation
        theirs = (await both.server.first(DataChannelOpened)).channel
        assert (await both.client.first(DataChannelOpened)) == DataChannelOpened(ours, is_local=True)
        theirs.send(b"\x00\xff")
        theirs.send("")
        await both.client.until(lambda: len(both.client.all(DataMessage)) == 2)
        assert both.client.all(DataMessage) == [DataMessage(ours, b"\x00\xff"), DataMessage(ours, "")]
        await both.server.first(DataMessage)
        assert both.server.all(DataMessage) == [DataMessage(theirs, "sent before it was open")]


async def check_channels_keep_their_reliability(lab: PeerLab) -> None:
    async with pair(lab) as both:
        open_channel = both.client.peer.open_data_channel
        open_channel("reliable")
        open_channel("counted", ordered=False, max_retransmits=0)
        open_channel("timed, with ümlaut", max_packet_life_time=250)
        await both.client_offers()
        await both.server.until(lambda: len(both.server.all(DataChannelOpened)) == 3)
        seen = {
            event.channel.label: (
                event.channel.ordered,
                event.channel.max_retransmits,
                event.channel.max_packet_life_time,
                event.is_local,
            )
            for event in both.server.all(DataChannelOpened)
        }
        assert seen == {
            "reliable": (True, None, None, False),
            "counted": (False, 0, None, False),
            "timed, with ümlaut": (True, None, 250, False),
        }


async def check_second_channel_needs_no_negotiation(lab: PeerLab) -> None:
    async with pair(lab) as both:
        await both.channel("first")
        both.client.peer.open_data_channel("second")
        assert not both.client.peer.needs_negotiation
        await both.server.first(DataChannelOpened, lambda event: event.channel.label == "second")


async def check_a_track_that_is_unwanted_from_the_first_is_not_sent(lab: PeerLab) -> None:
    async with pair(lab) as both:
        await both.channel("chat")
        both.client.peer.refuse(["cam"])
        camera = both.server.peer.add_sender("video", "cam")
        microphone = both.server.peer.add_sender("audio", "mic")
        await both.server_offers()
        await both.client.first(RemoteTrackStarted)
        assert [e.receiver.track_id for e in both.client.all(RemoteTrackStarted)] == ["mic"]
        assert (camera.codec, microphone.codec) == (None, Codec.OPUS)
        assert not both.client.peer.needs_negotiation
        assert not both.server.peer.needs_negotiation


async def check_a_track_can_be_refused_and_taken_again(lab: PeerLab) -> None:
    async with pair(lab) as both:
        await both.channel("chat")
        microphone = both.server.peer.add_sender("audio", "mic")
        await both.server_offers()
        first = (await both.client.first(RemoteTrackStarted)).receiver
        async with Talk(microphone):
            await Collected(first).more(5)
            both.client.peer.refuse(["mic"])
            assert both.client.peer.needs_negotiation
            await both.client_offers()
            sent = microphone.stats().packets
            await asyncio.sleep(0.2)
            assert microphone.stats().packets == sent
        assert [e.receiver for e in both.client.all(RemoteTrackEnded)] == [first]
        assert microphone.codec is None
        assert not both.client.peer.needs_negotiation
        await both.server_offers()
        assert len(both.client.all(RemoteTrackStarted)) == 1
        both.client.peer.refuse([])
        assert both.client.peer.needs_negotiation
        await both.client_offers()
        assert microphone.codec is Codec.OPUS
        await both.client.until(lambda: len(both.client.all(RemoteTrackStarted)) == 2)
        _, again = (e.receiver for e in both.client.all(RemoteTrackStarted))
        assert (again.track_id, again.mid) == (first.track_id, first.mid)
        assert not both.client.peer.needs_negotiation
        assert not both.server.peer.needs_negotiation
        sounds = Collected(again)
        async with Talk(microphone):
            await sounds.more(5)


async def check_closed_channel_closes_at_both_ends(lab: PeerLab) -> None:
    async with pair(lab) as both:
        ours, theirs = await both.channel("short")
        ours.close()
        assert (await both.server.first(DataChannelClosed)).channel is theirs
        assert (await both.client.first(DataChannelClosed)).channel is ours
        assert not ours.is_open
        assert ours.send("dropped") is NotSent.CLOSED


async def check_what_waits_for_the_other_side_is_bounded_in_bytes(lab: PeerLab) -> None:
    async with pair(lab) as both:
        channel = both.client.peer.open_data_channel("chat")
        message = "ü" * 8192
        fitting = MAX_UNSENT_BYTES // 16_384
        assert [channel.send(message) for _ in range(fitting)] == [None] * fitting
        assert channel.unsent_bytes == MAX_UNSENT_BYTES
        assert channel.send("x") is NotSent.FULL
        assert channel.unsent_bytes == MAX_UNSENT_BYTES


async def check_what_waits_for_the_other_side_is_bounded_in_number(lab: PeerLab) -> None:
    async with pair(lab) as both:
        channel = both.client.peer.open_data_channel("chat")
        for _ in range(MAX_UNSENT_MESSAGES):
            assert channel.send("") is None
        assert channel.send("") is NotSent.FULL


async def check_a_message_that_the_other_side_does_not_take_leaves_nothing_behind(lab: PeerLab) -> None:
    async with pair(lab) as both:
        ours, theirs = await both.channel("chat")
        assert ours.send(bytes(300_000)) is NotSent.TOO_LARGE
        assert ours.send(bytes(16_384)) is None
        await both.server.first(DataMessage)
        assert both.server.all(DataMessage) == [DataMessage(theirs, bytes(16_384))]
        assert ours.unsent_bytes == 0


async def check_frames_arrive_as_they_were_sent(lab: PeerLab) -> None:
    async with pair(lab) as both:
        audio = both.client.peer.add_sender("audio", "mic")
        video = both.client.peer.add_sender("video", "cam+id")
        assert [audio.codec, video.codec] == [None, None]
        await both.client_offers()
        assert [audio.codec, video.codec] == [Codec.OPUS, Codec.VP8]
        pictures = Collected(await both.server.receiver("cam+id"))
        sounds = Collected(await both.server.receiver("mic"))
        async with Talk(audio), Talk(video):
            seen = await pictures.more(20)
            heard = await sounds.more(20)
        assert seen[0] == replace(seen[0], data=VP8_KEYFRAME, is_keyframe=True, codec=Codec.VP8)
        assert {frame.data for frame in seen[1:]} <= {VP8_DELTA, VP8_KEYFRAME}
        steps = {after.timestamp - before.timestamp for before, after in itertools.pairwise(seen)}
        assert steps == {900}
        assert {frame.data for frame in heard} == {OPUS_PACKET}


async def check_frames_of_a_publisher_tell_by_one_clock_when_they_were_captured(lab: PeerLab) -> None:
    """Also those that were forwarded."""
    async with pair(lab) as up, pair(lab) as down:
        audio = up.client.peer.add_sender("audio", "mic")
        video = up.client.peer.add_sender("video", "cam")
        await up.client_offers()
        await down.client_offers()
        collected = []
        for track_id, kind in (("mic", "audio"), ("cam", "video")):
            incoming = await up.server.receiver(track_id)
            outgoing = down.server.peer.add_sender(incoming.kind, f"MT{kind}")
            outgoing.on_keyframe_request = incoming.request_keyframe
            incoming.on_packet = outgoing.forward
        await down.server_offers()
        for kind in ("audio", "video"):
            collected.append(Collected(await down.client.receiver(f"MT{kind}")))
        async with Talk(audio), Talk(video):
            while any(not each.frames or each.frames[-1].captured_at is None for each in collected):
                await asyncio.gather(*(each.more(5) for each in collected))
        heard, seen = (each.frames[-1].captured_at for each in collected)
        assert heard is not None
        assert seen is not None
        assert abs(heard - seen) < 1


async def check_first_keyframe_is_announced_with_its_size(lab: PeerLab) -> None:
    async with pair(lab) as both:
        sender = both.client.peer.add_sender("video", "cam")
        await both.client_offers()
        receiver = await both.server.receiver("cam")
        async with Talk(sender):
            assert (await both.server.first(MediaFlowing)).receiver is receiver
            size = await both.server.first(DimensionsChanged)
        assert (size.receiver, size.width, size.height) == (receiver, 320, 240)
        stats = receiver.stats()
        assert (stats.width, stats.height, stats.codec) == (320, 240, Codec.VP8)
        assert stats.packets > 0
        assert stats.keyframes == 1


async def check_server_track_arrives_with_its_id(lab: PeerLab) -> None:
    async with pair(lab) as both:
        await both.client_offers()
        sender = both.server.peer.add_sender("video", "MT42")
        assert both.server.peer.needs_negotiation
        await both.server_offers()
        receiver = await both.client.receiver("MT42")
        assert receiver.kind == "video"
        async with Talk(sender):
            await Collected(receiver).more(3)


async def check_keyframe_request_reaches_the_source(lab: PeerLab) -> None:
    async with pair(lab) as both:
        sender = both.client.peer.add_sender("video", "cam")
        await both.client_offers()
        receiver = await both.server.receiver("cam")
        async with Talk(sender) as talk:
            pictures = Collected(receiver)
            await pictures.more(3)
            before = talk.keyframes
            receiver.request_keyframe()
            async with asyncio.timeout(PATIENCE):
                while not (await pictures.more(1))[0].is_keyframe:
                    pass
            assert talk.keyframes > before


async def check_packets_are_forwarded(lab: PeerLab) -> None:
    """A publisher, a server with two peer connections, a subscriber who comes late."""
    async with pair(lab) as up, pair(lab) as down:
        source = up.client.peer.add_sender("video", "cam")
        await up.client_offers()
        incoming = await up.server.receiver("cam")
        async with Talk(source) as talk:
            await up.server.first(MediaFlowing)
            await down.client_offers()
            outgoing = down.server.peer.add_sender("video", "MT1")
            outgoing.on_keyframe_request = incoming.request_keyframe
            incoming.on_packet = outgoing.forward
            before = talk.keyframes
            await down.server_offers()
            frames = await Collected(await down.client.receiver("MT1")).more(10)
        assert frames[0].data == VP8_KEYFRAME
        assert talk.keyframes > before
        assert {frame.data for frame in frames[1:]} <= {VP8_DELTA, VP8_KEYFRAME}


async def check_forwarding_goes_on_over_a_change_of_source(lab: PeerLab) -> None:
    async with pair(lab) as both:
        sender = both.server.peer.add_sender("video", "MT1")
        await both.client_offers()
        await both.server_offers()
        pictures = Collected(await both.client.receiver("MT1"))
        async with asyncio.timeout(PATIENCE):
            await both.client.state(IceState.CONNECTED)
            while not pictures.frames:
                sender.forward(packet(1, 65535, 4_294_967_000, b"a", is_key=True))
                await asyncio.sleep(0.01)
        sender.forward(packet(2, 7, 5, b"not a keyframe", is_key=False))
        sender.forward(packet(2, 8, 3005, b"b", is_key=True))
        sender.forward(packet(2, 9, 6005, b"c", is_key=False))
        while pictures.frames[-1].data[-1:] != b"c":
            await pictures.more(1)
        assert [frame.data[-1:] for frame in pictures.frames[-3:]] == [b"a", b"b", b"c"]
        first, second, third = (frame.timestamp for frame in pictures.frames[-3:])
        assert first < second
        assert third - second == 3000


def packet(ssrc: int, number: int, timestamp: int, tail: bytes, *, is_key: bool) -> MediaPacket:
    """One VP8 frame in one RTP packet."""
    frame = bytes([0x10 if is_key else 0x11, 0, 0, 0x9D, 1, 0x2A, 16, 0, 16, 0]) + tail
    return MediaPacket(
        codec=Codec.VP8,
        ssrc=ssrc,
        sequence_number=number,
        timestamp=timestamp,
        marker=True,
        payload=b"\x10" + frame,
        starts_keyframe=is_key,
    )


async def check_what_flows_is_counted_at_both_ends(lab: PeerLab) -> None:
    async with pair(lab) as both:
        video = both.client.peer.add_sender("video", "cam")
        await both.client_offers()
        receiver = await both.server.receiver("cam")
        async with Talk(video):
            await Collected(receiver).more(10)
            receiver.request_keyframe()
            async with asyncio.timeout(PATIENCE):
                while not video.stats().plis:  # noqa: ASYNC110  # no event tells of it
                    await asyncio.sleep(0.005)
        received, sent = receiver.stats(), video.stats()
        assert sent.packets >= received.packets > 0
        assert sent.bytes >= received.bytes > 0
        assert sent.frames >= received.frames >= 10
        assert received.plis >= sent.plis > 0
        assert received.ssrc is not None
        assert received.ssrc == sent.ssrc
        assert (received.packets_lost, received.firs, sent.firs) == (0, 0, 0)


async def check_loudness_travels_beside_the_sound(lab: PeerLab) -> None:
    """From a publisher through a server to a subscriber; what is not known is not made up."""
    async with pair(lab) as up, pair(lab) as down:
        source = up.client.peer.add_sender("audio", "mic")
        await up.client_offers()
        incoming = await up.server.receiver("mic")
        await down.client_offers()
        outgoing = down.server.peer.add_sender("audio", "MT1")
        incoming.on_packet = outgoing.forward
        await down.server_offers()
        heard = await down.client.receiver("MT1")
        sounds = Collected(heard)
        async with Talk(source):
            await sounds.more(3)
            assert heard.stats().audio_level is None
        frame = EncodedFrame(OPUS_PACKET, 1 << 20, True, Codec.OPUS, audio_level=AudioLevel(True, 20))
        source.send_frame(frame)
        await sounds.more(1)
        for stats in (source.stats(), incoming.stats(), heard.stats()):
            assert stats.audio_level == pytest.approx(0.1)
            assert stats.audio_energy == pytest.approx(0.01)


async def check_a_connection_tells_of_its_path(lab: PeerLab) -> None:
    async with pair(lab) as both:
        before = both.client.peer.stats()
        assert (before.ice_state, before.dtls_state, before.local) == (IceState.NEW, "new", None)
        sender = both.client.peer.add_sender("video", "cam")
        await both.client_offers()
        receiver = await both.server.receiver("cam")
        async with Talk(sender):
            await Collected(receiver).more(3)
            async with asyncio.timeout(PATIENCE):
                while both.client.peer.stats().round_trip_time is None:  # noqa: ASYNC110  # as above
                    await asyncio.sleep(0.005)
        ours, theirs = both.client.peer.stats(), both.server.peer.stats()
        assert (ours.ice_state, ours.dtls_state) == (IceState.CONNECTED, "connected")
        assert ours.local is not None
        assert (ours.local.address, ours.local.protocol) == ("127.0.0.1", "udp")
        assert theirs.remote is not None
        assert ours.local.port == theirs.remote.port
        assert ours.round_trip_time is not None
        assert 0 < ours.round_trip_time < PATIENCE
        assert ours.packets_sent >= theirs.packets_received > 0
        assert ours.bytes_sent >= theirs.bytes_received > sender.stats().bytes // 2
        assert (ours.ice_restarts, theirs.ice_restarts) == (0, 0)


async def check_restarts_are_counted_at_both_ends(lab: PeerLab) -> None:
    async with pair(lab) as both:
        await both.client_offers()
        await both.connected()
        both.client.peer.restart_ice()
        await both.client_offers()
        both.client.peer.add_sender("audio", "mic")
        await both.client_offers()
        assert [each.peer.stats().ice_restarts for each in (both.client, both.server)] == [1, 1]


async def check_lost_offer_leaves_nothing_behind(lab: PeerLab) -> None:
    """Glare as twilio-video.js does it: the client forgets its offer, answers, and offers again."""
    async with pair(lab) as both:
        await both.client_offers()
        await both.connected()
        own = both.client.peer.add_sender("video", "mine")
        theirs = both.server.peer.add_sender("video", "theirs")
        await both.client.peer.create_offer()
        await both.server_offers()
        assert own.codec is None
        assert both.client.peer.needs_negotiation
        assert not both.server.all(RemoteTrackStarted)
        await both.client_offers()
        assert not both.client.peer.needs_negotiation
        sent = await both.server.receiver("mine")
        received = await both.client.receiver("theirs")
        async with Talk(own), Talk(theirs):
            await Collected(sent).more(3)
            await Collected(received).more(3)


async def check_answer_to_a_forgotten_offer_is_refused(lab: PeerLab) -> None:
    async with pair(lab) as both:
        await both.client_offers()
        both.client.peer.add_sender("video", "mine")
        offer = await both.client.peer.create_offer()
        await both.server_offers()
        answer = await both.server.peer.accept_offer(offer)
        with pytest.raises(MediaError) as refused:
            await both.client.peer.accept_answer(answer)
        assert refused.value.code == 53402


async def check_bad_descriptions_change_nothing(lab: PeerLab) -> None:
    async with pair(lab) as both:
        await both.channel("chat")
        for text in ("", "nonsense", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"):
            with pytest.raises(MediaError) as refused:
                await both.client.peer.accept_offer(text)
            assert refused.value.code == 53402
        await both.client.peer.create_offer()
        with pytest.raises(MediaError):
            await both.client.peer.accept_answer("nonsense")
        assert both.client.peer.ice_state is IceState.CONNECTED
        await both.channel("still works")
        both.client.peer.add_sender("audio", "mic")
        await both.client_offers()
        await both.server.receiver("mic")


async def check_removed_track_ends_and_another_may_follow(lab: PeerLab) -> None:
    async with pair(lab) as both:
        first = both.client.peer.add_sender("video", "first")
        await both.client_offers()
        old = await both.server.receiver("first")
        async with Talk(first):
            await Collected(old).more(2)
        both.client.peer.remove_sender(first)
        assert both.client.peer.needs_negotiation
        await both.client_offers()
        assert not both.client.peer.needs_negotiation
        assert both.server.all(RemoteTrackEnded) == [RemoteTrackEnded(old)]
        second = both.client.peer.add_sender("video", "second")
        await both.client_offers()
        new = await both.server.receiver("second")
        assert new is not old
        async with Talk(second):
            await Collected(new).more(2)


async def check_track_replaced_in_one_offer(lab: PeerLab) -> None:
    async with pair(lab) as both:
        first = both.client.peer.add_sender("audio", "first")
        await both.client_offers()
        both.client.peer.remove_sender(first)
        second = both.client.peer.add_sender("audio", "second")
        await both.client_offers()
        assert [e.receiver.track_id for e in both.server.all(RemoteTrackEnded)] == ["first"]
        async with Talk(second):
            await Collected(await both.server.receiver("second")).more(2)


async def check_dead_path_is_noticed(lab: PeerLab) -> None:
    async with pair(lab) as both:
        await both.client_offers()
        await both.connected()
        lab.break_path(both.server.peer)
        await both.client.state(IceState.FAILED)


async def check_a_living_path_is_verified(lab: PeerLab) -> None:
    async with pair(lab) as both:
        await both.client_offers()
        await both.connected()
        both.client.peer.verify_path()
        await both.client.first(PathVerified)
        assert not both.server.all(PathVerified)


async def check_a_dead_path_is_verified_only_after_its_restart(lab: PeerLab) -> None:
    async with pair(lab) as both:
        await both.client_offers()
        await both.connected()
        lab.break_path(both.server.peer)
        both.client.peer.verify_path()
        await both.client.state(IceState.FAILED)
        assert not both.client.all(PathVerified)
        both.client.peer.restart_ice()
        await both.client_offers()
        await both.client.first(PathVerified)


async def check_offerer_restarts_ice(lab: PeerLab) -> None:
    await _restart(lab, lambda both: (both.client.peer, both.server.peer))


async def check_former_answerer_restarts_ice(lab: PeerLab) -> None:
    await _restart(lab, lambda both: (both.server.peer, both.client.peer))


async def _restart(lab: PeerLab, roles: Callable[[Pair], tuple[PeerConnection, PeerConnection]]) -> None:
    async with pair(lab) as both:
        sender = both.client.peer.add_sender("video", "cam")
        ours, _ = await both.channel("chat")
        pictures = Collected(await both.server.receiver("cam"))
        async with Talk(sender):
            await pictures.more(3)
            lab.break_path(both.server.peer)
            await both.client.state(IceState.FAILED)
            ours.send("sent while the path was dead")
            offerer, answerer = roles(both)
            offerer.restart_ice()
            assert offerer.needs_negotiation
            await negotiate(offerer, answerer)
            assert not offerer.needs_negotiation
            await both.connected()
            after = await pictures.more(5)
        assert after[0].is_keyframe
        message = await both.server.first(DataMessage)
        assert message.data == "sent while the path was dead"
        assert not both.server.all(RemoteTrackEnded)


async def check_path_dropped_on_purpose_is_dead_until_a_restart(lab: PeerLab) -> None:
    async with pair(lab) as both:
        ours, _ = await both.channel("chat")
        both.client.peer.drop_path(0.0)
        await both.client.state(IceState.FAILED)
        await both.server.state(IceState.FAILED)
        ours.send("sent meanwhile")
        both.client.peer.restart_ice()
        await negotiate(both.client.peer, both.server.peer)
        await both.connected()
        assert (await both.server.first(DataMessage)).data == "sent meanwhile"


async def check_path_dropped_for_a_while_comes_back_with_no_restart_before(lab: PeerLab) -> None:
    async with pair(lab) as both:
        ours, _ = await both.channel("chat")
        both.client.peer.drop_path(3600.0)
        await both.client.state(IceState.FAILED)
        both.client.peer.restart_ice()
        await negotiate(both.client.peer, both.server.peer)
        ours.send("sent meanwhile")
        both.client.peer.drop_path(0.0)
        assert both.client.peer.ice_state is not IceState.CONNECTED
        both.client.peer.restart_ice()
        await negotiate(both.client.peer, both.server.peer)
        await both.connected()
        assert (await both.server.first(DataMessage)).data == "sent meanwhile"


async def check_restart_in_a_lost_offer_is_made_again(lab: PeerLab) -> None:
    async with pair(lab) as both:
        await both.client_offers()
        await both.connected()
        lab.break_path(both.server.peer)
        await both.client.state(IceState.FAILED)
        both.client.peer.restart_ice()
        await both.client.peer.create_offer()
        await both.server_offers()
        assert both.client.peer.needs_negotiation
        await both.client_offers()
        await both.connected()


async def check_restart_of_a_living_path_loses_nothing(lab: PeerLab) -> None:
    async with pair(lab) as both:
        await both.client_offers()
        await both.connected()
        both.client.peer.restart_ice()
        await both.client_offers()
        await both.channel("after")
        states = [event.state for event in both.client.all(IceStateChanged)]
        assert IceState.FAILED not in states


async def check_close_is_noticed_by_the_other_side(lab: PeerLab) -> None:
    async with pair(lab) as both:
        _, theirs = await both.channel("chat")
        await both.client.peer.close()
        await both.server.state(IceState.CLOSED)
        assert not theirs.is_open
        assert not both.server.peer.needs_negotiation
        with pytest.raises(MediaError):
            await both.server.peer.create_offer()
        late = both.server.peer.open_data_channel("late", ordered=False, max_retransmits=2)
        assert (late.label, late.ordered, late.max_retransmits) == ("late", False, 2)
        assert (late.is_open, late.send("dropped"), late.unsent_bytes) == (False, NotSent.CLOSED, 0)
        late.close()


async def check_nothing_is_told_after_close(lab: PeerLab) -> None:
    async with pair(lab) as both:
        await both.channel("chat")
        await both.client.peer.close()
        told = len(both.client.events)
        assert both.client.peer.ice_state is IceState.CLOSED
        await both.client.peer.close()
        await both.server.state(IceState.CLOSED)
        assert len(both.client.events) == told


CHECKS: tuple[Callable[[PeerLab], Awaitable[None]], ...] = tuple(
    check for name, check in sorted(globals().items()) if name.startswith("check_")
)
