"""A client that does what its test says: TCMP and RSP by hand, over any transport and any peer connection."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from videocli import tokens
from videocli.driver import Driver
from videocli.media import negotiation as ng
from videocli.media import peer as mp
from videocli.media.frames import EncodedFrame, MediaKind, TrackKind
from videocli.outside import MessageTransport, Outside
from videocli.protocol import rsp
from videocli.protocol.rsp_codec import Json, encode, parse_server_message
from videocli.protocol.tcmp import BodyReceived, BusyReceived, Closed, TcmpEvent
from videocli.protocol.tcmp_client import TcmpClient

PATIENCE = 40.0
"""Seconds after which something that should happen is taken not to happen."""
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CREDENTIALS = tokens.Credentials("AC" + "a" * 32, "SK" + "b" * 32, "c" * 32)
KNOWN = {CREDENTIALS.api_key: CREDENTIALS}

T = TypeVar("T")
MessageT = TypeVar("MessageT", bound=rsp.ServerMessage)


def token(identity: str, room: str | None = None, ttl: int = 3600, now: datetime = NOW) -> str:
    """A token that the tests' servers accept."""
    return tokens.mint(CREDENTIALS, identity, room, ttl, now).token


@dataclass
class RemoteView:
    """What a client has been told of the others, as the SDK would keep it."""

    participants: dict[str, rsp.RemoteParticipant]
    """By identity; whoever has left is not there."""
    subscribed: dict[str, rsp.SubscribedTrack]
    """By track SID."""
    published: dict[str, rsp.PublishedTrack]
    """By own track id."""


