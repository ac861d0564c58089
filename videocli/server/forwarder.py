"""Carries what one participant of a room sends to the others: RTP packets undecoded, messages as they are.

The room says who should get what (`Feed`); `reconcile` makes it so, as far as the media is there. Each
subscriber gets a track under an id of its own, on sections that we offer.
"""

import asyncio
import logging
import random
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping

from videocli.errors import error
from videocli.media.frames import MediaKind
from videocli.media.peer import DataChannel, MediaPacket, NotSent, Receiver, Sender, is_reliable
from videocli.protocol.rsp import SubscribedTrack, WireError
from videocli.server.blame import Blame
from videocli.server.leg import Leg
from videocli.server.room import Feed

_log = logging.getLogger(__name__)

KEYFRAME_SECONDS = 0.3
"""Requests to one publisher are at least so far apart; one that comes too soon is made later."""

_NO_CODEC = WireError(53404, error(53404).message)
_TOO_SLOW = WireError(0, "The messages of the data track come faster than they can be delivered here")


class _Delivery(ABC):
    """One track on its way to one subscriber."""

    def __init__(self, media_id: str | None) -> None:
        self.media_id = media_id
        """None: the subscriber has no codec for it."""

    @abstractmethod
    def detach(self) -> None:
        """Carry nothing more."""

    @abstractmethod
    def end(self) -> None:
        """Take it away from the subscriber; it is detached."""


class _Refused(_Delivery):
    def __init__(self, why: WireError) -> None:
        super().__init__(None)
        self.why = why

    def detach(self) -> None:
        pass

    def end(self) -> None:
        pass


class _Source(ABC):
    """One published track, from wherever it comes now, to its subscribers."""

    @abstractmethod
    def bind(self, publisher: Leg | None) -> None:
        """Take the track from where the publisher sends it now, if it does."""

    @property
    @abstractmethod
    def has_begun(self) -> bool:
        """Whether there was ever anything to take."""

    @abstractmethod
    def deliver(self, subscriber: Leg, media_id: str) -> _Delivery:
        """Carry it to another subscriber."""


class _MediaDelivery(_Delivery):
    def __init__(self, media_id: str, leg: Leg, sender: Sender, senders: list[Sender]) -> None:
        super().__init__(media_id)
        self.sender = sender
        self._leg = leg
        self._senders = senders

    def detach(self) -> None:
        self.sender.on_keyframe_request = None
        self._senders.remove(self.sender)

    def end(self) -> None:
        self._leg.remove_sender(self.sender)


class _MediaSource(_Source):
    def __init__(self, track_id: str, kind: MediaKind) -> None:
        self._track_id = track_id
        self._kind = kind
        self._receiver: Receiver | None = None
        self._senders: list[Sender] = []
        self._has_begun = False
        self._asked_at = float("-inf")
        self._asking: asyncio.TimerHandle | None = None

    @property
    def has_begun(self) -> bool:
        return self._has_begun

    def bind(self, publisher: Leg | None) -> None:
        receiver = publisher.receivers.get(self._track_id) if publisher is not None else None
        if receiver is not None and receiver.kind != self._kind:
            receiver = None
        if receiver is self._receiver:
            return
        if self._receiver is not None:
            self._receiver.on_packet = None
        self._receiver = receiver
        if receiver is None:
            if self._asking is not None:
                self._asking.cancel()
                self._asking = None
            return
        self._has_begun = True
        receiver.on_packet = self._forward
        if self._senders:
            self._request_keyframe()

    def deliver(self, subscriber: Leg, media_id: str) -> _Delivery:
        sender = subscriber.add_sender(self._kind, media_id)
        sender.on_keyframe_request = self._request_keyframe
        self._senders.append(sender)
        return _MediaDelivery(media_id, subscriber, sender, self._senders)

    def _forward(self, packet: MediaPacket) -> None:
        for sender in self._senders:
            try:
                sender.forward(packet)
            except Exception:
                _log.exception("a packet of %s was not forwarded", self._track_id)

    def _request_keyframe(self) -> None:
        """Ask the publisher for a keyframe, now or as soon as the last request is long enough ago."""
        if self._kind != "video" or self._receiver is None or self._asking is not None:
            return
        loop = asyncio.get_running_loop()
        due = self._asked_at + KEYFRAME_SECONDS
        if loop.time() >= due:
            self._ask(self._receiver)
        else:
            self._asking = loop.call_at(due, self._ask, self._receiver)

    def _ask(self, receiver: Receiver) -> None:
        self._asking = None
        self._asked_at = asyncio.get_running_loop().time()
        receiver.request_keyframe()


class _DataDelivery(_Delivery):
    def __init__(self, media_id: str, channel: DataChannel, deliveries: "list[_DataDelivery]") -> None:
        super().__init__(media_id)
        self._channel = channel
        self._deliveries = deliveries

    def detach(self) -> None:
        self._deliveries.remove(self)

    def end(self) -> None:
        self._channel.close()

    def send(self, data: str | bytes) -> bool:
        """Carry a message; False: the subscriber takes too little, and may not miss this one."""
        is_lost = self._channel.send(data) is NotSent.FULL
        return not (is_lost and is_reliable(self._channel))


