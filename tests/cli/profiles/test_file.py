import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from videocli.cli.exit_codes import UsageError
from videocli.cli.profiles import file as profile_file
from videocli.cli.profiles.format import Profile, Profiles, adding, removing, using
from videocli.cli.writing.redaction import redact

SECRET = Profile(api_secret="a secret of this file")


@pytest.fixture
def path(user_state: Path) -> Path:
    return user_state / "config" / "profiles.toml"


def test_without_a_file_there_is_no_profile_and_none_is_made(path: Path) -> None:
    assert profile_file.load() == Profiles()
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"VIDEOCLI_CONFIG_DIR": "/a", "XDG_CONFIG_HOME": "/b"}, "/a/profiles.toml"),
        ({"XDG_CONFIG_HOME": "/b"}, "/b/videocli/profiles.toml"),
    ],
)
def test_the_variable_of_our_own_comes_before_the_platform_s(environ: dict[str, str], place: str) -> None:
    assert str(profile_file.path_of_profiles(environ)) == place


def test_what_is_changed_is_read_and_nobody_else_can_read_it(path: Path) -> None:
    profile_file.change(adding("work", SECRET))
    assert profile_file.change(using("work")) == profile_file.load() == Profiles({"work": SECRET}, "work")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_a_file_with_a_secret_is_closed_to_others_with_a_warning(path: Path) -> None:
    profile_file.change(adding("work", SECRET))
    path.chmod(0o644)
    warnings: list[str] = []
    for _ in range(2):
        profile_file.load(warn=warnings.append)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(warnings) == 1
    assert "(mode 0644); it has mode 0600 now" in warnings[0]


def test_a_file_without_a_secret_may_be_open(path: Path) -> None:
    profile_file.change(adding("lab", Profile(identity="x")))
    path.chmod(0o644)
    warnings: list[str] = []
    profile_file.load(warn=warnings.append)
    assert warnings == []
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_secret_that_was_read_is_hidden_from_all_output(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("[profile.x]\napi_secret = 'only ever read'\n")
    profile_file.load(warn=lambda words: None)
    assert redact("with only ever read in it") == "with [redacted] in it"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"use =", "it is no TOML"),
        (b"\xff\xfe", "it is not text in UTF-8"),
        (b"#" * (profile_file.MAX_BYTES + 1), "it is longer than"),
        (b"[profile.x]\ncolour = 'red'", "'colour' in profile 'x' is no setting"),
        (b"a = " + b"[" * 100_000, "it is no TOML"),
    ],
    ids=["no TOML", "no text", "long", "unknown key", "deep"],
)
def test_a_file_that_is_no_good_is_neither_read_nor_changed(path: Path, content: bytes, words: str) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    uses: tuple[Callable[[], object], ...] = (profile_file.load, lambda: profile_file.change(using(None)))
    for use in uses:
        with pytest.raises(UsageError) as caught:
            use()
        assert caught.value.problem.startswith(f"the profiles {path}: {words}")
        assert "\n" not in caught.value.problem
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_edit_leaves_the_file(path: Path) -> None:
    profile_file.change(adding("work", SECRET))
    before = path.read_bytes()
    with pytest.raises(UsageError, match="no profile 'lab'"):
        profile_file.change(removing("lab"))
    assert path.read_bytes() == before


def test_a_failed_write_leaves_the_file_and_nothing_else(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile_file.change(adding("work", SECRET))
    before = path.read_bytes()

    def fails(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(UsageError, match="cannot be written: No space left on device"):
        profile_file.change(adding("lab", SECRET))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_link_to_the_file_stays_a_link(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    (tmp_path / "dotfiles.toml").touch()
    path.symlink_to(tmp_path / "dotfiles.toml")
    profile_file.change(adding("work", SECRET))
    assert path.is_symlink()
    assert "work" in (tmp_path / "dotfiles.toml").read_text()


def test_a_directory_in_its_place_is_two_lines(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        profile_file.load()


def _add(name: str) -> None:
    profile_file.change(adding(name, SECRET))


def test_two_that_change_it_at_once_lose_nothing(path: Path) -> None:
    names = [f"p{number}" for number in range(12)]
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pool.map(_add, names)
    assert set(profile_file.load().by_name) == set(names)
