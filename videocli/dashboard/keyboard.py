"""The input side of a terminal: the mode in which each key comes as it is pressed, and the keys."""

import asyncio
import codecs
import os
import termios
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from videocli.dashboard.keys import KeyParser

CONTROLLING_TERMINAL = "/dev/tty"
"""POSIX.1-2017, Base Definitions, 10.1."""

_IFLAG, _LFLAG, _CC = 0, 3, 6
"""Where `termios.tcgetattr` has the modes of input, the local modes and the control characters."""


class Keyboard:
    """Keys from `stdin`, or where that is no terminal, from the terminal that controls us.

    Nothing at all where there is neither. Call `close` at the end.
    """

    def __init__(self, stdin: int, terminal: str = CONTROLLING_TERMINAL) -> None:
        self._fd = _own_description(stdin, terminal)
        self._saved: list[Any] | None = None
        self._text = codecs.getincrementaldecoder("utf-8")("replace")
        self._parser = KeyParser()
        self._silence: asyncio.TimerHandle | None = None

    @property
    def is_there(self) -> bool:
        """Whether anybody can press a key."""
        return self._fd is not None

    def enter(self, on_keys: Callable[[Sequence[str]], None]) -> None:
        """Get each key as it is pressed, unseen; signals (Ctrl-C, Ctrl-Z) stay signals."""
        if self._fd is None:
            return
        with suppress(termios.error):  # closed in the meantime
            if self._saved is None:
                self._saved = termios.tcgetattr(self._fd)
            mode = list(self._saved)
            mode[_IFLAG] &= ~(termios.IXON | termios.ICRNL)
            mode[_LFLAG] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
            mode[_CC] = list(mode[_CC])
            mode[_CC][termios.VMIN], mode[_CC][termios.VTIME] = 1, 0
            termios.tcsetattr(self._fd, termios.TCSANOW, mode)
            asyncio.get_running_loop().add_reader(self._fd, self._read, self._fd, on_keys)
            self._wait_for_more(on_keys)

    def leave(self, give_back: bool) -> None:
        """Stop reading; `give_back`: restore the mode, which a shell does when we are in its background."""
        if self._fd is None or self._saved is None:
            return
        asyncio.get_running_loop().remove_reader(self._fd)
        self._stop_waiting()
        if give_back:
            with suppress(OSError, termios.error):
                # Keys pressed too late are not for the shell.
                termios.tcflush(self._fd, termios.TCIFLUSH)
                # Now, not after the output has drained: a stopped terminal never drains.
                termios.tcsetattr(self._fd, termios.TCSANOW, self._saved)
        self._saved = None

    def close(self) -> None:
        """Close what this object opened."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _read(self, fd: int, on_keys: Callable[[Sequence[str]], None]) -> None:
        try:
            data = os.read(fd, 4096)
        except BlockingIOError:  # flushed, or taken by somebody else
            return
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(fd)
            return
        keys = self._parser.receive(self._text.decode(data))
        self._wait_for_more(on_keys)
        if keys:
            on_keys(keys)

    def _wait_for_more(self, on_keys: Callable[[Sequence[str]], None]) -> None:
        self._stop_waiting()
        patience = self._parser.patience
        if patience is not None:
            self._silence = asyncio.get_running_loop().call_later(patience, self._nothing_came, on_keys)

    def _nothing_came(self, on_keys: Callable[[Sequence[str]], None]) -> None:
        keys = self._parser.silence()
        if keys:
            on_keys(keys)

    def _stop_waiting(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None


def _own_description(stdin: int, controlling_terminal: str) -> int | None:
    """A descriptor of our own for the terminal; None: there is none.

    The event loop makes what it reads non-blocking, and flags belong to the open file: with `stdin` itself,
    the shell and its other programs would find their terminal non-blocking, and their output cut short.
    """
    for name in (_name_of(stdin), controlling_terminal):
        if name is not None:
            with suppress(OSError):
                return os.open(name, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    return None


def _name_of(fd: int) -> str | None:
    try:
        return os.ttyname(fd)
    except OSError:
        return None
