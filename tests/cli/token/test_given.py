import io

import pytest

from videocli.cli.exit_codes import UsageError
from videocli.cli.token.given import given_token
from videocli.cli.token.origin import ENVIRONMENT, OPTION, STDIN, TOKEN, Origin


@pytest.mark.parametrize("option", [None, ""])
def test_a_line_s_end_in_the_environment_is_no_part_of_the_token(
    option: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a file or a Kubernetes secret was put into it."""
    monkeypatch.setenv(TOKEN, "a.b.c\r\n")
    assert given_token(option) == ("a.b.c", ENVIRONMENT)


def test_blanks_in_the_environment_are_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, " \n")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert given_token(None) is None
    with pytest.raises(UsageError):
        given_token("")


@pytest.mark.parametrize(("option", "origin"), [("x.y.z", OPTION), ("-", STDIN)])
def test_the_option_comes_before_the_environment(
    option: str, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN, "a.b.c")
    monkeypatch.setattr("videocli.cli.joining.stdin_lines.read_line", lambda: "x.y.z\n")
    assert given_token(option) == ("x.y.z", origin)
