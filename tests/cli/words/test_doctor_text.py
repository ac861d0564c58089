from pathlib import PurePosixPath

import pytest

from videocli.cli.words.doctor_text import (
    Fact,
    Section,
    masked,
    scopes,
    to_json,
    to_lines,
    under_home,
    without_secrets,
)

SECTIONS = [
    Section("Versions", (Fact("Python", "3.11"), Fact("processors", 2), Fact("aiortc imports", True))),
    Section("Local server", (Fact("encoders", ("a", "b")), Fact("NO_COLOR", None))),
    Section("Settings", (Fact("server", "ws://x", "default"),)),
]


def test_lines_stand_under_each_other() -> None:
    assert list(to_lines(SECTIONS)) == [
        "Versions",
        "  Python          3.11",
        "  processors      2",
        "  aiortc imports  yes",
        "",
        "Local server",
        "  encoders        a, b",
        "  NO_COLOR        -",
        "",
        "Settings",
        "  server          ws://x  (default)",
    ]


def test_json_has_a_member_for_each_section_and_fact() -> None:
    assert to_json(SECTIONS) == {
        "versions": {"Python": "3.11", "processors": 2, "aiortcImports": True},
        "localServer": {"encoders": ["a", "b"], "NO_COLOR": None},
        "settings": {"server": {"value": "ws://x", "origin": "default"}},
    }


def test_nothing_steers_a_terminal_and_no_token_passes() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.e30.x"
    evil = [Section("S", (Fact("na\x1b[2Jme", f"\x1b]0;x\x07\n{token}", f"por\nigin {token}"),))]
    lines = list(to_lines(evil))
    assert all(line.isprintable() for line in lines)
    assert token not in str(lines) + str(to_json(evil))


@pytest.mark.parametrize(
    ("sid", "shown"), [("SK" + "a" * 28 + "1234", "SK…1234"), ("SK123456", "…"), ("", "…")]
)
def test_of_a_sid_the_last_four_characters_are_left(sid: str, shown: str) -> None:
    assert masked(sid) == shown


@pytest.mark.parametrize(
    ("path", "home", "shown"),
    [
        ("/home/alice/.local/state", "/home/alice", "~/.local/state"),
        ("no: ImportError: /home/alice/lib.so: bad", "/home/alice", "no: ImportError: ~/lib.so: bad"),
        ("/srv/state", "/home/alice", "/srv/state"),
        ("/srv/state", "/", "/srv/state"),
    ],
)
def test_a_path_does_not_name_the_user(path: str, home: str, shown: str) -> None:
    assert under_home(path, PurePosixPath(home)) == shown


def test_addresses_are_told_by_family_and_scope_only() -> None:
    addresses = [
        "127.0.0.1",
        "::1",
        "10.1.2.3",
        "8.8.8.8",
        "100.64.0.1",
        "fe80::1%eth0",
        "2600::1",
        "fd00::2",
        "?",
    ]
    assert scopes(addresses) == (
        "IPv4 loopback", "IPv4 private", "IPv4 public", "IPv4 shared",
        "IPv6 link-local", "IPv6 loopback", "IPv6 private", "IPv6 public",
    )  # fmt: skip  # a row for each family


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("wss://me:pass@video.example:8443/signaling?token=abc#x", "wss://video.example:8443/signaling"),
        ("ws://127.0.0.1:7780/signaling", "ws://127.0.0.1:7780/signaling"),
        ("wss://8.8.8.8/signaling", "wss://(IPv4 public)/signaling"),
        ("wss://[2600::1]:443/", "wss://(IPv6 public):443/"),
        ("wss://x:port/", "no URL"),
        ("wss://[", "no URL"),
    ],
)
def test_a_url_shows_no_secret_and_no_public_address(url: str, shown: str) -> None:
    assert without_secrets(url) == shown
