import multiprocessing
import random
import re
from pathlib import Path

import pytest

from videocli.cli import settings
from videocli.cli.exit_codes import UsageError

ENVIRONMENT = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_API_KEY": "SK1", "TWILIO_API_SECRET": "a-secret-secret"}


@pytest.fixture
def key_file(user_state: Path) -> Path:
    return user_state / "development-key.json"


def test_the_environment_s_credentials_come_first() -> None:
    found = settings.credentials(ENVIRONMENT)
    assert (found.account_sid, found.api_key, found.api_secret) == ("AC1", "SK1", "a-secret-secret")


@pytest.mark.parametrize("missing", ENVIRONMENT)
@pytest.mark.parametrize("as_empty", [True, False])
def test_a_missing_variable_is_named(missing: str, as_empty: bool) -> None:
    environ = {name: value for name, value in ENVIRONMENT.items() if name != missing}
    with pytest.raises(UsageError, match=f"^{missing} is not set, but TWILIO_"):
        settings.credentials(environ | ({missing: ""} if as_empty else {}))


def test_two_missing_variables_are_named() -> None:
    with pytest.raises(UsageError) as caught:
        settings.credentials({"TWILIO_API_KEY": "SK1"})
    assert caught.value.problem == (
        "TWILIO_ACCOUNT_SID and TWILIO_API_SECRET are not set, but TWILIO_API_KEY is"
    )


def test_without_any_a_development_key_is_made_for_this_user_only(key_file: Path) -> None:
    found = settings.credentials()
    assert re.fullmatch("AC[0-9a-f]{32}", found.account_sid)
    assert re.fullmatch("SK[0-9a-f]{32}", found.api_key)
    assert len(found.api_secret) >= 32
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert list(key_file.parent.iterdir()) == [key_file]


def test_the_directory_is_made_for_this_user_only(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "b"
    settings.development_credentials({"VIDEOCLI_STATE_DIR": str(directory)})
    assert directory.stat().st_mode & 0o777 == 0o700


def test_the_development_key_is_made_once(key_file: Path) -> None:
    assert settings.credentials() == settings.credentials()
    first = settings.credentials()
    key_file.unlink()
    assert settings.credentials() != first


def test_processes_that_start_at_once_agree_on_the_key(user_state: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        environ = {"VIDEOCLI_STATE_DIR": str(user_state / "new")}
        keys = pool.map(settings.development_credentials, [environ] * 16, chunksize=1)
    assert len(set(keys)) == 1


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606])
def test_a_key_that_others_can_read_is_not_used(key_file: Path, mode: int) -> None:
    settings.credentials()
    key_file.chmod(mode)
    with pytest.raises(UsageError, match="other users") as caught:
        settings.credentials()
    assert f"chmod 600 {key_file}" in caught.value.remedy


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"accountSid": 1}', b"[" * 100_000, b"\xff", b'{"apiKey": "SK"}']
)
def test_a_damaged_key_is_reported_and_left_alone(key_file: Path, content: bytes) -> None:
    settings.credentials()
    key_file.write_bytes(content)
    with pytest.raises(UsageError, match=re.escape(str(key_file))) as caught:
        settings.credentials()
    assert caught.value.remedy
    assert key_file.read_bytes() == content


def test_a_state_directory_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be used: Not a directory"):
        settings.credentials({"VIDEOCLI_STATE_DIR": str(tmp_path / "file" / "state")})


def test_a_server_knows_the_environment_s_key_and_the_development_key(user_state: Path) -> None:
    environ = ENVIRONMENT | {"VIDEOCLI_STATE_DIR": str(user_state)}
    development = settings.development_credentials(environ)
    assert set(settings.known_credentials(environ)) == {"SK1", development.api_key}


def test_a_server_that_has_a_key_goes_without_a_development_key_where_none_can_be_made(
    tmp_path: Path,
) -> None:
    """As in a container whose file system is read-only."""
    (tmp_path / "file").touch()
    environ = {"VIDEOCLI_STATE_DIR": str(tmp_path / "file" / "state")}
    assert set(settings.known_credentials(ENVIRONMENT | environ)) == {"SK1"}
    with pytest.raises(UsageError):
        settings.known_credentials(environ)


def test_whether_a_key_is_the_development_key_is_told_without_making_one(key_file: Path) -> None:
    assert not settings.is_development_key("SK1")
    assert not key_file.exists()
    made = settings.development_credentials()
    assert settings.is_development_key(made.api_key)
    assert not settings.is_development_key("SK1")
    assert not settings.is_development_key(None)


def test_the_state_is_where_xdg_says() -> None:
    assert settings.state_directory({"XDG_STATE_HOME": "/s"}) == Path("/s/videocli")
    assert settings.state_directory({"XDG_STATE_HOME": "/s", "VIDEOCLI_STATE_DIR": "/v"}) == Path("/v")


def test_the_default_identity_is_the_user_and_a_few_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "alice")
    assert re.fullmatch("alice-[0-9a-f]{6}", settings.default_identity(random.Random(1)))
    assert settings.default_identity(random.Random(1)) != settings.default_identity(random.Random(2))
