"""Who is speaking, and who of them dominates, told by how loud each participant is."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from videocli.media.peer import TrackStats
from videocli.media.stats import rates

Sound = tuple[str, Hashable, TrackStats]
"""Who, which of its audio tracks, and the counters of that."""

SPEAKS_FROM = 0.010
"""Loudness (0 to 1) from which on somebody speaks: -40 dB."""

SPEAKS_DOWN_TO = 0.004
"""Below this, -48 dB, somebody falls silent; between the two, everybody goes on as before."""

PAUSE_SECONDS = 0.8
"""So long a pause between words is still speech."""

DOMINATES_AFTER = 0.5
"""Seconds of speech before somebody can take over from another who speaks: a cough is not enough."""

TIMES_LOUDER = 1.6
"""How much louder, 4 dB, one who takes over is."""

FORGOTTEN_AFTER = 3.0
"""Seconds of silence of everybody after which nobody dominates any more."""

_SMOOTHING_SECONDS = 0.6


class Loudness:
    """How loud everybody is, by the counters of their audio tracks."""

    def __init__(self) -> None:
        self._heard: dict[Hashable, TrackStats] = {}

    def measure(self, sounds: Iterable[Sound]) -> dict[str, float]:
        """How loud each was since the last call, 0 to 1 of the greatest: as its loudest track.

        Left out: those whose sound does not say how loud it is, and those without sound.
        """
        levels: dict[str, float] = {}
        heard: dict[Hashable, TrackStats] = {}
        for name, key, counters in sounds:
            if counters.audio_level is None:
                continue
            heard[key] = counters
            level = rates(self._heard.get(key, TrackStats()), counters, 0.0).audio_level or 0.0
            levels[name] = max(level, levels.get(name, 0.0))
        self._heard = heard
        return levels


@dataclass(slots=True)
class _Speaker:
    loudness: float = 0.0
    """Smoothed."""
    heard_at: float = float("-inf")
    """When it was last loud enough."""
    began_at: float | None = None
    """Since when it has been speaking; None: it is not."""


class Speakers:
    """Follows the loudness of participants, each known by any name."""

    def __init__(self) -> None:
        self.dominant: str | None = None
        """Who dominates: the first who speaks, until another is clearly louder, or speaks alone."""
        self._speakers: dict[str, _Speaker] = {}
        self._at: float | None = None
        self._last_speech_at = float("-inf")

    def update(self, levels: Mapping[str, float], now: float) -> None:
        """How loud everybody is now, 0 to 1 of the greatest; who is missing is gone.

        `now` is in seconds on any clock that never goes back.
        """
        elapsed = 0.0 if self._at is None else now - self._at
        self._at = now
        weight = elapsed / (elapsed + _SMOOTHING_SECONDS)
        self._speakers = {name: self._speakers.get(name) or _Speaker() for name in levels}
        for name, level in levels.items():
            speaker = self._speakers[name]
            speaker.loudness += (level - speaker.loudness) * weight
            speaks = speaker.began_at is not None
            if level >= (SPEAKS_DOWN_TO if speaks else SPEAKS_FROM):
                speaker.heard_at = now
                if not speaks:
                    speaker.began_at = now
            elif now - speaker.heard_at >= PAUSE_SECONDS:
                speaker.began_at = None
        self._choose(now)

    def is_speaking(self, name: str) -> bool:
        """Whether a participant speaks, short pauses included."""
        speaker = self._speakers.get(name)
        return speaker is not None and speaker.began_at is not None

    def _choose(self, now: float) -> None:
        speaking = {name: each for name, each in self._speakers.items() if each.began_at is not None}
        if speaking:
            self._last_speech_at = now
        dominant = self.dominant if self.dominant in self._speakers else None
        if dominant not in speaking:
            if speaking:
                dominant = max(speaking, key=lambda name: speaking[name].loudness)
            elif now - self._last_speech_at >= FORGOTTEN_AFTER:
                dominant = None
        else:
            ready = {
                name: each.loudness
                for name, each in speaking.items()
                if each.began_at is not None and now - each.began_at >= DOMINATES_AFTER
            }
            loudest = max(ready, key=ready.__getitem__, default=dominant)
            if ready.get(loudest, 0.0) > TIMES_LOUDER * speaking[dominant].loudness:
                dominant = loudest
        self.dominant = dominant
