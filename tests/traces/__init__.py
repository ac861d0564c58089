"""Recorded conversations of twilio-video.js 2.32.0."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent

NAMES = tuple(sorted(path.stem for path in _FOLDER.glob("*.jsonl")))


@dataclass(frozen=True)
class Line:
    at: float
    """Seconds since the recording began."""
    speaker: str
    """`client` or `server` (on the WebSocket), `sdk-event`, `server-note`."""
    message: Any
    event: str = ""
    """What the SDK reported, if it is the speaker."""

    @property
    def body(self) -> dict[str, Any] | None:
        """The RSP message in a `hello` or `msg`."""
        body = self.message.get("body")
        assert body is None or isinstance(body, dict)
        return body


def read(name: str) -> list[Line]:
    """All lines of a recording but those said over data channels."""
    lines = [json.loads(text) for text in (_FOLDER / f"{name}.jsonl").read_text().splitlines()]
    return [
        Line(line["t"], line["from"], line["message"], line.get("event", ""))
        for line in lines
        if "channel" not in line
    ]


def on_the_wire(name: str, speaker: str) -> list[Line]:
    """What one side said on the WebSocket, as JSON objects."""
    return [line for line in read(name) if line.speaker == speaker and isinstance(line.message, dict)]


def on_channel(name: str, channel: str, speaker: str) -> list[Line]:
    """What one side said on a data channel of media signaling."""
    lines = [json.loads(text) for text in (_FOLDER / f"{name}.jsonl").read_text().splitlines()]
    return [
        Line(line["t"], line["from"], line["message"])
        for line in lines
        if line.get("channel") == channel and line["from"] == speaker
    ]
