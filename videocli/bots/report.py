"""What is said of all bots together: figures, a table, JSON."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from videocli.bots.results import TOO_MANY_FILES, Failure, Load, Received, Result, Silence
from videocli.moments import rfc3339

LAG_SECONDS = 0.05
"""A loop that is later than this for one percent of the time measures itself."""
BUSY = 0.9
"""Share of a core from which a process has nothing in reserve."""

_LESS_LOAD = "use more machines, or fewer bots"


@dataclass(frozen=True, slots=True)
class Report:
    """Of one run."""

    rooms: int
    processes: int
    seconds: float
    results: tuple[Result, ...]
    loads: tuple[Load, ...]
    silence: Silence | None = None
    """The longest time for which a process was not heard of, if that was too long."""

    @property
    def joined(self) -> list[Result]:
        """The bots that were in their room."""
        return [result for result in self.results if result.connect_seconds is not None]

    def failures(self) -> list[tuple[Failure, int]]:
        """Each kind of failure with how many bots had it, the commonest first."""
        counted = Counter(
            (failure.stage, failure.code, failure.name, failure.message)
            for result in self.results
            if (failure := result.failure) is not None
        )
        return [(Failure(*kind), count) for kind, count in counted.most_common()]

    def received(self, kind: str | None = None) -> Received:
        """What came to all bots together, of one kind or of all."""
        total = Received()
        for result in self.results:
            for each, received in result.received.items():
                if kind in (None, each):
                    total.tracks += received.tracks
                    total.silent += received.silent
                    total.bytes += received.bytes
                    total.packets += received.packets
                    total.lost += received.lost
                    total.frames += received.frames
        return total

    def metrics(self) -> dict[str, float | None]:
        """The figures by the names that `--fail-if` knows; None: not known.

        In seconds, bytes, bits a second for each bot, shares from 0 to 1, and counts.
        """
        connect = sorted(r.connect_seconds for r in self.results if r.connect_seconds is not None)
        media = sorted(r.media_seconds for r in self.results if r.media_seconds is not None)
        came = self.received()
        stayed = sum(result.stay_seconds for result in self.results)
        expected = came.packets + came.lost
        return {
            "bots": len(self.results),
            "joined": len(connect),
            "failed": len(self.results) - len(connect),
            "broken": sum(r.failure is not None and r.connect_seconds is not None for r in self.results),
            "connect_p50": percentile(connect, 50),
            "connect_p95": percentile(connect, 95),
            "connect_p99": percentile(connect, 99),
            "connect_max": connect[-1] if connect else None,
            "media_p50": percentile(media, 50),
            "media_p95": percentile(media, 95),
            "media_max": media[-1] if media else None,
            "tracks": came.tracks,
            "silent_tracks": came.silent,
            "bytes": came.bytes,
            "packets": came.packets,
            "lost": came.lost,
            "loss": came.lost / expected if expected else None,
            "bitrate": came.bytes * 8 / stayed if stayed else None,
            "messages": sum(result.messages for result in self.results),
            "reconnections": sum(result.reconnections for result in self.results),
            "away": sum(result.is_away for result in self.results),
            "downtime": sum(result.downtime for result in self.results),
            "media_gap": max((result.media_gap for result in self.results), default=0.0),
            "lag": max((load.lag_p99 for load in self.loads), default=None),
            "cpu": max((load.cpu for load in self.loads), default=None),
            "silence": 0.0 if self.silence is None else self.silence.seconds,
        }

    def bottleneck(self) -> str | None:
        """What of the tester itself held the bots up; None: nothing did."""
        return " and ".join(words for words, _ in self.bottlenecks()) or None

    def bottlenecks(self) -> list[tuple[str, str]]:
        """Each thing of the tester itself that held the bots up, and what to do about it."""
        late = max((load.lag_p99 for load in self.loads), default=0.0)
        busy = max((load.cpu for load in self.loads), default=0.0)
        found = []
        if self.silence is not None:
            why = f", for {self.silence.words}" if self.silence.words else ""
            remedy = "let scripts await instead" if why else _LESS_LOAD
            found.append((f"a process was not heard of for {seconds(self.silence.seconds)}{why}", remedy))
        found += [
            (failure.message, "raise that limit, or use more processes")
            for failure, _ in self.failures()
            if failure.name == TOO_MANY_FILES
        ][:1]
        if late > LAG_SECONDS:
            words = f"an event loop was late by {seconds(late)} and more, one percent of the time"
            found.append((words, _LESS_LOAD))
        if busy > BUSY:
            found.append((f"a process used {busy:.0%} of a core", _LESS_LOAD))
        return found


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """The least value that so many percent do not exceed (nearest rank); None: there are none."""
    return ordered[ceil(len(ordered) * percent / 100) - 1] if ordered else None


def to_json(report: Report, held: Sequence[str], now: datetime) -> dict[str, Any]:
    """The report as an object; `held` are the conditions of `--fail-if` that were met, `now` is in UTC."""
    return {
        "event": "report",
        "time": rfc3339(now),
        "rooms": report.rooms,
        "processes": report.processes,
        "duration": round(report.seconds, 3),
        "metrics": {name: _rounded(value) for name, value in report.metrics().items()},
        "received": {
            kind: {
                "tracks": came.tracks,
                "silentTracks": came.silent,
                "bytes": came.bytes,
                "packets": came.packets,
                "packetsLost": came.lost,
                "frames": came.frames,
            }
            for kind in ("audio", "video")
            if (came := report.received(kind)).tracks
        },
        "failures": [
            {
                "stage": failure.stage,
                "code": failure.code,
                "name": failure.name,
                "message": failure.message,
                "count": count,
            }
            for failure, count in report.failures()
        ],
        "bottleneck": report.bottleneck(),
        "failedIf": list(held),
    }


def to_lines(report: Report) -> list[str]:
    """The report as a table."""
    figures = report.metrics()
    joined, bots = len(report.joined), len(report.results)
    rows = [
        ("bots", f"{bots} in {_count(report.rooms, 'room')}, {_count(report.processes, 'process')}"),
        ("lasted", seconds(report.seconds)),
        ("joined", f"{joined} of {bots}"),
        ("broken off", f"{figures['broken']:.0f}"),
        ("connect", _spread(figures, "connect", ("p50", "p95", "p99", "max"))),
        ("first media", _spread(figures, "media", ("p50", "p95", "max"))),
    ]
    for kind in ("audio", "video"):
        came = report.received(kind)
        if came.tracks:
            silent = f", {came.silent} of them silent" if came.silent else ""
            sizes = f"{size(came.bytes)}, {came.packets} packets"
            rows.append((kind, f"{came.tracks} tracks received{silent}, {sizes}"))
    loss = figures["loss"]
    rows += [
        ("loss", "unknown" if loss is None else f"{loss:.3%} ({figures['lost']:.0f} packets)"),
        ("reconnections", _reconnections(figures)),
        ("away", f"{figures['away']:.0f} at the end" if figures["away"] else "0"),
        ("messages", f"{figures['messages']:.0f}"),
    ]
    if report.loads:
        rows.append(
            ("tester", f"loop late by {seconds(figures['lag'] or 0.0)} (p99), {figures['cpu']:.0%} of a core")
        )
    lines = [f"{name:<14} {value}" for name, value in rows]
    for failure, count in report.failures():
        lines.append(f"{'failed':<14} {count} {failure.stage}: {failure.title}: {failure.message}")
    if (words := report.bottleneck()) is not None:
        remedies = " and ".join(dict.fromkeys(remedy for _, remedy in report.bottlenecks()))
        lines.append(f"{'bottleneck':<14} the tester itself: {words}; {remedies}")
    return lines


def seconds(value: float) -> str:
    """A length of time, for people."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if value < 60 else f"{value:.0f} s"


def size(value: float) -> str:
    """Bytes, for people."""
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.2f} GB"


def _spread(figures: dict[str, float | None], name: str, parts: Sequence[str]) -> str:
    known = [(part, value) for part in parts if (value := figures[f"{name}_{part}"]) is not None]
    return "   ".join(f"{part} {seconds(value)}" for part, value in known) or "never"


def _reconnections(figures: dict[str, float | None]) -> str:
    count = figures["reconnections"] or 0
    if not figures["downtime"]:
        return f"{count:.0f}"
    downtime, gap = seconds(figures["downtime"] or 0.0), seconds(figures["media_gap"] or 0.0)
    return f"{count:.0f}, {downtime} in all, {gap} without media at most"


def _count(number: int, noun: str) -> str:
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"1 {noun}" if number == 1 else f"{number} {plural}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


METRICS = tuple(Report(0, 0, 0.0, (), ()).metrics())
"""The names of all figures."""
