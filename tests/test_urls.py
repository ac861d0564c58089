import pytest

from videocli.urls import shown


@pytest.mark.parametrize(
    ("url", "safe", "marked"),
    [
        ("ws://127.0.0.1:7780/signaling", "ws://127.0.0.1:7780/signaling", "ws://127.0.0.1:7780/signaling"),
        ("wss://me:pw@h:1/signaling?tok=a@b#c", "wss://h:1/signaling", "wss://X@h:1/signaling?X"),
        ("wss://[::1]:1/p#secret", "wss://[::1]:1/p", "wss://[::1]:1/p#X"),
        ("me:pw@h", "h", "X@h"),
        ("ws://me:p#w@h/", "ws://…", "ws://X"),
        ("ws://me:p/w@h/", "ws://…", "ws://X"),
        ("", "", ""),
    ],
)
def test_neither_user_nor_password_nor_query_is_shown(url: str, safe: str, marked: str) -> None:
    assert (shown(url), shown(url, "X")) == (safe, marked)
