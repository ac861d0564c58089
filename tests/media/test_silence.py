"""How long nothing came that should have."""

import pytest

from videocli.media.silence import Silence, Silences


def flowing(silences: Silences, begin: float, end: float) -> None:
    """Media every 20 ms; binary fractions keep the figures exact."""
    at = begin
    while at <= end:
        silences.media(at)
        at += 1 / 64


def test_where_media_flowed_silence_begins_with_the_last_of_it() -> None:
    silences = Silences()
    flowing(silences, 0.0, 10.0)
    silences.expect(10.75)
    assert silences.since == 10.0
    silences.media(12.0)
    assert silences.latest == Silence(10.0, 12.0)
    assert silences.latest.seconds == 2.0


def test_an_answer_in_the_midst_of_media_hides_nothing() -> None:
    silences = Silences()
    flowing(silences, 0.0, 10.0)
    silences.expect(9.5)
    silences.answer(10.125, asked_at=10.0)
    assert silences.since == 10.125


def test_on_an_idle_path_it_begins_when_the_first_unanswered_question_was_due() -> None:
    silences = Silences()
    silences.answer(10.0, asked_at=9.875)
    assert silences.since is None
    silences.expect(11.0)
    silences.expect(11.5)
    assert silences.since == 11.0
    silences.answer(13.5, asked_at=13.25)
    assert silences.latest == Silence(11.0, 13.5)
    assert silences.since is None


def test_who_slept_was_silent_though_the_next_question_is_answered_at_once() -> None:
    silences = Silences()
    silences.answer(10.0, asked_at=9.875)
    silences.expect(11.0)
    silences.answer(27.125, asked_at=27.0)
    assert silences.latest == Silence(11.0, 27.125)


def test_a_long_round_trip_is_no_silence() -> None:
    silences = Silences()
    silences.answer(10.0, asked_at=8.0)
    silences.expect(11.0)
    silences.answer(14.0, asked_at=11.0)
    assert silences.latest is None


def test_media_that_stops_while_the_path_answers_is_no_silence() -> None:
    """A track was muted."""
    silences = Silences()
    flowing(silences, 0.0, 10.0)
    for asked_at in (10.875, 11.875, 12.875):
        silences.expect(asked_at)
        silences.answer(asked_at + 0.125, asked_at)
    silences.media(13.0)
    assert silences.latest is None


@pytest.mark.parametrize("pause", [0.25, 0.5])
def test_a_pause_of_a_voice_is_no_silence(pause: float) -> None:
    silences = Silences()
    flowing(silences, 0.0, 10.0)
    silences.media(10.0 + pause)
    assert silences.latest is None


def test_what_was_owed_before_something_came_is_owed_from_then_on() -> None:
    silences = Silences()
    silences.answer(10.0, asked_at=9.875)
    silences.expect(11.0)
    silences.media(12.0)
    silences.expect(11.0)
    silences.answer(12.375, asked_at=12.25)
    assert silences.latest == Silence(11.0, 12.0)


def test_before_anything_came_nothing_is_silent() -> None:
    silences = Silences()
    silences.expect(1.0)
    assert silences.since is None
    silences.media(9.0)
    assert silences.latest is None
