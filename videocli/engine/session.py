"""One participant in one room: the loop that joins signaling, media, the room and whoever asks.

Everything that happens (signaling, media, commands, timers) is an item in one inbox, and `Session.run` takes
one at a time: so there is one order of events and nothing to lock.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.engine import reports as rp
from videocli.engine.legs import Legs
from videocli.engine.media_leg import (
    Fault,
    LocalCandidates,
    LocalDescription,
    MediaItem,
    MediaLeg,
    NegotiationFailed,
    PeerEnded,
)
from videocli.engine.meter import Meter
from videocli.engine.network_quality import NetworkQuality
from videocli.engine.publishing import DataParameters, MessagesLost, SourceEnded
from videocli.engine.room.room import Room
from videocli.engine.room.snapshot import Snapshot, outage_snapshot
from videocli.engine.room.tracks import LocalTrack
from videocli.engine.signaling.backend import SignalingBackend, SignalingConfig
from videocli.engine.signaling.rsp_backend import RspBackend
from videocli.engine.subscriptions import Subscriptions
from videocli.engine.taps import FrameTaker, Taps
from videocli.engine.track_errors import message_not_sent, messages_lost, no_such_track, published_twice
from videocli.engine.track_names import refusal_of
from videocli.errors import TrackError, VideoError, error
from videocli.media.frames import Source, TrackKind
from videocli.media.messages import size_of
from videocli.media.peer import PeerConfig, Receiver
from videocli.outside import Outside
from videocli.tasks import stop

GRACE_SECONDS = 1.0
"""How long leaving may take (our rule 8)."""
PRACTICE_SECONDS = 5.0
"""How long a connection that was dropped on purpose stays lost; never over half of a session's timeout."""
TICK_SECONDS = 1.0
"""How often the counters of media are sampled."""
LISTEN_SECONDS = 0.25
"""How often loudness is measured while any sound says how loud it is."""
RECENT_EVENTS = 200

Item = rp.SignalingReport | MediaItem | cmd.Command


@dataclass(frozen=True, slots=True)
class NamedSource:
    """What to publish, and under what name."""

    name: str
    source: Source


@dataclass(frozen=True, slots=True)
class JoinConfig:
    """Which room, as whom, with what."""

    signaling: SignalingConfig
    media: Sequence[NamedSource] = ()
    data: Sequence[cmd.PublishData] = ()
    """Data tracks to publish."""
    gather: PeerConfig = field(default_factory=PeerConfig)
    """Which local addresses media may use."""
    stats_seconds: float | None = None
    """How often to say `Stats`; None: only when asked."""
    token_expires_at: Callable[[], datetime | None] = lambda: None
    is_token_renewable: bool = False


