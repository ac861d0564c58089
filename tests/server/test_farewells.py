from videocli.protocol.rsp import ServerError
from videocli.server.farewells import MAX_FAREWELLS, Farewells

REPLACED = ServerError(53205, "duplicate")


def test_a_farewell_is_kept_for_its_own_identity_and_time() -> None:
    farewells = Farewells(30.0)
    farewells.keep("s1", "alice", REPLACED, now=100.0)
    assert farewells.find("s1", "alice", 129.9) == REPLACED
    assert farewells.find("s1", "bob", 100.0) is None
    assert farewells.find("s2", "alice", 100.0) is None
    assert farewells.find("s1", "alice", 130.0) is None


def test_the_oldest_are_forgotten_when_there_are_too_many() -> None:
    farewells = Farewells(30.0)
    for number in range(MAX_FAREWELLS + 1):
        farewells.keep(f"s{number}", "alice", REPLACED, now=0.0)
    assert farewells.find("s0", "alice", 0.0) is None
    assert farewells.find("s1", "alice", 0.0) == REPLACED
    assert farewells.find(f"s{MAX_FAREWELLS}", "alice", 0.0) == REPLACED
