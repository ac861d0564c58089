"""What `serve` does: rooms until a signal, and every event on the way."""

import asyncio
import errno
import json
import logging
import os

from videocli.cli import settings
from videocli.cli.background import is_in_background
from videocli.cli.exit_codes import ExitCode, UsageError
from videocli.cli.leaving import Departure
from videocli.cli.words.server_lines import to_json, to_line
from videocli.cli.writing import output
from videocli.cli.writing.line_writer import line_writer
from videocli.outside import Outside
from videocli.server import events as ev
from videocli.server.serve import ServeConfig, serve

_log = logging.getLogger(__name__)


async def serve_rooms(config: ServeConfig, outside: Outside, is_json: bool, departure: Departure) -> int:
    """Serve until a signal, or until nobody reads stdout any more; then end every session. The exit code.

    With `is_json` each event is an object on stdout, else a line on stderr; but what happens in rooms is not
    said into another job's terminal unless the log is asked for. Raises `UsageError` when the address cannot
    be used.
    """
    if not config.host:  # which sockets take for every address there is
        raise UsageError(
            "--host is empty", "Name an address of this machine; 0.0.0.0 stands for all of them."
        )
    end = asyncio.Event()
    departure.leave = end.set
    async with line_writer(end.set) as writer:

        def show(event: ev.ServerEvent) -> None:
            if is_json:
                writer.write(json.dumps(to_json(event, outside.utcnow()), separators=(",", ":")))
            elif is_in_background() and not isinstance(event, ev.Listening):
                _log.info("%s", to_line(event))
            else:
                output.say(to_line(event))

        try:
            async with serve(config, outside, settings.known_credentials(), show):
                await end.wait()
        except OSError as fault:
            raise _unusable(config, fault) from fault
    return ExitCode.OK


def _unusable(config: ServeConfig, fault: OSError) -> UsageError:
    # asyncio puts a sentence of its own before the system's (base_events.py, create_server).
    code = fault.errno or 0
    reason = os.strerror(code) if code in errno.errorcode else fault.strerror or str(fault)
    return UsageError(
        f"cannot listen on {config.host}, port {config.port}: {reason}",
        "A serve or a join may serve there already: join it, or choose another --port or --host.",
    )
