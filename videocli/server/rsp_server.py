"""One client's conversation: what it has been told, and so what is left to tell. It outlives sockets.

Each message is the difference between what is true now and what was told before. A message that dies with a
socket costs nothing: `synced` tells everything, under revisions that only grow.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from videocli.protocol.rsp import (
    Connected,
    Options,
    PeerConnectionState,
    Published,
    PublishedTrack,
    Recording,
    RemoteParticipant,
    RoomState,
    ServerUpdate,
    Subscribed,
    SubscribedTrack,
    Synced,
)

_NO_RECORDING = Recording(enabled=False, is_recording=False, revision=1)


@dataclass(frozen=True, slots=True)
class Picture:
    """What a client should know now."""

    participants: tuple[RemoteParticipant, ...] = ()
    """Everybody else."""
    published: tuple[PublishedTrack, ...] = ()
    subscribed: tuple[SubscribedTrack, ...] = ()


class RspServer:
    """The server's end of one session."""

    def __init__(self, session: str, participant_sid: str, identity: str, options: Options) -> None:
        self.session = session
        self._participant_sid = participant_sid
        self._identity = identity
        self._options = options
        self.media_signaling: tuple[tuple[str, str], ...] = ()
        """Channels granted (media-signaling.md), each with the label of its data channel."""
        self._participants: dict[str, RemoteParticipant] = {}
        # The SDK takes no `published` below 1, and production counts `subscribed` from 0 (rsp.md).
        self._published = Published(revision=1)
        self._subscribed = Subscribed(revision=0)

    def connected(
        self, room_sid: str, room_name: str, picture: Picture, peer_connections: Sequence[PeerConnectionState]
    ) -> Connected:
        """The first message: everything."""
        self._take(picture)
        return Connected(
            sid=room_sid,
            name=room_name,
            session=self.session,
            options=self._options,
            participant_sid=self._participant_sid,
            participant_identity=self._identity,
            state=replace(self._everything(peer_connections), recording=_NO_RECORDING),
        )

    def synced(self, picture: Picture, peer_connections: Sequence[PeerConnectionState]) -> Synced:
        """The first message on another socket: everything; whoever is missing has left."""
        self._take(picture)
        return Synced(self._everything(peer_connections), self._participant_sid, self._identity)

    def update(self, picture: Picture) -> ServerUpdate | None:
        """What has changed; None: nothing.

        Participants are a delta, `published` and `subscribed` whole lists, as in production.
        """
        participants, published, subscribed = self._participants, self._published, self._subscribed
        self._take(picture)
        news = tuple(
            view for sid, view in self._participants.items() if participants.get(sid) != view
        ) + tuple(
            # Their tracks stay as they were (test/integration/spec/room.js).
            replace(view, state="disconnected", revision=view.revision + 1)
            for sid, view in participants.items()
            if sid not in self._participants
        )
        if not news and published is self._published and subscribed is self._subscribed:
            return None
        return ServerUpdate(
            RoomState(
                participants=news,
                published=self._published if published is not self._published else None,
                subscribed=self._subscribed if subscribed is not self._subscribed else None,
            )
        )

    def _take(self, picture: Picture) -> None:
        self._participants = {view.sid: view for view in picture.participants}
        if picture.published != self._published.tracks:
            self._published = Published(self._published.revision + 1, picture.published)
        if picture.subscribed != self._subscribed.tracks:
            self._subscribed = Subscribed(self._subscribed.revision + 1, picture.subscribed)

    def _everything(self, peer_connections: Sequence[PeerConnectionState]) -> RoomState:
        return RoomState(
            participants=tuple(self._participants.values()),
            published=self._published,
            subscribed=self._subscribed,
            peer_connections=tuple(peer_connections),
            media_signaling=self.media_signaling,
        )
