import asyncio
import sys

import pytest

from tests.cli.process import python
from videocli.cli import wiring


def test_commands_run_on_uvloop_where_it_exists() -> None:
    async def name() -> str:
        return type(asyncio.get_running_loop()).__module__

    assert wiring.run(name()) == ("asyncio.windows_events" if sys.platform == "win32" else "uvloop")


def test_without_uvloop_they_run_on_asyncios_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    async def is_asyncios() -> bool:
        return isinstance(asyncio.get_running_loop(), asyncio.BaseEventLoop)

    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert wiring.run(is_asyncios())


def test_garbage_is_collected_while_a_command_runs_and_not_while_its_modules_load() -> None:
    code = (
        "import gc, sys, videocli.__main__ as program\n"
        "from videocli.cli import app, wiring\n"
        "async def is_collecting(): return gc.isenabled()\n"
        "app.main = lambda: print(gc.isenabled(), wiring.run(is_collecting()))\n"
        "program.main()"
    )
    assert python("-c", code).stdout == "False True\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_command_may_open_as_many_files_as_the_system_lets_it() -> None:
    code = (
        "import resource\n"
        "from videocli.cli import wiring\n"
        "async def limits(): return resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, 512))\n"
        "print(wiring.run(limits()))"
    )
    assert python("-c", code).stdout == "(512, 512)\n"
