"""Which server `join` goes to."""

import pytest

from videocli.cli.destination import LOCAL_URL, check_url, cloud_url, is_on_this_machine
from videocli.cli.exit_codes import UsageError


def test_the_cloud_is_global_unless_a_region_is_named() -> None:
    assert cloud_url(None) == "wss://global.vss.twilio.com/signaling"
    assert cloud_url("gll") == "wss://global.vss.twilio.com/signaling"
    assert cloud_url("ie1") == "wss://ie1.vss.twilio.com/signaling"


@pytest.mark.parametrize("region", ["", "evil.example/", "us1.evil", "US 1", "x" * 33])
def test_a_region_cannot_change_whose_server_it_is(region: str) -> None:
    with pytest.raises(UsageError):
        cloud_url(region)


@pytest.mark.parametrize("url", [LOCAL_URL, "wss://rooms.example/signaling", "ws://[::1]:7780/signaling"])
def test_usable_urls(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://localhost/",
        "localhost:7780",
        "ws://",
        "ws://host:99999/",
        "ws://host:0/",
        "ws://a b/",
        "ws://[::1",
    ],
)
def test_unusable_urls_are_refused_before_anything_is_dialled(url: str) -> None:
    with pytest.raises(UsageError):
        check_url(url)


@pytest.mark.parametrize(
    "url", ["u:hunter2@h", "http://u:hunter2@h/", "ws://u:hunter2#@h", "http://h/?tok=hunter2"]
)
def test_a_password_in_an_unusable_url_is_not_told(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_url(url)
    assert "hunter2" not in f"{refused.value.problem} {refused.value.remedy}"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (LOCAL_URL, True),
        ("ws://localhost:1/signaling", True),
        ("ws://127.8.9.10/signaling", True),
        ("ws://[::1]:7780/signaling", True),
        ("ws://127.0.0.1.evil.example/signaling", False),
        ("wss://192.0.2.1/signaling", False),
    ],
)
def test_loopback_is_this_machine(url: str, expected: bool) -> None:
    assert is_on_this_machine(url) is expected
