"""How the bots stand, in one line."""

from videocli.bots.report import seconds
from videocli.bots.results import Standing


def to_line(now: Standing, before: Standing, interval: float, bots: int, elapsed: float) -> str:
    """`before` is how they stood `interval` seconds ago; `elapsed` is in seconds since the start."""
    away = f", {now.away} of them reconnecting" if now.away else ""
    parts = [f"{elapsed:4.0f} s", f"{now.joined} of {bots} joined, {now.here} here{away}"]
    if now.failed:
        parts.append(f"{now.failed} failed")
    if interval > 0:
        packets, lost = max(now.packets - before.packets, 0), max(now.lost - before.lost, 0)
        parts.append(f"{max(now.bytes - before.bytes, 0) * 8 / interval / 1e6:.2f} Mbit/s in")
        if packets + lost:
            parts.append(f"loss {lost / (packets + lost):.2%}")
    if now.reconnections:
        parts.append(f"{now.reconnections} reconnections")
    reason = f" or more: {now.held_up or 'a process is silent'}" if now.silence else ""
    parts.append(f"loop late {seconds(now.lag)}{reason}")
    return "; ".join(parts)
