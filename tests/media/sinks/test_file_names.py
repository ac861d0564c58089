"""Names from the network make safe file names."""

import pytest

from videocli.media.sinks.file_names import FileNames


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        ("alice", "alice-1.mkv"),
        ("Zoë Ångström", "Zoë_Ångström-1.mkv"),
        ("../../etc/passwd", "_.._etc_passwd-1.mkv"),
        ("..", "unnamed-1.mkv"),
        ("", "unnamed-1.mkv"),
        ("-rf", "rf-1.mkv"),
        ("a\0b\nc\x1b[31m", "a_b_c__31m-1.mkv"),
        ("con", "con-1.mkv"),
        ("\ud800x", "_x-1.mkv"),
        ("c:\\x|y?*", "c__x_y__-1.mkv"),
    ],
)
def test_whatever_somebody_calls_themselves(identity: str, name: str) -> None:
    assert FileNames().new(identity, suffix=".mkv") == name


def test_a_long_name_is_cut_at_a_letter() -> None:
    name = FileNames().new("é" * 500, "x" * 500, suffix=".mkv")
    assert len(name.encode()) < 140


def test_no_name_is_given_twice_even_where_case_does_not_matter() -> None:
    names = FileNames(("ALICE-1.mkv",))
    assert [names.new(who, suffix=".mkv") for who in ("alice", "Alice", "a/lice", "a_lice")] == [
        "alice-2.mkv",
        "Alice-3.mkv",
        "a_lice-1.mkv",
        "a_lice-2.mkv",
    ]
