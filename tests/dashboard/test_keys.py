import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from videocli.dashboard.keys import ESCAPE_SECONDS, SILENCE_SECONDS, KeyParser, split_keys


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
        ("\x1b_Gi=7;OK\x07q", ["q"], ""),
        ("\x1b]11;rgb:1c/1e/20\x1b\\j", ["j"], ""),
        ("\x1b]11;rgb:1c/1e/20\x07j", ["j"], ""),
        ("\x1b]11;qqq", [], "\x1b]11;qqq"),
        ("\x1bP1$r0 q\x1b\\j", ["j"], ""),
        ("\x1bXq\x1b\\\x1b^q\x1b\\\x1b_q\x1b\\", [], ""),
        ("\x1b]q\x1b[Bj", ["down", "j"], ""),
        ("\x1bPq\x18j", ["j"], ""),
        ("\x1b[Mq!qj", ["j"], ""),
        ("\x1b[Mq", [], "\x1b[Mq"),
        ("\x1b[<0;1;1Mj", ["j"], ""),
        ("\x1b[20\x1b[Bj", ["down", "j"], ""),
        ("\x1bO\x1b[B\x1b[\r", ["down", "enter"], ""),
        ("\x1b[20", [], "\x1b[20"),
    ],
)
def test_what_the_terminal_sends_is_split_into_keys(text: str, keys: list[str], begun: str) -> None:
    assert split_keys(text) == (keys, begun)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet="\x1b[OM0;~Aq\x03_GP]\\\x07", max_size=300))
def test_a_begun_sequence_never_grows_without_end(text: str) -> None:
    _, begun = split_keys(text)
    assert len(begun) <= 128
    assert text.endswith(begun) or len(text) > 128


@pytest.mark.parametrize(
    ("begins", "ends"), [("\x1b]52;c;", "\x07"), ("\x1b_G", "\x1b\\"), ("\x1bP", "\x1b\\"), ("\x1b[", "A")]
)
def test_nothing_of_a_long_sequence_is_a_key(begins: str, ends: str) -> None:
    parser = KeyParser()
    middle = "0" if begins == "\x1b[" else "q"
    assert [key for _ in range(3) for key in parser.receive(begins + middle * 1000 + ends)] == []
    pieces = [begins, *[middle * 50] * 20, *ends]
    assert [key for piece in pieces for key in parser.receive(piece)] == []
    assert parser.receive("q") == ["q"]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.sampled_from(
            [
                "\x1b[A",
                "\x1bOB",
                "\x1b[5~",
                "q",
                "é",
                "\x0c",
                "\x1b[?4c",
                "\x1b_Gi=1;OK\x1b\\",
                "\x1b]1q\x07",
                "\x1b[Mq!!",
            ]
        ),
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
    ("text", "patience", "keys"),
    [
        ("\x1b", ESCAPE_SECONDS, ["escape"]),
        ("\x1b[5", SILENCE_SECONDS, []),
        ("\x1bO", SILENCE_SECONDS, []),
        ("\x1b]11;q", SILENCE_SECONDS, []),
        ("\x1b]11;q\x1b", SILENCE_SECONDS, []),
        ("\x1b[200~q", SILENCE_SECONDS, ["paste-ends"]),
        ("\x1b[200~q\x1b", ESCAPE_SECONDS, ["paste-ends"]),
        ("\x1b[200~q\x1b[20", SILENCE_SECONDS, ["paste-ends"]),
    ],
)
def test_silence_ends_what_has_begun_and_an_escape_sooner(
    text: str, patience: float, keys: list[str]
) -> None:
    parser = KeyParser()
    parser.receive(text)
    assert parser.patience == patience
    assert parser.silence() == keys
    assert parser.patience is None
    assert parser.receive("q") == ["q"]


def test_nobody_waits_where_nothing_has_begun() -> None:
    parser = KeyParser()
    parser.receive("q\x1b[A\x1b[200~q\x1b[201~")
    assert parser.patience is None


def test_the_mark_of_a_paste_may_come_apart() -> None:
    parser = KeyParser()
    assert parser.receive("\x1b[20") == []
    assert parser.receive("0~q") == ["paste-begins", "q"]
