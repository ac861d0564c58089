"""What flows: the counters of media, as events tell them and as rates for the snapshot."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from videocli.engine.events import NamedConnectionStats, NamedStats, Participant, Stats, Track
from videocli.engine.room.room import Room
from videocli.engine.room.snapshot import ConnectionSnapshot, ParticipantSnapshot, TrackSnapshot
from videocli.media.frames import Codec
from videocli.media.peer import ConnectionStats, IceState, TrackStats
from videocli.media.quality import Opinion
from videocli.media.speakers import Loudness
from videocli.media.stats import ConnectionRates, TrackRates, connection_rates, rates

KEPT_RATES = 60
"""So many of a track's latest bitrates are kept."""

Direction = Literal["sent", "received"]
Key = tuple[Direction, str]
Counters = Callable[[Direction, str], TrackStats | None]
"""The counters of the track that media knows by this id; None: nothing flows."""
ConnectionCounters = Callable[[], Mapping[str, ConnectionStats]]
"""The counters of every peer connection, by its id."""


@dataclass(frozen=True, slots=True)
class _Sample:
    at: float
    counters: TrackStats
    rates: TrackRates | None
    bitrates: tuple[float, ...]
    """The latest ones, oldest first."""


@dataclass(frozen=True, slots=True)
class _ConnectionSample:
    at: float
    counters: ConnectionStats
    rates: ConnectionRates | None


@dataclass(frozen=True, slots=True)
class _Row:
    participant: Participant
    track: Track
    direction: Direction
    media_id: str | None
    messages: int

    @property
    def key(self) -> Key | None:
        return None if self.media_id is None else (self.direction, self.media_id)


