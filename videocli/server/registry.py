"""The rooms of one server: made on the fly, found by name or SID, closed when the last participant leaves."""

import random
import re
from collections.abc import Iterator, Sequence

from videocli.errors import error
from videocli.server.room import Participant, Room, make_sid

_ROOM_SID = re.compile("RM[0-9a-f]{32}")


class Registry:
    """All rooms."""

    def __init__(self, max_participants: int, chance: random.Random) -> None:
        self._max_participants = max_participants
        self._chance = chance
        self._rooms: dict[str, Room] = {}
        self._by_name: dict[str, Room] = {}

    @property
    def rooms(self) -> Sequence[Room]:
        """Every open room, the oldest first."""
        return tuple(self._rooms.values())

    def find(self, name: str) -> Room | None:
        """The open room with this name or SID."""
        return self._by_name.get(name) or self._rooms.get(name)

    def enter(self, name: str | None, identity: str, subscribes: bool) -> tuple[Room, Participant]:
        """A new participant in the room of this name or SID, or (None) in a room of its own named by its SID.

        Raises `RoomError` 53105 when the room is full, 53106 for the SID of a room that is not open.
        """
        room = self.find(name) if name is not None else None
        if room is None:
            room = self._open(name)
        return room, room.enter(identity, subscribes, self._max_participants)

    def leave(self, room: Room, participant: Participant) -> bool:
        """A participant is gone; True: and so is the room."""
        room.remove(participant)
        if room.participants or room.sid not in self._rooms:
            return False
        del self._rooms[room.sid]
        del self._by_name[room.name]
        return True

    def timer(self) -> float | None:
        """When the next session of somebody away ends."""
        return min((until for _, _, until in self._away()), default=None)

    def overdue(self, now: float) -> tuple[tuple[Room, Participant], ...]:
        """Those who have been away too long."""
        return tuple((room, participant) for room, participant, until in self._away() if now >= until)

    def _away(self) -> Iterator[tuple[Room, Participant, float]]:
        for room in self.rooms:
            for participant in room.participants:
                if participant.away_until is not None:
                    yield room, participant, participant.away_until

    def _open(self, name: str | None) -> Room:
        if name is not None and _ROOM_SID.fullmatch(name):
            raise error(53106)
        sid = make_sid("RM", self._chance)
        room = Room(sid, name or sid, self._chance)
        self._rooms[sid] = room
        self._by_name[room.name] = room
        return room
