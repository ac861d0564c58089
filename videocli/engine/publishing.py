"""What we publish: each track's source, pumped into every peer connection that carries it."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from videocli.engine.reports import LocalTrackInfo
from videocli.errors import SourceError, VideoError
from videocli.media.frames import Codec, EncodedFrame, PrefersCodec, Source, check_frame
from videocli.media.messages import UnsentMessages, size_of
from videocli.media.peer import DataChannel, NotSent, PeerConnection, Sender, is_reliable

_log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 16_384
"""What the SDK's data tracks carry; browsers of all makes take that much (RFC 8831 section 6.6)."""


@dataclass(frozen=True, slots=True)
class SourceEnded:
    """A source has nothing more to give, or (with an error) could not go on."""

    track_id: str
    error: VideoError | None


@dataclass(frozen=True, slots=True)
class MessagesLost:
    """A peer connection ended, and with it messages of a reliable track that it had not sent."""

    track_id: str
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class DataParameters:
    """How reliable a data track is (RFC 8831 section 6.1)."""

    ordered: bool = True
    max_retransmits: int | None = None
    max_packet_life_time: int | None = None
    """Milliseconds."""


@dataclass(slots=True)
class MediaPublication:
    """An audio or video track of ours."""

    track_id: str
    source: Source
    enabled: bool = True
    senders: dict[str, Sender] = field(default_factory=dict)
    """By peer connection id."""
    task: asyncio.Task[None] | None = None
    can_flow: bool = False
    """A sender has said that it can send: earlier, frames would be lost, and the first keyframe with them."""

    def send(self, frame: EncodedFrame) -> None:
        """Send a frame on every peer connection that negotiated its codec; a muted track sends none.

        Raises as `check_frame`.
        """
        check_frame(frame)
        if self.enabled:
            for sender in self.senders.values():
                if frame.codec in sender.codecs:
                    sender.send_frame(frame)

    def ask_for_keyframe(self) -> None:
        """Ask the source, which may be a script's: it cannot break the room."""
        try:
            self.source.request_keyframe()
        except Exception:
            _log.exception("a source failed when it was asked for a keyframe")

    def choose_codec(self) -> Codec | None:
        """What the source is to make: what it prefers, or else the best of those negotiated, if any is."""
        negotiated = next((sender.codecs for sender in self.senders.values() if sender.codecs), ())
        preferred = self._preferred_codec()
        return preferred if preferred in negotiated else next(iter(negotiated), None)

    def _preferred_codec(self) -> Codec | None:
        try:
            return self.source.preferred_codec if isinstance(self.source, PrefersCodec) else None
        except Exception:
            _log.exception("a source failed when it was asked for the codec that it prefers")
            return None

    async def run(self, codec: Codec) -> VideoError | None:
        """Run the source to its end; why it failed, if it did: whatever it raises, the room goes on."""
        try:
            await self.source.run(codec, self.send)
        except VideoError as reason:
            return reason
        except asyncio.CancelledError as fault:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return _failed(fault)
        except Exception as fault:
            return _failed(fault)
        return None


def _failed(fault: BaseException) -> SourceError:
    """A source raised what none should: a script's has a fault, or one of ours."""
    _log.error("a source failed", exc_info=fault)
    failure = SourceError(
        message=f"The source failed: {fault!r}",
        explanation="This is a fault of the script that makes it, or of ours: the log shows where, with -vv.",
    )
    failure.__cause__ = fault
    return failure


