import errno
import json
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.odd_servers import HTTP_200, HTTP_404, Talk, answers, odd_server, swallows
from tests.cli.process import videocli
from tests.cli.room_server import SERVER_VARIABLES, minted
from videocli import __version__
from videocli.cli import destination, machine, settings
from videocli.cli.words.doctor_text import to_json

SECRETS = {
    **SERVER_VARIABLES,
    "VIDEOCLI_TOKEN": minted("alice", "standup"),
    "VIDEOCLI_URL": "wss://me:hunter22@8.8.8.8:8443/signaling?key=hunter23",
    "https_proxy": "http://me:hunter24@proxy.example:3128",
}


def looked(environ: Mapping[str, str], section: str) -> dict[str, Any]:
    members: dict[str, Any] = to_json(machine.look(environ))[section]
    return members


def test_it_says_everything_and_no_secret() -> None:
    plain, as_json = videocli("doctor", **SECRETS), videocli("doctor", "--json", **SECRETS)
    assert (plain.exit_code, plain.stderr) == (as_json.exit_code, as_json.stderr) == (0, "")
    said = json.loads(as_json.stdout)
    assert list(said) == [
        "versions", "media", "devices", "terminal", "network", "clock", "settings", "environment",
        "localServer",
    ]  # fmt: skip  # as the README lists them
    assert said["versions"]["videocli"] == __version__
    assert said["media"]["aiortcImports"] is True
    assert said["terminal"]["isATerminal"] == []
    key = SERVER_VARIABLES["TWILIO_API_KEY"]
    assert said["settings"]["apiKey"]["value"] == f"SK…{key[-4:]}"
    assert said["settings"]["token"] == {"value": "given", "origin": "environment VIDEOCLI_TOKEN"}
    assert said["settings"]["server"]["value"] == "wss://(IPv4 public):8443/signaling"
    assert {*SECRETS} <= {*said["environment"]["setVariables"]}
    hidden = [
        *SERVER_VARIABLES.values(),
        SECRETS["VIDEOCLI_TOKEN"],
        "hunter2",
        "8.8.8.8",
        str(Path.home()) + "/",
    ]
    for ran in (plain, as_json):
        assert [secret for secret in hidden if secret in ran.stdout] == []


def test_it_makes_no_development_key(user_state: Path) -> None:
    environ = {settings.STATE_DIR: str(user_state)}
    assert looked(environ, "settings")["developmentKey"]["value"] == "not made yet"
    assert list(user_state.iterdir()) == []
    key = settings.development_credentials(environ)
    assert looked(environ, "settings")["developmentKey"]["value"] == f"SK…{key.api_key[-4:]}"


def test_settings_that_cannot_be_used_are_told_and_do_not_end_it(user_state: Path) -> None:
    (user_state / settings.KEY_FILE).write_text("{}")
    (user_state / settings.KEY_FILE).chmod(0o600)
    found = looked({settings.STATE_DIR: str(user_state), "TWILIO_API_KEY": "SK1"}, "settings")
    assert found["apiKey"]["value"].startswith("incomplete: TWILIO_ACCOUNT_SID")
    assert "is damaged" in found["developmentKey"]["value"]


def test_a_state_directory_that_cannot_be_looked_into_is_told(user_state: Path) -> None:
    """As that of another user, whose HOME one has by `sudo -u`; here it is a name that none can have."""
    found = looked({settings.STATE_DIR: str(user_state / ("x" * 300))}, "settings")
    assert found["developmentKey"]["value"] == "not to be seen: File name too long"


