"""Markers for what a machine may lack, what every test is kept away from, and a server to test with."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.cli.room_server import running_server

REQUIRED = frozenset(filter(None, os.environ.get("VIDEOCLI_REQUIRE", "").split(",")))
"""Markers whose tests must run: where they would be skipped, they fail. `.ci/run` names all of them."""


def _without_chromium() -> str | None:
    npm = Path(os.environ.get("VIDEOCLI_NPM", Path.home() / ".cache/videocli-npm"))
    if shutil.which(os.environ.get("VIDEOCLI_CHROMIUM", "chromium")) is None:
        return "Chromium is not installed"
    if shutil.which("node") is None:
        return "Node is not installed"
    if not (npm / "node_modules" / "twilio-video").exists():
        return f"twilio-video is not in {npm}: copy tests/sdk/package.json there and run npm install"
    return None


def _without_netns() -> str | None:
    if shutil.which("ip") is None or shutil.which("unshare") is None:
        return "iproute2 is not installed"
    if shutil.which("iptables") is None:
        return "iptables is not installed"
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode != 0:
        return "network namespaces cannot be made here (not root?)"
    return None


def _without_tmux() -> str | None:
    return None if shutil.which("tmux") else "tmux is not installed"


MARKERS: dict[str, Callable[[], str | None]] = {
    "chromium": cache(_without_chromium),
    "netns": cache(_without_netns),
    "tmux": cache(_without_tmux),
}
"""Why tests with this marker cannot run here; None: they can."""


def pytest_configure() -> None:
    """Refuse a misspelt VIDEOCLI_REQUIRE, which would require nothing."""
    unknown = REQUIRED - MARKERS.keys()
    if unknown:
        raise pytest.UsageError(f"VIDEOCLI_REQUIRE knows {', '.join(MARKERS)}; not {', '.join(unknown)}")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell's background job inherits it
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a marked test that cannot run here."""
    for marker, reason_against in MARKERS.items():
        if item.get_closest_marker(marker) and (reason := reason_against()) is not None:
            pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Make a failure of a skip, by whomever, where the marker is required."""
    report: pytest.TestReport = yield  # type: ignore[assignment]  # the result of the hook, sent in by pluggy
    required = [marker for marker in REQUIRED if item.get_closest_marker(marker)]
    if report.skipped and required:
        report.outcome = "failed"
        report.longrepr = f"skipped, but VIDEOCLI_REQUIRE has {', '.join(required)}: {report.longrepr}"
    return report  # type: ignore[return-value]  # as above


@pytest.fixture(autouse=True)
def user_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's state directory: a new one, and no credentials or profiles of the user, for each test."""
    directory = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("VIDEOCLI_STATE_DIR", str(directory))
    monkeypatch.setenv("VIDEOCLI_CONFIG_DIR", str(directory / "config"))
    for name in ("ACCOUNT_SID", "API_KEY", "API_SECRET"):
        monkeypatch.delenv(f"TWILIO_{name}", raising=False)
    for name in ("VIDEOCLI_TOKEN", "VIDEOCLI_URL", "VIDEOCLI_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return directory


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Of a server that all tests of a module share."""
    with running_server() as url:
        yield url