class Client:
    """One client. `until` waits for anything that can be seen of it."""

    def __init__(self, outside: Outside, identity: str, now: datetime = NOW) -> None:
        self.identity = identity
        self.now = now
        self.session = ""
        self.messages: list[rsp.ServerMessage] = []
        """Everything the server said, in order."""
        self.view = RemoteView({}, {}, {})
        self.participant = rsp.LocalParticipant(revision=1)
        self.events: list[mp.PeerEvent] = []
        self.frames: dict[str, list[bytes]] = {}
        """Video and audio that came, by media id."""
        self.heard: list[tuple[str, str | bytes]] = []
        """Messages that came: label and data."""
        self.closed: Closed | None = None
        self.busy: BusyReceived | None = None
        self.answers_offers = True
        self.peer_id = f"pc-{identity}"
        self.peer: mp.PeerConnection | None = None
        self.negotiation = ng.ClientNegotiation()
        self._outside = outside
        self._revisions: dict[str, int] = {}
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._transport: MessageTransport | None = None
        self._core: TcmpClient | None = None
        self._driver: Driver[TcmpEvent] | None = None

    async def until(self, seen: Callable[[], T | None]) -> T:
        """Wait until something can be seen, and return it."""
        async with asyncio.timeout(PATIENCE):
            while not (found := seen()):
                self._changed.clear()
                await self._changed.wait()
            return found

    async def message(self, kind: type[MessageT], after: int = 0) -> MessageT:
        """The first message of a kind, from the given position on."""
        return await self.until(
            lambda: next((entry for entry in self.messages[after:] if isinstance(entry, kind)), None)
        )

    async def end(self) -> rsp.ServerError | rsp.Disconnected:
        """The message that ends the session."""
        return await self.until(
            lambda: next(
                (m for m in self.messages if isinstance(m, rsp.ServerError | rsp.Disconnected)), None
            )
        )

    async def dial(self, url: str, body: Json | None = None) -> None:
        """Open a socket and say hello; the socket before it is left as it is."""
        self._transport = await self._outside.dial(url)
        loop = asyncio.get_running_loop()
        self.closed = None
        self._core = TcmpClient(loop.time(), lambda: "hello-id", body)
        self._driver = Driver(self._core, self._transport, self._deliver)
        self._tasks.append(loop.create_task(self._driver.run()))

    def send(self, message: rsp.ClientMessage) -> None:
        """Say something in RSP."""
        self.send_json(encode(message))

    def send_json(self, body: Json) -> None:
        """Say anything in a TCMP `msg`."""
        assert self._core is not None
        assert self._driver is not None
        self._core.send(body, asyncio.get_running_loop().time())
        self._driver.wake()

    async def send_text(self, text: str) -> None:
        """Say anything."""
        assert self._transport is not None
        await self._transport.send(text)

    async def drop(self) -> None:
        """Lose the socket."""
        assert self._transport is not None
        await self._transport.close(3001, "dropped")
        await self.until(lambda: self.closed)

    def fall_silent(self) -> None:
        """Lose everything we send from now on, the heartbeats too."""

        async def lose(text: str) -> None:
            pass

        self._transport.send = lose  # type: ignore[union-attr,method-assign]  # for a fault that no network has

    def make_peer(self) -> mp.PeerConnection:
        """The client's peer connection."""
        config = mp.PeerConfig(addresses=("127.0.0.1",))
        self.peer = self._outside.make_peer(config, self._handle)
        return self.peer

    async def connect(
        self,
        url: str,
        room: str | None = "room",
        with_token: str | None = None,
        data: Sequence[str] = (),
        subscribe_all: bool = True,
        media_signaling: tuple[str, ...] = (),
    ) -> rsp.Connected:
        """Join; `peer` and `participant` may have tracks already."""
        peer = self.peer or self.make_peer()
        for label in data:
            self.announce(label, "data")
            peer.open_data_channel(label)
        self.negotiation.want_offer()
        step = self.negotiation.next_step()
        assert isinstance(step, ng.MakeOffer)
        sdp = await peer.create_offer()
        self.negotiation.finish(sdp)
        await self.dial(url)
        description = rsp.Description("offer", step.revision, sdp)
        given = with_token if with_token is not None else token(self.identity, now=self.now)
        self.send(
            rsp.Connect(
                name=room,
                token=given,
                participant=self.participant,
                peer_connections=(rsp.PeerConnectionState(self.peer_id, description),),
                subscribe_all=subscribe_all,
                media_signaling=media_signaling,
            )
        )
        return await self.message(rsp.Connected)

    async def refusal(self, url: str, room: str | None = "room", with_token: str | None = None) -> int:
        """The code with which joining is refused."""
        joining = asyncio.ensure_future(self.connect(url, room, with_token))
        end = await self.end()
        joining.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await joining
        assert isinstance(end, rsp.ServerError)
        return end.code

    async def resume(self, url: str, with_token: str | None = None, session: str | None = None) -> None:
        """Say `sync` on another socket."""
        local = self.negotiation.local_description
        states: tuple[rsp.PeerConnectionState, ...] = ()
        if local is not None:
            description = rsp.Description(local.kind, local.revision, local.sdp)
            states = (rsp.PeerConnectionState(self.peer_id, description),)
        given = with_token if with_token is not None else token(self.identity, now=self.now)
        await self.dial(
            url, encode(rsp.Sync("room", given, session or self.session, self.participant, states))
        )

    def announce(
        self, track_id: str, kind: TrackKind, name: str | None = None, priority: rsp.Priority = "standard"
    ) -> None:
        """Put a track on our list, without telling the server."""
        track = rsp.LocalTrack(track_id, kind, track_id if name is None else name, priority=priority)
        self._set_tracks((*self.participant.tracks, track))

    def withdraw(self, track_id: str) -> None:
        """Take a track from our list, without telling the server."""
        self._set_tracks(tuple(track for track in self.participant.tracks if track.id != track_id))

    def enable(self, track_id: str, enabled: bool) -> None:
        """Mute or unmute a track on our list, without telling the server."""
        self._set_tracks(
            tuple(
                replace(track, enabled=enabled) if track.id == track_id else track
                for track in self.participant.tracks
            )
        )

    def _set_tracks(self, tracks: tuple[rsp.LocalTrack, ...]) -> None:
        self.participant = rsp.LocalParticipant(self.participant.revision + 1, tracks)

    def update(self, *states: rsp.PeerConnectionState) -> None:
        """Tell the server how we are now."""
        self.send(rsp.ClientUpdate(self.session, self.participant, states))

    def offer(self) -> None:
        """Negotiate what our peer wants."""
        self.negotiation.want_offer()
        self._tasks.append(asyncio.ensure_future(self._negotiate()))

    async def publish(self, track_id: str, kind: MediaKind, name: str | None = None) -> mp.Sender:
        """Publish media: announce, update, offer; returns when the server says `ready`."""
        assert self.peer is not None
        sender = self.peer.add_sender(kind, track_id)
        self.announce(track_id, kind, name)
        self.update()
        self.offer()
        await self.until(lambda: self.is_ready(track_id))
        return sender

    def is_ready(self, track_id: str) -> str | None:
        """The SID of our track, once it is ready."""
        entry = self.view.published.get(track_id)
        return entry.sid if entry is not None and entry.state == "ready" else None

    def leave(self) -> None:
        """Say goodbye."""
        self.send(rsp.Disconnect(self.session or None))

    async def close(self) -> None:
        """Let go of everything."""
        if self._transport is not None:
            await self._transport.close(1000, "")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.peer is not None:
            await self.peer.close()

    def remote(self, identity: str) -> rsp.RemoteParticipant | None:
        """Somebody else, as we know them."""
        return self.view.participants.get(identity)

    def track(self, identity: str, name: str) -> rsp.RemoteTrack | None:
        """Somebody else's track, as we know it."""
        remote = self.remote(identity)
        return next((track for track in remote.tracks if track.name == name), None) if remote else None

    def media_id(self, identity: str, name: str) -> str | None:
        """The id under which we get somebody's track, once we do."""
        track = self.track(identity, name)
        entry = self.view.subscribed.get(track.sid) if track is not None else None
        return entry.id if entry is not None else None

    def receiver(self, media_id: str) -> mp.Receiver | None:
        """The media that comes under this id now."""
        receivers = {
            event.receiver.track_id: event.receiver
            for event in self.events
            if isinstance(event, mp.RemoteTrackStarted)
        }
        for event in self.events:
            if isinstance(event, mp.RemoteTrackEnded) and receivers.get(media_id) is event.receiver:
                del receivers[media_id]
        return receivers.get(media_id)

    def _deliver(self, event: TcmpEvent) -> None:
        match event:
            case BodyReceived(body):
                message = parse_server_message(body)
                assert message is not None
                self.messages.append(message)
                self._take(message)
            case Closed():
                self.closed = event
            case BusyReceived():
                self.busy = event
            case _:
                pass
        self._changed.set()

    def _take(self, message: rsp.ServerMessage) -> None:
        match message:
            case rsp.Connected(session=session, state=state):
                self.session = session
                self._take_state(state)
            case rsp.Synced(state):
                present = {entry.identity for entry in state.participants or ()}
                self.view.participants = {
                    identity: entry
                    for identity, entry in self.view.participants.items()
                    if identity in present
                }
                self._take_state(state)
            case rsp.ServerUpdate(state):
                self._take_state(state)
            case _:
                pass

    def _take_state(self, state: rsp.RoomState) -> None:
        for entry in state.participants or ():
            if entry.revision <= self._revisions.get(entry.sid, 0):
                continue
            self._revisions[entry.sid] = entry.revision
            if entry.state != "disconnected":
                self.view.participants[entry.identity] = entry
            elif self.view.participants.get(entry.identity, entry).sid == entry.sid:
                self.view.participants.pop(entry.identity, None)
        published, subscribed = state.published, state.subscribed
        if published is not None and published.revision > self._revisions.get("published", 0):
            self._revisions["published"] = published.revision
            self.view.published = {entry.id: entry for entry in published.tracks}
        if subscribed is not None and subscribed.revision > self._revisions.get("subscribed", 0):
            self._revisions["subscribed"] = subscribed.revision
            self.view.subscribed = {entry.sid: entry for entry in subscribed.tracks}
        for peer_state in state.peer_connections or ():
            self._describe(peer_state)

    def _describe(self, state: rsp.PeerConnectionState) -> None:
        description = state.description
        if description is None or (description.type == "offer" and not self.answers_offers):
            return
        if state.id == self.peer_id and description.type in ("offer", "answer", "close", "create-offer"):
            self.negotiation.receive(description.type, description.revision, description.sdp)
            self._tasks.append(asyncio.ensure_future(self._negotiate()))

    async def _negotiate(self) -> None:
        assert self.peer is not None
        while (step := self.negotiation.next_step()) is not None:
            match step:
                case ng.MakeOffer(revision):
                    sdp = await self.peer.create_offer()
                    if self.negotiation.may_send():
                        self.negotiation.finish(sdp)
                        self._say("offer", revision, sdp)
                case ng.MakeAnswer(sdp, revision):
                    answer = await self.peer.accept_offer(sdp)
                    self.negotiation.finish(answer)
                    self._say("answer", revision, answer)
                case ng.ApplyAnswer(sdp):
                    await self.peer.accept_answer(sdp)
                    self.negotiation.finish()
                case ng.Repeat(answer_again):
                    self._say("answer", answer_again.revision, answer_again.sdp)
                case ng.Close():
                    self.negotiation.finish()
                    await self.peer.close()
        self._changed.set()

    def _say(self, kind: rsp.DescriptionType, revision: int, sdp: str | None) -> None:
        self.update(rsp.PeerConnectionState(self.peer_id, rsp.Description(kind, revision, sdp)))

    def _handle(self, event: mp.PeerEvent) -> None:
        self.events.append(event)
        match event:
            case mp.RemoteTrackStarted(receiver):
                frames = self.frames.setdefault(receiver.track_id, [])

                def take(frame: EncodedFrame) -> None:
                    frames.append(frame.data)
                    self._changed.set()

                receiver.on_frame = take
            case mp.DataMessage(channel, data):
                self.heard.append((channel.label, data))
            case _:
                pass
        self._changed.set()


@asynccontextmanager
async def client(outside: Outside, identity: str, now: datetime = NOW) -> AsyncIterator[Client]:
    """A client that lets go of everything at the end."""
    one = Client(outside, identity, now)
    try:
        yield one
    finally:
        await one.close()


async def refused(one: Client) -> int:
    """The code of the error that ends its session."""
    end = await one.end()
    assert isinstance(end, rsp.ServerError)
    return end.code
