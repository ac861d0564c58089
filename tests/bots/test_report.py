from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.bots.figures import CRASH, FULL, LOAD, report, result
from videocli.bots.report import METRICS, percentile, seconds, size, to_json, to_lines
from videocli.bots.results import TOO_MANY_FILES, Failure, Load, Received, Silence, Stage

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(("percent", "value"), [(50, 5.0), (95, 10.0), (99, 10.0), (10, 1.0), (1, 1.0)])
def test_percentiles_are_values_that_occurred(percent: int, value: float) -> None:
    assert percentile([float(number) for number in range(1, 11)], percent) == value


def test_there_is_no_percentile_of_nothing() -> None:
    assert percentile([], 50) is None


def test_figures_are_of_all_bots_together() -> None:
    lossy = {"video": Received(tracks=1, silent=1, bytes=10_000, packets=90, lost=10, frames=30)}
    told = report(
        result(1, 0.1, reconnections=1, downtime=2.0, media_gap=1.5),
        result(2, 0.3, received=lossy, messages=3, failure=CRASH),
        result(3, None, failure=FULL),
    )
    figures = told.metrics()
    assert tuple(figures) == METRICS
    assert (figures["bots"], figures["joined"], figures["failed"], figures["broken"]) == (3, 2, 1, 1)
    assert (figures["connect_p50"], figures["connect_max"]) == (0.1, 0.3)
    assert (figures["tracks"], figures["silent_tracks"], figures["bytes"]) == (5, 1, 50_000)
    assert figures["loss"] == pytest.approx(10 / 1100)
    assert figures["bitrate"] == pytest.approx(50_000 * 8 / 20)
    assert (figures["reconnections"], figures["downtime"], figures["media_gap"]) == (1, 2.0, 1.5)
    assert (figures["messages"], figures["lag"], figures["cpu"]) == (3, 0.004, 0.25)


def test_failures_are_counted_by_kind_the_commonest_first() -> None:
    told = report(result(1, failure=CRASH), *(result(number, None, failure=FULL) for number in (2, 3)))
    assert told.failures() == [(FULL, 2), (CRASH, 1)]


@pytest.mark.parametrize(
    ("loads", "words"),
    [
        ((LOAD, LOAD), None),
        ((LOAD, Load(0.2, 0.3)), "an event loop was late by 200 ms and more, one percent of the time"),
        ((LOAD, Load(0.001, 0.97)), "a process used 97% of a core"),
        ((), None),
    ],
)
def test_it_says_when_the_tester_was_the_bottleneck(loads: tuple[Load, ...], words: str | None) -> None:
    told = report(result(1), loads=loads)
    assert told.bottleneck() == words
    assert any(line.startswith("bottleneck") for line in to_lines(told)) is (words is not None)


@pytest.mark.parametrize(
    ("silence", "words", "remedy"),
    [
        (Silence(8.0, ""), "a process was not heard of for 8.00 s", "use more machines, or fewer bots"),
        (
            Silence(8.0, "the script of bot-1 blocked the event loop (b.py, line 2)"),
            "a process was not heard of for 8.00 s, "
            "for the script of bot-1 blocked the event loop (b.py, line 2)",
            "let scripts await instead",
        ),
    ],
)
def test_a_process_that_was_silent_is_a_bottleneck(silence: Silence, words: str, remedy: str) -> None:
    told = replace(report(result(1)), silence=silence)
    assert told.bottleneck() == words
    assert f"bottleneck     the tester itself: {words}; {remedy}" in to_lines(told)
    assert told.metrics()["silence"] == 8.0


def test_too_few_descriptors_are_a_bottleneck_whatever_they_kept_the_bots_from() -> None:
    words = "too many open files: ulimit -n is 64"
    stages: list[Stage] = ["joining", "staying"]
    told = report(
        *(
            result(1 + number, failure=Failure(stage, None, TOO_MANY_FILES, words))
            for number, stage in enumerate(stages)
        ),
    )
    assert told.bottleneck() == words
    remedy = "raise that limit, or use more processes"
    assert f"bottleneck     the tester itself: {words}; {remedy}" in to_lines(told)


def test_the_table() -> None:
    told = report(
        result(1, 0.1, reconnections=2, downtime=61.0, media_gap=0.25),
        result(2, 1.3),
        result(3, None, failure=FULL),
    )
    assert to_lines(told) == [
        "bots           3 in 1 room, 1 process",
        "lasted         12.50 s",
        "joined         2 of 3",
        "broken off     0",
        "connect        p50 100 ms   p95 1.30 s   p99 1.30 s   max 1.30 s",
        "first media    p50 200 ms   p95 200 ms   max 200 ms",
        "audio          8 tracks received, 80.0 kB, 2000 packets",
        "loss           0.000% (0 packets)",
        "reconnections  2, 61 s in all, 250 ms without media at most",
        "away           0",
        "messages       0",
        "tester         loop late by 4 ms (p99), 25% of a core",
        "failed         1 joining: 53105 RoomMaxParticipantsExceeded: Room contains too many Participants",
    ]


def test_the_table_of_a_run_where_nobody_came_in() -> None:
    lines = to_lines(report(result(1, None, failure=FULL)))
    assert "connect        never" in lines
    assert "loss           unknown" in lines


def test_an_outage_that_goes_on_at_the_end_is_in_the_table_and_in_the_figures() -> None:
    told = report(result(1, downtime=8.0, media_gap=7.5, is_away=True), result(2))
    figures = told.metrics()
    assert (figures["away"], figures["downtime"], figures["media_gap"]) == (1, 8.0, 7.5)
    lines = to_lines(told)
    assert "reconnections  0, 8.00 s in all, 7.50 s without media at most" in lines
    assert "away           1 at the end" in lines


def test_json() -> None:
    told = to_json(report(result(1), result(2, None, failure=FULL)), ["failed>0"], NOW)
    assert (told["event"], told["time"], told["duration"]) == ("report", "2026-02-03T04:05:06.000Z", 12.5)
    assert told["metrics"]["connect_p95"] == 0.1
    assert told["received"] == {
        "audio": {
            "tracks": 4,
            "silentTracks": 0,
            "bytes": 40_000,
            "packets": 1000,
            "packetsLost": 0,
            "frames": 1000,
        }
    }
    assert told["failures"] == [
        {
            "stage": "joining",
            "code": 53105,
            "name": FULL.name,
            "message": FULL.message,
            "count": 1,
        }
    ]
    assert (told["bottleneck"], told["failedIf"]) == (None, ["failed>0"])


@pytest.mark.parametrize(("value", "text"), [(0.0014, "1 ms"), (1.234, "1.23 s"), (75.0, "75 s")])
def test_lengths_of_time(value: float, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(12, "12 B"), (1500, "1.5 kB"), (2.5e6, "2.5 MB"), (3e9, "3.00 GB")]
)
def test_sizes(value: float, text: str) -> None:
    assert size(value) == text
