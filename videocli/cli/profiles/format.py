"""Profiles: settings under a name, as text (TOML) and as values.

Nothing here reads or writes a file. An edit gives the new text, and changes nothing but the lines it is
about, so that whoever writes comments into the file keeps them.
"""

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from itertools import pairwise
from typing import Any

from videocli.cli.destination import check_url, cloud_url
from videocli.cli.exit_codes import UsageError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
MAX_VALUE_CHARACTERS = 4096
NEW_FILE = (
    "# Profiles of videocli: 'videocli profile --help' says more. For your eyes only: it may hold secrets.\n"
)

_HEADER = re.compile(r"\s*\[")
_USED = re.compile(r"\s*use\s*=")


class ProfileError(ValueError):
    """Why the text or a value is no good, in words for the user."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Settings that have a name; None: not set here."""

    url: str | None = None
    region: str | None = None
    account_sid: str | None = None
    api_key: str | None = None
    api_secret: str | None = field(default=None, repr=False)
    identity: str | None = None
    token_command: str | None = None

    def values(self) -> dict[str, str]:
        """What is set, by its key in the file."""
        return {key: value for key in KEYS if (value := getattr(self, key)) is not None}


KEYS = tuple(each.name for each in fields(Profile))
"""The keys that a profile may have."""


@dataclass(frozen=True, slots=True)
class Profiles:
    """All there are, and which one is used when nobody names another."""

    by_name: dict[str, Profile] = field(default_factory=dict)
    used: str | None = None


def parse(text: str) -> Profiles:
    """Read the file's text. Raises `ProfileError`, whose words hold no value of a secret."""
    if not text:
        return Profiles()
    import tomllib  # here, since most processes have no profile, and start faster without

    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as fault:
        raise ProfileError(f"it is no TOML: {fault}") from None
    _refuse_unknown("at the top", content, ("use", "profile"))
    tables = content.get("profile", {})
    if not isinstance(tables, dict):
        raise ProfileError("'profile' is no table: a profile begins with [profile.NAME]")
    by_name = {name: _profile(name, table) for name, table in tables.items()}
    used = content.get("use")
    if used is not None and not (isinstance(used, str) and used in by_name):
        raise ProfileError(f"'use' names {used!r}, and there is no such profile")
    return Profiles(by_name, used)


def check(profile: Profile) -> None:
    """Refuse values that no command could use. Raises `ProfileError`."""
    for key, value in profile.values().items():
        if not value.strip():
            raise ProfileError(f"{key} is empty")
        if len(value) > MAX_VALUE_CHARACTERS:
            raise ProfileError(f"{key} has more than {MAX_VALUE_CHARACTERS} characters")
        if any(unicodedata.category(character)[0] == "C" for character in value):
            raise ProfileError(f"{key} has a control character in it")
    for key, prefix in (("account_sid", "AC"), ("api_key", "SK")):
        if not profile.values().get(key, prefix).startswith(prefix):
            raise ProfileError(f"{key} does not begin with {prefix}")
    try:
        if profile.url is not None:
            check_url(profile.url)
        cloud_url(profile.region)
    except UsageError as fault:
        raise ProfileError(fault.problem) from None
    if profile.url is not None and profile.region is not None:
        raise ProfileError("url and region exclude each other: a region is one of Twilio's cloud")


def check_sids(profile: Profile) -> None:
    """Refuse SIDs that Twilio gives to nothing: two letters and 32 hexadecimal digits. Raises `ProfileError`.

    Only for a profile that is new: a file may have others, for a server that checks less. No value is in the
    words, since it may be a secret in the wrong place.
    """
    for key, prefix, what in (("account_sid", "AC", "an account SID"), ("api_key", "SK", "an API key's SID")):
        value = profile.values().get(key)
        if value is not None and not re.fullmatch(f"{prefix}[0-9a-fA-F]{{32}}", value):
            raise ProfileError(f"{key} is not {what}: {prefix} and 32 hexadecimal digits")


def missing_credentials(profile: Profile) -> tuple[str, ...]:
    """The keys of the credentials that are not set where others of them are; none if all are, or none is."""
    missing = tuple(key for key in ("account_sid", "api_key", "api_secret") if getattr(profile, key) is None)
    return missing if len(missing) < 3 else ()


def check_name(name: str) -> None:
    """Refuse a name that a shell or TOML would read as something else. Raises `ProfileError`."""
    if not NAME.fullmatch(name):
        raise ProfileError(
            f"'{name}' is no name for a profile: letters, digits, '.', '_' and '-', 64 at most"
        )


