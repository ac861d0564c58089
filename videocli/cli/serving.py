"""What `serve` does: rooms until a signal, and every event on the way."""

import asyncio
import os
import signal

from videocli.cli import output, settings
from videocli.cli.exit_codes import ExitCode, UsageError
from videocli.cli.server_lines import to_json, to_line
from videocli.outside import Outside
from videocli.server import events as ev
from videocli.server.serve import ServeConfig, serve

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def serve_rooms(config: ServeConfig, outside: Outside, json: bool) -> int:
    """Serve until a signal, then end every session and return the exit code; a second signal ends it at once.

    With `json` each event is an object on stdout, else a line on stderr. Raises `UsageError` when the address
    cannot be used, `ReaderGone`.
    """
    stop = asyncio.Event()
    readers_end: output.ReaderGone | None = None

    def show(event: ev.ServerEvent) -> None:
        nonlocal readers_end
        if not json:
            output.say(to_line(event))
            return
        try:
            output.json_result(to_json(event, outside.utcnow()))
        except output.ReaderGone as gone:
            readers_end = gone
            stop.set()

    def signaled() -> None:
        if stop.is_set():
            os._exit(ExitCode.STOPPED)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, signaled)
    try:
        async with serve(config, outside, settings.known_credentials(), show):
            await stop.wait()
    except OSError as fault:
        raise UsageError(
            f"cannot listen on {config.host}, port {config.port}: {fault.strerror or fault}",
            "Choose another --port (0 takes a free one), or a --host that this machine has.",
        ) from fault
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
    if readers_end is not None:
        raise readers_end
    return ExitCode.OK