class Session:
    """Joins a room when `run`, and stays until told to leave, sent away, or lost for good.

    Made and used on the loop's thread.
    """

    def __init__(
        self, config: JoinConfig, outside: Outside, on_event: Callable[[ev.Occurrence], None]
    ) -> None:
        self._config = config
        self._outside = outside
        self._on_event = on_event
        self._inbox: asyncio.Queue[Item] = asyncio.Queue()
        self._room = Room(config.signaling.room or "")
        self._loop = asyncio.get_running_loop()
        self._legs = Legs(self._loop.time())
        self._recent: deque[ev.Occurrence] = deque(maxlen=RECENT_EVENTS)
        self._connected_at: datetime | None = None
        self._asked_to_connect = False
        self._subscriptions = Subscriptions(config.signaling.subscribe)
        self._backend: SignalingBackend = RspBackend(config.signaling, outside, self._inbox.put_nowait)
        self._media = MediaLeg(outside.make_peer, config.gather, outside.random, self._inbox.put_nowait)
        self._taps = Taps()
        self._meter = Meter(self._media.counters, self._media.connection_counters)
        self._quality = NetworkQuality()
        self._handlers: dict[type[Any], Callable[[Any], None]] = {
            rp.IceServersGiven: lambda report: self._media.connect(self._new_id(), report.servers),
            rp.IceServersRenewed: lambda report: self._media.use_servers(report.servers),
            rp.MediaFailed: lambda report: self._backend.renew_ice_servers(),
            rp.DescriptionReceived: self._media.describe,
            rp.CandidatesReceived: self._media.trickle,
            rp.PublicationFailed: lambda report: self._take_back(report.track_id),
            rp.SignalingLost: lambda report: self._media.signaling_is(up=False),
            rp.Resynced: self._resynced,
            rp.Joined: lambda report: self._subscriptions.joined(report.takes_rules),
            rp.SubscriptionsChanged: lambda report: self._media.refuse(report.unwanted),
            rp.NetworkQualityGranted: lambda report: self._quality.grant(report.label),
            LocalDescription: self._send_description,
            LocalCandidates: self._send_candidates,
            PeerEnded: lambda ended: self._backend.forget_peer(ended.peer_id),
            NegotiationFailed: self._negotiation_failed,
            SourceEnded: self._source_ended,
            MessagesLost: self._messages_lost,
            Fault: self._fault,
            cmd.Disconnect: lambda command: self._say(self._room.end(None, self._loop.time())),
            cmd.PublishMedia: self._publish_media,
            cmd.PublishData: self._publish_data,
            cmd.Unpublish: self._unpublish,
            cmd.SetEnabled: self._set_enabled,
            cmd.SetPriority: self._set_priority,
            cmd.SendMessage: self._send_message,
            cmd.Subscribe: self._subscribe,
            cmd.ReportStats: lambda command: self._say_stats(),
            cmd.Practise: self._practise,
            cmd.Complain: lambda command: self._complain(command.error),
            cmd.Announce: lambda command: self._say([command.event]),
        }

    def post(self, command: cmd.Command) -> None:
        """Ask for something; the answer comes as events."""
        self._inbox.put_nowait(command)

    def tap(self, track_sid: str, take: FrameTaker) -> Callable[[], None]:
        """Hand every whole frame of a remote track to `take` for as long as it is subscribed to.

        Video begins with a keyframe. The SID need not be known yet. Call the result to stop.
        """
        tap = self._taps.open(track_sid, take)
        self._settle_taps()

        def untap() -> None:
            self._taps.close(tap)
            self._settle_taps()

        return untap

    def unsent_bytes(self, track_sid: str) -> int:
        """Of our data track: what waits to be sent; 0 for what is none."""
        tracks = self._room.local.tracks.values()
        publications = (
            self._media.publishing.data.get(each.info.id) for each in tracks if each.sid == track_sid
        )
        return sum(publication.unsent_bytes for publication in publications if publication is not None)

    async def run(self) -> VideoError | None:
        """Join, and stay until the end.

        Returns why it ended; None if we left, or were sent away without an error. Raises only for our own
        faults.
        """
        for named in self._config.media:
            self._publish_media(cmd.PublishMedia(named.source, named.name))
        for data in self._config.data:
            self._publish_data(data)
        signaling = asyncio.create_task(self._watched(self._backend.run), name="signaling")
        ticks = asyncio.create_task(self._watched(self._tick), name="ticks")
        listening = asyncio.create_task(self._watched(self._listen), name="listening")
        try:
            while not self._room.health.ended:
                due_at = self._timer()
                try:
                    async with asyncio.timeout_at(due_at):
                        item = await self._inbox.get()
                except TimeoutError:
                    # A timer may fire within the resolution of the clock before its time.
                    self._handle_timer(max(self._loop.time(), due_at or 0.0))
                else:
                    self._take(item, self._loop.time())
        finally:
            await stop(ticks)
            await stop(listening)
            await self._close(signaling)
        return self._room.error

    def snapshot(self) -> Snapshot:
        """The room as it is now."""
        room, now = self._room, self._loop.time()
        utcnow = self._outside.utcnow()

        def to_utc(at: float) -> datetime:
            return utcnow + timedelta(seconds=at - now)

        local, participants = self._meter.snapshot(room)
        signaling, media = self._legs.snapshot(to_utc)
        lost_at = self._legs.lost_at()
        return Snapshot(
            time=utcnow,
            room=room.view(),
            url=self._config.signaling.url,
            region=room.region,
            signaling=signaling,
            media=media,
            local=local if room.sid else None,
            participants=participants,
            recent=tuple(self._recent),
            connected_at=self._connected_at,
            session_seconds=room.session_timeout,
            session_ends_at=None if lost_at is None else to_utc(lost_at + room.session_timeout),
            token_expires_at=self._config.token_expires_at(),
            is_token_renewable=self._config.is_token_renewable,
            is_recording=room.is_recording,
            error=room.error or room.health.error,
            outages=tuple(outage_snapshot(outage, now, to_utc) for outage in room.outages.outages),
            connections=self._meter.connections(),
        )

    def _take(self, item: Item, now: float) -> None:
        """Take one item in: the room first, then whoever has to act on it."""
        self._legs.apply(item, now)
        if isinstance(item, rp.SignalingReport | rp.MediaReport):
            self._say(self._room.apply(self._quality.translate(item, now), now))
        handler = self._handlers.get(type(item))
        if handler is not None and not self._room.health.ended:
            handler(item)
        self._settle_taps()
        unjudged = self._quality.settle(self._media.channel, now)
        if unjudged is not None:
            self._say(self._room.apply(unjudged, now))

    def _timer(self) -> float | None:
        timers = (self._room.timer(), self._quality.timer())
        return min((at for at in timers if at is not None), default=None)

    def _handle_timer(self, now: float) -> None:
        self._say(self._room.handle_timer(now))
        self._quality.handle_timer(lambda: self._meter.stats(self._room), now)

    def _settle_taps(self) -> None:
        self._taps.settle(self._receiver_of)

    def _receiver_of(self, track_sid: str) -> Receiver | None:
        track = self._room.remote_track(track_sid)
        return self._media.receivers.get(track.media_id) if track and track.media_id else None

    def _say(self, events: Sequence[ev.Event]) -> None:
        for event in events:
            now = self._outside.utcnow()
            if isinstance(event, ev.Connected):
                self._connected_at = now
            occurrence = ev.Occurrence(now, self._room.view(), event)
            if not isinstance(event, ev.Stats):
                self._recent.append(occurrence)
            self._on_event(occurrence)

    def _say_stats(self) -> None:
        self._say([self._meter.stats(self._room)])

    async def _tick(self) -> None:
        """Sample the counters, and say `Stats` as often as asked for; what a stall missed is left out."""
        every = self._config.stats_seconds
        next_stats = self._loop.time() + (every or 0.0)
        while True:
            await asyncio.sleep(min(TICK_SECONDS, every or TICK_SECONDS))
            now = self._loop.time()
            self._meter.sample(self._room, now)
            if every is not None and now >= next_stats and self._room.sid is not None:
                next_stats += every * ((now - next_stats) // every + 1)
                self.post(cmd.ReportStats())

    async def _listen(self) -> None:
        """Measure loudness, often while there is any."""
        levels: dict[str, float] = {}
        while True:
            await asyncio.sleep(LISTEN_SECONDS if levels else TICK_SECONDS)
            before, levels = levels, self._meter.levels(self._room)
            if before or levels:
                self._inbox.put_nowait(rp.LoudnessMeasured(levels))

    async def _watched(self, work: Callable[[], Awaitable[None]]) -> None:
        """What goes on beside the loop; a fault of ours in it ends the session at once."""
        try:
            await work()
        except Exception as fault:
            self._inbox.put_nowait(Fault(fault))

    async def _close(self, signaling: asyncio.Task[None]) -> None:
        """Say goodbye first, then close media; neither waits for a server that does not answer."""
        self._backend.leave()
        closing = asyncio.create_task(self._media.close(), name="close media")
        await asyncio.wait({signaling, closing}, timeout=GRACE_SECONDS)
        for task in (signaling, closing):
            await stop(task)

    def _new_id(self) -> str:
        return str(UUID(int=self._outside.random.getrandbits(128), version=4))

    def _resynced(self, report: rp.Resynced) -> None:
        self._media.keep_only(report.peer_ids)
        self._media.signaling_is(up=True)
        self._media.verify()

    def _send_description(self, local: LocalDescription) -> None:
        if self._asked_to_connect:
            self._backend.describe(local.peer_id, local.kind, local.revision, local.sdp)
        else:
            self._asked_to_connect = True
            self._backend.connect(local.peer_id, local.sdp, self._room.local.infos)

    def _send_candidates(self, local: LocalCandidates) -> None:
        gathered = local.gathered
        self._backend.trickle(local.peer_id, gathered.ufrag, gathered.candidates, gathered.complete)

    def _negotiation_failed(self, failure: NegotiationFailed) -> None:
        """The first offer or its answer failed: no media ever. Later ones cost only what they were about."""
        if failure.is_first:
            self._say(self._room.end(failure.error, self._loop.time()))
        else:
            self._complain(failure.error)

    def _fault(self, fault: Fault) -> None:
        raise fault.error

    def _complain(self, reason: VideoError) -> None:
        self._say([ev.Error(reason)])

    def _practise(self, command: cmd.Practise) -> None:
        leg = self._backend if command.leg == "signaling" else self._media
        leg.drop(min(PRACTICE_SECONDS, self._room.session_timeout / 2))

    def _source_ended(self, ended: SourceEnded) -> None:
        if ended.error is not None:
            self._complain(ended.error)
        self._take_back(ended.track_id, ended.error)

    def _publish_media(self, command: cmd.PublishMedia) -> None:
        if self._media.publishing.is_published(command.source):
            self._complain(published_twice())
            return
        info = self._new_track(command.name, command.source.kind)
        if info is not None:
            self._media.publishing.add_media(info, command.source)
            self._tracks_changed()

    def _publish_data(self, command: cmd.PublishData) -> None:
        info = self._new_track(command.name, "data")
        if info is not None:
            parameters = DataParameters(
                command.ordered, command.max_retransmits, command.max_packet_life_time
            )
            self._media.publishing.add_data(info, parameters)
            self._tracks_changed()

    def _new_track(self, name: str | None, kind: TrackKind) -> rp.LocalTrackInfo | None:
        track_id = self._new_id()
        tracks = self._room.local.tracks
        if any(track.info.name == name for track in tracks.values()):
            self._complain(error(53304))
            return None
        track = LocalTrack(rp.LocalTrackInfo(track_id, name or track_id, kind))
        if (code := refusal_of(track.info.name)) is not None:
            self._say([ev.LocalTrackPublicationFailed(track.view(), error(code))])
            return None
        tracks[track_id] = track
        return track.info

    def _tracks_changed(self) -> None:
        """Tell media, and signaling too, unless what it asks to be let in with will say it all."""
        if self._asked_to_connect:
            self._backend.set_tracks(self._room.local.infos)
        self._media.negotiate()

    def _take_back(self, track_id: str, reason: VideoError | None = None) -> None:
        """Publish a track no longer; a room that we are in hears of it, unless it refused the track."""
        track = self._room.local.tracks.pop(track_id, None)
        self._media.unpublish(track_id)
        self._tracks_changed()
        if track is not None and self._room.sid is not None:
            self._say([ev.LocalTrackUnpublished(track.view(), reason)])

    def _unpublish(self, command: cmd.Unpublish) -> None:
        for track in self._named(command.track):
            self._take_back(track.info.id)

    def _set_enabled(self, command: cmd.SetEnabled) -> None:
        for track in self._named(command.track):
            self._room.local.set_enabled(track, command.enabled)
            self._media.publishing.set_enabled(track.info.id, command.enabled)
        self._tracks_changed()

    def _set_priority(self, command: cmd.SetPriority) -> None:
        for track in self._named(command.track):
            self._room.local.set_priority(track, command.priority)
        self._tracks_changed()

    def _named(self, reference: str) -> list[LocalTrack]:
        found = self._room.local.find(reference)
        if not found:
            self._complain(no_such_track(reference))
        return found

    def _send_message(self, command: cmd.SendMessage) -> None:
        if command.track is None and not self._room.local.find("data"):
            self._publish_data(cmd.PublishData("data"))
        tracks = [track for track in self._named(command.track or "data") if track.info.kind == "data"]
        if tracks:
            info = tracks[0].info
            reason = self._media.publishing.data[info.id].send(command.data)
            if reason is None:
                tracks[0].messages += 1
            else:
                self._complain(message_not_sent(info.name, size_of(command.data), reason))
        elif command.track is not None and self._room.local.find(command.track):
            self._complain(no_such_track(command.track))

    def _subscribe(self, command: cmd.Subscribe) -> None:
        try:
            self._subscriptions.add(command.rule, self._room.participants)
        except TrackError as reason:
            self._complain(reason)
        else:
            self._backend.set_subscriptions(self._subscriptions.rules)

    def _messages_lost(self, lost: MessagesLost) -> None:
        track = self._room.local.tracks.get(lost.track_id)
        if track is not None:
            self._complain(messages_lost(track.info.name, lost.size))
