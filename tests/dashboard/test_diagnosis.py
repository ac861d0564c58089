from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.dashboard import rooms
from videocli.dashboard.diagnosis import diagnose, suspect_of, token_severity
from videocli.engine.room.snapshot import Snapshot
from videocli.errors import SourceError, error


@pytest.mark.parametrize(
    ("make", "suspect", "severity"),
    [
        (lambda: rooms.connected(1), "nothing", "fine"),
        (rooms.connecting, "nothing", "warning"),
        (rooms.signaling_lost, "the server", "broken"),
        (rooms.media_lost, "the network", "broken"),
        (rooms.both_lost, "the network", "broken"),
        (rooms.server_stopped, "the server", "broken"),
        (rooms.token_expired_in_outage, "the token", "broken"),
        (rooms.token_expires_soon, "the token", "warning"),
        (rooms.lossy, "the network", "warning"),
        (lambda: replace(rooms.token_expires_soon(), is_token_renewable=True), "nothing", "fine"),
        (
            lambda: replace(rooms.token_expired_in_outage(), is_token_renewable=True),
            "the server",
            "broken",
        ),
        (rooms.left, "nothing", "fine"),
        (rooms.refused, "the token", "broken"),
    ],
)
def test_where_to_look(make: Callable[[], Snapshot], suspect: str, severity: str) -> None:
    diagnosis = diagnose(make())
    assert (diagnosis.suspect, diagnosis.severity) == (suspect, severity)


@pytest.mark.parametrize(
    ("code", "suspect"),
    [
        (20104, "the token"),
        (53000, "the server"),
        (53002, "the network"),
        (53006, "the server"),
        (53105, "the server"),
        (53118, "the server"),
        (53205, "this end"),
        (53405, "the network"),
        (53407, "the network"),
        (59999, "the server"),
    ],
)
def test_the_suspect_of_a_final_error(code: int, suspect: str) -> None:
    assert suspect_of(error(code)) == suspect


def test_the_end_says_what_to_do() -> None:
    sentence = diagnose(rooms.refused()).sentence
    assert "20104 AccessTokenExpired" in sentence
    assert "--token-command" in sentence


def test_a_lost_server_is_named() -> None:
    assert "ws://127.0.0.1:7780/signaling" in diagnose(rooms.signaling_lost()).sentence


def test_a_lost_server_is_named_without_what_is_secret_in_its_url() -> None:
    url = "wss://me:hunter2@video.example/signaling?tok=hunter2"
    for lost in (rooms.signaling_lost(), rooms.both_lost()):
        refused = replace(lost, url=url, signaling=replace(lost.signaling, cause="connection refused"))
        sentence = diagnose(refused).sentence
        assert "wss://video.example/signaling" in sentence
        assert "hunter2" not in sentence


def test_an_expired_token_in_a_fine_room_warns_of_the_next_outage() -> None:
    diagnosis = diagnose(replace(rooms.connected(1), token_expires_at=rooms.ago(1)))
    assert (diagnosis.suspect, diagnosis.severity) == ("the token", "broken")
    assert "reconnection" in diagnosis.sentence


@pytest.mark.parametrize(
    ("seconds", "session_seconds", "severity"),
    [
        (None, 30, "fine"),
        (301, 30, "fine"),
        (300, 30, "warning"),
        (61, 30, "warning"),
        (60, 30, "broken"),
        (-5, 30, "broken"),
        (1201, 600, "fine"),
        (1200, 600, "warning"),
        (600, 600, "broken"),
    ],
)
def test_a_token_worries_before_a_reconnection_would_fail(
    seconds: int | None, session_seconds: float, severity: str
) -> None:
    expires_at = None if seconds is None else rooms.ago(-seconds)
    snapshot = replace(rooms.connected(0), token_expires_at=expires_at, session_seconds=session_seconds)
    assert token_severity(snapshot) == severity
    assert token_severity(replace(snapshot, is_token_renewable=True)) == "fine"


def test_an_error_without_a_code_has_a_suspect_too() -> None:
    assert suspect_of(SourceError(message="no such file")) == "this end"
