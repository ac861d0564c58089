"""The real world: WebSockets, aiortc, the wall clock, the operating system's chance."""

import asyncio
import gc
import random
import sys
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

from videocli.media.aiortc_peer import make_peer
from videocli.outside import Outside
from videocli.websocket import dial, listen

T = TypeVar("T")


def real_outside() -> Outside:
    """The world as it is."""
    return Outside(
        dial=dial,
        listen=listen,
        make_peer=make_peer,
        utcnow=lambda: datetime.now(UTC),
        random=random.SystemRandom(),
    )


def new_event_loop() -> asyncio.AbstractEventLoop:
    """The fastest event loop there is: uvloop's where it is installed (not on Windows), else asyncio's."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine on an event loop of its own; what it returns.

    Garbage is collected from here on, where it was put off until now; the modules are not searched for any.
    It may open as many files as the system lets it: participants take a handful each, and 1024 are usual.
    """
    _raise_limit_of_files()
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work)


def _raise_limit_of_files() -> None:
    if sys.platform == "win32":
        return
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