class Meter:
    """Samples the counters and keeps the rates of the last interval."""

    def __init__(self, counters: Counters, connections: ConnectionCounters) -> None:
        self._counters = counters
        self._connection_counters = connections
        self._samples: dict[Key, _Sample] = {}
        self._connections: dict[str, _ConnectionSample] = {}
        self._loudness = Loudness()
        self._opinions: dict[str, Opinion] = {}

    def sample(self, room: Room, now: float) -> None:
        """Take the counters now; `now` in seconds on any clock that never goes back."""
        self._samples = {
            key: self._sample(key, counters, now)
            for row in _rows(room)
            if (key := row.key) is not None and (counters := self._counters(*key)) is not None
        }
        self._connections = {
            peer_id: self._connection_sample(peer_id, counters, now)
            for peer_id, counters in self._connection_counters().items()
        }
        self._judge(room)

    def stats(self, room: Room) -> Stats:
        """The counters of every track that flows and of every peer connection, as they are now."""
        tracks = []
        for row in _rows(room):
            if (key := row.key) is not None and (counters := self._counters(*key)) is not None:
                sample = self._samples.get(key)
                rate = sample.rates if sample else None
                tracks.append(NamedStats(row.participant, row.track, row.direction, counters, rate))
        connections = []
        for peer_id, counted in self._connection_counters().items():
            known = self._connections.get(peer_id)
            connections.append(NamedConnectionStats(peer_id, counted, known.rates if known else None))
        return Stats(tuple(tracks), tuple(connections))

    def levels(self, room: Room) -> dict[str, float]:
        """How loud every participant was since the last call, by SID, ourselves included."""
        return self._loudness.measure(
            (row.participant.sid, key, counters)
            for row in _rows(room)
            if row.track.kind == "audio"
            and (key := row.key) is not None
            and (counters := self._counters(*key)) is not None
        )

    def snapshot(self, room: Room) -> tuple[ParticipantSnapshot, tuple[ParticipantSnapshot, ...]]:
        """We ourselves, and the others."""
        tracks: dict[str, list[TrackSnapshot]] = {}
        for row in _rows(room):
            tracks.setdefault(row.participant.sid, []).append(self._track(row))
        everybody = (room.local.view(), *(participant.view() for participant in room.participants.values()))
        local, *others = (
            ParticipantSnapshot(
                each,
                tuple(tracks.get(each.sid, ())),
                speaking=room.speakers.is_speaking(each.sid),
                audio_level=room.levels.get(each.sid),
                is_dominant=each.sid == room.dominant_sid,
                network_quality=room.network_levels.get(each.sid, self._quality(each.sid)),
            )
            for each in everybody
        )
        return local, tuple(others)

    def connections(self) -> tuple[ConnectionSnapshot, ...]:
        """Every peer connection as it was at the last sample."""
        return tuple(
            ConnectionSnapshot(
                peer_id,
                sample.counters,
                sample.rates.outgoing_bitrate if sample.rates else None,
                sample.rates.incoming_bitrate if sample.rates else None,
            )
            for peer_id, sample in self._connections.items()
        )

    def _judge(self, room: Room) -> None:
        """Form an opinion of everybody whose media flows, by SID.

        Jitter is that of sound: a picture's packets leave in bursts under one timestamp.
        """
        flowing: dict[str, list[tuple[TrackStats, TrackRates]]] = {}
        for row in _rows(room):
            sample = self._samples.get(row.key) if row.key is not None else None
            if sample is not None and sample.rates is not None and sample.rates.loss is not None:
                flowing.setdefault(row.participant.sid, []).append((sample.counters, sample.rates))
        known = {room.local.sid, *room.participants}
        self._opinions = {sid: opinion for sid, opinion in self._opinions.items() if sid in known}
        for sid, tracks in flowing.items():
            packets = sum(rate.packet_rate for _, rate in tracks)
            lost = sum((rate.loss or 0.0) * rate.packet_rate for _, rate in tracks)
            self._opinions.setdefault(sid, Opinion()).add(
                max((counters.round_trip_time or 0.0 for counters, _ in tracks), default=0.0),
                max(
                    (counters.jitter or 0.0 for counters, _ in tracks if counters.codec is Codec.OPUS),
                    default=0.0,
                ),
                lost / packets if packets else 1.0,
            )

    def _quality(self, sid: str) -> int | None:
        """While no path answers, everybody's is 0, as in twilio-video.js (media-signaling.md)."""
        opinion = self._opinions.get(sid)
        if opinion is None or opinion.level is None:
            return None
        states = {sample.counters.ice_state for sample in self._connections.values()}
        return 0 if states and states <= {IceState.FAILED, IceState.CLOSED} else opinion.level

    def _sample(self, key: Key, counters: TrackStats, now: float) -> _Sample:
        before = self._samples.get(key)
        if before is None or now <= before.at:
            return _Sample(now, counters, None, before.bitrates if before is not None else ())
        rate = rates(before.counters, counters, now - before.at, is_sent=key[0] == "sent")
        return _Sample(now, counters, rate, (*before.bitrates[1 - KEPT_RATES :], rate.bitrate))

    def _connection_sample(self, peer_id: str, counters: ConnectionStats, now: float) -> _ConnectionSample:
        before = self._connections.get(peer_id)
        if before is None or now <= before.at:
            return _ConnectionSample(now, counters, None)
        return _ConnectionSample(now, counters, connection_rates(before.counters, counters, now - before.at))

    def _track(self, row: _Row) -> TrackSnapshot:
        sample = self._samples.get(row.key) if row.key is not None else None
        subscribed = row.media_id is not None and row.track.sid is not None
        if sample is None:
            return TrackSnapshot(row.track, subscribed, messages=row.messages)
        counters, rate = sample.counters, sample.rates
        return TrackSnapshot(
            row.track,
            subscribed,
            codec=counters.codec,
            width=counters.width,
            height=counters.height,
            frame_rate=rate.frame_rate if rate else None,
            bitrate=rate.bitrate if rate else None,
            loss=rate.loss if rate else None,
            jitter=counters.jitter,
            round_trip_time=counters.round_trip_time,
            messages=row.messages,
            packet_rate=rate.packet_rate if rate else None,
            audio_level=rate.audio_level if rate else None,
            bitrates=sample.bitrates,
            counters=counters,
        )


def _rows(room: Room) -> Iterator[_Row]:
    for track_id, local in room.local.tracks.items():
        yield _Row(room.local.view(), local.view(), "sent", track_id, local.messages)
    for participant in room.participants.values():
        for remote in participant.tracks.values():
            yield _Row(participant.view(), remote.view(), "received", remote.media_id, remote.messages)
