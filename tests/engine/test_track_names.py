import pytest

from videocli.engine.track_names import refusal_of


@pytest.mark.parametrize("name", ["mic", "n" * 128, "名" * 128, "\U0001f3a4" * 128])
def test_128_characters_are_a_name(name: str) -> None:
    assert refusal_of(name) is None


@pytest.mark.parametrize(("name", "code"), [("n" * 129, 53302), ("n" * 10_000, 53302), ("\ud800", 53303)])
def test_what_no_server_takes_has_the_code_that_it_would_have(name: str, code: int) -> None:
    assert refusal_of(name) == code
