import json

import pytest

from videocli.protocol.fields import MAX_REVISION, Fields, ProtocolError, loads


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        '"hello"',
        "null",
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": -Infinity}',
        '{"a": 1e999}',
        '{"a": ' + "9" * 5000 + "}",
        '{"a": ' + "9" * 18 + "}",
        '{"a": "\\ud800"}',
        '{"a": "\ud800"}',
        '{"\\udfff": 1}',
        '{"a": ' + "[" * 40 + "]" * 40 + "}",
        '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"a":' * 100_000,
        '{"a": "' + "x" * (1 << 20) + '"}',
    ],
    ids=range(18),
)
def test_text_that_is_no_sound_json_object_is_a_protocol_error(text: str) -> None:
    with pytest.raises(ProtocolError):
        loads(text)


def test_text_beyond_ascii_and_surrogate_pairs_are_sound() -> None:
    assert loads('{"name": "\\ud83d\\ude00 ü 😀"}') == {"name": "😀 ü 😀"}


def test_the_deepest_rsp_message_is_not_too_deep() -> None:
    nested: object = 1
    for _ in range(30):
        nested = {"a": nested}
    assert loads(json.dumps(nested)) == nested


@pytest.mark.parametrize("value", [-1, MAX_REVISION + 1, 1.5, "1", True, [], {}, None])
def test_a_revision_is_a_small_whole_number(value: object) -> None:
    with pytest.raises(ProtocolError, match=r"participant\.revision"):
        Fields({"revision": value}, "participant").revision()


def test_an_error_names_the_place_and_never_quotes_the_value() -> None:
    fields = Fields({"tracks": [{"id": "x"}, {"id": ["secret"]}]}, "participant")
    second = fields.objects("tracks", 10)[1]
    with pytest.raises(ProtocolError) as caught:
        second.string("id")
    assert str(caught.value) == "participant.tracks[1].id must be a string"


def test_null_counts_as_missing() -> None:
    fields = Fields({"name": None, "tracks": None, "flag": None})
    assert "name" not in fields
    assert fields.string_or_none("name") is None
    assert fields.objects("tracks", 1) == []
    assert fields.boolean("flag", default=True) is True


def test_lists_and_strings_have_limits() -> None:
    fields = Fields({"tracks": [{}] * 11, "name": "x" * 11})
    with pytest.raises(ProtocolError, match="at most 10"):
        fields.objects("tracks", 10)
    with pytest.raises(ProtocolError, match="10 characters"):
        fields.string("name", limit=10)
