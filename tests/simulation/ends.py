"""How a stay may end, by what was done to it; and how long the server may keep, and must keep, its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.simulation.faults import Fault, Leg

if TYPE_CHECKING:
    from tests.simulation.play import Play
    from tests.simulation.stays import Epoch, Stay

EARLY_SECONDS = 0.5
LATE_SECONDS = 2.0
"""A session's place is kept no shorter and no longer than its window, but for these."""
END_SECONDS = 1.0
"""A client's own end comes within that after the window's."""
NOTICE_SECONDS = 16.0
"""To notice that nothing comes any more (three heartbeats)."""
MEDIA_NOTICE_SECONDS = 3.5
"""To notice that no datagram comes any more."""
BACK_SECONDS = 1.2
"""To find a path that is back, besides the time that messages take."""
SETTLED_SECONDS = 2.0
"""After joining or reconnecting: until its media is surely up."""
RECOVERY_SECONDS: dict[Leg, float] = {"signaling": 17.0, "media": 20.0}
"""After a fault is over: as long as its consequences may last. An attempt may wait 15 s for its answer."""


def complaint_about_end(play: Play, stay: Stay) -> str | None:
    """What is wrong with how a stay ended; None: nothing."""
    if stay.ended_at is None:
        return None
    code = stay.reason.code if stay.reason is not None else None
    checks = {
        None: _left,
        20104: _token_expired,
        53000: _refused,
        53002: _unanswered,
        53118: _room_completed,
        53204: _session_unknown,
        53205: _replaced,
        53405: _media_lost,
    }
    check = checks.get(code)
    words = check(play, stay) if check is not None else "nothing here may end so"
    return None if words is None else f"ended with {code}: {words}"


def complaint_about_patience(play: Play, stay: Stay) -> str | None:
    """What is wrong with a stay that goes on; None: nothing."""
    if stay.ended_at is not None or stay.model.state != "reconnecting":
        return None
    window, latest = play.script.window, play.now - END_SECONDS
    if not stay.has_signaling and stay.signaling_changed_at + window < latest:
        return f"still there, though its signaling was lost at {stay.signaling_changed_at:.3f}"
    at, code = stay.reconnecting[-1]
    if code == 53405 and stay.signaling_changed_at < at and at + window < latest:
        return f"still there, though its media was lost at {at:.3f}"
    return None


def _left(play: Play, stay: Stay) -> str | None:
    return None if stay.left_at is not None else "but was not told to leave"


def _token_expired(play: Play, stay: Stay) -> str | None:
    # Tokens count in whole seconds.
    return None if (stay.ended_at or 0.0) >= stay.token_expires_at - 1.0 else "its token was good"


def _refused(play: Play, stay: Stay) -> str | None:
    if stay.model.own_sid is None:
        return _joined_in_trouble(play, stay)
    refused = any(
        fault.kind.refuses_sometimes and fault.at <= (stay.ended_at or 0.0) for fault in _faults(play, stay)
    )
    return _window_passed(play, stay, "signaling") if refused else "nobody ever refused it"


def _unanswered(play: Play, stay: Stay) -> str | None:
    if stay.model.own_sid is None:
        return _joined_in_trouble(play, stay)
    silent = any(
        fault.kind.is_silent and fault.hits(stay.host.name) and fault.at <= (stay.ended_at or 0.0)
        for fault in play.script.faults
    )
    return _window_passed(play, stay, "signaling") if silent else "somebody always answered"


def _room_completed(play: Play, stay: Stay) -> str | None:
    end = stay.ended_at or 0.0
    is_shut = any(epoch.ending == "shutdown" and (epoch.ended_at or 0.0) <= end for epoch in play.epochs)
    return None if is_shut else "no server was shut down"


def _session_unknown(play: Play, stay: Stay) -> str | None:
    gone_at = _gone_at(play, stay)
    return (
        None if gone_at is not None and gone_at <= (stay.ended_at or 0.0) else "the server had not dropped it"
    )


