"""The user's script: a Python file with a coroutine function `bot(room)`."""

import importlib.util
import inspect
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from videocli.api.room import Room

Script = Callable[[Room], Coroutine[Any, Any, object]]


class ScriptExited(Exception):
    """A script called `sys.exit`, with something else than 0 or before it had a room."""

    def __init__(self, wish: SystemExit) -> None:
        super().__init__(f"the script called sys.exit({wish.code!r})")


def load_script(path: Path) -> Script:
    """Run the file as a module, which finds others beside it; its `bot`. Raises what the file raises.

    It may not end the process: `ScriptExited`.
    """
    spec = importlib.util.spec_from_file_location("bot_script", path)
    assert spec is not None, "a path that ends in .py"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except SystemExit as wish:
        raise ScriptExited(wish) from None
    script: Script = module.bot
    if not inspect.iscoroutinefunction(script):
        raise TypeError("bot is no coroutine function")
    return script
