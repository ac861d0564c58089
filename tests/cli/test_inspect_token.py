import json
import os
import pty
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.process import videocli
from tests.cli.room_server import KEY, SERVER_VARIABLES, minted
from videocli.cli.words.token_text import MAX_DEPTH, MAX_VALUE, to_json, to_lines
from videocli.errors import error
from videocli.tokens import Claims, Credentials, Inspection, inspect, mint

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
OTHER_KEY = Credentials(KEY.account_sid, "SK" + "f" * 32, "a secret that is not at hand")


def lines(token: str, room: str | None = None, after: timedelta = timedelta()) -> dict[str, str]:
    """The lines of a token, by label; the verdict is under ""."""
    known = {KEY.api_key: KEY}
    shown = list(to_lines(inspect(token, known, room, NOW + after), room, NOW + after, zone=UTC))
    labelled = {line[:13].strip(): line[14:] for line in shown if line[13:14] == " " and line[14:15] != " "}
    return {**labelled, "": shown[0]}


def token(ttl: int = 86_400, room: str | None = "standup", key: Credentials = KEY) -> str:
    return mint(key, "alice", room, ttl, NOW).token


class TestLines:
    def test_a_good_one(self) -> None:
        shown = lines(token(), "standup", after=timedelta(seconds=30))
        assert shown[""] == "GOOD for room standup: a server that knows its key accepts it"
        assert shown["Identity"] == "alice"
        assert shown["Room"] == "standup"
        assert shown["Signature"].startswith("valid")
        assert shown["Header"] == "alg HS256, cty twilio-fpa;v=1, typ JWT"
        assert shown["Issued"] == "2026-11-23 12:00:00 UTC, 30 s ago"
        assert shown["Expires"] == "2026-11-24 12:00:00 UTC, in 23 h 59 min"
        assert shown["Reconnection"].startswith("fails with 20104 from then on, in 23 h 59 min")

    def test_one_that_has_expired(self) -> None:
        shown = lines(token(ttl=60), after=timedelta(days=3))
        assert shown[""].startswith("REFUSED: 20104 AccessTokenExpired")
        assert shown["Expires"] == "2026-11-23 12:01:00 UTC, 2 days ago"
        assert shown["Reconnection"] == "fails with 20104, as joining does"

    def test_one_that_lives_too_long(self) -> None:
        long = replace(
            inspect(token(), {KEY.api_key: KEY}, None, NOW), refusals=(error(20104, explanation="So long."),)
        )
        said = list(to_lines(long, None, NOW, UTC))
        assert said[1] == "So long."
        assert "Reconnection  fails with 20104, as joining does" in said

    def test_one_for_another_room(self) -> None:
        assert lines(token(), "cellar")[""].startswith("REFUSED for room cellar: 20106")
        assert lines(token(room=None), "cellar")["Room"] == "any room of the account"

    def test_one_of_a_key_that_is_not_at_hand(self) -> None:
        shown = lines(token(key=OTHER_KEY))
        assert shown[""].startswith("NOTHING AGAINST IT")
        assert shown["Signature"].startswith("cannot be checked")

    def test_what_the_token_says_cannot_steer_the_terminal(self) -> None:
        evil = "\x1b]0;x\x07\n" + "a" * 5000
        claims = Claims(evil, evil, evil, evil, None, None, None)
        payload = {"grants": {evil: 1, "identity": 1}, "nbf": "soon"}
        shown = list(to_lines(Inspection({evil: evil}, payload, claims, None, ()), evil, NOW, UTC))
        assert all(line.isprintable() for line in shown)
        assert all(len(line) < 2 * MAX_VALUE + 100 for line in shown)

    @pytest.mark.parametrize("depth", [1, MAX_DEPTH, 900, 990])
    def test_a_deep_or_odd_payload_is_shown_as_far_as_json_goes(self, depth: int) -> None:
        deep: object = float("nan")
        for _ in range(depth):
            deep = [deep]
        claims = Claims(None, None, None, None, None, None, None)
        inspection = Inspection({"alg": deep}, {"exp": deep}, claims, None, ())
        assert "Header        alg …" in list(to_lines(inspection, None, NOW, UTC))
        said = json.dumps(to_json(inspection, None, NOW), allow_nan=False)
        assert ("NaN" in said) == (depth < MAX_DEPTH)