def _replaced(play: Play, stay: Stay) -> str | None:
    end = stay.ended_at or 0.0
    is_rivalled = any(
        other is not stay and other.host is stay.host and other.sessions and other.sessions[0][0] <= end
        for other in play.stays
    )
    return None if is_rivalled else "nobody replaced it"


def _media_lost(play: Play, stay: Stay) -> str | None:
    return _window_passed(play, stay, "media")


def _joined_in_trouble(play: Play, stay: Stay) -> str | None:
    end = stay.ended_at or 0.0
    faults = _faults(play, stay)
    if any(fault.at <= end and fault.until >= stay.joined_at - 0.001 for fault in faults):
        return None
    return "nothing was wrong when it joined"


def _window_passed(play: Play, stay: Stay, leg: Leg) -> str | None:
    end, window = stay.ended_at or 0.0, play.script.window
    if not stay.reconnecting:
        return "it never was reconnecting"
    began_at = stay.reconnecting[-1][0]
    leaving = 1.0
    if (
        leg == "signaling"
        and stay.reconnecting[-1][1] == 53001
        and end > began_at + window + END_SECONDS + leaving
    ):
        return f"{end - began_at:.3f} s after it was lost, with a window of {window} s"
    if end < began_at + window - EARLY_SECONDS:
        return f"{end - began_at:.3f} s after it was lost, with a window of {window} s"
    trouble = _merged(
        (
            fault.at - 1.0,
            fault.until + RECOVERY_SECONDS["media" if "media" in fault.kind.legs else "signaling"],
        )
        for fault in _faults(play, stay)
        if leg in fault.kind.legs or leg == "media"
    )
    if any(begin <= end - window and end - leaving - END_SECONDS <= until for begin, until in trouble):
        return None
    return f"although trouble was over: {trouble}, it ended at {end:.3f}"


def _faults(play: Play, stay: Stay) -> list[Fault]:
    return [fault for fault in play.script.faults if fault.hits(stay.host.name)]


