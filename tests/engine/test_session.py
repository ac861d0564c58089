"""A participant and a room server, whole, in virtual time."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import pytest

from tests.simulation.clock import VirtualClockLoop, run_virtually
from tests.simulation.house import Guest, House
from tests.simulation.peer import FakePeer
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.engine import reports as rp
from videocli.engine.session import PRACTICE_SECONDS, JoinConfig, NamedSource
from videocli.errors import SourceError
from videocli.media.frames import AudioLevel, Codec, EncodedFrame, MediaKind
from videocli.media.messages import MAX_UNSENT_BYTES
from videocli.server.serve import ServeConfig


class Ticker:
    """A source: a frame every 40 ms, each third one a keyframe, `count` of them."""

    def __init__(
        self,
        kind: MediaKind = "video",
        count: int = 1_000_000,
        fails: bool = False,
        level: AudioLevel | None = None,
    ) -> None:
        self.kind = kind
        self.level = level
        self.count = count
        self.fails = fails
        self.sent = 0
        self.keyframes_asked = 0
        self.is_running = False

    async def run(self, codec: Codec, send: Callable[[EncodedFrame], None]) -> None:
        self.is_running = True
        try:
            while self.sent < self.count:
                is_keyframe = self.sent % 3 == 0
                send(EncodedFrame(b"frame", self.sent * 3600, is_keyframe, codec, audio_level=self.level))
                self.sent += 1
                await asyncio.sleep(0.04)
            if self.fails:
                raise SourceError(message="the camera was pulled out")
        finally:
            self.is_running = False

    def request_keyframe(self) -> None:
        self.keyframes_asked += 1


def publishing(*named: NamedSource, data: tuple[str, ...] = ()) -> Callable[[JoinConfig], JoinConfig]:
    tracks = tuple(map(cmd.PublishData, data))
    return lambda config: replace(config, media=named, data=tracks)


def scene(play: Callable[[House], Coroutine[Any, Any, None]], config: ServeConfig | None = None) -> None:
    async def run() -> None:
        house = House()
        async with house.open(config):
            await play(house)

    run_virtually(run())


def test_joining_and_leaving() -> None:
    async def play(house: House) -> None:
        alice = house.join("alice")
        connected = await alice.sees(ev.Connected)
        assert isinstance(connected, ev.Connected)
        assert connected.local_participant.identity == "alice"
        assert alice.told[0].room.state == "connected"
        assert await alice.leave() is None
        assert alice.names == ["Connected", "Disconnected"]

    scene(play)


def test_each_sees_the_other_come_and_go() -> None:
    async def play(house: House) -> None:
        alice = house.join("alice")
        await alice.sees(ev.Connected)
        bob = house.join("bob")
        connected = await bob.sees(ev.Connected)
        assert isinstance(connected, ev.Connected)
        assert [participant.identity for participant in connected.participants] == ["alice"]
        await alice.sees(ev.ParticipantConnected, lambda event: event.participant.identity == "bob")
        await bob.leave()
        await alice.sees(ev.ParticipantDisconnected, lambda event: event.participant.identity == "bob")
        assert "ParticipantReconnecting" not in alice.names
        await alice.leave()

    scene(play)


def test_media_and_data_arrive_and_counters_grow() -> None:
    async def play(house: House) -> None:
        camera, microphone = Ticker(), Ticker("audio")
        bob = house.join(
            "bob",
            config=publishing(NamedSource("cam", camera), NamedSource("mic", microphone), data=("chat",)),
        )
        alice = house.join("alice")
        for name in ("cam", "mic"):
            await alice.sees(ev.TrackStarted, lambda event, name=name: event.track.name == name)
        await alice.sees(ev.TrackSubscribed, lambda event: event.track.name == "chat")
        bob.session.post(cmd.SendMessage("hello"))
        bob.session.post(cmd.SendMessage(b"\x00\x01"))
        await alice.sees(ev.TrackMessage, lambda event: event.data == "hello")
        await alice.sees(ev.TrackMessage, lambda event: event.data == b"\x00\x01")
        await asyncio.sleep(3.0)
        (seen,) = alice.session.snapshot().participants
        camera_seen = next(track for track in seen.tracks if track.track.name == "cam")
        assert camera_seen.codec is Codec.VP8
        assert camera_seen.frame_rate == pytest.approx(25, abs=2)
        assert len(camera_seen.bitrates) >= 2
        assert camera_seen.bitrates[-1] == camera_seen.bitrate
        assert camera.keyframes_asked > 0
        await asyncio.gather(bob.leave(), alice.leave())
        assert not camera.is_running
        assert not microphone.is_running

    scene(play)


def test_who_is_heard_speaks_and_dominates_until_muted() -> None:
    async def play(house: House) -> None:
        alice = house.join("alice")
        await alice.sees(ev.Connected)
        bob = house.join(
            "bob",
            config=publishing(NamedSource("mic", Ticker("audio", level=AudioLevel(True, 20)))),
        )
        dominant = await alice.sees(ev.DominantSpeakerChanged)
        assert isinstance(dominant, ev.DominantSpeakerChanged)
        assert dominant.participant is not None
        assert dominant.participant.identity == "bob"
        await asyncio.sleep(1.5)
        (seen,) = alice.session.snapshot().participants
        assert (seen.speaking, seen.is_dominant) == (True, True)
        assert (seen.audio_level, seen.tracks[0].audio_level) == pytest.approx((0.1, 0.1))
        own = bob.session.snapshot().local
        assert own is not None
        assert (own.speaking, own.is_dominant) == (True, False)
        bob.session.post(cmd.SetEnabled("audio", enabled=False))
        await alice.sees(ev.DominantSpeakerChanged, lambda event: event.participant is None)
        (seen,) = alice.session.snapshot().participants
        assert (seen.speaking, seen.audio_level) == (False, 0.0)
        assert "DominantSpeakerChanged" not in bob.names
        await asyncio.gather(bob.leave(), alice.leave())

    scene(play)


def closed_by_the_server(guest: Guest) -> None:
    """DTLS says close-notify, and signaling says nothing of it yet."""
    for peer in guest.session._media.peers.values():
        assert isinstance(peer.connection, FakePeer)
        peer.connection.end()


def test_media_that_the_server_closes_without_a_word_is_lost() -> None:
    async def play(house: House) -> None:
        alice = house.join("alice")
        await alice.sees(ev.Connected)
        await asyncio.sleep(3.0)
        closed_by_the_server(alice)
        await alice.sees(ev.Reconnecting, lambda event: event.error.code == 53405)
        reason = await alice.staying
        assert reason is not None
        assert reason.code == 53405

    scene(play)


def test_media_that_the_server_closes_is_not_missed_when_signaling_ends_the_room() -> None:
    async def play(house: House) -> None:
        alice = house.join("alice")
        await alice.sees(ev.Connected)
        await asyncio.sleep(3.0)
        closed_by_the_server(alice)
        await asyncio.sleep(0.5)
        await alice.leave()
        assert "Reconnecting" not in alice.names

    scene(play)


def test_nothing_is_counted_of_what_came_over_a_peer_connection_that_is_closed() -> None:
    async def play(house: House) -> None:
        bob = house.join("bob", config=publishing(NamedSource("cam", Ticker())))
        alice = house.join("alice")
        await alice.sees(ev.TrackStarted)
        alice.session._media.keep_only(frozenset())
        alice.session.post(cmd.ReportStats())
        stats = await alice.sees(ev.Stats)
        assert isinstance(stats, ev.Stats)
        assert (stats.tracks, stats.connections) == ((), ())
        await asyncio.gather(bob.leave(), alice.leave())

    scene(play)


@pytest.mark.parametrize("part", ["sample", "levels"])
def test_a_fault_beside_the_loop_ends_the_session_at_once_and_in_order(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play(house: House) -> None:
        bob = house.join("bob")
        alice = house.join("alice")
        await bob.sees(ev.ParticipantConnected)
        monkeypatch.setattr(alice.session._meter, part, lambda *arguments: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            await alice.staying
        await bob.sees(ev.ParticipantDisconnected)
        assert "ParticipantReconnecting" not in bob.names
        await bob.leave()

    scene(play)


def test_after_a_stall_stats_are_said_once_and_then_as_before() -> None:
    async def play(house: House) -> None:
        alice = house.join("alice", config=lambda config: replace(config, stats_seconds=5.0))
        await asyncio.sleep(5.5)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualClockLoop)
        loop.stall(21.0)
        await asyncio.sleep(2.9)
        assert alice.names.count("Stats") == 2
        await asyncio.sleep(2.0)
        assert alice.names.count("Stats") == 3
        await alice.leave()

    scene(play)


def test_stats_tell_of_tracks_and_of_the_peer_connection() -> None:
    async def play(house: House) -> None:
        bob = house.join("bob", config=publishing(NamedSource("cam", Ticker())))
        alice = house.join("alice")
        await alice.sees(ev.TrackStarted)
        await asyncio.sleep(3.0)
        alice.session.post(cmd.ReportStats())
        stats = await alice.sees(ev.Stats)
        assert isinstance(stats, ev.Stats)
        (camera,) = stats.tracks
        assert camera.rates is not None
        assert camera.rates.frame_rate == pytest.approx(25, abs=2)
        assert camera.counters.round_trip_time is not None
        (path,) = stats.connections
        assert path.counters.local is not None
        assert path.counters.packets_received >= camera.counters.packets
        (shown,) = alice.session.snapshot().connections
        assert (shown.id, shown.counters.ice_restarts) == (path.id, 0)
        assert shown.incoming_bitrate is not None
        assert shown.incoming_bitrate > 0
        await asyncio.gather(bob.leave(), alice.leave())

    scene(play)


def test_mute_unmute_unpublish_and_publish_again() -> None:
    async def play(house: House) -> None:
        bob = house.join("bob", config=publishing(NamedSource("cam", Ticker())))
        alice = house.join("alice")
        await alice.sees(ev.TrackStarted)
        bob.session.post(cmd.SetEnabled("video", enabled=False))
        await alice.sees(ev.TrackDisabled)
        bob.session.post(cmd.SetEnabled("cam", enabled=True))
        await alice.sees(ev.TrackEnabled)
        bob.session.post(cmd.Unpublish("cam"))
        await alice.sees(ev.TrackUnpublished)
        bob.session.post(cmd.PublishMedia(Ticker(), "again"))
        await alice.sees(ev.TrackStarted, lambda event: event.track.name == "again")
        order = [name for name in alice.names if name.startswith("Track")]
        assert order.index("TrackUnsubscribed") < order.index("TrackUnpublished")
        await asyncio.gather(bob.leave(), alice.leave())

    scene(play)


def test_a_source_that_fails_is_an_error_and_the_room_goes_on() -> None:
    async def play(house: House) -> None:
        bob = house.join("bob", config=publishing(NamedSource("cam", Ticker(count=10, fails=True))))
        complaint = await bob.sees(ev.Error)
        assert isinstance(complaint, ev.Error)
        assert "pulled out" in complaint.error.message
        gone = await bob.sees(ev.LocalTrackUnpublished)
        assert isinstance(gone, ev.LocalTrackUnpublished)
        assert (gone.track.name, gone.error) == ("cam", complaint.error)
        assert not bob.session.snapshot().local.tracks  # type: ignore[union-attr]  # we are in the room
        assert await bob.leave() is None

    scene(play)


@pytest.mark.parametrize(
    "fault", [ValueError("a script's own fault"), asyncio.CancelledError("a script's own fault"), None]
)
def test_a_source_of_a_script_that_raises_anything_is_an_error_and_the_room_goes_on(
    fault: BaseException | None, caplog: pytest.LogCaptureFixture
) -> None:
    """None: it sends what is no frame."""

    class Careless(Ticker):
        async def run(self, codec: Codec, send: Callable[[Any], None]) -> None:
            await super().run(codec, send)
            if fault is not None:
                raise fault
            send("a script's own fault")

    async def play(house: House) -> None:
        bob = house.join("bob", config=publishing(NamedSource("cam", Careless(count=10))))
        complaint = await bob.sees(ev.Error)
        assert isinstance(complaint, ev.Error)
        assert complaint.error.message.startswith("The source failed: ")
        gone = await bob.sees(ev.LocalTrackUnpublished)
        assert isinstance(gone, ev.LocalTrackUnpublished)
        assert (gone.track.name, gone.error) == ("cam", complaint.error)
        assert await bob.leave() is None

    scene(play)
    assert "a script's own fault" in caplog.text


def test_a_source_that_is_published_twice_is_an_error_and_the_first_track_goes_on() -> None:
    async def play(house: House) -> None:
        camera = Ticker()
        bob = house.join("bob", config=publishing(NamedSource("cam", camera)))
        await bob.sees(ev.LocalTrackPublished)
        bob.session.post(cmd.PublishMedia(camera, "again"))
        complaint = await bob.sees(ev.Error)
        assert isinstance(complaint, ev.Error)
        assert "twice" in complaint.error.message
        sent = camera.sent
        await asyncio.sleep(1.0)
        assert camera.sent == pytest.approx(sent + 25, abs=1)
        assert await bob.leave() is None

    scene(play)


def test_a_source_that_ends_takes_its_track_back_for_everybody() -> None:
    async def play(house: House) -> None:
        alice = house.join("alice")
        await alice.sees(ev.Connected)
        bob = house.join("bob", config=publishing(NamedSource("talk.mp4", Ticker(count=50))))
        await alice.sees(ev.TrackUnpublished, lambda event: event.track.name == "talk.mp4")
        gone = await bob.sees(ev.LocalTrackUnpublished)
        assert isinstance(gone, ev.LocalTrackUnpublished)
        assert (gone.track.name, gone.error) == ("talk.mp4", None)
        assert "Error" not in bob.names
        await asyncio.gather(bob.leave(), alice.leave())

    scene(play)


def test_a_message_without_a_data_track_publishes_one() -> None:
    async def play(house: House) -> None:
        alice, bob = house.join("alice"), house.join("bob")
        await asyncio.gather(alice.sees(ev.Connected), bob.sees(ev.Connected))
        bob.session.post(cmd.SendMessage("first"))
        await alice.sees(ev.TrackSubscribed, lambda event: event.track.kind == "data")
        bob.session.post(cmd.SendMessage("second"))
        await alice.sees(ev.TrackMessage, lambda event: event.data == "second")
        await asyncio.gather(bob.leave(), alice.leave())

    scene(play)


def test_a_message_sent_before_we_are_in_the_room_is_not_lost() -> None:
    async def play(house: House) -> None:
        alice = house.join("alice")
        await alice.sees(ev.Connected)
        bob = house.join("bob")
        for text in ("one", "two"):
            bob.session.post(cmd.SendMessage(text))
        await alice.sees(ev.TrackMessage, lambda event: event.data == "two")
        assert [event.data for event in alice.events if isinstance(event, ev.TrackMessage)] == ["one", "two"]
        await asyncio.gather(bob.leave(), alice.leave())

    scene(play)


def test_a_message_that_is_too_large_is_an_error_and_the_others_arrive() -> None:
    async def play(house: House) -> None:
        alice, bob = house.join("alice"), house.join("bob", config=publishing(data=("chat",)))
        await alice.sees(ev.TrackSubscribed)
        for data in ("ü" * 8192, "ü" * 8192 + "x", bytes(16_384), bytes(16_385), "last"):
            bob.session.post(cmd.SendMessage(data))
        await alice.sees(ev.TrackMessage, lambda event: event.data == "last")
        messages = [event.data for event in alice.events if isinstance(event, ev.TrackMessage)]
        assert messages == ["ü" * 8192, bytes(16_384), "last"]
        errors = [event.error for event in bob.events if isinstance(event, ev.Error)]
        assert [error.name for error in errors] == ["MessageTooLarge"] * 2
        assert "16385 bytes" in errors[1].message
        assert "16384" in errors[1].explanation
        assert bob.session.snapshot().local.tracks[0].messages == 3  # type: ignore[union-attr]  # in the room
        await asyncio.gather(bob.leave(), alice.leave())

    scene(play)


def test_while_nothing_passes_as_much_waits_as_may_and_the_rest_is_said_not_to_be_sent() -> None:
    async def play(house: House) -> None:
        alice, bob = house.join("alice"), house.join("bob", config=publishing(data=("chat",)))
        await alice.sees(ev.TrackSubscribed)
        house.media.lose("bob")
        fitting = MAX_UNSENT_BYTES // 16_384
        for number in range(fitting + 2):
            bob.session.post(cmd.SendMessage(f"{number:016}" * 1024))
        await bob.sees(ev.Error)
        track = bob.session.snapshot().local.tracks[0]  # type: ignore[union-attr]  # in the room
        assert bob.session.unsent_bytes(track.track.sid or "") == fitting * 16_384
        house.media.carry("bob")
        await alice.sees(ev.TrackMessage, lambda event: event.data == f"{fitting - 1:016}" * 1024)
        assert bob.session.unsent_bytes(track.track.sid or "") == bob.session.unsent_bytes("none") == 0
        messages = [event.data[:16] for event in alice.events if isinstance(event, ev.TrackMessage)]
        assert messages == [f"{number:016}" for number in range(fitting)]
        errors = [event.error for event in bob.events if isinstance(event, ev.Error)]
        assert [error.name for error in errors] == ["DataTrackFull"] * 2
        bob.session.post(cmd.SendMessage("again"))
        await alice.sees(ev.TrackMessage, lambda event: event.data == "again")
        await asyncio.gather(bob.leave(), alice.leave())

    scene(play)


def test_what_is_sent_before_there_is_a_connection_is_bounded_too() -> None:
    async def run() -> None:
        house = House()
        house.signaling.stall()
        bob = house.join("bob", config=publishing(data=("chat",)))
        for _ in range(MAX_UNSENT_BYTES // 16_384 + 1):
            bob.session.post(cmd.SendMessage(bytes(16_384)))
        await asyncio.sleep(1.0)
        assert bob.names == ["Error"]
        await bob.leave()

    run_virtually(run())


def test_messages_that_a_lost_media_connection_had_not_sent_are_an_error() -> None:
    async def play(house: House) -> None:
        alice, bob = house.join("alice"), house.join("bob", config=publishing(data=("chat",)))
        await alice.sees(ev.TrackSubscribed)
        house.media.lose("bob")
        bob.session.post(cmd.SendMessage("never"))
        await asyncio.sleep(1.0)
        (peer_id,) = bob.session._media.peers
        bob.session._media.describe(rp.DescriptionReceived(peer_id, "close", 9))
        lost = await bob.sees(ev.Error)
        assert isinstance(lost, ev.Error)
        assert lost.error.name == "MessagesLost"
        assert "5 bytes" in lost.error.message
        await asyncio.gather(bob.leave(), alice.leave())

    scene(play)


def test_a_name_that_is_too_long_is_refused_before_signaling_and_the_room_goes_on() -> None:
    async def play(house: House) -> None:
        bob = house.join("bob")
        await bob.sees(ev.Connected)
        bob.session.post(cmd.PublishData("n" * 5000))
        failed = await bob.sees(ev.LocalTrackPublicationFailed)
        assert isinstance(failed, ev.LocalTrackPublicationFailed)
        assert failed.error.code == 53302
        bob.session.post(cmd.PublishData("chat"))
        await bob.sees(ev.LocalTrackPublished)
        assert await bob.leave() is None

    scene(play)


def test_a_data_track_is_as_reliable_as_asked_for() -> None:
    async def play(house: House) -> None:
        track = cmd.PublishData("chat", ordered=False, max_retransmits=2)
        bob = house.join("bob", config=lambda config: replace(config, data=(track,)))
        await bob.sees(ev.LocalTrackPublished)
        bob.session.post(cmd.PublishData("clock", max_packet_life_time=100))
        await bob.sees(ev.LocalTrackPublished, lambda event: event.track.name == "clock")
        await asyncio.sleep(1.0)
        opened = [
            (channel.ordered, channel.max_retransmits, channel.max_packet_life_time)
            for publication in bob.session._media.publishing.data.values()
            for channel in publication.channels.values()
        ]
        assert opened == [(False, 2, None), (True, None, 100)]
        await bob.leave()

    scene(play)


def test_commands_about_tracks_that_are_not_there_are_errors() -> None:
    async def play(house: House) -> None:
        bob = house.join("bob", config=publishing(NamedSource("cam", Ticker())))
        await bob.sees(ev.LocalTrackPublished)
        for command in (
            cmd.Unpublish("nothing"),
            cmd.SetEnabled("audio", enabled=False),
            cmd.SendMessage("hi", "cam"),
            cmd.PublishMedia(Ticker(), "cam"),
        ):
            bob.session.post(command)
        await asyncio.sleep(1.0)
        assert bob.names.count("Error") == 4
        assert await bob.leave() is None

    scene(play)


def test_the_older_of_two_with_one_identity_is_sent_away() -> None:
    async def play(house: House) -> None:
        first = house.join("alice")
        await first.sees(ev.Connected)
        second = house.join("alice")
        await second.sees(ev.Connected)
        reason = await first.staying
        assert reason is not None
        assert reason.code == 53205
        await second.leave()

    scene(play)


@pytest.mark.parametrize(
    ("room", "token_room", "ttl", "code"),
    [("my-room", "other", 60, 20106), ("x" * 129, None, 60, 53101), ("my-room", "my-room", 1, 20104)],
)
def test_refusals_end_with_the_servers_code(room: str, token_room: str, ttl: int, code: int) -> None:
    async def play(house: House) -> None:
        token = house.token("alice", token_room, ttl)
        await asyncio.sleep(2.0)
        alice = house.join("alice", room, token)
        reason = await alice.staying
        assert reason is not None
        assert reason.code == code
        assert alice.names == ["Disconnected"]

    scene(play)


def test_a_full_room_refuses() -> None:
    async def play(house: House) -> None:
        alice = house.join("alice")
        await alice.sees(ev.Connected)
        reason = await house.join("bob").staying
        assert reason is not None
        assert reason.code == 53105
        await alice.leave()

    scene(play, ServeConfig(max_participants=1))


def test_nobody_there_is_53000_and_no_answer_is_53002() -> None:
    async def run() -> None:
        house = House()
        reason = await house.join("alice").staying
        assert reason is not None
        assert reason.code == 53000
        house.signaling.stall()
        reason = await house.join("alice").staying
        assert reason is not None
        assert reason.code == 53002

    run_virtually(run())


def test_a_dropped_connection_is_resumed() -> None:
    async def play(house: House) -> None:
        alice, bob = house.join("alice"), house.join("bob")
        await alice.sees(ev.ParticipantConnected)
        await bob.sees(ev.Connected)
        house.signaling.cut()
        await alice.sees(ev.Reconnected)
        await bob.sees(ev.Reconnected)
        assert alice.names.count("Reconnecting") == 1
        await asyncio.gather(bob.leave(), alice.leave())

    scene(play)


@pytest.mark.parametrize(("leg", "code"), [("signaling", 53001), ("media", 53405)])
def test_a_leg_dropped_for_practice_comes_back_after_a_while(
    leg: Literal["signaling", "media"], code: int
) -> None:
    async def play(house: House) -> None:
        bob = house.join("bob", config=publishing(NamedSource("cam", Ticker())))
        await bob.sees(ev.LocalTrackPublished)
        await asyncio.sleep(1.0)
        before = asyncio.get_running_loop().time()
        bob.session.post(cmd.Practise(leg))
        reconnecting = await bob.sees(ev.Reconnecting)
        assert isinstance(reconnecting, ev.Reconnecting)
        assert reconnecting.error.code == code
        await bob.sees(ev.Reconnected)
        (outage,) = bob.session.snapshot().outages
        assert {attempt.leg for attempt in outage.attempts} == {leg}
        assert len(outage.attempts) > 1
        assert asyncio.get_running_loop().time() - before >= PRACTICE_SECONDS
        await bob.leave()

    scene(play)


def test_a_dead_media_path_is_restarted() -> None:
    async def play(house: House) -> None:
        bob = house.join("bob", config=publishing(NamedSource("cam", Ticker())))
        await bob.sees(ev.LocalTrackPublished)
        await asyncio.sleep(1.0)
        house.media.kill_path(house.media.peers[0])
        reconnecting = await bob.sees(ev.Reconnecting)
        assert isinstance(reconnecting, ev.Reconnecting)
        assert reconnecting.error.code == 53405
        await bob.sees(ev.Reconnected)
        await bob.leave()

    scene(play)


def test_leaving_before_the_server_answered_is_quick_and_quiet() -> None:
    async def run() -> None:
        house = House()
        house.signaling.stall()
        alice = house.join("alice")
        await asyncio.sleep(1.0)
        before = asyncio.get_running_loop().time()
        assert await alice.leave() is None
        assert asyncio.get_running_loop().time() - before <= 2.0

    run_virtually(run())


def test_a_tap_hands_out_the_frames_of_a_remote_track_until_it_is_closed() -> None:
    async def play(house: House) -> None:
        alice = house.join("alice", config=publishing(NamedSource("camera", Ticker())))
        bob = house.join("bob")
        started = await bob.sees(ev.TrackStarted)
        assert isinstance(started, ev.TrackStarted)
        assert started.track.sid is not None
        frames: list[EncodedFrame] = []
        untap = bob.session.tap(started.track.sid, frames.append)
        await asyncio.sleep(2)
        untap()
        taken = len(frames)
        await asyncio.sleep(2)
        assert 40 <= taken == len(frames)
        assert frames[0].is_keyframe
        await alice.leave()
        await bob.leave()

    scene(play)


def test_both_legs_dead_of_one_cause_are_one_outage_though_signaling_is_back_before_media_is_missed() -> None:
    async def play(house: House) -> None:
        alice = house.join("alice")
        await alice.sees(ev.Connected)
        await asyncio.sleep(5)
        house.media.kill_paths("alice")
        house.signaling.line("alice").cut()
        await asyncio.sleep(20)
        outages = [name for name in alice.names if name in ("Reconnecting", "Reconnected")]
        assert outages == ["Reconnecting", "Reconnected"]
        await alice.leave()

    scene(play)


def test_a_session_whose_media_never_comes_up_is_not_reconnected_by_a_resume() -> None:
    async def play(house: House) -> None:
        house.media.lose("alice")
        alice = house.join("alice")
        await alice.sees(ev.Connected)
        house.signaling.line("alice").cut()
        reason = await alice.staying
        assert reason is not None
        assert reason.code == 53405
        assert alice.names.count("Reconnecting") == 1
        assert "Reconnected" not in alice.names

    scene(play)


@pytest.mark.parametrize("jump", [timedelta(days=-400), timedelta(days=400)], ids=["back", "forward"])
def test_a_wall_clock_that_is_set_has_no_say_in_an_outage(jump: timedelta) -> None:
    async def play(house: House) -> None:
        utcnow, set_by = house.outside.utcnow, timedelta()
        house.outside = replace(house.outside, utcnow=lambda: utcnow() + set_by)
        bob = house.join("bob", config=publishing(NamedSource("cam", Ticker())))
        await bob.sees(ev.LocalTrackPublished)
        await asyncio.sleep(5)
        house.signaling.line("bob").cut()
        house.media.kill_paths("bob")
        await bob.sees(ev.Reconnecting)
        set_by = jump
        back = await bob.sees(ev.Reconnected)
        assert isinstance(back, ev.Reconnected)
        (outage,) = bob.session.snapshot().outages
        assert 0 < back.downtime == outage.downtime < 5
        assert all(0 <= (attempt.seconds or 0) < 5 for attempt in outage.attempts)
        await bob.leave()

    scene(play)


def test_a_first_path_that_is_not_up_is_waited_for_after_a_resume() -> None:
    """ICE is up, but DTLS does not pass: no media, however often the session is resumed."""

    async def play(house: House) -> None:
        house.media.lose_handshakes("alice")
        alice = house.join("alice")
        await alice.sees(ev.Connected)
        await asyncio.sleep(1.0)
        house.signaling.line("alice").cut()
        await asyncio.sleep(5.0)
        assert alice.names[-1] == "LocalParticipantReconnected"
        assert "Reconnected" not in alice.names
        house.media.lose_handshakes("alice", False)
        await alice.sees(ev.Reconnected)
        await alice.leave()

    scene(play)


def test_a_handshake_that_never_comes_up_ends_the_room_with_media_lost() -> None:
    async def play(house: House) -> None:
        house.media.lose_handshakes("alice")
        alice = house.join("alice")
        lost = await alice.sees(ev.Reconnecting)
        assert isinstance(lost, ev.Reconnecting)
        assert (lost.error.code, asyncio.get_running_loop().time() < 16.0) == (53405, True)
        reason = await alice.staying
        assert reason is not None
        assert reason.code == 53405
        assert "Reconnected" not in alice.names

    scene(play)


def asking(config: JoinConfig) -> JoinConfig:
    return replace(config, signaling=replace(config.signaling, network_quality=True))


def levels(guest: Guest) -> list[tuple[str, int]]:
    return [
        (event.participant.identity, event.level)
        for event in guest.events
        if isinstance(event, ev.NetworkQualityLevelChanged)
    ]


def test_who_asks_learns_how_good_everybodys_network_is() -> None:
    async def play(house: House) -> None:
        alice = house.join("alice", config=asking)
        await alice.sees(ev.Connected)
        await asyncio.sleep(10.0)
        assert levels(alice) == [("alice", 5)]
        bob = house.join("bob")
        await asyncio.sleep(10.0)
        assert levels(alice) == [("alice", 5), ("bob", 5)]
        shown = alice.session.snapshot()
        assert shown.local is not None
        assert [each.network_quality for each in (shown.local, *shown.participants)] == [5, 5]
        assert levels(bob) == []
        await asyncio.gather(bob.leave(), alice.leave())
        assert alice.names[-1] == "Disconnected"

    scene(play)


def test_while_media_is_lost_every_network_is_at_0() -> None:
    async def play(house: House) -> None:
        bob = house.join("bob", config=asking)
        await bob.sees(ev.NetworkQualityLevelChanged)
        bob.session.post(cmd.Practise("media"))
        await bob.sees(ev.Reconnected)
        await asyncio.sleep(10.0)
        assert [level for _, level in levels(bob)] == [5, 0, 5]
        names = [name for name in bob.names if name != "NetworkQualityLevelChanged"]
        assert names == ["Connected", "Reconnecting", "Reconnected"]
        await bob.leave()

    scene(play)
