"""The browser, the network, and the figures at the end."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.figures import MEASURED
from tests.faults.network import Internet, Place, internet
from tests.sdk.conftest import chromium
from tests.sdk.sdk import Chromium, chromium_process

__all__ = ["chromium"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    if MEASURED:
        terminalreporter.section("measured by the fault tests")
        for figure in MEASURED:
            terminalreporter.write_line(str(figure))


@pytest.fixture
def net() -> Iterator[Internet]:
    """A small internet of its own."""
    with internet() as made:
        yield made


@pytest.fixture
def browser_place(net: Internet) -> Place:
    """Where the browser is."""
    return net.place("sdk")


@pytest.fixture
def chromium_there(
    browser_place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Chromium]:
    """A browser in a namespace of its own."""
    node = shutil.which("node")
    assert node is not None
    browser_place.write_node(tmp_path, node)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with chromium_process() as process:
        yield process
