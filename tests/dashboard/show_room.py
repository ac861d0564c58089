"""Shows a room that never changes until a key leaves it: a program for the tests, on the real loop."""

from dataclasses import replace

from tests.dashboard import rooms
from videocli.cli.wiring import run
from videocli.dashboard.terminal import show
from videocli.engine.commands import Command, Disconnect
from videocli.engine.room.snapshot import Snapshot


def main() -> None:
    """Show it."""
    snapshot = rooms.connected(2)

    def post(command: Command) -> None:
        nonlocal snapshot
        if isinstance(command, Disconnect):
            snapshot = replace(snapshot, room=replace(snapshot.room, state="disconnected"))

    def get_snapshot() -> Snapshot:
        return snapshot

    run(show(get_snapshot, post))


if __name__ == "__main__":
    main()
