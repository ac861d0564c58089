"""Media signaling to the clients of a room, over data channels of the server's (media-signaling.md)."""

import asyncio
import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from videocli.media.peer import DataChannel, TrackStats
from videocli.media.quality import Opinion
from videocli.media.speakers import Loudness, Sound, Speakers
from videocli.media.stats import TrackRates, rates
from videocli.server.leg import Leg

LISTEN_SECONDS = 0.25
"""How often loudness is measured while anybody wants to know."""
JUDGE_SECONDS = 1.0
"""How often everybody's network is judged, while anybody wants to know."""

_log = logging.getLogger(__name__)

Legs = Callable[[], Mapping[str, Leg]]
"""Everybody's leg, by participant SID."""
Json = dict[str, Any]


class Channels(ABC):
    """One channel to each client that asked for it. Nothing is measured while nobody did."""

    name: str

    def __init__(self, legs: Legs, interval: float) -> None:
        self._legs = legs
        self._interval = interval
        self._channels: dict[str, DataChannel] = {}
        """By participant SID."""
        self._timer: asyncio.TimerHandle | None = None

    def open(self, participant_sid: str, label: str, leg: Leg) -> None:
        """Serve a participant over this leg, once it is ready; `negotiate` afterwards."""
        self._channels[participant_sid] = leg.open_channel(label)
        if self._timer is None:
            self._measure_later()

    def close(self, participant_sid: str) -> None:
        """Serve a participant no more: its leg is gone."""
        self._channels.pop(participant_sid, None)
        if not self._channels and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def take_message(self, participant_sid: str, label: str, data: str | bytes) -> None:
        """A participant said something on one of its data channels, maybe on its own of these."""
        channel = self._channels.get(participant_sid)
        if channel is None or channel.label != label or isinstance(data, bytes):
            return
        try:
            message = json.loads(data)
        except (ValueError, RecursionError):
            return
        if isinstance(message, dict):
            self._said(participant_sid, message)

    def _say(self, participant_sid: str, message: Json) -> None:
        try:
            self._channels[participant_sid].send(json.dumps({"type": self.name, **message}))
        except Exception:
            _log.exception("a %s message was not sent", self.name)

    def _measure_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._interval, self._tick)

    def _tick(self) -> None:
        self._measure_later()
        self._measure(asyncio.get_running_loop().time())

    @abstractmethod
    def _measure(self, now: float) -> None:
        """Look at everybody's media."""

    @abstractmethod
    def _said(self, participant_sid: str, message: Json) -> None:
        """A client of the channel said this, whatever it is."""


class ActiveSpeaker(Channels):
    """Names who speaks loudest, whenever that changes, and at first."""

    name = "active_speaker"

    def __init__(self, legs: Legs) -> None:
        super().__init__(legs, LISTEN_SECONDS)
        self._ready: set[str] = set()
        self._loudness = Loudness()
        self._speakers = Speakers()
        self._told: str | None = None

    def close(self, participant_sid: str) -> None:
        self._ready.discard(participant_sid)
        super().close(participant_sid)

    def _measure(self, now: float) -> None:
        self._speakers.update(self._loudness.measure(self._sounds()), now)
        if self._speakers.dominant != self._told:
            self._told = self._speakers.dominant
            for participant_sid in self._ready:
                self._tell(participant_sid)

    def _sounds(self) -> Iterator[Sound]:
        for sid, leg in self._legs().items():
            for track_id, receiver in leg.receivers.items():
                if receiver.kind == "audio":
                    yield sid, (sid, track_id), receiver.stats()

    def _said(self, participant_sid: str, message: Json) -> None:
        if participant_sid not in self._ready:
            self._ready.add(participant_sid)
            self._tell(participant_sid)

    def _tell(self, participant_sid: str) -> None:
        self._say(participant_sid, {"participant": self._told})


class NetworkQuality(Channels):
    """Answers each report with levels of our own; what the reports say is not relied upon.

    A report that comes before there are any is answered as soon as there are: whoever is not answered says
    no more for 5 s (media-signaling.md).
    """

    name = "network_quality"

    def __init__(self, legs: Legs) -> None:
        super().__init__(legs, JUDGE_SECONDS)
        self._opinions: dict[str, Opinion] = {}
        self._before: dict[tuple[str, str, str], TrackStats] = {}
        self._unanswered: dict[str, bool] = {}
        """By participant SID: whether others' levels are asked for, too."""

    def close(self, participant_sid: str) -> None:
        self._unanswered.pop(participant_sid, None)
        super().close(participant_sid)

    def _measure(self, now: float) -> None:
        legs = self._legs()
        self._opinions = {sid: self._opinions.get(sid) or Opinion() for sid in legs}
        before, self._before = self._before, {}
        for sid, leg in legs.items():
            flows = list(self._flows(sid, leg, before))
            self._opinions[sid].add(
                leg.round_trip_time or 0.0,
                max((jitter for jitter, _ in flows), default=0.0),
                max((rate.loss or 0.0 for _, rate in flows), default=0.0),
            )
        unanswered, self._unanswered = self._unanswered, {}
        for sid, with_remotes in unanswered.items():
            self._answer(sid, with_remotes)

    def _flows(
        self, sid: str, leg: Leg, before: Mapping[tuple[str, str, str], TrackStats]
    ) -> Iterator[tuple[float, TrackRates]]:
        """Jitter of sound, and rates since the last time, of all that the client sends and gets."""
        ends = [("from", each) for each in leg.receivers.values()] + [("to", each) for each in leg.senders]
        for direction, end in ends:
            key = (sid, direction, end.track_id)
            after = self._before[key] = end.stats()
            jitter = (after.jitter or 0.0) if end.kind == "audio" else 0.0
            if key in before:
                yield jitter, rates(before[key], after, JUDGE_SECONDS, is_sent=direction == "to")

    def _said(self, participant_sid: str, message: Json) -> None:
        if message.get("type") == self.name:
            self._answer(participant_sid, bool(message.get("remoteReportLevel")))

    def _answer(self, participant_sid: str, with_remotes: bool) -> None:
        levels = {sid: opinion.level for sid, opinion in self._opinions.items()}
        own = levels.pop(participant_sid, None)
        if own is None:
            self._unanswered[participant_sid] = with_remotes
            return
        answer: Json = {"local": own}
        if with_remotes:
            answer["remotes"] = [{"sid": sid, "level": level} for sid, level in levels.items() if level]
        self._say(participant_sid, answer)
