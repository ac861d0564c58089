from videocli.cli.writing.held_text import HeldText


def written(*texts: str, limit: int) -> str:
    held = HeldText(limit)
    for text in texts:
        assert held.write(text) == len(text)
    return held.all_of_it()


def test_what_there_is_room_for_is_kept_as_it_was_written() -> None:
    assert written("one\n", "two\n", limit=8) == "one\ntwo\n"
    assert written(limit=8) == ""


def test_the_end_is_kept_and_what_is_left_out_counted() -> None:
    end = "(earlier lines left out: 2; --log-file keeps all)\ntwo\n"
    assert written("a\n", "one\n", "two\n", limit=7) == end


def test_of_a_text_beyond_all_bounds_the_end_is_kept() -> None:
    assert written("0123456789", limit=4) == "6789"


def test_it_never_holds_more_than_its_limit() -> None:
    assert len(written(*["x" * 100] * 1000, limit=250)) == 200
