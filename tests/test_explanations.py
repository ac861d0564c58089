import pytest

from videocli.errors import ERRORS
from videocli.explanations import BACKGROUNDS, RETRY_WORDS, Retry, find, nearest


def test_every_code_of_the_table_has_a_background_and_no_other() -> None:
    assert BACKGROUNDS.keys() == ERRORS.keys()
    assert RETRY_WORDS.keys() == set(Retry)


@pytest.mark.parametrize("code", BACKGROUNDS)
def test_a_background_has_causes_and_steps_in_sentences_that_repeat_nothing(code: int) -> None:
    background = BACKGROUNDS[code]
    assert background.causes
    assert background.steps
    said = (*background.causes, *background.steps)
    assert len({*said, ERRORS[code].explanation}) == len(said) + 1
    for sentence in said:
        assert sentence[0].isupper()
        assert sentence[-1] in ".'"
        assert "  " not in sentence


@pytest.mark.parametrize(
    "asked",
    [
        "53002",
        " 53002 ",
        "SignalingConnectionTimeout",
        "SignalingConnectionTimeoutError",
        "signalingconnectiontimeouterror",
        "TwilioSignalingConnectionTimeoutError",
    ],
)
def test_a_code_is_found_by_number_and_by_name(asked: str) -> None:
    assert find(asked) is ERRORS[53002]


@pytest.mark.parametrize("asked", ["", "5300", "53005", "Error", "٥٣٠٠٢", "x" * 10_000])
def test_what_is_no_code_is_not_found(asked: str) -> None:
    assert find(asked) is None


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("53406", 53405),
        ("5304", 53004),
        ("20108", 20107),
        ("53119", 53118),
        ("SignalingConnectionTimout", 53002),
        ("duplicateidentity", 53205),
        ("MaxParticipants", 53105),
    ],
)
def test_the_nearest_begins_with_what_was_meant(asked: str, meant: int) -> None:
    assert nearest(asked)[0].code == meant


@pytest.mark.parametrize("asked", ["", "x", "?", "⁵³", "99999", "banana", "q" * 10_000])
def test_nothing_is_near_to_nonsense(asked: str) -> None:
    assert nearest(asked) == []
