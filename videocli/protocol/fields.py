"""Reads JSON that came from somebody else: text into values, then typed fields out of an object.

Everything that is wrong with it, in any way, is a `ProtocolError`, so a reader needs to catch nothing else.
"""

import json
import math
from collections.abc import Mapping
from typing import NoReturn

MAX_TEXT = 1 << 20
"""Characters of one message; the transport's limit (1 MiB) comes first."""
MAX_DEPTH = 32
"""Levels of nesting; RSP needs nine."""
MAX_STRING = 4096
"""Characters of a name, an id or a candidate, unless said otherwise.

Far above every limit that has an error code of its own (a room's name, a track's name: 128), so that those
reach the code that answers with it.
"""
MAX_REVISION = 2**31 - 1

_MAX_INTEGER_DIGITS = 16


class ProtocolError(Exception):
    """The other side sent what the protocol does not allow.

    `str()` says what and where, and quotes nothing of it.
    """


def loads(text: str) -> dict[str, object]:
    """The JSON object in a message.

    Refuses what Python's reader lets through and others would choke on: NaN and Infinity, integers beyond
    16 digits, floats beyond range, lone surrogates, nesting deeper than `MAX_DEPTH`.
    """
    if len(text) > MAX_TEXT:
        raise ProtocolError("message too long")
    try:
        value = json.loads(text, parse_constant=_refuse, parse_int=_integer, parse_float=_float)
    except (ValueError, RecursionError) as reason:
        raise ProtocolError("not JSON") from reason
    if not isinstance(value, dict):
        raise ProtocolError("not a JSON object")
    _check(value)
    return value


def _refuse(constant: str) -> NoReturn:
    raise ProtocolError(f"{constant} is not JSON")


def _integer(digits: str) -> int:
    if len(digits) > _MAX_INTEGER_DIGITS + 1:
        raise ProtocolError("integer out of range")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ProtocolError("number out of range")
    return number


def _check(root: dict[str, object]) -> None:
    level: list[object] = [root]
    for _ in range(MAX_DEPTH):
        deeper: list[object] = []
        for value in level:
            if isinstance(value, dict):
                deeper.extend(value.keys())
                deeper.extend(value.values())
            elif isinstance(value, list):
                deeper.extend(value)
            elif isinstance(value, str) and not value.isascii():
                _check_unicode(value)
        if not deeper:
            return
        level = deeper
    raise ProtocolError("nested too deeply")


def _check_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ProtocolError("lone surrogate in a string") from None


class Fields:
    """The members of one JSON object, read one by one; `path` says where it stands in the message.

    A member that is `null` counts as missing. Members that nobody asks for do not matter.
    """

    def __init__(self, value: object, path: str = "") -> None:
        if not isinstance(value, dict):
            raise ProtocolError(f"{path or 'message'} must be an object")
        self._members: Mapping[str, object] = value
        self._path = path

    def __contains__(self, name: str) -> bool:
        return self._members.get(name) is not None

    def names(self) -> tuple[str, ...]:
        """The names of all members, `null` or not."""
        return tuple(self._members)

    def raw(self, name: str) -> object:
        """A member as it stands; None if it is missing."""
        return self._members.get(name)

    def wrong(self, name: str, wanted: str) -> ProtocolError:
        """The error for a member that is not what is wanted."""
        return ProtocolError(f"{self._where(name)} must be {wanted}")

    def string(self, name: str, limit: int = MAX_STRING) -> str:
        """A string of at most `limit` characters."""
        value = self._members.get(name)
        if not isinstance(value, str):
            raise self.wrong(name, "a string")
        if len(value) > limit:
            raise self.wrong(name, f"no longer than {limit} characters")
        return value

    def string_or_none(self, name: str) -> str | None:
        """A string of at most `MAX_STRING` characters, or None if it is missing."""
        return self.string(name) if name in self else None

    def number(self, name: str, default: float | None = None) -> float:
        """A number, whole or not; `default` if it is missing and has one."""
        value = self._members.get(name)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(name, "a number")
        return value

    def revision(self, name: str = "revision", default: int | None = None) -> int:
        """An integer from 0 to `MAX_REVISION`; `default` if it is missing and has one."""
        value = self._members.get(name)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_REVISION:
            raise self.wrong(name, f"an integer from 0 to {MAX_REVISION}")
        return value

    def boolean(self, name: str, default: bool) -> bool:
        """True or false; `default` if it is missing."""
        value = self._members.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return value

    def object(self, name: str) -> "Fields":
        """An object."""
        return Fields(self._members.get(name), self._where(name))

    def object_or_none(self, name: str) -> "Fields | None":
        """An object, or None if it is missing."""
        return self.object(name) if name in self else None

    def objects(self, name: str, limit: int) -> list["Fields"]:
        """A list of at most `limit` objects; empty if it is missing."""
        value = self._members.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(name, "a list")
        if len(value) > limit:
            raise self.wrong(name, f"a list of at most {limit}")
        return [Fields(item, f"{self._where(name)}[{index}]") for index, item in enumerate(value)]

    def _where(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name
