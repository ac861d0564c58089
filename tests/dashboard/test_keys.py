import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from videocli.dashboard.keys import is_reply_begun, split_keys


@pytest.mark.parametrize(
    ("text", "keys", "begun"),
    [
        ("q", ["q"], ""),
        ("jk?", ["j", "k", "?"], ""),
        ("\x03\x0c", ["ctrl+c", "ctrl+l"], ""),
        ("\r\t\x7f\x1b[Z", ["enter", "tab", "backspace", "shift+tab"], ""),
        ("\x1b[A\x1b[B\x1bOA\x1bOB", ["up", "down", "up", "down"], ""),
        ("\x1b[200~q\x1b[201~", ["paste-begins", "q", "paste-ends"], ""),
        ("\x1b[5~\x1b[6~\x1b[H\x1b[4~", ["page-up", "page-down", "home", "end"], ""),
        ("j\x1b", ["j"], "\x1b"),
        ("j\x1b[", ["j"], "\x1b["),
        ("\x1b[5", [], "\x1b[5"),
        ("\x1b[1;5A", [], ""),
        ("\x1bq", [], ""),
        ("\x1b\x1b[A", ["escape", "up"], ""),
        ("é李", ["é", "李"], ""),
        ("q\x1b[?62;4;22cj", ["q", "reply \x1b[?62;4;22c", "j"], ""),
        ("\x1b[6;20;10t", ["reply \x1b[6;20;10t"], ""),
        ("\x1b_Gi=7;OK\x1b\\q", ["reply \x1b_Gi=7;OK\x1b\\", "q"], ""),
        ("\x1b_Gi=7;E", [], "\x1b_Gi=7;E"),
        ("\x1b_Gi=7;OK\x1b", [], "\x1b_Gi=7;OK\x1b"),
        ("\x1b_", [], "\x1b_"),
    ],
)
def test_what_the_terminal_sends_is_split_into_keys(text: str, keys: list[str], begun: str) -> None:
    assert split_keys(text) == (keys, begun)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet="\x1b[O0;~Aq\x03_G\\", max_size=300))
def test_a_begun_sequence_never_grows_without_end(text: str) -> None:
    _, begun = split_keys(text)
    assert len(begun) <= 128
    assert text.endswith(begun)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.sampled_from(["\x1b[A", "\x1bOB", "\x1b[5~", "q", "é", "\x0c", "\x1b[?4c", "\x1b_Gi=1;OK\x1b\\"]),
        max_size=8,
    ),
    st.data(),
)
def test_where_the_text_is_cut_makes_no_difference(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    at = data.draw(st.integers(0, len(text)))
    first, begun = split_keys(text[:at])
    second, rest = split_keys(begun + text[at:])
    assert (first + second, rest) == split_keys(text)


@pytest.mark.parametrize(
    ("begun", "is_reply"),
    [
        ("\x1b[?6", True),
        ("\x1b_Gi=", True),
        ("\x1b[6;20", True),
        ("\x1b[5", False),
        ("\x1b", False),
        ("\x1b[1;5", False),
    ],
)
def test_only_what_no_key_begins_with_is_waited_for(begun: str, is_reply: bool) -> None:
    assert is_reply_begun(begun) is is_reply
