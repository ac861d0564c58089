"""Counters of media become rates, levels and histories."""

from dataclasses import dataclass, field, replace

import pytest

from videocli.engine import reports as rp
from videocli.engine.meter import KEPT_RATES, Direction, Meter
from videocli.engine.room.room import Room
from videocli.engine.room.tracks import LocalTrack
from videocli.media.frames import Codec
from videocli.media.peer import ConnectionStats, IceState, TrackStats

MIC = rp.TrackInfo("MT1", "mic", "audio")
MUSIC = rp.TrackInfo("MT2", "music", "audio")
CAM = rp.TrackInfo("MT3", "cam", "video")
BOB = rp.ParticipantInfo("PA2", "bob", "connected", (MIC, MUSIC, CAM))
QUIET = TrackStats(audio_level=0.0)


def room() -> Room:
    made = Room("demo")
    made.apply(rp.Joined("RM1", "demo", "PA1", "alice", (BOB,), 30.0, "us1"), 0.0)
    made.local.tracks["own"] = LocalTrack(rp.LocalTrackInfo("own", "own", "audio"), sid="MT9")
    media_ids = {"MT1": "mic", "MT2": "music", "MT3": "cam"}
    made.apply(rp.SubscriptionsChanged(media_ids), 0.0)
    for media_id in media_ids.values():
        made.apply(rp.MediaArrived(media_id), 0.0)
    return made


@dataclass
class Media:
    """Counters that a test sets."""

    tracks: dict[tuple[Direction, str], TrackStats] = field(default_factory=dict)
    connections: dict[str, ConnectionStats] = field(default_factory=dict)

    def counters(self, direction: Direction, media_id: str) -> TrackStats | None:
        return self.tracks.get((direction, media_id))

    def meter(self) -> Meter:
        return Meter(self.counters, lambda: self.connections)


def packets(level: float, count: int, after: TrackStats = QUIET) -> TrackStats:
    """The counters after so many more packets of one loudness."""
    return replace(
        after,
        packets=after.packets + count,
        audio_level=level,
        audio_energy=after.audio_energy + count * level**2,
    )


def test_a_track_has_rates_from_its_second_sample_on() -> None:
    media, alice = Media(), room()
    meter = media.meter()
    media.tracks["received", "cam"] = TrackStats(packets=100, bytes=10_000, codec=Codec.VP8)
    meter.sample(alice, 1.0)
    (first,) = meter.stats(alice).tracks
    assert first.rates is None
    media.tracks["received", "cam"] = TrackStats(packets=340, bytes=210_000, frames=60, codec=Codec.VP8)
    meter.sample(alice, 3.0)
    (second,) = meter.stats(alice).tracks
    assert second.rates is not None
    assert (second.rates.bitrate, second.rates.packet_rate, second.rates.frame_rate) == (800_000, 120, 30)
    _, (bob,) = meter.snapshot(alice)
    shown = bob.tracks[2]
    assert (shown.bitrate, shown.packet_rate, shown.bitrates) == (800_000, 120, (800_000,))
    assert shown.counters == media.tracks["received", "cam"]


