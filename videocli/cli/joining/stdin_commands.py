"""A line of stdin with `--json` → what it asks for, by the command-line contract."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from videocli.cli.tracks.data_tracks import data_track
from videocli.cli.tracks.subscribe_rules import parse_rule
from videocli.engine import commands as cmd
from videocli.engine.reports import Priority
from videocli.errors import VideoError
from videocli.media.frames import MediaKind, TrackKind
from videocli.protocol.subscribe_rules import SubscribeRule

MAX_LINE_BYTES = 65_536

_KINDS: dict[str, TrackKind] = {"audio": "audio", "video": "video", "data": "data"}
_PRIORITIES: dict[str, Priority] = {"low": "low", "standard": "standard", "high": "high"}
_MAX_QUOTED = 40


class CommandError(VideoError):
    """A line that is no command; nothing changes. It becomes an `error` event."""


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """Open a source and publish what it makes; opening reads the world, so it is the caller's part."""

    kind: MediaKind
    source: str
    """As for `--video` and `--audio`."""
    name: str | None = None
    loop: bool = True
    """Play a file again and again."""


Request = cmd.Command | PublishRequest
Choice = TypeVar("Choice")


class _Fields:
    """The fields of one command, each taken once; what is left over is a mistake."""

    def __init__(self, command: str, usage: str, fields: dict[str, Any]) -> None:
        self._command = command
        self._usage = usage
        self._left = dict(fields)

    def has(self, field: str) -> bool:
        """Whether it is there and not yet taken."""
        return field in self._left

    def text(self, field: str) -> str:
        """A string that must be there and not be empty."""
        text = self.any_text(field)
        if not text:
            raise self.wrong(f"'{field}' is empty")
        return text

    def any_text(self, field: str) -> str:
        """A string that must be there."""
        if field not in self._left:
            raise self.wrong(f"'{field}' is missing")
        value = self._left.pop(field)
        if not isinstance(value, str):
            raise self.wrong(f"'{field}' is not a string")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise self.wrong(f"'{field}' holds half a character (a lone surrogate)")
        return value

    def text_or_none(self, field: str) -> str | None:
        """A string that may be left out or null."""
        if self._left.get(field) is None:
            self._left.pop(field, None)
            return None
        return self.text(field)

    def boolean(self, field: str, default: bool) -> bool:
        """True or false; may be left out or null."""
        value = self._left.pop(field, None)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(f"'{field}' is neither true nor false")
        return value

    def integer_or_none(self, field: str) -> int | None:
        """A whole number that may be left out or null."""
        value = self._left.pop(field, None)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise self.wrong(f"'{field}' is not a whole number")
        return value

    def one_of(self, field: str, choices: Mapping[str, Choice]) -> Choice:
        """One of a fixed set."""
        text = self.text(field)
        if text not in choices:
            raise self.wrong(f"'{field}' is none of {', '.join(choices)}")
        return choices[text]

    def finish(self) -> None:
        """Raise if anything was not taken."""
        if self._left:
            unknown = ", ".join(_quoted(field) for field in self._left)
            raise self.wrong(f"it does not know {unknown}")

    def wrong(self, what: str) -> CommandError:
        """The error that says what is wrong, and what is right."""
        return CommandError(message=f"{self._command}: {what}", explanation=f"Write it like {self._usage}")


