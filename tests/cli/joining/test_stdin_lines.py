"""Standard input, line by line."""

import asyncio
import os
import threading

import pytest

from videocli.cli.joining import stdin_lines
from videocli.cli.joining.stdin_lines import MAX_LINE_BYTES, lines, read_line


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


@pytest.mark.parametrize("length", [MAX_LINE_BYTES + 1, MAX_LINE_BYTES + 65_536, 3 * MAX_LINE_BYTES])
def test_a_line_that_is_too_long_is_one_line_whose_tail_is_no_line(length: int) -> None:
    tail = b'{"command":"disconnect"}'
    assert all_lines(b"x" * length + tail + b"\nnext\n") == ["x" * MAX_LINE_BYTES, "next"]


def test_a_long_last_line_without_end_is_cut() -> None:
    assert all_lines(b"x" * (2 * MAX_LINE_BYTES)) == ["x" * MAX_LINE_BYTES]


def test_reading_one_line_leaves_the_rest() -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b"token\nnext")
    os.close(write_end)
    assert read_line(read_end) == "token"
    assert os.read(read_end, 10) == b"next"
    assert read_line(read_end) == ""
    os.close(read_end)


def test_one_line_that_is_too_long_leaves_nothing_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdin_lines, "MAX_LINE_BYTES", 8)
    read_end, write_end = os.pipe()
    os.write(write_end, b"far too long\nnext")
    os.close(write_end)
    assert read_line(read_end) == "far too "
    assert os.read(read_end, 10) == b"next"
    os.close(read_end)


def test_a_pipe_that_somebody_made_non_blocking_is_waited_for() -> None:
    """Such flags belong to the open file, which whoever started us may share; no data is no end."""

    async def collect() -> list[str]:
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        reading = lines(read_end)
        later = asyncio.get_running_loop().call_later(0.05, os.write, write_end, b"one\n")
        try:
            return [await anext(reading, "the end")]
        finally:
            later.cancel()
            os.close(write_end)
            await anext(reading, "the end")
            os.close(read_end)

    assert asyncio.run(collect()) == ["one"]


def test_one_line_of_such_a_pipe_is_waited_for() -> None:
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    later = threading.Timer(0.05, os.write, (write_end, b"token\n"))
    later.start()
    assert read_line(read_end) == "token"
    later.join()
    os.close(write_end)
    os.close(read_end)
