"""How long one time through a file with picture and sound lasts."""

from collections.abc import Iterable
from fractions import Fraction

import pytest

from videocli.media.sources.pass_length import StreamSpan, pass_seconds


def ms(value: float) -> Fraction:
    return Fraction(value).limit_denominator(1_000_000) / 1000


def span(positions: Iterable[float], duration: float, *, is_opus: bool = False) -> StreamSpan:
    """Of packets at those milliseconds."""
    found = StreamSpan(is_opus)
    for position in positions:
        found.see(ms(position), ms(duration))
    return found


def test_it_is_the_longer_stream_that_counts() -> None:
    picture, sound = span(range(0, 3000, 40), 40), span(range(0, 2800, 25), 25)
    assert pass_seconds([picture, sound]) == pass_seconds([sound, picture]) == 3


def test_it_counts_from_the_beginning_of_the_first() -> None:
    assert pass_seconds([span(range(1440, 2440, 40), 40), span(range(1400, 2400, 25), 25)]) == ms(1040)


def test_with_opus_it_is_whole_packets_whatever_the_file_rounds() -> None:
    sound = span([-7, *range(13, 1000, 20)], 20, is_opus=True)
    assert pass_seconds([span(range(0, 990, 33), 33), sound]) == ms(1020)


def test_opus_calls_its_last_packet_shorter_than_it_is() -> None:
    sound = span(range(0, 980, 20), 20, is_opus=True)
    sound.see(ms(980), ms(0.5))
    assert pass_seconds([span([0], 40), sound]) == 1


def test_pictures_out_of_order_end_with_the_last_one_shown() -> None:
    assert pass_seconds([span([0, 120, 40, 80, 200, 160], 40), span([0], 20)]) == ms(240)


@pytest.mark.parametrize("leap", [-50_000, 3_600_000])
def test_a_leap_of_the_timestamps_is_closed(leap: int) -> None:
    start = 60_000
    picture = span([start, start + 40, start + 80 + leap, start + 120 + leap], 100)
    assert pass_seconds([picture, span([start], 20)]) == ms(280)


@pytest.mark.parametrize("is_opus", [True, False])
def test_next_to_nothing_lasts_a_fifth_of_a_second(is_opus: bool) -> None:
    assert pass_seconds([StreamSpan(), span([0], 1, is_opus=is_opus)]) == ms(200)
