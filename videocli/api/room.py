"""`Room`: a stay in a room, for a script."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import TypeVar, cast

from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from videocli.api import arguments
from videocli.api.listeners import Listeners
from videocli.api.publishing import Answer, LocalTrack, Published, Publisher
from videocli.api.receiving import Receiving
from videocli.api.stream import Ending, Stream
from videocli.cli.tracks.data_tracks import data_track
from videocli.cli.tracks.subscribe_rules import parse_rule
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.engine.room.snapshot import Snapshot
from videocli.engine.session import JoinConfig, Session
from videocli.engine.taps import FrameTaker
from videocli.errors import VideoError
from videocli.media.frames import EncodedFrame, MediaKind
from videocli.outside import Outside
from videocli.tasks import finish

E = TypeVar("E")

MAX_EVENTS = 1000
"""Events that wait for a reader, unless it says otherwise."""


class Room:
    """A room that we are in. `videocli.connect` makes it, and leaves it.

    Everything is called on the loop's thread. Whatever waits raises the `VideoError` that ends the room.

        async for event in room:
            match event:
                case events.ParticipantConnected(participant):
                    room.send(f"hello {participant.identity}")
    """

    def __init__(self, config: JoinConfig, outside: Outside, identity: str) -> None:
        self._config = config
        self._outside = outside
        self._ending = Ending()
        self._listeners = Listeners(self._ending)
        self._events: Stream[ev.Event] = self._listeners.stream((), MAX_EVENTS)
        self._publisher = Publisher(
            self._post,
            self._answers,
            outside,
            self._ending,
            identity,
            self._unsent_bytes,
        )
        self._receiving = Receiving(self._tap, self._ending)
        self._view = ev.Room(None, config.signaling.room or "", "connecting")
        self._has_joined = asyncio.Event()
        self._session: Session

    @property
    def sid(self) -> str:
        """The room's SID."""
        return self._view.sid or ""

    @property
    def name(self) -> str:
        """The room's unique name."""
        return self._view.name

    @property
    def state(self) -> ev.RoomState:
        """`connected`, `reconnecting` or `disconnected`."""
        return self._view.state

    @property
    def error(self) -> VideoError | None:
        """Why the room ended; None: it has not, or we left, or were sent away without an error."""
        reason = self._ending.error
        return reason if isinstance(reason, VideoError) else None

    @property
    def local_participant(self) -> ev.Participant:
        """We ourselves."""
        local = self.snapshot().local
        assert local is not None, "a script gets a room only once it is connected"
        return local.participant

    @property
    def participants(self) -> tuple[ev.Participant, ...]:
        """The others."""
        return tuple(other.participant for other in self.snapshot().participants)

    def snapshot(self) -> Snapshot:
        """All there is to know about the room now, as the dashboard shows it: tracks, rates, outages."""
        return self._session.snapshot()

    def __aiter__(self) -> Stream[ev.Event]:
        """Every event since we came, the first being `Connected`; each is given once, whoever iterates."""
        return self._events

    def events(self, *kinds: type[E], limit: int = MAX_EVENTS) -> Stream[E]:
        """The events of these kinds from now on, in a stream of its own. A slow reader loses the oldest."""
        return self._listeners.stream(kinds, limit)

    def on(self, kind: type[E], callback: Callable[[E], object]) -> Callable[[], None]:
        """Call for each event of that kind from now on; call the result to stop.

        A coroutine function runs as a task, which leaving the room cancels. What a callback raises is logged.
        Raises `TypeError` for what is no class, or cannot be called.
        """
        return self._listeners.on(kind, callback)

    async def wait_for(
        self, kind: type[E], accept: Callable[[E], bool] = lambda event: True, *, past: bool = False
    ) -> E:
        """The next such event; with `past`, one of the latest 200 events will do.

        Raises `EOFError` when the room ends without it, and without an error.
        """
        for occurrence in self.snapshot().recent if past else ():
            if isinstance(occurrence.event, kind) and accept(occurrence.event):
                return occurrence.event
        with self.events(kind) as events:
            async for event in events:
                if accept(event):
                    return event
        raise EOFError(f"the room ended without {kind.__name__}")

    async def stats(self) -> tuple[ev.NamedStats, ...]:
        """The counters of every track that flows, now."""
        with self.events(ev.Stats, limit=1) as answers:
            self._session.post(cmd.ReportStats())
            async for stats in answers:
                return stats.tracks
        raise EOFError("the room has ended")

    async def publish_video(self, what: Published, name: str | None = None) -> LocalTrack:
        """Publish a picture: `testsrc`, a file, device or URL that FFmpeg reads, or a `Source`.

        Returns once the server has confirmed it. Raises `SourceError` when it cannot be read, the
        `VideoError` that the server refuses it with, and `TypeError` or `ValueError` for an argument that is
        none; the room goes on.
        """
        return await self._publisher.media("video", what, name)

    async def publish_audio(self, what: Published, name: str | None = None) -> LocalTrack:
        """Publish sound: `tone`, or as `publish_video`."""
        return await self._publisher.media("audio", what, name)

    async def publish_data(
        self,
        name: str | None = None,
        *,
        ordered: bool = True,
        max_retransmits: int | None = None,
        max_packet_life_time: int | None = None,
    ) -> LocalTrack:
        """Publish a data track (RFC 8831 section 6.1; the life time in milliseconds).

        Raises `VideoError`, and `TypeError` or `ValueError` for what no browser could publish.
        """
        name = name or self._publisher.free_name("data")
        limits = arguments.whole(max_retransmits), arguments.whole(max_packet_life_time)
        return await self._publisher.data(data_track(name, bool(ordered), *limits))

    def send(self, data: arguments.Message) -> None:
        """Send a message on our first data track, which is published now if there is none.

        Raises `TypeError` for what is neither text nor bytes, `ValueError` for text that is no Unicode.
        """
        self._post(cmd.SendMessage(arguments.message(data)))

    def subscribe(self, rule: str) -> None:
        """Change what is received, by a rule as `--subscribe` takes: `-video`, `alice`, `all`, `none` …

        Raises `TypeError` and `ValueError` for what is no rule.
        """
        self._post(cmd.Subscribe(parse_rule(arguments.text(rule, "a rule"))))

    def frames(self, track: ev.Track | str, limit: int = 256) -> Stream[EncodedFrame]:
        """The frames of a remote track (or of the one with this SID) as they come, encoded.

        Video begins with a keyframe. The stream ends when the track is unsubscribed from. A slow reader loses
        the oldest frames, which `dropped` counts; pictures after a gap want a keyframe first.
        """
        return self._receiving.frames(track, limit)

    def pictures(self, track: ev.Track | str, limit: int = 4) -> Stream[VideoFrame]:
        """The pictures of a remote video track, decoded on a thread, as PyAV's `VideoFrame`s.

        As `frames`; but every frame is decoded, so what a slow reader loses costs nothing but itself. Raises
        `ValueError` for a track of another kind.
        """
        self._check_kind(track, "video")
        return cast(Stream[VideoFrame], self._receiving.decoded(track, limit))

    def sounds(self, track: ev.Track | str, limit: int = 50) -> Stream[AudioFrame]:
        """The sound of a remote audio track, decoded: s16 stereo at 48 kHz, in PyAV's `AudioFrame`s.

        Raises `ValueError` for a track of another kind.
        """
        self._check_kind(track, "audio")
        return cast(Stream[AudioFrame], self._receiving.decoded(track, limit))

    async def wait_ended(self) -> None:
        """Stay until the room ends. Raises the error that ended it."""
        await self._ending.wait()
        self._ending.raise_error()

    def leave(self) -> None:
        """Leave: what waits ends, and leaving the context waits until we are out."""
        self._post(cmd.Disconnect())

    def _check_kind(self, track: ev.Track | str, kind: MediaKind) -> None:
        """A track that nobody knows yet may be of any kind."""
        if isinstance(track, str):
            others = self.snapshot().participants
            known = (each.track for other in others for each in other.tracks)
            found = next((each for each in known if each.sid == track), None)
        else:
            found = arguments.track(track)
        if found is not None and found.kind != kind:
            raise ValueError(f"{found.name} is a track of {found.kind}, not {kind}")

    def _post(self, command: cmd.Command) -> None:
        self._session.post(command)

    def _tap(self, track_sid: str, take: FrameTaker) -> Callable[[], None]:
        return self._session.tap(track_sid, take)

    def _unsent_bytes(self, track_sid: str) -> int:
        return self._session.unsent_bytes(track_sid)

    def _answers(self) -> Stream[Answer]:
        return self.events(ev.LocalTrackPublished, ev.LocalTrackPublicationFailed, ev.LocalTrackUnpublished)

    def _on_event(self, occurrence: ev.Occurrence) -> None:
        self._view = occurrence.room
        event = occurrence.event
        if isinstance(event, ev.Disconnected):
            self._ending.end(event.error)
        self._publisher.tell(event)
        self._receiving.tell(event)
        self._listeners.tell(event)
        if isinstance(event, ev.Connected):
            self._has_joined.set()

    def _ended(self, staying: asyncio.Task[VideoError | None]) -> None:
        """The session has ended, by a fault of ours if it has not said `Disconnected`."""
        fault = None if staying.cancelled() else staying.exception()
        self._ending.end(fault if isinstance(fault, Exception) else None)
        self._has_joined.set()
        self._publisher.end(self.error)
        self._receiving.end()
        self._listeners.end()

    @asynccontextmanager
    async def _stay(self, media: Sequence[tuple[MediaKind, Published]]) -> AsyncIterator["Room"]:
        sources = await self._publisher.first(media, self._config.data)
        self._session = Session(replace(self._config, media=sources), self._outside, self._on_event)
        staying = asyncio.create_task(self._session.run(), name="videocli room")
        staying.add_done_callback(self._ended)
        try:
            await self._has_joined.wait()
            self._ending.raise_error()
            yield self
        finally:
            self.leave()
            try:
                await finish(staying)
            finally:
                await self._listeners.close()
        if not self._ending.is_told:
            self._ending.raise_error()


def stay(
    config: JoinConfig, media: Sequence[tuple[MediaKind, Published]], outside: Outside, identity: str
) -> AbstractAsyncContextManager[Room]:
    """In the room from entering the context until leaving it; what `connect` promises."""
    return Room(config, outside, identity)._stay(media)
