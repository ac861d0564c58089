import random

import pytest

from videocli.errors import RoomError
from videocli.server.registry import Registry


def a_registry() -> Registry:
    return Registry(max_participants=2, chance=random.Random(1))


def test_a_room_is_made_when_somebody_asks_for_it() -> None:
    registry = a_registry()
    room, _ = registry.enter("standup", "alice", True)
    assert room.name == "standup"
    assert room.sid.startswith("RM")
    assert registry.enter("standup", "bob", True)[0] is room


def test_a_room_is_found_by_its_sid_too() -> None:
    registry = a_registry()
    room, _ = registry.enter("standup", "alice", True)
    assert registry.enter(room.sid, "bob", True)[0] is room


def test_a_room_without_a_name_is_named_by_its_sid_and_is_nobody_elses() -> None:
    registry = a_registry()
    room, _ = registry.enter(None, "alice", True)
    assert room.name == room.sid
    assert registry.enter(None, "bob", True)[0] is not room


def test_no_room_is_made_for_an_unknown_sid() -> None:
    with pytest.raises(RoomError) as refused:
        a_registry().enter("RM" + "0" * 32, "alice", True)
    assert refused.value.code == 53106


def test_a_room_closes_with_its_last_participant() -> None:
    registry = a_registry()
    room, alice = registry.enter("standup", "alice", True)
    _, bob = registry.enter("standup", "bob", True)
    assert not registry.leave(room, alice)
    assert registry.find("standup") is room
    assert registry.leave(room, bob)
    assert registry.find("standup") is None
    assert registry.find(room.sid) is None
    assert registry.enter("standup", "alice", True)[0].sid != room.sid


def test_the_limit_holds_for_each_room() -> None:
    registry = a_registry()
    for name in ("one", "two"):
        registry.enter(name, "alice", True)
        registry.enter(name, "bob", True)
        with pytest.raises(RoomError) as refused:
            registry.enter(name, "carol", True)
        assert refused.value.code == 53105


def test_whoever_is_away_too_long_is_overdue() -> None:
    registry = a_registry()
    room, alice = registry.enter("standup", "alice", True)
    _, bob = registry.enter("standup", "bob", True)
    assert registry.timer() is None
    alice.leave_for(now=100.0, session_timeout=30.0)
    bob.leave_for(now=110.0, session_timeout=30.0)
    assert registry.timer() == 130.0
    assert registry.overdue(129.9) == ()
    assert registry.overdue(130.0) == ((room, alice),)
    alice.come_back()
    assert registry.timer() == 140.0