@dataclass(slots=True)
class DataPublication:
    """A data track of ours."""

    track_id: str
    parameters: DataParameters
    channels: dict[str, DataChannel] = field(default_factory=dict)
    """By peer connection id."""
    early: UnsentMessages = field(default_factory=UnsentMessages)
    """Sent while there was no peer connection."""

    def send(self, data: str | bytes) -> NotSent | None:
        """Send a message on every peer connection, or on the first one there will be; None: it is queued."""
        if size_of(data) > MAX_MESSAGE_BYTES:
            return NotSent.TOO_LARGE
        if not self.channels:
            return None if self.early.add(data) else NotSent.FULL
        results = [channel.send(data) for channel in self.channels.values()]
        return next((result for result in results if result is not None), None)

    @property
    def unsent_bytes(self) -> int:
        """What waits to be sent, of the peer connection that is furthest behind."""
        return max((channel.unsent_bytes for channel in self.channels.values()), default=self.early.size)

    def attach(self, peer_id: str, channel: DataChannel) -> None:
        """A peer connection carries the track from now on; its channel keeps messages until it is open."""
        self.channels[peer_id] = channel
        for data in self.early.take():
            channel.send(data)


class Publishing:
    """All our tracks, by id. Sources run while a peer connection takes their frames."""

    def __init__(
        self,
        report: Callable[[SourceEnded | MessagesLost], None],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._report = report
        self._spawn = spawn
        self.media: dict[str, MediaPublication] = {}
        self.data: dict[str, DataPublication] = {}

    def add_media(self, info: LocalTrackInfo, source: Source) -> None:
        """Publish what a source makes."""
        self.media[info.id] = MediaPublication(info.id, source, info.enabled)

    def is_published(self, source: Source) -> bool:
        """Whether it is a track's already."""
        return any(media.source is source for media in self.media.values())

    def add_data(self, info: LocalTrackInfo, parameters: DataParameters) -> None:
        """Publish a data track."""
        self.data[info.id] = DataPublication(info.id, parameters)

    def attach(self, peer_id: str, connection: PeerConnection) -> None:
        """Put every track that is not there yet on a peer connection; negotiate afterwards."""
        for media in self.media.values():
            if peer_id not in media.senders:
                sender = connection.add_sender(media.source.kind, media.track_id)
                sender.on_keyframe_request = partial(self._keyframe_wanted, media)
                media.senders[peer_id] = sender
        for data in self.data.values():
            if peer_id not in data.channels:
                options = data.parameters
                channel = connection.open_data_channel(
                    data.track_id, options.ordered, options.max_retransmits, options.max_packet_life_time
                )
                data.attach(peer_id, channel)

    def detach(self, peer_id: str) -> None:
        """A peer connection is gone."""
        for media in self.media.values():
            media.senders.pop(peer_id, None)
        for data in self.data.values():
            channel = data.channels.pop(peer_id, None)
            if channel is not None and is_reliable(channel) and channel.unsent_bytes:
                self._report(MessagesLost(data.track_id, channel.unsent_bytes))

    def _keyframe_wanted(self, media: MediaPublication) -> None:
        media.can_flow = True
        media.ask_for_keyframe()
        self.start_sources()

    def start_sources(self) -> None:
        """Start every source whose codec has been negotiated since, and whose frames can flow."""
        for media in self.media.values():
            codec = media.choose_codec()
            if media.task is None and media.can_flow and codec is not None:
                media.task = self._spawn(self._pump(media, codec))

    async def _pump(self, media: MediaPublication, codec: Codec) -> None:
        self._report(SourceEnded(media.track_id, await media.run(codec)))

    def set_enabled(self, track_id: str, enabled: bool) -> None:
        """Mute or unmute; unmuted video begins with a keyframe. Data tracks cannot be muted."""
        media = self.media.get(track_id)
        if media is not None:
            media.enabled = enabled
            if enabled:
                media.ask_for_keyframe()

    def remove(self, track_id: str, connections: dict[str, PeerConnection]) -> None:
        """Stop publishing a track: its source ends, its senders and channels go; negotiate afterwards."""
        media = self.media.pop(track_id, None)
        if media is not None:
            for peer_id, sender in media.senders.items():
                if peer_id in connections:
                    connections[peer_id].remove_sender(sender)
            if media.task is not None:
                media.task.cancel()
        data = self.data.pop(track_id, None)
        if data is not None:
            for channel in data.channels.values():
                channel.close()

    def close(self) -> None:
        """End all sources."""
        for media in self.media.values():
            if media.task is not None:
                media.task.cancel()
