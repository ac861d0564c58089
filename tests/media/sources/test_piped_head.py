"""What is looked at before FFmpeg reads a pipe."""

import pytest

from videocli.media.sources.piped_head import HeadFirst, has_index_last


def box(kind: bytes, content: bytes = b"") -> bytes:
    return (8 + len(content)).to_bytes(4) + kind + content


FTYP = box(b"ftyp", b"isom" * 4)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (FTYP + box(b"free") + box(b"mdat"), True),
        (FTYP + box(b"moov") + box(b"mdat"), False),
        (FTYP + box(b"free", bytes(1000)), False),
        (FTYP + (0).to_bytes(4) + b"free", False),
        (FTYP, False),
        (box(b"mdat"), False),
        (b"", False),
    ],
)
def test_an_mp4_says_at_its_beginning_whether_its_index_comes_last(head: bytes, expected: bool) -> None:
    assert has_index_last(head) is expected


class Trickle:
    def __init__(self, data: bytes) -> None:
        self.left = data

    def read(self, size: int) -> bytes:
        some, self.left = self.left[: min(size, 7)], self.left[min(size, 7) :]
        return some


@pytest.mark.parametrize("length", [1, 100, 128, 1000])
def test_nothing_is_lost_of_what_was_looked_at(length: int) -> None:
    data = bytes(n % 251 for n in range(length))
    file = HeadFirst("stdin", Trickle(data))
    read = b""
    while some := file.read(50):
        read += some
    assert read == data
