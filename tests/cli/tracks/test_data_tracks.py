import pytest

from videocli.cli.tracks.data_tracks import parse_data_track
from videocli.engine.commands import PublishData


@pytest.mark.parametrize(
    ("text", "track"),
    [
        ("chat", PublishData("chat")),
        ("chat,unordered", PublishData("chat", ordered=False)),
        ("chat,max-retransmits=0", PublishData("chat", max_retransmits=0)),
        ("chat,max-packet-life-time=250", PublishData("chat", max_packet_life_time=250)),
        ("chat,max-retransmits=65535,unordered", PublishData("chat", False, 65_535)),
        ("a,,b", PublishData("a,b")),
        ("a,,b,,,unordered", PublishData("a,b,", ordered=False)),
        ("名 =前", PublishData("名 =前")),
        ("n" * 128, PublishData("n" * 128)),
    ],
)
def test_a_name_and_its_options(text: str, track: PublishData) -> None:
    assert parse_data_track(text) == track


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "needs a name"),
        (",unordered", "needs a name"),
        ("chat,", "'' is no option"),
        ("chat,unorderd", "'unorderd' is no option"),
        ("chat,unordered,unordered", "there twice"),
        ("chat,max-retransmits=1,max-retransmits=2", "there twice"),
        ("chat,max-retransmits", "is no number"),
        ("chat,max-retransmits=", "is no number"),
        ("chat,max-retransmits=-1", "is no number"),
        ("chat,max-retransmits=²", "is no number"),
        ("chat,max-retransmits=65536", "0 to 65535 times"),
        ("chat,max-packet-life-time=0", "1 to 65535 ms"),
        ("chat,max-packet-life-time=99999999999999999999", "is no number"),
        ("chat,max-retransmits=1,max-packet-life-time=1", "not by both"),
        ("n" * 129, "at most 128 characters, not 129"),
        ("\udcff", "is Unicode"),
    ],
)
def test_anything_else_is_an_error_that_says_how_to_write_it(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match="NAME") as caught:
        parse_data_track(text)
    assert complaint in str(caught.value)
