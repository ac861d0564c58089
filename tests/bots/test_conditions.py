import pytest

from videocli.bots.conditions import parse_condition
from videocli.bots.report import METRICS

METRICS_NOW: dict[str, float | None] = {
    **dict.fromkeys(METRICS),
    "connect_p95": 2.5,
    "loss": 0.002,
    "failed": 0,
    "bitrate": 1.5e6,
    "bytes": 3e6,
}


@pytest.mark.parametrize(
    ("text", "is_met"),
    [
        ("connect_p95>2s", True),
        ("connect_p95 > 2", True),
        ("connect_p95>2500ms", False),
        ("connect_p95>=2500ms", True),
        ("loss>0.1%", True),
        ("loss>0.01", False),
        ("failed>0", False),
        ("failed == 0", True),
        ("failed!=0", False),
        ("bitrate<1.6Mbit", True),
        ("bitrate<1400kbit", False),
        ("bytes<=3MB", True),
        ("  bytes<=3kB  ", False),
    ],
)
def test_a_figure_is_compared_in_the_units_of_people(text: str, is_met: bool) -> None:
    assert parse_condition(text).is_met(METRICS_NOW) is is_met


def test_what_is_not_known_has_not_gone_well() -> None:
    assert parse_condition("connect_p99>2s").is_met(METRICS_NOW)
    assert parse_condition("connect_p99<2s").is_met(METRICS_NOW)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no condition"),
        ("connect_p95", "is no condition"),
        ("connect_p95>fast", "is no condition"),
        ("connect_p95>2s or more", "is no condition"),
        ("speed>1", "'speed' is no metric; use one of bots, joined"),
        ("connect_p95>2kbit", "'kbit' is no unit of connect_p95, which takes ms, s"),
        ("failed>1s", "'s' is no unit of failed, which is a plain number"),
    ],
)
def test_what_is_wrong_is_said(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_condition(text)
