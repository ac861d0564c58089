"""Who may import whom: the table of the architecture, held against every import in videocli/."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "videocli"

PURE = "pure"
"""Decides: values in, values out (○)."""
DOES = "does"
"""Touches the world (●)."""

MEDIA = (
    "media/bitmap media/bitstream media/counters media/frames media/freezes media/messages "
    "media/negotiation media/peer media/quality media/silence media/speakers media/stats"
)
"""What is pure in media/."""
SINKS_PURE = " ".join(
    f"media/sinks/{name}" for name in ("causes", "file_names", "h264", "manifest", "matroska", "timing")
)
"""What is pure in media/sinks/."""
AIORTC = "aiortc aioice av pylibsrtp OpenSSL"
COMMON = "errors moments"
"""What anybody may import; whoever touches the world may import `tasks` too."""


class Row(NamedTuple):
    """Modules, what they are, and what they may import besides the standard library; `*` is anything."""

    modules: str
    kind: str
    may_import: str


TABLE = (
    Row("engine media", PURE, ""),
    Row("errors", PURE, ""),
    Row("explanations", PURE, COMMON),
    Row("moments", PURE, ""),
    Row("tokens", PURE, f"{COMMON} jwt"),
    Row("urls", PURE, ""),
    Row("remedies", PURE, ""),
    Row("tasks", DOES, ""),
    Row("outside", PURE, "media/peer protocol/core"),
    Row("driver", DOES, "outside protocol/core"),
    Row("names", DOES, ""),
    Row("tcp", DOES, "names"),
    Row("addresses", DOES, ""),
    Row("routes", DOES, "addresses ifaddr"),
    Row("websocket", DOES, f"{COMMON} remedies outside routes tcp websockets"),
    Row("protocol/*", PURE, f"{COMMON} protocol/*"),
    Row(MEDIA, PURE, f"{COMMON} {MEDIA}"),
    Row("media/aiortc_inside/*", DOES, f"{COMMON} addresses {MEDIA} media/aiortc_inside/* {AIORTC}"),
    Row("media/aiortc_peer", DOES, f"{COMMON} {MEDIA} media/aiortc_inside/* {AIORTC}"),
    Row(SINKS_PURE, PURE, f"{COMMON} {MEDIA} {SINKS_PURE}"),
    Row("media/sources* media/sinks*", DOES, f"{COMMON} {MEDIA} media/sources* media/sinks* {AIORTC}"),
    Row(
        "engine/reports engine/events engine/commands",
        PURE,
        f"{COMMON} media/frames media/peer media/stats engine/reports engine/events protocol/subscribe_rules",
    ),
    Row(
        "engine/room/*",
        PURE,
        f"{COMMON} media/frames media/peer media/speakers engine/reports engine/events engine/room/*",
    ),
    Row(
        "engine/signaling/rsp_backend engine/signaling/conversation engine/signaling/ice_servers",
        DOES,
        f"{COMMON} urls outside driver protocol/* media/peer engine/reports engine/commands "
        "engine/signaling/*",
    ),
    Row(
        "engine/signaling/*",
        PURE,
        f"{COMMON} protocol/* media/peer engine/reports engine/commands engine/signaling/*",
    ),
    Row("engine/legs engine/meter engine/taps", PURE, f"{COMMON} {MEDIA} engine/*"),
    Row("engine/network_quality", PURE, f"{COMMON} {MEDIA} protocol/* engine/events engine/reports"),
    Row(
        "engine/subscriptions",
        PURE,
        f"{COMMON} engine/room/participants protocol/subscribe_rules",
    ),
    Row("engine/track_errors", PURE, f"{COMMON} {MEDIA} engine/publishing"),
    Row("engine/track_names", PURE, ""),
    Row("engine/session engine/media_leg engine/publishing", DOES, f"{COMMON} outside {MEDIA} engine/*"),
    Row(
        "server/serve server/connection server/hub server/forwarder server/leg server/channels",
        DOES,
        f"{COMMON} outside driver tokens protocol/* {MEDIA} server/*",
    ),
    Row("server/*", PURE, f"{COMMON} tokens protocol/* server/*"),
    Row("preflight/reach", DOES, f"{COMMON} remedies"),
    Row(
        "preflight/flight preflight/watching",
        DOES,
        f"{COMMON} outside protocol/* media/peer engine/session engine/events engine/commands "
        "engine/signaling/backend preflight/*",
    ),
    Row("preflight/*", PURE, f"{COMMON} media/peer media/quality engine/events preflight/*"),
    Row("dashboard/keyboard", DOES, "dashboard/keys"),
    Row("dashboard/terminal", DOES, "dashboard/* engine/room/snapshot engine/events engine/commands rich"),
    Row(
        "dashboard/*",
        PURE,
        f"{COMMON} urls dashboard/* engine/room/snapshot engine/events engine/commands "
        "media/bitmap media/frames rich",
    ),
    Row("cli/words/farewell", PURE, ""),
    Row("cli/machine", DOES, f"{COMMON} cli/* av ifaddr"),
    Row("cli/wiring", DOES, f"{COMMON} outside websocket media/aiortc_peer media/peer uvloop"),
    Row(
        "cli/words/event_lines cli/joining/stdin_commands cli/joining/until cli/tracks/data_tracks "
        "cli/tracks/subscribe_rules",
        PURE,
        f"{COMMON} cli/* media/frames media/peer engine/events engine/reports engine/commands "
        "engine/track_names dashboard/words protocol/subscribe_rules",
    ),
    Row(
        "cli/exit_codes cli/options cli/destination cli/writing/redaction cli/profiles/format cli/help/pages",
        PURE,
        f"{COMMON} urls cli/* typer",
    ),
    Row(
        "cli/bots cli/bots_run",
        DOES,
        f"{COMMON} cli/* outside tokens typer bots/* media/frames media/sources",
    ),
    Row(
        "cli/words/*",
        PURE,
        f"{COMMON} server/events explanations tokens urls preflight/steps preflight/quality cli/*",
    ),
    Row(
        "cli/*",
        DOES,
        f"{COMMON} explanations preflight/* cli/* outside tokens typer engine/session engine/events "
        "engine/commands engine/reports engine/track_names engine/signaling/backend dashboard/terminal "
        "dashboard/graphics dashboard/painting dashboard/view server/serve server/events media/sources* "
        "media/sinks* "
        "media/frames media/peer protocol/subscribe_rules",
    ),
    Row(
        "api/*",
        DOES,
        f"{COMMON} outside tokens {MEDIA} media/sources* media/sinks/decoder engine/* api/* av _typeshed "
        "cli/wiring cli/settings cli/destination cli/token/command cli/token/source cli/tracks/open_sources "
        "cli/tracks/data_tracks cli/tracks/subscribe_rules",
    ),
    Row(
        "bots/plan bots/results bots/report bots/conditions bots/junit bots/progress bots/script_check "
        "bots/meter bots/vigil",
        PURE,
        f"{COMMON} bots/* engine/events media/peer",
    ),
    Row(
        "bots/*",
        DOES,
        f"{COMMON} outside bots/* api/* engine/events media/frames media/sources* cli/wiring "
        "cli/token/command cli/token/source cli/tracks/open_sources cli/joining/stdin_lines "
        "cli/writing/output cli/writing/redaction",
    ),
    Row("__main__", DOES, "cli/app"),
)
"""The first row that names a module is its own; `server/*` names the package `server` too."""

IMPURE = (
    "asyncio aioice aiortc av secrets select selectors signal socket subprocess threading time websockets"
)
"""What a pure module never imports. `random` it may name as a type: chance, like time, is handed in."""


def matches(module: str, patterns: str) -> bool:
    """Whether one of the patterns, parted by blanks, names the module."""
    return any(
        fnmatchcase(module, pattern) or (pattern.endswith("/*") and module == pattern.removesuffix("/*"))
        for pattern in patterns.split()
    )


def row_of(module: str) -> Row | None:
    """The row of a module; None: the table does not know it."""
    return next((row for row in TABLE if matches(module, row.modules)), None)


def is_module(name: str) -> bool:
    """Whether `videocli/NAME` is a module or a package."""
    return (PACKAGE / f"{name}.py").exists() or (PACKAGE / name).is_dir()


def imports(source: str) -> Iterator[str]:
    """Everything a source imports, wherever in it: `engine/events` for ours, `rich` for others'."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "ruff's TID252 forbids relative imports"
            parent = node.module or ""
            names = [
                f"{parent}.{alias.name}"
                if is_module(f"{parent}.{alias.name}".removeprefix("videocli.").replace(".", "/"))
                and parent.startswith("videocli")
                else parent
                for alias in node.names
            ]
        else:
            continue
        for name in names:
            top, _, rest = name.partition(".")
            yield rest.replace(".", "/") if top == "videocli" else top