def test_links_that_the_system_does_not_tell_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a sandbox; nothing that needs them works there, which is what one wants to know."""

    def refused() -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("ifaddr.get_adapters", refused)
    assert looked({}, "network")["links"] == "not to be seen: Operation not permitted"


@pytest.mark.parametrize("url", ["u:hunter2@h", "http://h/", "ws://h:x/"])
def test_a_url_that_cannot_be_used_is_told(url: str) -> None:
    server = looked({"VIDEOCLI_URL": url}, "settings")["server"]
    assert server["origin"] == "environment VIDEOCLI_URL"
    assert server["value"] == "not usable: it is no room server's URL"


class TestProfiles:
    PROFILE = """
    use = "lab"
    [profile.lab]
    url = "wss://me:hunter25@8.8.4.4/signaling?key=hunter26"
    account_sid = "AC0123456789abcdef"
    api_key = "SK0123456789abcdef"
    api_secret = "hunter27-hunter27-hunter27-hunter27"
    token_command = "fetch --password hunter28"
    [profile.far]
    region = "ie1"
    api_key = "SK0123456789abcdef"
    """

    @pytest.fixture(autouse=True)
    def file(self, user_state: Path) -> None:
        (user_state / "config").mkdir()
        (user_state / "config" / "profiles.toml").write_text(self.PROFILE)
        (user_state / "config" / "profiles.toml").chmod(0o600)

    def settings_of(self, *arguments: str, **variables: str) -> dict[str, Any]:
        ran = videocli("doctor", "--json", *arguments, **variables)
        assert (ran.exit_code, ran.stderr, "hunter" in ran.stdout) == (0, "", False)
        members: dict[str, Any] = json.loads(ran.stdout)["settings"]
        return members

    def test_what_a_profile_gives_names_it_and_tells_no_secret(self, user_state: Path) -> None:
        found = self.settings_of()
        assert found["profile"] == {"value": "lab", "origin": f"file {user_state / 'config/profiles.toml'}"}
        assert found["server"] == {"value": "wss://(IPv4 public)/signaling", "origin": "profile lab"}
        assert found["token"] == {"value": "by a command", "origin": "profile lab"}
        assert found["apiKey"] == {"value": "SK…cdef", "origin": "profile lab"}
        assert found["account"] == {"value": "AC…cdef", "origin": "profile lab"}

    def test_the_environment_comes_first(self) -> None:
        found = self.settings_of(**SECRETS)
        origins = [found[name]["origin"] for name in ("server", "token", "apiKey", "account")]
        variables = ("VIDEOCLI_URL", "VIDEOCLI_TOKEN", "TWILIO_API_KEY", "TWILIO_ACCOUNT_SID")
        assert origins == [f"environment {name}" for name in variables]

    def test_a_region_says_which_server_of_the_cloud(self) -> None:
        found = self.settings_of("--profile", "far")
        assert found["server"] == {"value": destination.cloud_url("ie1"), "origin": "profile far"}
        assert found["apiKey"]["value"].startswith("incomplete: ")
        assert found["apiKey"]["origin"] == "environment, profile far"

    @pytest.mark.parametrize(
        ("text", "arguments", "words"),
        [
            ("use = [", (), "it is no TOML"),
            ("[profile.x]\nurl = 'u:hunter2@h'", (), "is no room server's URL"),
            (PROFILE, ("--profile", "nope"), "there is no profile 'nope'"),
        ],
    )
    def test_one_that_cannot_be_used_is_told_and_does_not_end_it(
        self, user_state: Path, text: str, arguments: tuple[str, ...], words: str
    ) -> None:
        (user_state / "config" / "profiles.toml").write_text(text)
        found = self.settings_of(*arguments)
        assert found["profile"]["value"].startswith("not usable: ")
        assert words in found["profile"]["value"]
        assert found["profile"]["origin"].startswith("file ")
        assert found["server"]["origin"] == "default"

    def test_other_commands_do_end(self) -> None:
        assert videocli("mint-token", VIDEOCLI_PROFILE="nope").exit_code == 2

    def test_no_profile_is_told_too(self) -> None:
        found = self.settings_of("--profile", "")
        assert found["profile"]["value"] is None
        assert found["server"]["origin"] == "default"


@pytest.mark.parametrize(
    ("talk", "answer"),
    [
        (answers(HTTP_200), "answers"),
        (answers(HTTP_404), "something else is there"),
        (swallows, "does not answer"),
    ],
    ids=["ours", "web server", "silent"],
)
def test_it_says_what_is_at_the_local_server_s_port(
    monkeypatch: pytest.MonkeyPatch, talk: Talk, answer: str
) -> None:
    monkeypatch.setattr(machine, "_ANSWER_SECONDS", 0.2)
    with odd_server(talk) as url:
        monkeypatch.setattr(destination, "DEFAULT_PORT", int(url.rpartition(":")[2].partition("/")[0]))
        assert looked({}, "localServer")["answer"] == answer


def test_it_says_that_no_local_server_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        monkeypatch.setattr(destination, "DEFAULT_PORT", closed.getsockname()[1])
    assert looked({}, "localServer")["answer"] == "does not run"


@pytest.mark.parametrize(
    ("environ", "colour"),
    [
        ({}, "none"),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, "none"),
        ({"TERM": "xterm"}, "16 colours"),
        ({"TERM": "xterm-256color"}, "256 colours"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "true colour"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "none, by NO_COLOR"),
    ],
)
def test_it_says_how_many_colours_the_terminal_has(environ: Mapping[str, str], colour: str) -> None:
    assert machine._colour(environ) == colour


def test_devices_are_named_as_join_takes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = tmp_path / "sys/class/video4linux/video0"
    camera.mkdir(parents=True)
    (camera / "name").write_text("Integrated Camera\n")
    cards = tmp_path / "proc/asound"
    cards.mkdir(parents=True)
    (cards / "pcm").write_text(
        "00-00: ALC257 Analog : ALC257 Analog : playback 1 : capture 1\n00-03: HDMI 0 : HDMI 0 : playback 1\n"
    )
    monkeypatch.setattr(machine, "Path", lambda path: tmp_path / path.removeprefix("/"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert machine._cameras() == ("/dev/video0 (Integrated Camera)",)
    assert machine._microphones() == ("alsa:hw:0,0 (ALC257 Analog)",)
