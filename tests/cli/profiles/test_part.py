from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from videocli.cli import settings
from videocli.cli.profiles.format import Profile
from videocli.cli.profiles.part import explanation
from videocli.errors import RoomError, SignalingError, TokenError, VideoError
from videocli.tokens import Credentials, mint

URL = "wss://lab.example/signaling"
UNREACHED = SignalingError(53000, explanation="It is not there.")
REFUSED = TokenError(20103)


def token(key: str) -> str:
    return mint(Credentials("AC1", key, "s" * 32), "alice", "r", 60, datetime.now(UTC)).token


@pytest.fixture(autouse=True)
def lab() -> Iterator[None]:
    settings.choose(Profile(url=URL, api_key="SK1"), "lab")
    yield
    settings.choose(None)


@pytest.mark.parametrize(
    ("error", "url", "key", "part"),
    [
        (UNREACHED, URL, "SK2", "Profile 'lab' chose this server"),
        (UNREACHED, None, "SK1", "Profile 'lab' chose Twilio's cloud, since it has an API key"),
        (REFUSED, "ws://other/", "SK1", "The token is made with the API key of profile 'lab'"),
    ],
)
def test_the_profile_that_chose_is_named(error: VideoError, url: str | None, key: str, part: str) -> None:
    way_out = "do without the profile: --profile '' for once, 'videocli profile remove lab' for good."
    assert explanation(error, url, token(key)) == f"{error.explanation} {part}; {way_out}".lstrip()


@pytest.mark.parametrize(
    ("error", "url", "key"),
    [
        (UNREACHED, "ws://other/", "SK1"),
        (UNREACHED, None, "SK2"),
        (REFUSED, URL, "SK2"),
        (RoomError(53105, explanation="Too many."), URL, "SK1"),
    ],
)
def test_a_profile_that_has_no_part_in_it_is_not_named(error: VideoError, url: str | None, key: str) -> None:
    assert explanation(error, url, token(key)) == error.explanation


def test_without_a_profile_the_explanation_stays_as_it_is() -> None:
    settings.choose(None)
    assert explanation(UNREACHED, URL, token("SK1")) == UNREACHED.explanation
    assert explanation(UNREACHED, URL, "no token") == UNREACHED.explanation