def chance_taken(source: str) -> Iterator[str]:
    """What a source uses of `random` besides the type `random.Random`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "random":
            if node.attr != "Random":
                yield f"random.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module == "random":
            yield from (f"random.{alias.name}" for alias in node.names if alias.name != "Random")


def complaints(module: str, source: str) -> list[str]:
    """What is wrong with the imports of a module."""
    row = row_of(module)
    if row is None:
        return [f"videocli/{module}.py is in no row of the table: add it to a row, or a row for it"]
    allowed = row.may_import if row.kind is PURE else f"{row.may_import} tasks"
    found = []
    for name in sorted(set(imports(source))):
        if row.kind is PURE and matches(name, IMPURE):
            found.append(f"{module} is pure and imports {name}")
        elif name and name not in sys.stdlib_module_names and not matches(name, allowed):
            found.append(f"{module} may not import {name}")
    if row.kind is PURE:
        found += [f"{module} is pure and uses {name}" for name in sorted(set(chance_taken(source)))]
    return found


def modules() -> list[str]:
    """Every module there is: `engine/session`, `protocol` for the package's `__init__`."""
    paths = sorted(path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py"))
    return [path.as_posix().removesuffix("/__init__") for path in paths]


@pytest.mark.parametrize("module", [module for module in modules() if module != "__init__"])
def test_a_module_imports_only_what_its_row_allows(module: str) -> None:
    path = PACKAGE / module
    source = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()
    assert complaints(module, source) == []


def test_the_package_itself_imports_its_names_for_scripts_only_when_they_are_used() -> None:
    code = "import sys, videocli; print(*sorted(name for name in sys.modules if name.startswith('videocli')))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["videocli"]


def test_every_pattern_of_a_row_begins_with_a_folder_or_module_that_the_table_has() -> None:
    for row in TABLE:
        for pattern in row.may_import.split():
            known = any(
                fnmatchcase(pattern, named) or fnmatchcase(named, pattern)
                for other in TABLE
                for named in other.modules.split()
            )
            assert known or "/" not in pattern, f"{pattern} names no module of the table"


class TestTheChecker:
    """The checks above are worth what these are."""

    @pytest.mark.parametrize(
        ("module", "source", "complaint"),
        [
            ("protocol/tcmp_client", "import asyncio", "protocol/tcmp_client is pure and imports asyncio"),
            ("errors", "def f():\n    import time", "errors is pure and imports time"),
            ("tokens", "from time import time", "tokens is pure and imports time"),
            ("protocol/x", "import random\nrandom.random()", "protocol/x is pure and uses random.random"),
            ("protocol/x", "from random import choice", "protocol/x is pure and uses random.choice"),
            ("server/room", "import videocli.engine.events", "server/room may not import engine/events"),
            ("server/room", "from videocli.engine import events", "server/room may not import engine/events"),
            (
                "engine/session",
                "from videocli.server.room import R",
                "engine/session may not import server/room",
            ),
            ("engine/room/room", "import rich.text", "engine/room/room may not import rich"),
            ("engine/signaling/x", "import videocli.engine.room.room", "may not import engine/room/room"),
        ],
    )
    def test_it_sees_what_is_not_allowed(self, module: str, source: str, complaint: str) -> None:
        assert len(complaints(module, source)) == 1
        assert complaint in complaints(module, source)[0]

    @pytest.mark.parametrize(
        ("module", "source"),
        [
            ("protocol/x", "import random\ndef f(chance: random.Random) -> None: ..."),
            ("engine/session", "import asyncio\nfrom videocli.engine import commands as cmd"),
            ("engine/session", "from videocli.outside import Outside"),
            ("cli/app", "from videocli import __version__\nimport typer.core"),
        ],
    )
    def test_it_lets_pass_what_is_allowed(self, module: str, source: str) -> None:
        assert complaints(module, source) == []

    def test_a_module_that_no_row_names_is_a_complaint(self) -> None:
        assert "add it to a row" in complaints("helpers", "")[0]
