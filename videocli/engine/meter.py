"""What flows on each track: the counters of media, as events tell them and as rates for the snapshot."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from videocli.engine.events import NamedStats, Participant, Track
from videocli.engine.room.room import Room
from videocli.engine.room.snapshot import ParticipantSnapshot, TrackSnapshot
from videocli.media.peer import TrackStats
from videocli.media.stats import TrackRates, rates

KEPT_RATES = 60
"""So many of a track's latest bitrates are kept."""

Direction = Literal["sent", "received"]
Counters = Callable[[Direction, str], TrackStats | None]
"""The counters of the track that media knows by this id; None: nothing flows."""


@dataclass(frozen=True, slots=True)
class _Sample:
    at: float
    counters: TrackStats
    rates: TrackRates | None
    bitrates: tuple[float, ...]
    """The latest ones, oldest first."""


@dataclass(frozen=True, slots=True)
class _Row:
    participant: Participant
    track: Track
    direction: Direction
    media_id: str | None
    messages: int


class Meter:
    """Samples every track's counters and keeps the rates of the last interval."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._samples: dict[tuple[Direction, str], _Sample] = {}

    def sample(self, room: Room, now: float) -> None:
        """Take the counters now; `now` in seconds on any clock that never goes back."""
        samples = {}
        for row in _rows(room):
            if row.media_id is None or (counters := self._counters(row.direction, row.media_id)) is None:
                continue
            key = (row.direction, row.media_id)
            before = self._samples.get(key)
            rate = (
                None
                if before is None or now <= before.at
                else rates(before.counters, counters, now - before.at, is_sent=row.direction == "sent")
            )
            earlier = before.bitrates if before is not None else ()
            bitrates = earlier if rate is None else (*earlier[1 - KEPT_RATES :], rate.bitrate)
            samples[key] = _Sample(now, counters, rate, bitrates)
        self._samples = samples

    def stats(self, room: Room) -> tuple[NamedStats, ...]:
        """The counters of every track that flows, as they are now."""
        return tuple(
            NamedStats(row.participant, row.track, row.direction, counters)
            for row in _rows(room)
            if row.media_id is not None
            and (counters := self._counters(row.direction, row.media_id)) is not None
        )

    def snapshot(self, room: Room) -> tuple[ParticipantSnapshot, tuple[ParticipantSnapshot, ...]]:
        """We ourselves, and the others."""
        tracks: dict[str, list[TrackSnapshot]] = {}
        for row in _rows(room):
            tracks.setdefault(row.participant.sid, []).append(self._track(row))
        local = room.local.view()
        return (
            ParticipantSnapshot(local, tuple(tracks.get(local.sid, ()))),
            tuple(
                ParticipantSnapshot(participant.view(), tuple(tracks.get(participant.sid, ())))
                for participant in room.participants.values()
            ),
        )

    def _track(self, row: _Row) -> TrackSnapshot:
        sample = self._samples.get((row.direction, row.media_id)) if row.media_id is not None else None
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
            bitrates=sample.bitrates,
            loss=rate.loss if rate else None,
            jitter=counters.jitter,
            round_trip_time=counters.round_trip_time,
            messages=row.messages,
        )


def _rows(room: Room) -> Iterator[_Row]:
    for track_id, local in room.local.tracks.items():
        yield _Row(room.local.view(), local.view(), "sent", track_id, local.messages)
    for participant in room.participants.values():
        for remote in participant.tracks.values():
            yield _Row(participant.view(), remote.view(), "received", remote.media_id, remote.messages)
