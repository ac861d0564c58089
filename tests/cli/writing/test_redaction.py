import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_tokens import NOW
from videocli.cli.writing import redaction
from videocli.cli.writing.redaction import PLACEHOLDER, hide, one_line, redact
from videocli.tokens import Credentials, mint

TOKEN = mint(Credentials("AC1", "SK1", "s" * 32), "alice", None, 60, NOW).token
SECRET = "correct horse"


@pytest.fixture(autouse=True)
def nothing_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known_secrets", set())


@pytest.mark.parametrize("text", [TOKEN, f"got {TOKEN}!", TOKEN[:60], f"?token={TOKEN}&x=1", f'"{TOKEN}"'])
def test_no_part_of_a_token_is_left(text: str) -> None:
    assert "eyJ" not in redact(text)
    assert not any(part in redact(text) for part in TOKEN.split("."))
    assert PLACEHOLDER in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"api_secret": SECRET}),
        json.dumps({"token": SECRET}),
        json.dumps({"ice_servers": [{"credential": SECRET}]}),
        json.dumps({"peer": {"ice": {"ufrag": "u", "password": SECRET}}}),
        json.dumps(json.dumps({"password": SECRET})),
        repr({"secret": SECRET}),
        f"Credentials(api_secret='{SECRET}')",
        "TWILIO_API_SECRET=correct",
        "a=ice-ufrag:abcd\r\na=ice-pwd:correct/horse+battery\r\na=mid:0",
        json.dumps({"sdp": "a=ice-pwd:correcthorse\r\na=mid:0"}),
    ],
)
def test_the_value_of_a_secret_is_left_out(text: str) -> None:
    assert "correct" not in redact(text)
    assert "horse" not in redact(text)


def test_what_stands_beside_a_secret_stays() -> None:
    assert redact('{"token":"abc","room":"standup"}') == f'{{"token":"{PLACEHOLDER}","room":"standup"}}'
    assert redact("a=ice-pwd:abc\r\na=mid:0") == f"a=ice-pwd:{PLACEHOLDER}\r\na=mid:0"


@given(st.text(st.characters(exclude_characters="["), min_size=1))
def test_a_quoted_password_of_any_characters_is_left_out_whole(password: str) -> None:
    assert redact(json.dumps({"password": password, "room": 1})) == json.dumps(
        {"password": PLACEHOLDER, "room": 1}
    )


@pytest.mark.parametrize(
    "text", ["20104 AccessTokenExpired: Access Token expired", "the token: get a new one"]
)
def test_words_about_tokens_stay(text: str) -> None:
    assert redact(text) == text


def test_a_hidden_secret_is_left_out_wherever_it_stands() -> None:
    hide("xyzzy-plugh")
    assert redact("say xyzzy-plugh, twice") == f"say {PLACEHOLDER}, twice"


def test_a_text_becomes_one_line_without_control_characters() -> None:
    assert one_line("a\n b\x1b[2Jc\x9bd\r\n") == "a b [2Jc d"


def test_who_asks_and_what_in_a_url_is_hidden_and_the_rest_is_not() -> None:
    text = "'wss://me:pw@x.example:7/p?a=b@c', \"ws://h/?tok=x\" (https://h/x#y)."
    assert redact(text) == (
        f"'wss://{PLACEHOLDER}@x.example:7/p?{PLACEHOLDER}', \"ws://h/?{PLACEHOLDER}\" (https://h/x#{PLACEHOLDER})."
    )
    for badly_quoted in ("ws://me:p#w@h/", "ws://me:p?w@h", "ws://me:p/w@h", 'ws://me:p"w@h'):
        assert "me" not in redact(badly_quoted)
    assert redact("ws://x.example:7780/signaling") == "ws://x.example:7780/signaling"


@pytest.mark.parametrize("before", ["_", "7", "x" * 100])
def test_a_password_in_a_url_is_left_out_whatever_stands_right_before_it(before: str) -> None:
    assert "horse" not in redact(f"{before}wss://alice:horse@server/signaling")


@pytest.mark.parametrize("text", ["a." * 500_000, "a-" * 500_000, "a" * 1_000_000])
def test_a_long_text_takes_no_more_than_its_length(text: str) -> None:
    """With a scheme looked for to its end from each word, this takes minutes."""
    assert redact(text) == text