def test_the_history_of_bitrates_is_bounded_and_the_newest_is_last() -> None:
    media, alice = Media(), room()
    meter = media.meter()
    for second in range(KEPT_RATES + 20):
        media.tracks["received", "cam"] = TrackStats(bytes=second * (second + 1) // 2 * 125)
        meter.sample(alice, float(second))
    _, (bob,) = meter.snapshot(alice)
    assert len(bob.tracks[2].bitrates) == KEPT_RATES
    assert bob.tracks[2].bitrates[-2:] == (78_000, 79_000)


def test_a_snapshot_does_not_change_when_sampling_goes_on() -> None:
    media, alice = Media(), room()
    meter = media.meter()
    for second in range(5):
        media.tracks["received", "cam"] = TrackStats(bytes=second)
        meter.sample(alice, float(second))
    _, (before,) = meter.snapshot(alice)
    history = before.tracks[2].bitrates
    meter.sample(alice, 5.0)
    assert before.tracks[2].bitrates == history
    assert len(history) == 4


def test_a_peer_connection_has_rates_and_is_forgotten_when_it_is_gone() -> None:
    media, alice = Media(), room()
    meter = media.meter()
    begun = ConnectionStats(IceState.CONNECTED, "connected", bytes_sent=1000, bytes_received=5000)
    media.connections["pc1"] = begun
    meter.sample(alice, 1.0)
    assert [each.outgoing_bitrate for each in meter.connections()] == [None]
    media.connections["pc1"] = replace(begun, bytes_sent=2000, bytes_received=5500)
    meter.sample(alice, 2.0)
    (shown,) = meter.connections()
    assert (shown.id, shown.outgoing_bitrate, shown.incoming_bitrate) == ("pc1", 8000, 4000)
    (named,) = meter.stats(alice).connections
    assert named.rates is not None
    assert named.rates.outgoing_bitrate == 8000
    del media.connections["pc1"]
    meter.sample(alice, 3.0)
    assert (meter.connections(), meter.stats(alice).connections) == ((), ())


def test_who_does_not_say_how_loud_it_is_has_no_level() -> None:
    media, alice = Media(), room()
    media.tracks["received", "mic"] = TrackStats(packets=50)
    media.tracks["received", "cam"] = TrackStats(packets=50, audio_level=1.0)
    assert media.meter().levels(alice) == {}


def test_a_level_is_the_mean_loudness_since_the_last_reading() -> None:
    media, alice = Media(), room()
    meter = media.meter()
    media.tracks["received", "mic"] = loud = packets(0.5, 10)
    assert meter.levels(alice) == {"PA2": pytest.approx(0.5)}
    media.tracks["received", "mic"] = packets(0.1, 10, after=loud)
    assert meter.levels(alice) == {"PA2": pytest.approx(0.1)}
    assert meter.levels(alice) == {"PA2": 0.0}, "without packets, silence"


def test_a_participant_is_as_loud_as_its_loudest_track_and_we_are_heard_too() -> None:
    media, alice = Media(), room()
    media.tracks["received", "mic"] = packets(0.1, 10)
    media.tracks["received", "music"] = packets(0.3, 10)
    media.tracks["sent", "own"] = packets(0.2, 10)
    assert media.meter().levels(alice) == {"PA2": pytest.approx(0.3), "PA1": pytest.approx(0.2)}


def test_the_snapshot_says_who_speaks_and_who_dominates() -> None:
    media, alice = Media(), room()
    meter = media.meter()
    alice.apply(rp.LoudnessMeasured({"PA1": 0.0, "PA2": 0.2}), 1.0)
    local, (bob,) = meter.snapshot(alice)
    assert (local.speaking, local.audio_level, local.is_dominant) == (False, 0.0, False)
    assert (bob.speaking, bob.audio_level, bob.is_dominant) == (True, 0.2, True)


def test_the_quality_of_a_network_follows_loss_and_is_0_while_no_path_answers() -> None:
    media, alice = Media(), room()
    meter = media.meter()
    clock = [0.0]
    path = media.connections["pc"] = ConnectionStats(IceState.CONNECTED, "connected")

    def qualities(seconds: int, lost: int) -> list[int | None]:
        """Of bob, after each of so many seconds with 100 packets and some lost."""
        found = []
        for _ in range(seconds):
            before = media.tracks.get(("received", "cam"), TrackStats(codec=Codec.VP8, jitter=0.5))
            media.tracks["received", "cam"] = replace(
                before,
                packets=before.packets + 100 - lost,
                packets_lost=before.packets_lost + lost,
                round_trip_time=0.02,
            )
            clock[0] += 1.0
            meter.sample(alice, clock[0])
            found.append(meter.snapshot(alice)[1][0].network_quality)
        return found

    assert qualities(3, lost=0) == [None, 5, 5]
    bad = qualities(15, lost=15)
    assert bad[0] == 3
    assert bad[-1] == 1
    assert qualities(20, lost=0)[-1] == 5
    media.connections["pc"] = replace(path, ice_state=IceState.FAILED)
    assert qualities(1, lost=0) == [0]
    local, _ = meter.snapshot(alice)
    assert local.network_quality is None


def test_the_servers_verdict_on_a_network_comes_before_our_own() -> None:
    media, alice = Media(), room()
    meter = media.meter()
    media.tracks["received", "mic"] = TrackStats(codec=Codec.OPUS, packets=100)
    meter.sample(alice, 1.0)
    media.tracks["received", "mic"] = TrackStats(codec=Codec.OPUS, packets=200)
    meter.sample(alice, 2.0)

    def qualities() -> list[int | None]:
        local, others = meter.snapshot(alice)
        return [each.network_quality for each in (local, *others)]

    assert qualities() == [None, 5]
    alice.apply(rp.NetworkJudged(4, {"PA2": 2}), 2.0)
    assert qualities() == [4, 2]
    alice.apply(rp.NetworkUnjudged(), 2.0)
    assert qualities() == [None, 5]
