"""Facts about this machine → a text or an object that anybody may see."""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from videocli.cli.writing.redaction import one_line, redact
from videocli.urls import shown

Value = str | bool | int | tuple[str, ...] | None
"""None: not known, or not there."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a ticket should say."""

    name: str
    value: Value
    origin: str | None = None
    """Where a setting's value comes from."""


@dataclass(frozen=True, slots=True)
class Section:
    """Facts that belong together."""

    title: str
    facts: tuple[Fact, ...]


def to_lines(sections: Sequence[Section]) -> Iterator[str]:
    """All facts, a line each."""
    width = max(len(fact.name) for section in sections for fact in section.facts)
    for number, section in enumerate(sections):
        if number:
            yield ""
        yield section.title
        for fact in section.facts:
            origin = f"  ({_safe(fact.origin)})" if fact.origin is not None else ""
            yield f"  {_safe(fact.name):<{width}}  {_safe(_words(fact.value))}{origin}"


def to_json(sections: Sequence[Section]) -> dict[str, Any]:
    """The same as an object: a member for each section and fact; settings have value and origin."""
    return {
        _key(section.title[0].lower() + section.title[1:]): {
            _key(fact.name): _json(fact.value)
            if fact.origin is None
            else {"value": _json(fact.value), "origin": _safe(fact.origin)}
            for fact in section.facts
        }
        for section in sections
    }


def masked(sid: str) -> str:
    """A SID of which the last four characters are left, and what kind of SID it is."""
    return f"{sid[:2]}…{sid[-4:]}" if len(sid) > 8 else "…"


def under_home(path: str, home: PurePath | None) -> str:
    """A path without the user's name in it, if it is somewhere under their home."""
    if home is None or home == home.parent:
        return path
    return path.replace(str(home), "~")


def without_secrets(url: str) -> str:
    """A URL without user, password and query; an address in it is told by its kind, as `scopes` does."""
    try:
        parts = urlsplit(shown(url))
        host, port = parts.hostname or "", "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return "no URL"
    kinds = scopes([host])
    place = host if not kinds or kinds[0].endswith("loopback") else f"({kinds[0]})"
    return f"{parts.scheme}://{place}{port}{parts.path}"


def scopes(addresses: Iterable[str]) -> tuple[str, ...]:
    """What kinds of addresses these are, and not which: family and scope of each."""
    found = set()
    for text in addresses:
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            continue
        found.add(f"IPv{address.version} {_scope(address)}")
    return tuple(sorted(found))


def _scope(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    if address.is_private:
        return "private"
    return "public" if address.is_global else "shared"


def _words(value: Value) -> str:
    match value:
        case None:
            return "-"
        case True:
            return "yes"
        case False:
            return "no"
        case tuple():
            return ", ".join(value) or "none"
    return str(value)


def _json(value: Value) -> Any:
    if isinstance(value, tuple):
        return [_safe(each) for each in value]
    return _safe(value) if isinstance(value, str) else value


def _safe(text: str) -> str:
    return redact(one_line(text))


def _key(name: str) -> str:
    """A name as a member of an object: `API key` is `apiKey`; one word, as of a variable, stays as it is."""
    first, *more = _safe(name).split(" ")
    return (first.lower() if more and first.isupper() else first) + "".join(
        word.capitalize() for word in more
    )
