"""Results to report on."""

from dataclasses import replace
from typing import Any

from videocli.bots.report import Report
from videocli.bots.results import Failure, Load, Received, Result

FULL = Failure("joining", 53105, "RoomMaxParticipantsExceeded", "Room contains too many Participants")
CRASH = Failure("script", None, "ValueError", "no \x00 such <thing>")
LOAD = Load(0.004, 0.25)


def result(number: int, connect: float | None = 0.1, **more: Any) -> Result:
    received = {"audio": Received(tracks=4, silent=0, bytes=40_000, packets=1000, lost=0, frames=1000)}
    values = {"media_seconds": 0.2, "stay_seconds": 10.0, "received": received, **more}
    if connect is None:
        values |= {"media_seconds": None, "stay_seconds": 0.0, "received": {}}
    return replace(Result(number, f"bot-{number}", "load"), connect_seconds=connect, **values)


def report(*results: Result, loads: tuple[Load, ...] = (LOAD,)) -> Report:
    return Report(1, len(loads), 12.5, results, loads)
