import errno
import socket

import pytest

from videocli.addresses import is_local


def test_an_address_of_this_machine_is_known_as_such() -> None:
    assert is_local("127.0.0.1")
    assert not is_local("192.0.2.1")


def test_without_a_file_descriptor_to_look_with_the_address_counts_as_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket, "socket", refuse)
    assert is_local("192.0.2.1")
