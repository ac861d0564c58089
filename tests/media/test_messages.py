import pytest

from videocli.media import messages
from videocli.media.messages import UnsentMessages, size_of


@pytest.mark.parametrize(("data", "size"), [("", 1), (b"", 1), ("a", 1), ("ü", 2), (b"\x00\xff", 2)])
def test_the_size_is_that_on_the_wire(data: str | bytes, size: int) -> None:
    assert size_of(data) == size


def test_what_is_taken_is_all_that_was_added_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "MAX_UNSENT_BYTES", 5)
    unsent = UnsentMessages()
    assert [unsent.add(data) for data in ("üa", "x", b"12", "y")] == [True, True, False, True]
    assert unsent.size == 5
    assert unsent.take() == ["üa", "x", "y"]
    assert (unsent.size, unsent.take()) == (0, [])
    assert unsent.add("again")
