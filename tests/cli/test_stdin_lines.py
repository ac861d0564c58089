"""Standard input, line by line."""

import asyncio
import os

from videocli.cli.stdin_lines import MAX_LINE_BYTES, lines, read_line


def all_lines(data: bytes) -> list[str]:
    async def collect() -> list[str]:
        read_end, write_end = os.pipe()

        def feed() -> None:
            with os.fdopen(write_end, "wb") as pipe:
                pipe.write(data)

        feeding = asyncio.create_task(asyncio.to_thread(feed))
        try:
            return [line async for line in lines(read_end)]
        finally:
            await feeding
            os.close(read_end)

    return asyncio.run(collect())


def test_lines_come_without_their_ends() -> None:
    assert all_lines(b"one\ntwo\r\n\nlast") == ["one", "two", "", "last"]


def test_bytes_that_are_no_text_do_not_end_the_reading() -> None:
    assert all_lines(b"\xff\xfe\nnext\n") == ["\ufffd\ufffd", "next"]


def test_a_line_without_end_is_cut_rather_than_kept_for_ever() -> None:
    got = all_lines(b"x" * (3 * MAX_LINE_BYTES) + b"\nnext\n")
    assert "".join(got[:-1]) == "x" * (3 * MAX_LINE_BYTES)
    assert len(got) > 2
    assert got[-1] == "next"


def test_reading_one_line_leaves_the_rest() -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b"token\nnext")
    os.close(write_end)
    assert read_line(read_end) == "token"
    assert os.read(read_end, 10) == b"next"
    assert read_line(read_end) == ""
    os.close(read_end)