def _merged(intervals: Iterator[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for begin, until in sorted(intervals):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(until, merged[-1][1])
        else:
            merged.append((begin, until))
    return merged


def _epoch(play: Play, stay: Stay) -> Epoch | None:
    return next((epoch for epoch in play.epochs if epoch.number == stay.epoch), None)


def _gone_at(play: Play, stay: Stay) -> float | None:
    """When the server that let it in dropped it, or died."""
    epoch = _epoch(play, stay)
    if epoch is None or stay.sid is None:
        return None
    states = epoch.model.states.get(stay.sid, [])
    if states and states[-1][1] == "disconnected":
        return states[-1][0]
    return epoch.ended_at


def complaints_about_windows(play: Play, stay: Stay) -> Iterator[str]:
    """Whether the server told of each loss, kept the place for the window, and no longer."""
    epoch = _epoch(play, stay)
    if epoch is None or stay.sid is None:
        return
    window, gone_at = play.script.window, _gone_at(play, stay)
    assert gone_at is not None
    sessions = stay.sessions
    for number, (_, link) in enumerate(sessions):
        lost_at = link.to_server.ended_at
        resumed_at = sessions[number + 1][0] if number + 1 < len(sessions) else None
        if lost_at is None or lost_at >= gone_at or (resumed_at is not None and resumed_at <= lost_at):
            continue
        until = gone_at if resumed_at is None else min(resumed_at, gone_at)
        if until - lost_at > window + LATE_SECONDS:
            yield f"the server kept its place from {lost_at:.3f} to {until:.3f}; the window is {window} s"
        if until - lost_at > 0.1 and _state_at(epoch, stay.sid, lost_at + 0.05) != "reconnecting":
            yield f"lost at {lost_at:.3f}, but the server did not say so"
    if not _may_be_dropped(play, stay, epoch, gone_at):
        losses = [link.to_server.ended_at for _, link in sessions]
        last = losses[-1]
        if last is None or gone_at - last < window - EARLY_SECONDS:
            yield f"dropped at {gone_at:.3f}; its connections were lost at {losses}; the window is {window} s"


def _may_be_dropped(play: Play, stay: Stay, epoch: Epoch, gone_at: float) -> bool:
    """Whether it left, was replaced or refused, ended by itself, or the server ended."""
    ends = [stay.left_at, stay.ended_at, epoch.ended_at]
    if any(end is not None and end <= gone_at for end in ends):
        return True
    if stay.reason is not None and stay.reason.code == 20104:
        return True
    return _replaced(play, stay) is None


def _state_at(epoch: Epoch, sid: str, at: float) -> str:
    state = "nobody"
    for since, name in epoch.model.states.get(sid, ()):
        if since <= at:
            state = name
    return state


def complaints_about_reconnecting(play: Play, stay: Stay) -> Iterator[str]:
    """Whether each loss was noticed in time, and nothing else was taken for one."""
    faults = _faults(play, stay)
    for at, code in stay.reconnecting:
        if not any(fault.at - 0.001 <= at <= fault.until + RECOVERY_SECONDS["media"] for fault in faults):
            yield f"reconnecting ({code}) at {at:.3f}, although nothing was wrong"
    for fault in faults:
        yield from _recovery(play, stay, fault, faults)
        notice = _notice_seconds(fault)
        if notice is None or any(other is not fault and _overlap(other, fault, notice) for other in faults):
            continue
        if _event_before(stay, fault.at) not in ("Connected", "Reconnected"):
            continue
        if not any(fault.at - 0.001 <= at <= fault.at + notice for at, _ in stay.states):
            yield f"{fault} at {fault.at:.3f} was not noticed within {notice} s"


def _recovery(play: Play, stay: Stay, fault: Fault, faults: list[Fault]) -> Iterator[str]:
    """Whether a path that was only refused is found soon when it is back."""
    kind = fault.kind
    hidden = any(
        other is not fault and _overlap(other, fault, fault.seconds + BACK_SECONDS) for other in faults
    )
    if (
        hidden
        or not kind.refuses
        or "media" in kind.legs
        or fault.seconds > play.script.window - BACK_SECONDS
    ):
        return
    # What needs no dialing ends it, too: leaving, and being replaced.
    since = [(at, name) for at, name in stay.states if at >= fault.at - 0.001]
    latest = fault.until + BACK_SECONDS + 6 * play.script.base_delay
    if (
        since
        and since[0][1] == "Reconnecting"
        and since[0][0] <= fault.until
        and (len(since) == 1 or since[1][0] > latest)
    ):
        yield f"{fault}, over at {fault.until:.3f}: not back by {latest:.3f}"


def _notice_seconds(fault: Fault) -> float | None:
    """How soon a connected client must notice; None: it need not."""
    kind = fault.kind
    if kind.cuts is not None and "client" in kind.cuts:
        return 0.1
    if "server" in kind.loses and fault.seconds > MEDIA_NOTICE_SECONDS:
        return MEDIA_NOTICE_SECONDS
    if "client" in kind.stalls and fault.seconds > NOTICE_SECONDS:
        return NOTICE_SECONDS
    return None


def _overlap(other: Fault, fault: Fault, notice: float) -> bool:
    """Whether another fault may hide this one."""
    return other.at <= fault.at + notice and other.until + RECOVERY_SECONDS["media"] >= fault.at


def _event_before(stay: Stay, at: float) -> str | None:
    """The last event before that time that changed the state; None: it is too young to tell."""
    before = [name for since, name in stay.states if since < at - SETTLED_SECONDS]
    lately = [name for since, name in stay.states if at - SETTLED_SECONDS <= since < at]
    return before[-1] if before and not lately else None