def parse(line: str) -> Request:
    """What a line asks for. Raises `CommandError` for a line that asks for nothing we know."""
    if len(line.encode("utf-8", "surrogatepass")) > MAX_LINE_BYTES:
        raise _not_a_command(f"it is longer than {MAX_LINE_BYTES} bytes")
    try:
        value = json.loads(line, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as reason:
        raise _not_a_command("it is not JSON") from reason
    if not isinstance(value, dict):
        raise _not_a_command("it is not a JSON object")
    command = value.pop("command", None)
    if not isinstance(command, str):
        raise _not_a_command("it has no 'command' that is a string")
    if command not in _COMMANDS:
        raise _not_a_command(f"there is no command {_quoted(command)}")
    usage, build = _COMMANDS[command]
    fields = _Fields(command, usage, value)
    request = build(fields)
    fields.finish()
    return request


def _send_message(fields: _Fields) -> Request:
    if fields.has("text") == fields.has("data"):
        raise fields.wrong("it takes either 'text' or 'data'")
    data: str | bytes
    if fields.has("text"):
        data = fields.any_text("text")
    else:
        try:
            data = base64.b64decode(fields.any_text("data"), validate=True)
        except (binascii.Error, ValueError) as reason:
            raise fields.wrong("'data' is not base64") from reason
    return cmd.SendMessage(data, fields.text_or_none("track"))


def _publish(fields: _Fields) -> Request:
    kind = fields.one_of("kind", _KINDS)
    if kind == "data":
        return _publish_data(fields)
    source, name = fields.text("source"), fields.text_or_none("name")
    return PublishRequest(kind, source, name, fields.boolean("loop", default=True))


def _publish_data(fields: _Fields) -> Request:
    name = fields.text("name")
    ordered = fields.boolean("ordered", default=True)
    limits = fields.integer_or_none("maxRetransmits"), fields.integer_or_none("maxPacketLifeTime")
    try:
        return data_track(name, ordered, *limits)
    except ValueError as fault:
        raise fields.wrong(str(fault)) from fault


def _set_enabled(enabled: bool) -> Callable[[_Fields], Request]:
    return lambda fields: cmd.SetEnabled(fields.text("track"), enabled)


def _subscribe(include: bool) -> Callable[[_Fields], Request]:
    def build(fields: _Fields) -> Request:
        if fields.has("track") == fields.has("rule"):
            raise fields.wrong("it takes either 'track' or 'rule'")
        if fields.has("track"):
            return cmd.Subscribe(SubscribeRule(include, track_sid=fields.text("track")))
        text = fields.text("rule")
        if text == "none" or text[:1] in ("+", "-"):
            raise fields.wrong("'rule' has no sign, and is not none: the command says which it is")
        try:
            return cmd.Subscribe(replace(parse_rule(text), include=include))
        except ValueError as fault:
            raise fields.wrong(str(fault)) from fault

    return build


_COMMANDS: dict[str, tuple[str, Callable[[_Fields], Request]]] = {
    "disconnect": ('{"command":"disconnect"}', lambda fields: cmd.Disconnect()),
    "sendMessage": (
        '{"command":"sendMessage","text":"hi"}; "data" (base64) in place of "text" for bytes, '
        'and "track" to choose the data track',
        _send_message,
    ),
    "publish": (
        '{"command":"publish","kind":"video","source":"testsrc"}; "kind" is audio, video or data; '
        '"name" names the track; "loop":false plays a file once; a data track has a name and no source, '
        'and may have "ordered", and "maxRetransmits" or "maxPacketLifeTime" (ms)',
        _publish,
    ),
    "unpublish": (
        '{"command":"unpublish","track":"SID or name"}',
        lambda fields: cmd.Unpublish(fields.text("track")),
    ),
    "enable": ('{"command":"enable","track":"SID, name, audio or video"}', _set_enabled(True)),
    "disable": ('{"command":"disable","track":"SID, name, audio or video"}', _set_enabled(False)),
    "setPriority": (
        '{"command":"setPriority","track":"SID or name","priority":"high"}; or low, or standard',
        lambda fields: cmd.SetPriority(fields.text("track"), fields.one_of("priority", _PRIORITIES)),
    ),
    "subscribe": (
        '{"command":"subscribe","track":"SID"}; or "rule" in place of "track": all, audio, video, data, '
        "IDENTITY or IDENTITY:KIND",
        _subscribe(True),
    ),
    "unsubscribe": (
        '{"command":"unsubscribe","track":"SID"}; or "rule" in place of "track": all, audio, video, data, '
        "IDENTITY or IDENTITY:KIND",
        _subscribe(False),
    ),
    "stats": ('{"command":"stats"}', lambda fields: cmd.ReportStats()),
}
"""Name → how to write it, and what makes it."""


def _not_a_command(why: str) -> CommandError:
    return CommandError(
        message=f"The line is no command: {why}",
        explanation=f"A command is one JSON object on one line; 'command' is one of {', '.join(_COMMANDS)}.",
    )


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field is there twice")
    return fields


def _quoted(text: str) -> str:
    """Somebody's own word, short enough to repeat, and escaped."""
    return json.dumps(text if len(text) <= _MAX_QUOTED else text[: _MAX_QUOTED - 1] + "…")
