import random

import pytest

from videocli.engine.signaling.backoff import CAP_SECONDS, Backoff


class Chance(random.Random):
    """Chance that always says the same."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self._value = value

    def random(self) -> float:
        return self._value


@pytest.mark.parametrize(
    ("jitter", "delay"),
    [(0.0, 0.080), (0.05, 0.076), (0.15, 0.092), (0.85, 0.012), (0.999, 0.159), (0.25, 0.060)],
)
def test_the_first_decimal_of_the_jitter_decides_its_sign(jitter: float, delay: float) -> None:
    assert Backoff(Chance(jitter)).next_delay() == delay


def test_the_mean_grows_by_half_up_to_the_cap() -> None:
    backoff = Backoff(Chance(0.0))
    assert [backoff.next_delay() for _ in range(6)] == [0.08, 0.12, 0.18, 0.27, 0.4, 0.4]


def test_no_delay_is_above_the_cap_however_long_the_outage() -> None:
    backoff = Backoff(random.Random(1))
    delays = [backoff.next_delay() for _ in range(5000)]
    assert max(delays) == CAP_SECONDS
    assert min(delays) >= 0.0


def late(backoff: Backoff, outage_seconds: float) -> float:
    """How long after the path is back the next attempt comes, if attempts take no time."""
    now = 0.0
    while now < outage_seconds:
        now += backoff.next_delay()
    return now - outage_seconds


def test_after_any_outage_we_come_back_sooner_than_the_sdk() -> None:
    chance = random.Random(3)
    for outage_seconds in (0.5, 2.0, 10.0, 25.0):
        ours = sorted(late(Backoff(chance), outage_seconds) for _ in range(1000))
        sdks = sorted(late(Backoff(chance, cap_seconds=10.0), outage_seconds) for _ in range(1000))
        assert ours[500] <= sdks[500]
        assert ours[950] <= sdks[950]
        assert ours[-1] <= CAP_SECONDS


def test_the_sdks_cap_is_ten_seconds() -> None:
    backoff = Backoff(Chance(0.0), cap_seconds=10.0)
    assert [backoff.next_delay() for _ in range(20)][-1] == 10.0


def test_the_first_delay_of_each_outage_is_short() -> None:
    chance = random.Random(2)
    backoff = Backoff(chance)
    for _ in range(200):
        backoff.reset()
        assert backoff.next_delay() <= 0.16
