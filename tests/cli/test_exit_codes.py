import pytest

from videocli.cli.exit_codes import ExitCode, UsageError, exit_code_for
from videocli.errors import ERRORS, SourceError, error

CONTRACT = {
    ExitCode.TOKEN: range(20101, 20108),
    ExitCode.ROOM: range(53100, 53400),
    ExitCode.SIGNALING: (*range(53000, 53007), 53500, 53501),
    ExitCode.MEDIA: range(53400, 53500),
}


def test_the_codes_are_those_of_the_contract() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0,
        "FAULT": 1,
        "USAGE": 2,
        "TOKEN": 3,
        "ROOM": 4,
        "SIGNALING": 5,
        "MEDIA": 6,
        "UNTIL_TIMED_OUT": 7,
        "FAIL_IF": 8,
        "STOPPED": 130,
    }


@pytest.mark.parametrize("code", ERRORS)
def test_each_error_has_the_exit_code_of_its_range(code: int) -> None:
    assert [exit_code_for(error(code))] == [kind for kind, codes in CONTRACT.items() if code in codes]


def test_an_error_of_the_server_s_own_is_a_refusal() -> None:
    assert exit_code_for(error(99999)) is ExitCode.ROOM


@pytest.mark.parametrize("fault", [UsageError("p", "r"), SourceError(message="no such file")])
def test_what_was_asked_for_wrongly_is_bad_usage(fault: Exception) -> None:
    assert exit_code_for(fault) is ExitCode.USAGE


@pytest.mark.parametrize("fault", [ValueError(), OSError(), AssertionError()])
def test_everything_else_is_a_fault_of_ours(fault: Exception) -> None:
    assert exit_code_for(fault) is ExitCode.FAULT
