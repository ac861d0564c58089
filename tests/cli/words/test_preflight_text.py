import json

import pytest

from videocli.cli.words.preflight_text import LABELS, to_json, to_lines
from videocli.errors import error
from videocli.preflight.quality import Quality, Spread
from videocli.preflight.steps import Log, Report, Status, Step

URL = "wss://user:hunter22@video.example:8443/signaling?token=abc"
QUALITY = Quality(Spread(0.01, 0.03, 0.02), Spread(0.001, 0.002, 0.0015), 0.0125, 4.35)


def good(warning: Step | None = None) -> Log:
    log = Log(URL, lambda result: None)
    for step in Step:
        log.end(step, Status.WARNING if step is warning else Status.OK, 0.0123, "fine")
    log.quality = QUALITY
    return log


def failed() -> Log:
    log = Log(URL, lambda result: None)
    log.end(Step.DNS, Status.OK, 0.0123, "192.0.2.1")
    log.begin(Step.TCP)
    log.fail(error(53000, explanation="Refused\x1b[2J.\nCheck."), 2.5)
    return log


def text(report: Report) -> list[str]:
    return list(to_lines(report))


class TestLines:
    def test_every_step_has_a_row_with_its_time(self) -> None:
        lines = text(good().report())
        rows = [line for line in lines if line.startswith("  ok ")]
        assert [row[13:].split("  ")[0] for row in rows] == [LABELS[step] for step in Step]
        assert all("12.3 ms  fine" in row for row in rows)
        assert lines[-1] == "GOOD: signaling and media work"

    def test_the_figures_follow(self) -> None:
        lines = text(good().report())
        assert "  Round trip  20.0 ms on average, 10.0 ms to 30.0 ms" in lines
        assert "  Jitter      1.5 ms on average, 1.0 ms to 2.0 ms" in lines
        assert "  Loss        1.25 %" in lines
        assert "  MOS         4.35 (excellent, 5 of 5)" in lines

    def test_figures_that_nobody_measured_are_unknown(self) -> None:
        log = good()
        log.quality = Quality(None, None, None, None)
        assert sum(line.endswith("unknown") for line in text(log.report())) == 4

    def test_a_failure_names_the_step_and_what_to_do_and_the_rest_is_not_tried(self) -> None:
        lines = text(failed().report())
        assert lines[-3:] == [
            "FAILED at TCP: 53000 SignalingConnection: Signaling connection error",
            "Refused [2J. Check.",
            "More: videocli explain 53000",
        ]
        assert lines[3].endswith("53000 SignalingConnection: Signaling connection error. Refused [2J.")
        assert sum(line.startswith("  not tried  ") for line in lines) == len(Step) - 2

    def test_a_warning_is_no_failure(self) -> None:
        assert text(good(Step.STUN_TURN).report())[-1] == "GOOD, but see STUN and TURN"

    @pytest.mark.parametrize(
        ("skipped", "words"),
        [
            ([Step.MEDIA_OUT, Step.MEDIA_BACK], "media itself was not tried"),
            ([Step.MEDIA_BACK], "the way back was"),
        ],
    )
    def test_what_was_not_tried_is_not_called_good(self, skipped: list[Step], words: str) -> None:
        log = good()
        for step in skipped:
            log.end(step, Status.SKIPPED)
        assert words in text(log.report())[-1]

    def test_one_that_was_stopped_says_so(self) -> None:
        log = Log(URL, lambda result: None)
        log.begin(Step.DNS)
        log.stop()
        lines = text(log.report())
        assert lines[2].split() == ["stopped", "DNS"]
        assert lines[-1] == "STOPPED before the end"

    @pytest.mark.parametrize("log", [good(), failed()])
    def test_no_secret_of_the_url_and_nothing_that_steers_a_terminal_is_shown(self, log: Log) -> None:
        for step in (Step.DTLS, Step.ICE_SERVERS):
            log.end(step, Status.OK, 0.1, "\x1b]0;x\x07\n" + "a" * 5000)
        lines = text(log.report())
        assert lines[0] == "Preflight of wss://video.example:8443/signaling"
        assert all(line.isprintable() for line in lines if line)
        assert all(len(line) < 200 for line in lines)
        assert "hunter22" not in json.dumps(to_json(log.report()))


class TestJson:
    def test_a_good_one(self) -> None:
        said = to_json(good().report())
        assert (said["verdict"], said["failedStep"], said["error"]) == ("ok", None, None)
        assert [step["step"] for step in said["steps"]] == [step.value for step in Step]
        assert said["roundTripTime"] == {"min": 0.01, "max": 0.03, "average": 0.02}
        assert (said["packetLoss"], said["mos"], said["score"]) == (0.0125, 4.35, 5)

    def test_a_failed_one(self) -> None:
        said = to_json(failed().report())
        assert (said["verdict"], said["failedStep"], said["error"]["code"]) == ("failed", "tcp", 53000)
        assert [step["status"] for step in said["steps"]][:3] == ["ok", "failed", "not tried"]
        assert (said["mos"], said["score"], said["jitter"]) == (None, 0, None)

    def test_a_stopped_one(self) -> None:
        log = Log(URL, lambda result: None)
        assert to_json(log.report())["verdict"] == "stopped"