class TestProcess:
    def test_a_good_one_in_the_environment_ends_with_0(self) -> None:
        ran = videocli("inspect-token", VIDEOCLI_TOKEN=minted("alice", "standup"), **SERVER_VARIABLES)
        assert (ran.exit_code, ran.stderr) == (0, "")
        assert ran.stdout.startswith("GOOD: ")

    @pytest.mark.parametrize(
        ("given", "code"),
        [
            (minted("alice", "standup", age=timedelta(days=2)), 20104),
            (minted("alice", "standup", age=-timedelta(days=2)), None),
            (minted("alice", "cellar"), 20106),
            (minted("alice", "standup", Credentials(KEY.account_sid, KEY.api_key, "another secret")), 20107),
            (minted("alice", "standup", Credentials("AC1", KEY.api_key, KEY.api_secret)), 20103),
            ("eyJhbGciOiJIUzI1NiJ9.e30.x", 20101),
            ("no-token", 20101),
        ],
    )
    def test_one_that_is_refused_ends_with_3_and_is_never_echoed(self, given: str, code: int | None) -> None:
        arguments = ("inspect-token", given, "--room", "standup")
        plain = videocli(*arguments, **SERVER_VARIABLES)
        as_json = videocli(*arguments, "--json", **SERVER_VARIABLES)
        said = json.loads(as_json.stdout)
        assert plain.exit_code == as_json.exit_code == (3 if code else 0)
        assert said["accepted"] is (code is None)
        assert [refusal["code"] for refusal in said["refusals"]] == ([code] if code else [])
        assert str(code or "GOOD") in plain.stdout + plain.stderr
        for ran in (plain, as_json):
            assert given not in ran.stdout + ran.stderr
            assert given.rpartition(".")[2] not in (ran.stdout + ran.stderr).split()

    def test_json_says_what_is_in_it(self) -> None:
        given = minted("alice", "standup")
        said = json.loads(videocli("inspect-token", given, "--json", **SERVER_VARIABLES).stdout)
        assert (said["signature"], said["identity"], said["room"]) == ("valid", "alice", "standup")
        assert said["reconnectionFailsAt"] == said["expiresAt"]
        assert said["payload"]["grants"] == {"identity": "alice", "video": {"room": "standup"}}
        assert 86_000 < said["expiresIn"] <= 86_400

    def test_it_reads_a_line_of_stdin_only_when_told_to(self) -> None:
        ran = subprocess.run(
            [sys.executable, "-m", "videocli", "inspect-token", "-"],
            input=minted("alice", "standup") + "\n",
            env={**os.environ, **SERVER_VARIABLES},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ran.returncode, ran.stdout[:4]) == (0, "GOOD")

    def test_without_a_token_and_a_terminal_it_is_bad_usage(self) -> None:
        ran = videocli("inspect-token")
        assert (ran.exit_code, ran.stdout) == (2, "")
        assert ran.stderr.splitlines()[0] == "error: no token is given, and there is no terminal to ask on"
        assert "VIDEOCLI_TOKEN" in ran.stderr

    def test_on_a_terminal_it_asks_without_echo(self) -> None:
        given = minted("alice", "standup")
        primary, secondary = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-m", "videocli", "inspect-token"],
            stdin=secondary,
            stdout=secondary,
            stderr=secondary,
            env={**os.environ, **SERVER_VARIABLES},
            start_new_session=True,
        ) as process:
            os.close(secondary)
            shown = b""
            while b"Access token: " not in shown:
                shown += os.read(primary, 4096)
            os.write(primary, given.encode() + b"\n")
            while b"Reconnection" not in shown:
                shown += os.read(primary, 4096)
            assert process.wait(60) == 0
        os.close(primary)
        assert b"GOOD" in shown
        assert given.encode() not in shown

    def test_half_set_credentials_leave_only_the_signature_open(self) -> None:
        ran = videocli("inspect-token", minted("alice", "standup"), TWILIO_API_KEY="SK1")
        assert ran.exit_code == 0
        assert ran.stderr.startswith("warning: no key is at hand")
        assert "cannot be checked" in ran.stdout
