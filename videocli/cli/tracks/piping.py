"""`--pipe`: follows the events of a room, and feeds what tracks carry to shell commands."""

import asyncio
from dataclasses import dataclass
from functools import partial

from videocli.cli.exit_codes import UsageError
from videocli.cli.tracks.tapped import Tapped, Tapping
from videocli.cli.writing import output
from videocli.cli.writing.commands_output import commands_output
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.errors import SinkError
from videocli.media.frames import MediaKind
from videocli.media.sinks.pipe import Pipe
from videocli.outside import Outside

ANYBODY = "*"
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class PipeRule:
    """Which tracks to feed to which command, one process for each."""

    kind: MediaKind
    identity: str
    command: str

    def is_for(self, participant: ev.Participant, track: ev.Track) -> bool:
        """Whether it wants that track."""
        return self.kind == track.kind and self.identity in (ANYBODY, participant.identity)


def parse_pipe(text: str) -> PipeRule:
    """`audio:alice=COMMAND`. Raises `UsageError`."""
    kind, _, rest = text.partition(":")
    identity, equals, command = rest.partition("=")
    if kind not in ("audio", "video") or not identity or not equals or not command.strip():
        raise UsageError(
            f"'{text}' is no KIND:IDENTITY=COMMAND",
            "Write for example --pipe 'audio:alice=aplay -f dat'; 'video:*=…' is anybody's picture.",
        )
    return PipeRule("audio" if kind == "audio" else "video", identity, command)


@dataclass(frozen=True, slots=True)
class PipeRequest:
    """All that is to be piped."""

    rules: tuple[PipeRule, ...]

    def open(self, session: Tapped, outside: Outside) -> "Piper":
        """Pipe from a session."""
        return Piper(self, session)


@dataclass(slots=True, eq=False)
class _Feed:
    rule: PipeRule
    track_sid: str
    pipe: Pipe
    tapping: Tapping


class Piper:
    """Starts a command for each track that a rule wants, and ends it with the track."""

    def __init__(self, request: PipeRequest, session: Tapped) -> None:
        self._rules = request.rules
        self._session = session
        self._feeds: list[_Feed] = []
        self._closing: set[asyncio.Task[None]] = set()

    def show(self, occurrence: ev.Occurrence) -> None:
        """Something happened in the room."""
        match occurrence.event:
            case ev.TrackSubscribed(participant, track):
                for rule in self._rules:
                    if rule.is_for(participant, track):
                        self._start(rule, participant, track)
            case ev.TrackUnsubscribed(_, track):
                for feed in [feed for feed in self._feeds if feed.track_sid == track.sid]:
                    self._end(feed)
            case _:
                pass

    async def close(self) -> None:
        """End all commands; takes a bounded time."""
        for feed in list(self._feeds):
            self._end(feed)
        await asyncio.gather(*self._closing)

    def _start(self, rule: PipeRule, participant: ev.Participant, track: ev.Track) -> None:
        sid = track.sid or ""
        tapping = Tapping(self._session, sid)
        pipe = Pipe(
            rule.command,
            rule.kind,
            {
                "VIDEOCLI_IDENTITY": _variable(participant.identity),
                "VIDEOCLI_TRACK": _variable(track.name),
                "VIDEOCLI_TRACK_SID": _variable(sid),
            },
            output=commands_output(),
            restart=tapping.restart_soon,
            gone=lambda reason: self._gone(feed, reason),
        )
        feed = _Feed(rule, sid, pipe, tapping)
        self._feeds.append(feed)
        tapping.begin(pipe.take)

    def _gone(self, feed: _Feed, reason: str) -> None:
        if feed in self._feeds:
            self._session.post(cmd.Complain(_ended(feed.rule, reason)))
            self._end(feed)

    def _end(self, feed: _Feed) -> None:
        self._feeds.remove(feed)
        feed.tapping.end()
        closing = asyncio.create_task(feed.pipe.close(), name="close pipe")
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        closing.add_done_callback(partial(_say_dropped, feed))


def _say_dropped(feed: _Feed, closed: asyncio.Task[None]) -> None:
    if feed.pipe.dropped:
        output.warn(f"{_shown(feed.rule)} was too slow for {feed.pipe.dropped} frames")


def _ended(rule: PipeRule, reason: str) -> SinkError:
    return SinkError(
        message=f"The command of {_shown(rule)} takes no more: {reason}",
        explanation="It is not started again for this track. Try it alone, with a file at its stdin.",
    )


def _shown(rule: PipeRule) -> str:
    command = rule.command if len(rule.command) <= _SHOWN else f"{rule.command[:_SHOWN]}…"
    return f"--pipe '{rule.kind}:{rule.identity}={command}'"


def _variable(text: str) -> str:
    """As an environment variable can hold it."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")
