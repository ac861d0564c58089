"""Lets clients into rooms, carries what they and their media say there, and shows them out again."""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any, assert_never

from videocli import tokens
from videocli.errors import VideoError, error
from videocli.media.peer import PeerConfig
from videocli.outside import MessageTransport, Outside
from videocli.protocol.rsp import (
    ClientMessage,
    ClientUpdate,
    Connect,
    Disconnect,
    Disconnected,
    Iced,
    IceRequest,
    Options,
    PeerConnectionState,
    RoomState,
    ServerError,
    ServerUpdate,
    Sync,
)
from videocli.server import events as ev
from videocli.server import leg as lg
from videocli.server.connection import Connection
from videocli.server.farewells import Farewells
from videocli.server.house import Client, House
from videocli.server.registry import Registry
from videocli.server.room import Participant, Phase, Room
from videocli.server.rsp_server import RspServer

_log = logging.getLogger(__name__)

MAX_CONNECTIONS = 1000
"""More sockets than that are told `busy`."""
CLOSE_SECONDS = 2.0
"""How long peer connections may take to close when the server shuts down."""
GRACE_SECONDS = 0.3
"""How long clients may take to close their sockets when the server shuts down."""


class Hub:
    """Everything that a server does, without its socket."""

    def __init__(
        self,
        outside: Outside,
        credentials: Mapping[str, tokens.Credentials],
        peer_config: PeerConfig,
        session_timeout: float,
        max_participants: int,
        on_event: Callable[[ev.ServerEvent], None],
    ) -> None:
        self._outside = outside
        self._credentials = credentials
        self._peer_config = peer_config
        self._session_timeout = session_timeout
        self._on_event = on_event
        self._registry = Registry(max_participants, outside.random)
        self._houses: dict[str, House] = {}
        self._sessions: dict[str, Client] = {}
        self._farewells = Farewells(session_timeout)
        self._connections: dict[Connection, Client | None] = {}
        self._empty = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._is_shut = False

    async def attend(self, transport: MessageTransport) -> None:
        """Talk with one client for as long as its socket lives."""
        is_busy = self._is_shut or len(self._connections) >= MAX_CONNECTIONS
        connection = Connection(transport, self._receive, self._offended, is_busy)
        self._connections[connection] = None
        try:
            await connection.run()
        finally:
            client = self._connections.pop(connection)
            if client is not None and client.connection is connection:
                self._socket_lost(client)
            if not self._connections:
                self._empty.set()

    async def shut_down(self) -> None:
        """End every session and socket; the sockets get `GRACE_SECONDS`, then a close with 1001."""
        self._is_shut = True
        clients = [client for house in self._houses.values() for client in house.clients.values()]
        for client in clients:
            if client.connection is not None:
                client.connection.end(Disconnected("completed"))
        for client in clients:
            self._end(client, None)
        if self._connections:
            self._empty.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE_SECONDS):
                    await self._empty.wait()
        for connection in self._connections:
            connection.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)

    # What clients say.

    def _receive(self, connection: Connection, message: ClientMessage) -> None:
        if self._is_shut:
            connection.end(Disconnected("completed"))
            return
        try:
            match message:
                case IceRequest():
                    self._verify(message.token)
                    connection.send(Iced())
                case Connect():
                    self._connect(connection, message)
                case Sync():
                    self._sync(connection, message)
                case ClientUpdate():
                    self._update(connection, message)
                case Disconnect():
                    self._disconnect(connection)
                case _:
                    assert_never(message)
        except VideoError as fault:
            _log.info("a client is refused: %s", fault)
            self._offended(connection)
            connection.end(_error_message(fault))

    def _verify(self, token: str) -> tokens.Grants:
        return tokens.verify(token, self._credentials, None, self._outside.utcnow())

    def _connect(self, connection: Connection, message: Connect) -> None:
        if self._connections[connection] is not None:
            raise error(53004)
        grants = self._verify(message.token)
        name = message.name if message.name is not None else grants.room
        room = None
        if name is not None:
            tokens.check_room_name(name)
            room = self._registry.find(name)
            tokens.check_room_grant(grants, (name,) if room is None else (room.name, room.sid))
        offers = [state for state in message.peer_connections if _is_offer(state)]
        if len(offers) != 1:
            raise error(53004)
        room, participant = self._registry.enter(name, grants.identity, message.subscribe_all)
        participant.apply(message.participant)
        participant.subscribe(message.subscribe_rules)
        house = self._house(room)
        rsp = RspServer(
            _new_id(self._outside.random),
            participant.sid,
            participant.identity,
            Options(self._session_timeout, "local", "local", subscribe_rules=True),
        )
        rsp.media_signaling = tuple(
            (name, _new_id(self._outside.random))
            for name in house.channels
            if name in message.media_signaling
        )
        client = Client(house, participant, rsp, connection, self._new_leg(participant, house, offers[0].id))
        self._connections[connection] = client
        house.clients[participant.sid] = client
        self._describe(client, offers)

    def _sync(self, connection: Connection, message: Sync) -> None:
        client = self._sessions.get(message.session)
        try:
            grants = self._verify(message.token)
        except VideoError as fault:
            # Who holds the session has no token that counts and will not come again.
            if client is not None:
                self._end(client, _error_message(fault))
            raise
        if client is None or client.participant.identity != grants.identity:
            farewell = self._farewells.find(message.session, grants.identity, self._now())
            raise error(53204) if farewell is None else error(farewell.code, farewell.message)
        room = client.house.room
        tokens.check_room_grant(grants, (room.name, room.sid))
        other = self._connections[connection]
        if other is not None and other is not client:
            raise error(53004)
        if client.connection is not None and client.connection is not connection:
            client.connection.close(1011, "another socket of the same session")
        self._connections[connection] = client
        client.connection = connection
        connection.joined()
        client.given_up = None
        client.participant.come_back()
        client.participant.apply(message.participant)
        client.participant.subscribe(message.subscribe_rules)
        self._describe(client, message.peer_connections)
        client.leg.reachable(True)
        connection.send(client.rsp.synced(client.house.picture(client), [client.leg.standing()]))
        client.house.settle()
        client.house.confirm(client)

    def _update(self, connection: Connection, message: ClientUpdate) -> None:
        client = self._connections[connection]
        if client is None or message.session != client.rsp.session:
            raise error(53204)
        self._describe(client, message.peer_connections)
        subscribes_anew = client.participant.subscribe(message.subscribe_rules)
        if client.participant.apply(message.participant):
            client.house.settle()
            client.house.confirm(client)
        elif subscribes_anew:
            client.house.settle()

    def _disconnect(self, connection: Connection) -> None:
        client = self._connections[connection]
        farewell = Disconnected("in-progress")
        if client is None:
            connection.end(farewell)
        else:
            self._end(client, farewell)

    def _offended(self, connection: Connection) -> None:
        """A client broke the rules; its session ends, the caller tells it."""
        client = self._connections.get(connection)
        if client is not None:
            self._end(client, None)

    def _socket_lost(self, client: Client) -> None:
        client.connection = None
        if client.participant.phase is Phase.JOINING:
            self._end(client, None)
            return
        client.participant.leave_for(self._now(), self._session_timeout)
        client.leg.reachable(False)
        client.house.settle()
        self._set_timer()

    # What media says.

    def _new_leg(
        self, participant: Participant, house: House, peer_id: str, offers_first: bool = False
    ) -> lg.Leg:
        leg: lg.Leg

        def report(news: lg.LegReport) -> None:
            client = house.clients.get(participant.sid)
            if client is None or client.leg is not leg:
                return
            try:
                self._heard(client, news)
            except Exception:
                _log.exception("a %s could not be handled", type(news).__name__)
                self._failed(client)

        leg = lg.Leg(peer_id, self._outside.make_peer, self._peer_config, report, offers_first)
        house.forwarder.use_leg(participant.sid, leg)
        return leg

    def _describe(self, client: Client, states: Sequence[PeerConnectionState]) -> None:
        for state in states:
            if state.id != client.leg.id:
                continue
            if state.description is not None:
                client.leg.describe(state.description)
            if state.ice is not None:
                client.leg.trickle(state.ice)

    def _heard(self, client: Client, news: lg.LegReport) -> None:
        match news:
            case lg.Described(description):
                state = PeerConnectionState(client.leg.id, description)
                if client.participant.phase is Phase.JOINING:
                    self._welcome(client, state)
                elif client.connection is not None:
                    given_up, client.given_up = client.given_up, None
                    states = (state,) if given_up is None else (given_up, state)
                    client.connection.send(ServerUpdate(RoomState(peer_connections=states)))
            case lg.MessageReceived(label, data):
                client.house.take_message(client, label, data)
            case lg.SourcesChanged():
                client.house.settle()
            case lg.SendersRefused(senders):
                client.house.forwarder.refused(client.participant.sid, senders)
                client.house.settle()
            case lg.PathChanged(is_up):
                client.participant.has_media = is_up
                client.house.settle()
            case lg.Failed(fault):
                self._end(client, _error_message(fault))
            case lg.Unanswered():
                self._replace_leg(client)
            case lg.ClosedByClient():
                client.participant.has_media = False
                client.house.end_channels(client.participant.sid)
                client.house.forwarder.use_leg(client.participant.sid, None)
                self._spawn(client.leg.close())
                client.house.settle()
            case _:
                assert_never(news)

    def _welcome(self, client: Client, answer: PeerConnectionState) -> None:
        """The answer is there, so the client is in."""
        house, participant = client.house, client.participant
        if any(
            other.number > participant.number and other.is_visible for other in house.room.rivals(participant)
        ):
            self._end(client, _error_message(error(53205)))
            return
        for other in house.room.rivals(participant):
            if other.number < participant.number:
                self._end(house.clients[other.sid], _error_message(error(53205)))
        participant.come_back()
        self._sessions[client.rsp.session] = client
        if client.connection is not None:
            client.connection.joined()
            client.connection.send(
                client.rsp.connected(house.room.sid, house.room.name, client.house.picture(client), [answer])
            )
        for name, label in client.rsp.media_signaling:
            house.channels[name].open(participant.sid, label, client.leg)
        house.settle()
        client.house.confirm(client)

    def _replace_leg(self, client: Client) -> None:
        """The client is stuck with our offer: it gets another peer connection (peer-connection.md).

        Media signaling ends: its channels would need other labels, said when the old ones are closed.
        """
        client.house.end_channels(client.participant.sid)
        old = client.leg
        self._spawn(old.close())
        peer_id = _new_id(self._outside.random)
        client.leg = self._new_leg(client.participant, client.house, peer_id, offers_first=True)
        client.given_up = old.closing()
        client.leg.reachable(client.connection is not None)
        client.house.settle()

    # What follows.

    def _house(self, room: Room) -> House:
        house = self._houses.get(room.sid)
        if house is None:
            house = House(room, self._outside.random, self._on_event, self._failed)
            self._houses[room.sid] = house
            self._on_event(ev.RoomCreated(house.name))
        return house

    def _failed(self, client: Client) -> None:
        """A fault of ours concerns this client."""
        self._end(client, _error_message(error(53000)))

    def _end(self, client: Client, farewell: ServerError | Disconnected | None) -> None:
        """A session is over; None: whoever asked for it tells the client."""
        house, participant = client.house, client.participant
        if house.clients.pop(participant.sid, None) is None:
            return
        self._sessions.pop(client.rsp.session, None)
        if isinstance(farewell, ServerError):
            # On a socket that is lost or about to be, nobody hears it.
            self._farewells.keep(client.rsp.session, participant.identity, farewell, self._now())
        house.end_channels(participant.sid)
        house.forwarder.use_leg(participant.sid, None)
        self._spawn(client.leg.close())
        connection, client.connection = client.connection, None
        if connection is not None and connection in self._connections:
            self._connections[connection] = None
            if farewell is not None:
                connection.end(farewell)
        has_ended = self._registry.leave(house.room, participant)
        house.settle()
        if has_ended:
            del self._houses[house.room.sid]
            self._on_event(ev.RoomEnded(house.name))
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        at = self._registry.timer()
        loop = asyncio.get_running_loop()
        self._timer = None if at is None else loop.call_at(at, self._expire, at)

    def _expire(self, at: float) -> None:
        """Somebody's session time is over."""
        now = max(at, self._now())
        for room, participant in self._registry.overdue(now):
            if room.sid in self._houses and participant.sid in self._houses[room.sid].clients:
                self._end(self._houses[room.sid].clients[participant.sid], None)
        self._set_timer()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _is_offer(state: PeerConnectionState) -> bool:
    return state.description is not None and state.description.type == "offer"


def _error_message(fault: VideoError) -> ServerError:
    return ServerError(fault.code or 53000, fault.message)


def _new_id(chance: random.Random) -> str:
    return f"{chance.getrandbits(128):032x}"
