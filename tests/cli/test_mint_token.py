import json
from datetime import UTC, datetime

import pytest

from tests.cli.process import videocli
from videocli.cli import settings
from videocli.tokens import Credentials, peek, verify

ENVIRONMENT = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_API_KEY": "SK1", "TWILIO_API_SECRET": "a-secret-secret"}


def test_it_prints_the_token_and_a_newline_and_nothing_else() -> None:
    ran = videocli("mint-token", "--identity", "alice", "--room", "standup")
    assert (ran.exit_code, ran.stderr) == (0, "")
    token = ran.stdout.removesuffix("\n")
    assert "\n" not in token
    grants = verify(token, settings.known_credentials(), "standup", datetime.now(UTC))
    assert (grants.identity, grants.room) == ("alice", "standup")


def test_it_signs_with_the_environment_s_key() -> None:
    token = videocli("mint-token", "--room", "r", **ENVIRONMENT).stdout.strip()
    known = {"SK1": Credentials("AC1", "SK1", "a-secret-secret")}
    assert verify(token, known, "r", datetime.now(UTC)).account_sid == "AC1"


def test_json_says_what_is_in_the_token() -> None:
    ran = videocli("mint-token", "--room", "r", "--identity", "alice", "--ttl", "90", "--json", **ENVIRONMENT)
    said = json.loads(ran.stdout)
    assert list(said) == [
        "token", "identity", "room", "issuedAt", "expiresAt", "ttl", "accountSid", "apiKey",
    ]  # fmt: skip  # as the contract lists them
    claims = peek(said["token"])
    assert claims.issued_at == datetime.fromisoformat(said["issuedAt"])
    assert claims.expires_at == datetime.fromisoformat(said["expiresAt"])
    assert said["issuedAt"].endswith(".000Z")
    assert (said["identity"], said["room"], said["ttl"]) == ("alice", "r", 90)
    assert (said["accountSid"], said["apiKey"]) == ("AC1", "SK1")
    assert ran.stdout.count("\n") == 1


def test_without_a_room_it_warns_on_stderr() -> None:
    ran = videocli("mint-token", "--json")
    assert json.loads(ran.stdout)["room"] is None
    assert ran.stderr.startswith("warning: ")
    assert "--room" in ran.stderr
    assert videocli("mint-token", "--quiet").stderr == ""


def test_the_default_life_is_the_longest_and_the_default_identity_one_of_its_own() -> None:
    first, second = (json.loads(videocli("mint-token", "--room", "r", "--json").stdout) for _ in range(2))
    assert first["ttl"] == 86400
    assert first["identity"] != second["identity"]


@pytest.mark.parametrize(
    ("ttl", "why"), [("86401", "24 hours at most"), ("0", "1 second at least"), ("soon", "whole number")]
)
def test_a_life_out_of_range_is_bad_usage_and_says_why(ttl: str, why: str) -> None:
    ran = videocli("mint-token", "--ttl", ttl)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert why in ran.stderr.splitlines()[0]


@pytest.mark.parametrize(("option", "code"), [("--identity", "53201"), ("--room", "53101")])
def test_a_name_that_is_too_long_has_its_code(option: str, code: str) -> None:
    ran = videocli("mint-token", option, "x" * 129)
    assert (ran.exit_code, ran.stdout) == (4, "")
    assert ran.stderr.startswith(f"error: {code} ")


@pytest.mark.parametrize("option", ["--identity", "--room"])
def test_an_empty_name_is_bad_usage(option: str) -> None:
    ran = videocli("mint-token", option, "")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"error: Invalid value for '{option}': it is empty")


def test_half_set_credentials_are_bad_usage() -> None:
    ran = videocli("mint-token", TWILIO_API_KEY="SK1", TWILIO_ACCOUNT_SID="AC1")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith("error: TWILIO_API_SECRET is not set")
