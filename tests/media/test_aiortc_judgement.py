"""What the consent watch and the far end's reports make of what comes and what does not."""

import pytest

from videocli.media.aiortc_inside.consent import Consent
from videocli.media.aiortc_inside.hearing import Hearing

REPLY = 0.5


class Watch:
    """A consent watch by hand: each call is one request."""

    def __init__(self) -> None:
        self.consent = Consent(REPLY, misses=4, one_way_seconds=10.0)
        self.now = 0.0

    def misses(self, count: int, *, late: float = 0.0, is_heard: bool = False) -> None:
        for _ in range(count):
            asked_at, self.now = self.now, self.now + REPLY + late
            self.consent.unanswered(asked_at, self.now, REPLY, is_heard=is_heard)

    def is_dead(self, *, is_unheard: bool = False) -> bool:
        return self.consent.is_dead(self.now, is_unheard=is_unheard)


class TestConsent:
    def test_four_requests_into_silence_are_a_dead_path(self) -> None:
        watch = Watch()
        watch.misses(3)
        assert not watch.is_dead()
        watch.misses(1)
        assert watch.is_dead()
        watch.consent.answered()
        assert not watch.is_dead()
        assert not watch.consent.is_awaited

    def test_anything_that_is_heard_breaks_the_silence(self) -> None:
        watch = Watch()
        watch.misses(3)
        watch.misses(1, is_heard=True)
        watch.misses(3)
        assert not watch.is_dead()
        watch.misses(1)
        assert watch.is_dead()

    def test_waits_that_took_too_long_say_that_this_end_had_no_time(self) -> None:
        watch = Watch()
        watch.misses(9, late=0.4)
        assert not watch.is_dead()
        assert watch.consent.is_awaited

    def test_but_not_for_ever(self) -> None:
        watch = Watch()
        watch.misses(12, late=0.4)
        assert watch.now > 10.0
        assert watch.is_dead()

    def test_a_far_end_that_hears_nothing_and_answers_nothing_is_reached_no_more(self) -> None:
        watch = Watch()
        watch.misses(3, is_heard=True)
        assert not watch.is_dead(is_unheard=True)
        watch.misses(1, is_heard=True)
        assert watch.is_dead(is_unheard=True)

    def test_without_its_word_for_it_a_path_that_only_brings_is_given_ten_seconds(self) -> None:
        watch = Watch()
        watch.misses(19, is_heard=True)
        assert not watch.is_dead()
        watch.misses(1, is_heard=True)
        assert watch.is_dead()

    def test_an_address_that_is_gone_is_a_dead_path_at_once(self) -> None:
        watch = Watch()
        watch.consent.address_lost(0.0)
        assert watch.is_dead()
        watch.consent.answered()
        assert not watch.is_dead()

    @pytest.mark.parametrize(
        ("round_trip", "patience"),
        [(None, 1.0), (0.002, 0.5), (1.0, 0.5), (1.6, 0.8), (3.0, 1.5), (20.0, 1.5)],
        ids=["unknown", "short", "a second", "long", "very long", "absurd"],
    )
    def test_what_is_enough_takes_two_round_trips_but_not_for_ever(
        self, round_trip: float | None, patience: float
    ) -> None:
        assert Watch().consent.patience(round_trip) == patience

    def test_a_round_trip_of_three_seconds_without_loss_is_no_dead_path(self) -> None:
        """Requests go out every 1.5 s, and the answer to the first comes with the second miss."""
        watch = Watch()
        for _ in range(20):
            for _ in range(2):
                asked_at, watch.now = watch.now, watch.now + 1.5
                watch.consent.unanswered(asked_at, watch.now, 1.5, is_heard=False)
                assert not watch.is_dead()
            watch.consent.answered()


class TestHearing:
    @pytest.mark.parametrize(
        ("reports", "is_deaf"),
        [
            ([(100, 10)], False),
            ([(100, 10), (130, 40)], False),
            ([(100, 10), (100, 15)], False),
            ([(100, 10), (100, 20)], True),
            ([(100, 10), (100, 15), (100, 20)], True),
            ([(100, 10), (100, 40), (101, 70)], False),
        ],
        ids=["first", "moves", "little was sent", "stands still", "adds up", "hears again"],
    )
    def test_reports_that_stand_still_while_packets_go_out_tell_of_deafness(
        self, reports: list[tuple[int, int]], is_deaf: bool
    ) -> None:
        hearing = Hearing()
        for highest, sent in reports:
            hearing.reported(highest, sent)
        assert hearing.is_deaf is is_deaf
