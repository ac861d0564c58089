"""Our end of the channel on which the server judges networks."""

import itertools
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.traces import on_channel, read
from videocli.engine import events as ev
from videocli.engine import reports as rp
from videocli.engine.network_quality import ANSWER_SECONDS, NetworkQuality, report_of
from videocli.engine.room.room import Room
from videocli.media.peer import ConnectionStats, IceState, NotSent, TrackStats
from videocli.media.stats import ConnectionRates, TrackRates
from videocli.protocol.network_quality import NAME

LABEL = "msp-nq"
READY = {"type": "ready"}
VERDICT = json.dumps({"type": NAME, "local": 4, "remotes": [{"sid": "PA2", "level": 3}]})
NOTHING = rp.NetworkJudged(None, {})
BOB = ev.Participant("PA2", "bob", "connected")


@dataclass(eq=False)
class HandChannel:
    """A data channel that keeps what it is given."""

    label: str = LABEL
    said: list[Any] = field(default_factory=list)
    is_open: bool = True
    ordered: bool = True
    max_retransmits: int | None = None
    max_packet_life_time: int | None = None
    unsent_bytes: int = 0

    def send(self, data: str | bytes) -> NotSent | None:
        self.said.append(json.loads(data))
        return None

    def close(self) -> None:
        self.is_open = False


class Place:
    """Where our end is: the channels that are open, and when it reported."""

    def __init__(self) -> None:
        self.quality = NetworkQuality()
        self.channels: dict[str, HandChannel] = {}
        self.reported_at: list[float] = []

    def settle(self, now: float = 0.0) -> rp.NetworkUnjudged | None:
        return self.quality.settle(self.channels.get, now)

    def open(self, label: str = LABEL, now: float = 0.0) -> HandChannel:
        channel = self.channels[label] = HandChannel(label)
        self.settle(now)
        return channel

    def hear(self, data: str | bytes, now: float = 0.0, label: str = LABEL) -> object:
        self.pass_time(now)
        return self.quality.translate(rp.MessageArrived(label, data), now)

    def pass_time(self, until: float) -> None:
        while (due_at := self.quality.timer()) is not None and due_at <= until:
            self.quality.handle_timer(lambda: ev.Stats(()), due_at)
            self.reported_at.append(due_at)


def granted() -> Place:
    place = Place()
    place.quality.grant(LABEL)
    return place


class TestTheChannel:
    def test_it_is_used_once_it_is_granted_and_there_in_whichever_order(self) -> None:
        first = granted()
        first.settle()
        assert first.open().said == [READY]
        second = Place()
        channel = second.open()
        assert (channel.said, second.quality.timer()) == ([], None)
        second.quality.grant(LABEL)
        second.settle()
        second.settle()
        assert channel.said == [READY]

    def test_another_channel_is_none_of_ours(self) -> None:
        place = granted()
        assert place.open("chat").said == []
        message = rp.MessageArrived("chat", VERDICT)
        assert place.quality.translate(message, 0.0) is message
        assert place.quality.timer() is None

    def test_when_it_is_gone_verdicts_count_no_more_until_there_is_another(self) -> None:
        place = granted()
        place.open()
        del place.channels[LABEL]
        assert place.settle(1.0) == rp.NetworkUnjudged()
        assert (place.settle(1.0), place.quality.timer()) == (None, None)
        place.quality.grant("another")
        channel = place.open("another", 2.0)
        place.pass_time(3.0)
        assert (channel.said[0], len(channel.said), place.reported_at) == (READY, 2, [2.2])

    def test_a_new_label_counts_once_the_channel_in_use_is_gone(self) -> None:
        place = granted()
        place.open()
        place.quality.grant("another")
        other = place.open("another")
        assert other.said == []
        assert place.hear(VERDICT) == rp.NetworkJudged(4, {"PA2": 3})
        del place.channels[LABEL]
        place.settle()
        assert other.said == [READY]

    def test_one_of_the_same_label_takes_its_place(self) -> None:
        place = granted()
        place.open()
        place.channels[LABEL] = again = HandChannel()
        assert place.settle() == rp.NetworkUnjudged()
        assert again.said == [READY]


class TestReporting:
    @pytest.mark.parametrize("recording", ["msp_no_reply", "connect_media_signaling"])
    def test_we_report_when_the_sdk_does(self, recording: str) -> None:
        """A browser's timers and the recording are late, never early; each delay is the next one's base."""
        ready, *reports = on_channel(recording, NAME, "client")
        answers = on_channel(recording, NAME, "server")
        place = granted()
        place.open(now=ready.at)
        for report in reports:
            due_at = place.quality.timer()
            assert due_at is not None
            assert report.at - 0.02 <= due_at <= report.at
            place.quality.handle_timer(lambda: ev.Stats(()), report.at)
            for answer in answers:
                if answer.at == pytest.approx(report.at, abs=0.002):
                    place.quality.translate(rp.MessageArrived(LABEL, json.dumps(answer.message)), answer.at)
        assert len(reports) >= 3

    def test_many_answers_neither_hasten_nor_delay_the_next_report(self) -> None:
        place = granted()
        place.open()
        for tenth in range(2, 52):
            place.hear(VERDICT, tenth / 10)
        assert place.reported_at == pytest.approx([0.2, 1.2, 2.2, 3.2, 4.2])
        assert len(place.channels[LABEL].said) == 6

    def test_an_answer_ends_the_patience_with_a_server_that_gave_none(self) -> None:
        place = granted()
        place.open()
        place.hear(VERDICT, 30.0)
        place.pass_time(40.0)
        waits = [after - before for before, after in itertools.pairwise(place.reported_at)]
        assert waits == pytest.approx([5.0, 7.5, 11.25, 7.05, ANSWER_SECONDS])

    def test_it_is_not_time_yet(self) -> None:
        place = granted()
        channel = place.open()
        place.quality.handle_timer(lambda: ev.Stats(()), 0.1)
        assert channel.said == [READY]


