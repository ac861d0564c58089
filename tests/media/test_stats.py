import pytest

from videocli.media.frames import Codec
from videocli.media.peer import ConnectionStats, IceState, TrackStats
from videocli.media.stats import connection_rates, rates

BEFORE = TrackStats(packets=100, bytes=10_000, packets_lost=5, frames=30)
AFTER = TrackStats(packets=190, bytes=60_000, packets_lost=15, frames=78)


def test_rates_are_growth_by_time() -> None:
    rate = rates(BEFORE, AFTER, 2.0)
    assert rate.bitrate == 200_000
    assert rate.packet_rate == 45
    assert rate.frame_rate == 24


def test_loss_is_the_share_of_those_that_should_have_come() -> None:
    assert rates(BEFORE, AFTER, 2.0).loss == pytest.approx(0.1)


def test_a_sender_has_counted_the_lost_ones_already() -> None:
    sent = TrackStats(packets=200, packets_lost=15)
    assert rates(BEFORE, sent, 1.0, is_sent=True).loss == pytest.approx(0.1)


def test_a_senders_loss_is_at_most_all_of_it() -> None:
    sent = TrackStats(packets=103, packets_lost=15)
    assert rates(BEFORE, sent, 1.0, is_sent=True).loss == 1


def test_loss_is_unknown_when_nothing_should_have_come() -> None:
    assert rates(BEFORE, BEFORE, 1.0).loss is None


def test_late_packets_that_were_counted_as_lost_do_not_make_a_negative_loss() -> None:
    repaired = TrackStats(packets=110, bytes=11_000, packets_lost=3, frames=31)
    assert rates(BEFORE, repaired, 1.0).loss == 0


def test_sound_has_no_frame_rate() -> None:
    sound = TrackStats(packets=150, frames=80, codec=Codec.OPUS)
    assert rates(BEFORE, sound, 1.0).frame_rate is None


def test_an_interval_without_length_has_no_flow() -> None:
    rate = rates(BEFORE, AFTER, 0.0)
    assert (rate.bitrate, rate.packet_rate, rate.frame_rate) == (0, 0, 0)


def test_loudness_is_the_root_of_the_mean_square_and_silence_without_packets() -> None:
    heard = TrackStats(packets=104, audio_level=0.1, audio_energy=1.0)
    assert rates(BEFORE, heard, 1.0).audio_level == 0.5
    assert rates(heard, heard, 1.0).audio_level == 0
    assert rates(BEFORE, AFTER, 1.0).audio_level is None


def test_a_peer_connection_has_two_directions() -> None:
    before = ConnectionStats(IceState.CONNECTED, "connected", bytes_sent=100, bytes_received=1000)
    after = ConnectionStats(IceState.CONNECTED, "connected", bytes_sent=600, bytes_received=1250)
    rate = connection_rates(before, after, 2.0)
    assert (rate.outgoing_bitrate, rate.incoming_bitrate) == (2000, 1000)
    assert connection_rates(before, after, 0.0).outgoing_bitrate == 0