def named(name: str, profiles: Profiles) -> Profile:
    """The profile of that name. Raises `UsageError` when there is none."""
    if name in profiles.by_name:
        return profiles.by_name[name]
    close = get_close_matches(name, profiles.by_name, 1)
    if close:
        remedy = f"Did you mean '{close[0]}'?"
    elif profiles.by_name:
        remedy = f"There {'is' if len(profiles.by_name) == 1 else 'are'} {', '.join(profiles.by_name)}."
    else:
        remedy = "There is none yet: 'videocli profile add --help' says how to make one."
    raise UsageError(f"there is no profile '{name}'", remedy)


Edit = Callable[[str], str]
"""The new text of the file for the one it has. Raises `ProfileError` or `UsageError`."""


def adding(name: str, profile: Profile, replaces: bool = False) -> Edit:
    """Add the profile, in place of the one that has the name if it `replaces` that."""

    def edit(text: str) -> str:
        before = parse(text)
        if name in before.by_name and not replaces:
            raise UsageError(
                f"there is a profile '{name}' already",
                f"Give --replace to put this one in its place; 'videocli profile show {name}' shows it.",
            )
        lines = [f"{key} = {_quoted(value)}\n" for key, value in profile.values().items()]
        kept = _ended(_without(text or NEW_FILE, name) if name in before.by_name else text or NEW_FILE)
        after = Profiles({**before.by_name, name: profile}, before.used)
        return _verified(f"{kept}\n[profile.{_quoted_key(name)}]\n{''.join(lines)}", after)

    return edit


def removing(name: str) -> Edit:
    """Remove the profile; if it was the one in use, none is."""

    def edit(text: str) -> str:
        before = parse(text)
        named(name, before)
        rest = {key: value for key, value in before.by_name.items() if key != name}
        kept = _without(text, name)
        if before.used == name:
            return _verified(_with_use(kept, None), Profiles(rest))
        return _verified(kept, Profiles(rest, before.used))

    return edit


def using(name: str | None) -> Edit:
    """Use this profile from now on; None: none."""

    def edit(text: str) -> str:
        before = parse(text)
        if name is not None:
            named(name, before)
        return _verified(_with_use(text, name), Profiles(before.by_name, name))

    return edit


def _profile(name: str, table: Any) -> Profile:
    check_name(name)
    if not isinstance(table, dict):
        raise ProfileError(f"'profile.{name}' is no table: a profile begins with [profile.{name}]")
    _refuse_unknown(f"in profile '{name}'", table, KEYS)
    for key, value in table.items():
        if not isinstance(value, str):
            raise ProfileError(f"{key} of profile '{name}' is no text: put it in quotes")
    profile = Profile(**table)
    try:
        check(profile)
    except ProfileError as fault:
        raise ProfileError(f"profile '{name}': {fault}") from None
    return profile


def _refuse_unknown(where: str, table: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            close = get_close_matches(key, known, 1)
            hint = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(known)}"
            raise ProfileError(f"'{key}' {where} is no setting: {hint}")


def _quoted(value: str) -> str:
    """A basic string of TOML 1.0: for text without control characters JSON writes the same."""
    return json.dumps(value, ensure_ascii=False)


def _quoted_key(name: str) -> str:
    return _quoted(name) if "." in name else name


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _without(text: str, name: str) -> str:
    """The text without the table of a profile; comments before the next table stay."""
    lines = text.splitlines(keepends=True)
    headers = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    for header, end in pairwise([*headers, len(lines)]):
        if _is_header_of(name, lines[header]):
            while end < len(lines) and (
                not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")
            ):
                end -= 1
            before, after = "".join(lines[:header]).rstrip("\n"), "".join(lines[end:])
            return f"{before}\n{after}".lstrip("\n")
    return text


def _is_header_of(name: str, line: str) -> bool:
    import tomllib

    try:
        return tomllib.loads(line) == {"profile": {name: {}}}
    except tomllib.TOMLDecodeError:
        return False


def _with_use(text: str, name: str | None) -> str:
    """The text with another top-level `use`, where that is, or else after the first comments."""
    lines = _ended(text).splitlines(keepends=True)
    top = next((number for number, line in enumerate(lines) if _HEADER.match(line)), len(lines))
    place = next((number for number in range(top) if _USED.match(lines[number])), None)
    wanted = [] if name is None else [f"use = {_quoted(name)}\n"]
    if place is not None:
        lines[place : place + 1] = wanted
    else:
        comments = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
        lines[comments:comments] = wanted
    return "".join(lines)


def _verified(text: str, expected: Profiles) -> str:
    """The text, if it says what the edit is to say: unusual lay-outs are refused, not damaged."""
    try:
        is_right = parse(text) == expected
    except ProfileError:
        is_right = False
    if not is_right:
        raise ProfileError("it is laid out in a way that this edit would damage; nothing is changed")
    return text
