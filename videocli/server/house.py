"""One room with all that belongs to it: its clients, their conversations, their media.

`settle` is the only way out of a room: after every change media follows it, then each client is told what it
has not been told, then whoever runs the server is.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from videocli.protocol.rsp import PeerConnectionState, RemoteParticipant
from videocli.server import events as ev
from videocli.server.blame import Blame
from videocli.server.channels import ActiveSpeaker, Channels, NetworkQuality
from videocli.server.connection import Connection
from videocli.server.forwarder import Forwarder
from videocli.server.leg import Leg
from videocli.server.room import Participant, Phase, Room
from videocli.server.rsp_server import Picture, RspServer

MAX_EARLY_MESSAGES = 256
MAX_EARLY_BYTES = 1 << 20
"""So much is kept of one client; what comes beyond it is lost."""


@dataclass(slots=True, eq=False)
class Client:
    """A participant with what belongs to it."""

    house: "House"
    participant: Participant
    rsp: RspServer
    connection: Connection | None
    leg: Leg
    given_up: PeerConnectionState | None = None
    """The peer connection before this one, to be closed by the message that offers this one."""
    early: list[tuple[str, str | bytes]] = field(default_factory=list)
    """Messages, with the label of their channel, that have overtaken the news of their track.

    Where data flows already, a new channel is open at once, while its track is told of over signaling.
    """


class House:
    """A room, and how the world learns of it."""

    def __init__(
        self,
        room: Room,
        chance: random.Random,
        on_event: Callable[[ev.ServerEvent], None],
        on_fault: Callable[[Client], None],
    ) -> None:
        """`on_fault` is to end a client for whom something of ours failed."""
        self.room = room
        self.name = ev.RoomName(room.sid, room.name)
        self.forwarder = Forwarder(chance)
        self.clients: dict[str, Client] = {}
        """By participant SID."""
        self.channels: dict[str, Channels] = {
            channels.name: channels for channels in (ActiveSpeaker(self._legs), NetworkQuality(self._legs))
        }
        """Media signaling, by name."""
        self._on_event = on_event
        self._on_fault = on_fault
        self._seen: dict[str, RemoteParticipant] = {}

    def picture(self, client: Client) -> Picture:
        """What a client should know now."""
        return Picture(
            participants=self.room.views(besides=client.participant),
            published=client.participant.published(),
            subscribed=self.forwarder.subscribed(client.participant.sid),
        )

    def _legs(self) -> dict[str, Leg]:
        return {sid: client.leg for sid, client in self.clients.items()}

    def end_channels(self, participant_sid: str) -> None:
        """A participant's leg is gone, and media signaling with it."""
        for channels in self.channels.values():
            channels.close(participant_sid)

    def take_message(self, client: Client, label: str, data: str | bytes) -> None:
        """A client said something on one of its data channels: hear it, or carry it.

        It is carried now, or when its track is known.
        """
        granted = next((name for name, its_label in client.rsp.media_signaling if its_label == label), None)
        if granted is not None:
            self.channels[granted].take_message(client.participant.sid, label, data)
        elif client.participant.publishes(label):
            if self.forwarder.take_message(client.participant.sid, label, data):
                self.settle()
        elif (
            len(client.early) < MAX_EARLY_MESSAGES
            and sum(len(early) for _, early in client.early) + len(data) <= MAX_EARLY_BYTES
        ):
            client.early.append((label, data))

    def _say_early(self) -> None:
        """Carry the messages whose tracks are known by now."""
        for client in list(self.clients.values()):
            known = [message for message in client.early if client.participant.publishes(message[0])]
            if known:
                client.early = [
                    message for message in client.early if not client.participant.publishes(message[0])
                ]
                for label, data in known:
                    self.take_message(client, label, data)

    def settle(self) -> None:
        """Let everything follow from what is true in the room now."""
        blame = Blame()
        self.forwarder.reconcile(
            {sid: self.room.feeds_for(client.participant) for sid, client in self.clients.items()}, blame
        )
        self._say_early()
        for sid, client in self.clients.items():
            with blame.on(sid):
                self._update(client)
        before, self._seen = self._seen, {view.sid: view for view in self.room.views()}
        for event in ev.changes(self.name, before, self._seen):
            self._on_event(event)
        for client in [client for sid, client in self.clients.items() if sid in blame.sids]:
            self._on_fault(client)

    def _update(self, client: Client) -> None:
        if client.participant.phase is Phase.PRESENT and client.connection is not None:
            update = client.rsp.update(self.picture(client))
            if update is not None:
                client.connection.send(update)

    def confirm(self, client: Client) -> None:
        """Make what a client publishes ready; it has been told `created`."""
        client.participant.confirm()
        self.settle()