class TestVerdicts:
    def test_a_verdict_is_told_and_not_passed_on_as_a_message(self) -> None:
        place = granted()
        place.open()
        assert place.hear(VERDICT) == rp.NetworkJudged(4, {"PA2": 3})

    @pytest.mark.parametrize("odd", ["", "null", "[" * 100_000, '{"type":"x"}', b"\x00", '{"type":"ready"}'])
    def test_odd_words_say_nothing_and_are_no_answer(self, odd: str | bytes) -> None:
        place = granted()
        place.open()
        place.pass_time(0.2)
        due_at = place.quality.timer()
        assert place.hear(odd, 0.3) == NOTHING
        assert place.quality.timer() == due_at

    def test_other_reports_are_as_they_were(self) -> None:
        report = rp.MediaConnected()
        assert granted().quality.translate(report, 0.0) is report

    def test_levels_change_in_the_room_as_in_the_sdks(self) -> None:
        """The recording's events, but for their statistics, which we do not ask for."""
        recording = "connect_media_signaling"
        room, place = Room("my-room"), granted()
        sid = "PAbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
        bob = rp.ParticipantInfo(sid, "remote", "connected")
        room.apply(rp.Joined("RM1", "my-room", "PA1", "local", (bob,), 30.0), 0.0)
        place.open()
        ours = []
        for line in on_channel(recording, NAME, "server"):
            heard = place.quality.translate(rp.MessageArrived(LABEL, json.dumps(line.message)), line.at)
            ours += room.apply(heard, line.at)
        theirs = [
            (line.event.removesuffix("Participant:networkQualityLevelChanged"), line.message[0])
            for line in read(recording)
            if line.event.endswith(":networkQualityLevelChanged")
        ]
        assert [
            (event.participant.identity, event.level)
            for event in ours
            if isinstance(event, ev.NetworkQualityLevelChanged)
        ] == theirs
        assert len(theirs) == len(ours) == 4


def named(kind: Any, direction: Any, counters: TrackStats, rates: TrackRates | None) -> ev.NamedStats:
    return ev.NamedStats(BOB, ev.Track("MT1", "name", kind, True, "standard"), direction, counters, rates)


class TestTheReport:
    def test_it_tells_what_was_measured(self) -> None:
        counted = ConnectionStats(
            IceState.CONNECTED, "connected", round_trip_time=0.03, available_outgoing_bitrate=900_000.0
        )
        second = ConnectionStats(IceState.CONNECTED, "connected", round_trip_time=9.0)
        stats = ev.Stats(
            (
                named("audio", "sent", TrackStats(round_trip_time=0.02), TrackRates(30_000, 50, None, 0.0)),
                named("video", "received", TrackStats(jitter=0.004), TrackRates(800_000, 90, 30, 0.1)),
                named("video", "received", TrackStats(), None),
                named("data", "received", TrackStats(), None),
            ),
            (
                ev.NamedConnectionStats("1", counted, ConnectionRates(41_000.0, 830_000.0)),
                ev.NamedConnectionStats("2", second, ConnectionRates(1.0, 2.0)),
            ),
        )
        assert json.loads(report_of(stats)) == {
            "type": "network_quality",
            "ice": {"send": 41_000, "recv": 830_000, "availableSend": 900_000, "rtt": 0.03},
            "send": {"bitrate": 30_000, "rtt": 0.02},
            "recv": {"bitrate": 800_000, "fractionLost": 0.1, "jitter": 0.004},
            "audio": {"send": {"bitrate": 30_000, "rtt": 0.02}, "recv": {"bitrate": 0}},
            "video": {
                "send": {"bitrate": 0},
                "recv": {"bitrate": 800_000, "fractionLost": 0.1, "jitter": 0.004},
            },
            "reportLevel": 1,
            "remoteReportLevel": 1,
        }

    def test_before_anything_is_measured_nothing_flows(self) -> None:
        begun = ConnectionStats(IceState.CONNECTED, "connected", round_trip_time=0.03)
        report = json.loads(report_of(ev.Stats((), (ev.NamedConnectionStats("1", begun),))))
        assert report["ice"] == {"send": 0, "recv": 0, "rtt": 0.03}
        assert json.loads(report_of(ev.Stats(())))["ice"] == {"send": 0, "recv": 0}
