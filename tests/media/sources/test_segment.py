"""How large a Matroska file is by its own words."""

from pathlib import Path

import pytest

from tests.media.sources.support import make_file
from videocli.media.sources.segment import HEAD_BYTES, stated_size

EBML = bytes.fromhex("1a45dfa3 83 428101")
SEGMENT = bytes.fromhex("18538067")


@pytest.mark.parametrize("name", ["a.webm", "a.mkv"])
def test_a_whole_file_has_the_size_that_it_states(name: str, tmp_path: Path) -> None:
    data = make_file(tmp_path / name, video="libvpx").read_bytes()
    assert stated_size(data[:HEAD_BYTES]) == len(data)


@pytest.mark.parametrize("size", ["85", "4005", "0100000000000005"])
def test_a_size_may_have_any_length(size: str) -> None:
    field = bytes.fromhex(size)
    assert stated_size(EBML + SEGMENT + field) == len(EBML + SEGMENT + field) + 5


@pytest.mark.parametrize("unknown", ["ff", "7fff", "01ffffffffffffff"])
def test_what_was_written_as_a_stream_states_none(unknown: str) -> None:
    assert stated_size(EBML + SEGMENT + bytes.fromhex(unknown)) is None
    assert stated_size(EBML[:4] + bytes.fromhex(unknown)) is None


@pytest.mark.parametrize(
    "head",
    [
        b"",
        EBML,
        EBML[:4],
        EBML + SEGMENT,
        EBML + SEGMENT + b"\0",
        EBML + SEGMENT + b"\1\0",
        EBML + EBML,
        b"RIFF" * 9,
    ],
)
def test_what_is_cut_or_no_matroska_states_none(head: bytes) -> None:
    assert stated_size(head) is None
