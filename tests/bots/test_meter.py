from videocli.bots.meter import Meter
from videocli.bots.results import Received
from videocli.engine import events as ev
from videocli.errors import error
from videocli.media.frames import TrackKind
from videocli.media.peer import TrackStats

BOB = ev.Participant("PA1", "bob", "connected")


def track(sid: str, kind: TrackKind = "audio") -> ev.Track:
    return ev.Track(sid, sid, kind, True, "standard")


def stats(sid: str, packets: int, lost: int = 0) -> ev.Stats:
    counters = TrackStats(packets=packets, bytes=packets * 10, packets_lost=lost, frames=packets)
    return ev.Stats((ev.NamedStats(BOB, track(sid), "received", counters),))


def test_a_track_of_which_nothing_came_is_silent() -> None:
    meter = Meter()
    meter.take(ev.TrackSubscribed(BOB, track("MT1", "video")))
    meter.take(ev.TrackSubscribed(BOB, track("MT2", "data")))
    assert meter.received() == {"video": Received(tracks=1, silent=1)}


def test_the_latest_counters_count() -> None:
    meter = Meter()
    for event in (stats("MT1", 5), stats("MT1", 9, lost=1), stats("MT2", 3)):
        meter.take(event)
    assert meter.received() == {"audio": Received(2, 0, 120, 12, 1, 12)}


def test_counters_that_begin_anew_add_to_what_was_counted() -> None:
    meter = Meter()
    for event in (stats("MT1", 50, lost=2), stats("MT1", 4), stats("MT1", 6)):
        meter.take(event)
    assert meter.received() == {"audio": Received(1, 0, 560, 56, 2, 56)}


def test_what_we_send_is_not_what_came() -> None:
    meter = Meter()
    meter.take(ev.Stats((ev.NamedStats(BOB, track("MT1"), "sent", TrackStats(packets=5)),)))
    assert meter.received() == {}


def test_outages_and_messages_are_counted() -> None:
    meter = Meter()
    meter.take(ev.Reconnected(2.0, 3, 1.5))
    meter.take(ev.Reconnected(1.0, 1, 0.0))
    meter.take(ev.TrackMessage(BOB, track("MT1", "data"), "hi"))
    assert (meter.reconnections, meter.downtime, meter.media_gap, meter.messages) == (2, 3.0, 1.5, 1)


def test_an_outage_that_we_leave_in_counts_and_we_were_away() -> None:
    meter = Meter()
    meter.take(ev.Reconnecting(error(53001)))
    meter.take(ev.Reconnected(2.0, 3, 1.5))
    assert not meter.is_away
    meter.take(ev.Reconnecting(error(53001)))
    assert meter.is_away
    meter.take(ev.Disconnected(None, 8.0, 2, 7.5))
    assert (meter.reconnections, meter.downtime, meter.media_gap, meter.is_away) == (1, 10.0, 9.0, True)


def test_an_outage_that_ends_the_room_counts_and_is_a_failure_and_no_absence() -> None:
    meter = Meter()
    meter.take(ev.Reconnecting(error(53001)))
    meter.take(ev.Disconnected(error(53002), 30.0, 5, 0.0))
    assert (meter.downtime, meter.is_away) == (30.0, False)


def test_leaving_while_all_is_well_is_no_outage() -> None:
    meter = Meter()
    meter.take(ev.Disconnected(None))
    assert (meter.downtime, meter.media_gap, meter.is_away) == (0.0, 0.0, False)