class _DataSource(_Source):
    def __init__(self, label: str) -> None:
        self._label = label
        self._origin: DataChannel | None = None
        self._deliveries: list[_DataDelivery] = []

    @property
    def has_begun(self) -> bool:
        return self._origin is not None

    def bind(self, publisher: Leg | None) -> None:
        # How reliable it is stays known when the publisher's channel is gone for a while.
        origin = publisher.channels.get(self._label) if publisher is not None else None
        self._origin = origin or self._origin

    def deliver(self, subscriber: Leg, media_id: str) -> _Delivery:
        assert self._origin is not None
        channel = subscriber.open_channel(media_id, like=self._origin)
        delivery = _DataDelivery(media_id, channel, self._deliveries)
        self._deliveries.append(delivery)
        return delivery

    def forward(self, data: str | bytes) -> list[_DataDelivery]:
        """Carry a message; the deliveries that cannot go on without it."""
        broken = []
        for delivery in self._deliveries:
            try:
                if not delivery.send(data):
                    broken.append(delivery)
            except Exception:
                _log.exception("a message of %s was not forwarded", self._label)
        return broken


class Forwarder:
    """All media of one room."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._legs: dict[str, Leg] = {}
        self._sources: dict[Feed, _Source] = {}
        self._data: dict[tuple[str, str], _DataSource] = {}
        self._deliveries: dict[str, dict[Feed, _Delivery]] = {}

    def use_leg(self, participant_sid: str, leg: Leg | None) -> None:
        """A participant's media goes over this leg from now on; None: over none.

        `reconcile` afterwards. The leg before it is the caller's to close.
        """
        for delivery in self._deliveries.pop(participant_sid, {}).values():
            delivery.detach()
        self._legs.pop(participant_sid, None)
        if leg is not None:
            self._legs[participant_sid] = leg
            self._deliveries[participant_sid] = {}

    def reconcile(self, wanted: Mapping[str, Iterable[Feed]], blame: Blame) -> None:
        """Let everybody, by participant SID, get what they should, and nothing else."""
        should = {sid: dict.fromkeys(feeds) for sid, feeds in wanted.items()}
        for participant_sid, deliveries in self._deliveries.items():
            for feed in [feed for feed in deliveries if feed not in should.get(participant_sid, {})]:
                with blame.on(participant_sid):
                    delivery = deliveries.pop(feed)
                    delivery.detach()
                    delivery.end()
        self._bind(dict.fromkeys(feed for feeds in should.values() for feed in feeds), blame)
        for participant_sid, leg in self._legs.items():
            with blame.on(participant_sid):
                self._deliver(participant_sid, leg, should.get(participant_sid, {}))

    def _deliver(self, participant_sid: str, leg: Leg, should: Iterable[Feed]) -> None:
        deliveries = self._deliveries[participant_sid]
        for feed in should:
            source = self._sources[feed]
            if feed not in deliveries and source.has_begun:
                deliveries[feed] = source.deliver(leg, str(self._new_id()))
        leg.negotiate()

    def subscribed(self, participant_sid: str) -> tuple[SubscribedTrack, ...]:
        """What a participant gets, and under which ids."""
        return tuple(
            SubscribedTrack(
                feed.track_sid, delivery.media_id, delivery.why if isinstance(delivery, _Refused) else None
            )
            for feed, delivery in self._deliveries.get(participant_sid, {}).items()
        )

    def refused(self, participant_sid: str, senders: Iterable[Sender]) -> None:
        """A participant has no codec for these."""
        deliveries = self._deliveries.get(participant_sid, {})
        for feed, delivery in list(deliveries.items()):
            if isinstance(delivery, _MediaDelivery) and delivery.sender in senders:
                self._refuse(deliveries, feed, _NO_CODEC)

    def take_message(self, participant_sid: str, label: str, data: str | bytes) -> bool:
        """A participant said something on one of its channels; whether that changed who gets what.

        A subscriber of a reliable track whose queue is full loses the track, and is told so: all that it gets
        is without gaps.
        """
        source = self._data.get((participant_sid, label))
        broken = source.forward(data) if source is not None else []
        for deliveries in self._deliveries.values() if broken else ():
            for feed, delivery in list(deliveries.items()):
                if delivery in broken:
                    self._refuse(deliveries, feed, _TOO_SLOW)
        return bool(broken)

    def _refuse(self, deliveries: dict[Feed, _Delivery], feed: Feed, why: WireError) -> None:
        deliveries[feed].detach()
        deliveries[feed].end()
        deliveries[feed] = _Refused(why)

    def _bind(self, feeds: Mapping[Feed, None], blame: Blame) -> None:
        for feed in [feed for feed in self._sources if feed not in feeds]:
            self._data.pop((feed.publisher_sid, feed.track_id), None)
            with blame.on(feed.publisher_sid):
                self._sources.pop(feed).bind(None)
        for feed in feeds:
            if feed not in self._sources:
                self._sources[feed] = self._new_source(feed)
            with blame.on(feed.publisher_sid):
                self._sources[feed].bind(self._legs.get(feed.publisher_sid))

    def _new_source(self, feed: Feed) -> _Source:
        if feed.kind != "data":
            return _MediaSource(feed.track_id, feed.kind)
        source = self._data[feed.publisher_sid, feed.track_id] = _DataSource(feed.track_id)
        return source

    def _new_id(self) -> uuid.UUID:
        return uuid.UUID(int=self._chance.getrandbits(128), version=4)
