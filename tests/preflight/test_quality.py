from typing import Any, Literal

import pytest

from videocli.engine.events import NamedStats, Participant, Track
from videocli.media.frames import TrackKind
from videocli.media.peer import TrackStats
from videocli.preflight.quality import Quality, Sampler, Spread


def stats(direction: Literal["sent", "received"], kind: TrackKind = "audio", **counters: Any) -> NamedStats:
    track = Track(f"MT{kind}", kind, kind, True, "standard")
    return NamedStats(Participant("PA1", "alice", "connected"), track, direction, TrackStats(**counters))


@pytest.mark.parametrize(("mos", "score"), [(None, 0), (1.0, 1), (4.21, 5)])
def test_the_score_is_the_level_of_the_opinion_and_0_without_one(mos: float | None, score: int) -> None:
    assert Quality(None, None, None, mos).score == score


class TestSampler:
    def test_round_trips_are_those_of_what_is_sent_and_jitter_that_of_received_sound(self) -> None:
        sampler = Sampler()
        sampler.add("a", [stats("sent", round_trip_time=0.02), stats("received", jitter=0.004, packets=1)])
        sampler.add(
            "b", [stats("sent", "video", round_trip_time=0.06), stats("received", "video", jitter=9.0)]
        )
        quality = sampler.quality()
        assert quality.round_trip_time == Spread(0.02, 0.06, 0.04)
        assert quality.jitter == Spread(0.004, 0.004, 0.004)

    def test_loss_is_what_was_lost_meanwhile_over_all_tracks(self) -> None:
        sampler = Sampler()
        sampler.add("a", [stats("received", packets=100, packets_lost=50)])
        sampler.add("b", [stats("received", packets=0, packets_lost=0)])
        sampler.add("a", [stats("received", packets=145, packets_lost=52)])
        sampler.add("b", [stats("received", packets=50, packets_lost=3)])
        assert sampler.quality().loss == pytest.approx(5 / 100)

    def test_a_loss_that_was_repaired_late_is_none(self) -> None:
        sampler = Sampler()
        sampler.add("a", [stats("received", packets=10, packets_lost=5)])
        sampler.add("a", [stats("received", packets=20, packets_lost=2)])
        assert sampler.quality().loss == 0

    def test_what_nobody_measured_is_unknown_and_so_is_the_opinion(self) -> None:
        assert Sampler().quality() == Quality(None, None, None, None)
        sampler = Sampler()
        sampler.add("a", [stats("sent"), stats("received", packets=1), stats("received", "data", packets=9)])
        assert sampler.quality() == Quality(None, None, None, None)
