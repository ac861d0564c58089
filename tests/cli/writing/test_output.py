import io
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from videocli.cli.exit_codes import UsageError
from videocli.cli.writing import output


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines on stderr, less their time."""
    return [line.partition(" videocli.x: ")[2] or line for line in capsys.readouterr().err.splitlines()]


def speak() -> None:
    log = logging.getLogger("videocli.x")
    output.say("said")
    output.warn("careful")
    output.complain("wrong", "do this")
    log.warning("a warning")
    log.info("an info")
    log.debug("a debug")


@pytest.mark.parametrize(
    ("verbosity", "more"),
    [
        (0, ["a warning"]),
        (1, ["a warning", "an info"]),
        (2, ["a warning", "an info", "a debug"]),
        (9, ["a warning", "an info", "a debug"]),
    ],
)
def test_verbosity_adds_diagnoses(
    capsys: pytest.CaptureFixture[str], verbosity: int, more: list[str]
) -> None:
    output.set_up(verbosity)
    speak()
    assert shown(capsys) == ["said", "warning: careful", "error: wrong", "do this", *more]


def test_quiet_leaves_the_errors(capsys: pytest.CaptureFixture[str]) -> None:
    output.set_up(is_quiet=True)
    output.say("said")
    output.warn("careful")
    output.complain("wrong", "do this")
    assert shown(capsys) == ["error: wrong", "do this"]


def test_a_traceback_shows_from_vv_on(capsys: pytest.CaptureFixture[str]) -> None:
    for verbosity, expected in ((1, False), (2, True)):
        output.set_up(verbosity)
        logging.getLogger("videocli.x").error("oh", exc_info=ValueError("bad"))
        assert ("ValueError: bad" in capsys.readouterr().err) is expected


def test_the_log_file_gets_everything_with_tracebacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output.set_up(log_file=tmp_path / "log")
    speak()
    logging.getLogger("other").debug("of another", exc_info=ValueError("bad"))
    text = (tmp_path / "log").read_text()
    assert all(
        word in text for word in ("said", "wrong", "an info", "a debug", "of another", "ValueError: bad")
    )
    assert "an info" not in capsys.readouterr().err


def test_a_full_disk_is_told_once_in_words_and_ends_the_log_there(capsys: pytest.CaptureFixture[str]) -> None:
    output.set_up(log_file=Path("/dev/full"))
    speak()
    speak()
    said = shown(capsys)
    warnings = [line for line in said if "/dev/full" in line]
    assert warnings == [
        "warning: the log file /dev/full takes no more, so the log ends there: No space left on device"
    ]
    assert said.count("error: wrong") == 2
    assert not any("Traceback" in line for line in said)


@pytest.mark.parametrize("is_read", [False, True])
def test_a_pipe_is_no_log_file_and_nobody_waits_for_it(tmp_path: Path, is_read: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK) if is_read else None
    try:
        with pytest.raises(UsageError, match="neither a file nor a device"):
            output.set_up(log_file=tmp_path / "pipe")
    finally:
        if reader is not None:
            os.close(reader)


def test_a_log_file_is_appended_to_and_a_device_will_do(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("of old\n")
    output.set_up(log_file=tmp_path / "log")
    output.say("said")
    assert (tmp_path / "log").read_text() == "of old\nsaid\n"
    output.set_up(log_file=Path(os.devnull))
    output.say("said")


def test_a_log_file_that_cannot_be_written_is_bad_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written: Is a directory"):
        output.set_up(log_file=tmp_path)


@pytest.mark.parametrize("verbosity", [0, 1, 2])
def test_no_secret_is_shown_or_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verbosity: int
) -> None:
    output.set_up(verbosity, log_file=tmp_path / "log")
    output.say("token=abc")
    output.complain("bad token=abc", "see api_secret='abc'")
    log = logging.getLogger("videocli.x")
    log.warning("offer %s", "a=ice-pwd:abc", exc_info=ValueError("password='abc'"))
    assert "abc" not in capsys.readouterr().err + (tmp_path / "log").read_text()


def test_websockets_never_logs_its_frames(capsys: pytest.CaptureFixture[str]) -> None:
    output.set_up(2)
    logging.getLogger("websockets.client").debug("frame")
    assert capsys.readouterr().err == ""


def test_words_go_where_stderr_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    output.set_up()
    elsewhere = io.StringIO()
    monkeypatch.setattr(sys, "stderr", elsewhere)
    output.say("here")
    assert elsewhere.getvalue() == "here\n"


def test_an_error_is_two_lines_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    output.set_up()
    output.complain("a\nb\x1b[2J", "c\r\nd")
    assert capsys.readouterr().err == "error: a b [2J\nc d\n"


def test_results_are_lines_of_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    output.result("plain")
    output.json_result({"identity": "Zoë", "n": None})
    assert capsys.readouterr().out == 'plain\n{"identity":"Zo\\u00eb","n":null}\n'


def test_what_others_sent_can_neither_steer_the_terminal_nor_begin_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.set_up(verbosity=1)
    logging.getLogger("videocli.server").info("peer %s", "\x1b]0;owned\x07\x1b[2J\r\nFAKE \u202eLINE")
    written = capsys.readouterr().err
    assert written.count("\n") == 1
    assert not any(character in written for character in "\x1b\x07\r\u202e")
    assert "FAKE LINE" in written.replace("  ", " ")


def test_what_waited_goes_to_stderr_and_nowhere_where_stderr_is_gone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    output.catch_up("waited\n")
    assert capsys.readouterr().err == "waited\n"
    monkeypatch.setattr(sys, "stderr", Gone())
    output.catch_up("lost\n")
