"""Is it me, the network, the server or the token? The first line of sight when a room is in trouble."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from videocli.dashboard.safe_text import clean
from videocli.dashboard.words import explained
from videocli.engine.room.snapshot import Snapshot
from videocli.errors import MediaError, TokenError, VideoError
from videocli.urls import shown

Severity = Literal["fine", "warning", "broken"]
Suspect = Literal["nothing", "the network", "the server", "the token", "this end"]

TOKEN_WARNING = timedelta(minutes=5)
TOKEN_ALARM = timedelta(minutes=1)
"""The least life with which a token is safe to outlast the resumption of a session that is lost now."""

LOSSY = 0.03
"""Share of packets lost from which people hear and see it."""

_SUSPECTS: dict[int, Suspect] = {
    53002: "the network",
    53004: "this end",
    53100: "this end",
    53101: "this end",
    53102: "this end",
    53200: "this end",
    53201: "this end",
    53202: "this end",
    53205: "this end",
    53400: "this end",
    53401: "the server",
    53402: "this end",
    53403: "the server",
    53404: "the server",
}
"""Codes whose suspect is another than that of their branch of errors."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Where to look, how bad it is, and why we think so."""

    suspect: Suspect
    severity: Severity
    sentence: str


def diagnose(snapshot: Snapshot) -> Diagnosis:
    """Judge from the state of the room, its two legs and the token's life."""
    match snapshot.room.state:
        case "disconnected":
            return _ended(snapshot.error)
        case "connecting":
            return _connecting(snapshot)
        case "reconnecting":
            return _reconnecting(snapshot)
        case "connected":
            return _connected(snapshot)


def token_life(snapshot: Snapshot) -> timedelta | None:
    """How long the token is still valid; negative: expired. None: not known."""
    if snapshot.token_expires_at is None:
        return None
    return snapshot.token_expires_at - snapshot.time


def token_severity(snapshot: Snapshot) -> Severity:
    """How worrying it is that the token has only so much life; not at all if another is fetched in time.

    It is an alarm as long as a session that is lost now might outlast the token.
    """
    life = token_life(snapshot)
    if life is None or snapshot.is_token_renewable:
        return "fine"
    alarm = max(TOKEN_ALARM, timedelta(seconds=snapshot.session_seconds))
    if life > max(TOKEN_WARNING, 2 * alarm):
        return "fine"
    return "warning" if life > alarm else "broken"


def _ended(reason: VideoError | None) -> Diagnosis:
    if reason is None:
        return Diagnosis("nothing", "fine", "The room was left without an error.")
    return Diagnosis(suspect_of(reason), "broken", explained(reason) + ".")


def _connecting(snapshot: Snapshot) -> Diagnosis:
    if _is_expired(snapshot):
        return Diagnosis("the token", "broken", "It has expired: the server will refuse it.")
    if snapshot.signaling.state == "connected":
        return Diagnosis("nothing", "warning", "The server let us in; media is being set up.")
    return Diagnosis("nothing", "warning", "Waiting for the server to let us in.")


def _reconnecting(snapshot: Snapshot) -> Diagnosis:
    server = clean(shown(snapshot.url))
    signaling, media = (leg.state == "connected" for leg in (snapshot.signaling, snapshot.media))
    if not signaling and _is_expired(snapshot):
        return Diagnosis(
            "the token", "broken", "It has expired: the server will refuse to resume the session."
        )
    if not signaling and media:
        sentence = f"Only signaling is lost, media is not: look at {server} or a proxy before it."
        return Diagnosis("the server", "broken", sentence)
    if signaling and not media:
        sentence = "Only media is lost so far: look for blocked UDP or a changed network."
        return Diagnosis("the network", "broken", sentence)
    if not signaling and not media and "refused" in (snapshot.signaling.cause or ""):
        sentence = f"Nobody listens at {server} any more: has the server been stopped?"
        return Diagnosis("the server", "broken", sentence)
    if not signaling and not media:
        sentence = "Signaling and media are both lost: look at this machine's network first."
        return Diagnosis("the network", "broken", sentence)
    return Diagnosis("nothing", "warning", "Both ways to the server are back.")


def _connected(snapshot: Snapshot) -> Diagnosis:
    if _is_expired(snapshot):
        sentence = "It has expired: the room goes on, but a reconnection will be refused."
        return Diagnosis("the token", "broken", sentence)
    severity = token_severity(snapshot)
    if severity != "fine":
        return Diagnosis("the token", severity, "It expires soon; after that a reconnection will be refused.")
    if snapshot.media.state != "connected":
        return Diagnosis("nothing", "warning", "In the room; media is being set up.")
    losses = [track.loss for each in snapshot.participants for track in each.tracks if track.loss is not None]
    lossy = sum(loss >= LOSSY for loss in losses)
    if len(losses) >= 2 and lossy * 2 > len(losses):
        sentence = (
            f"{lossy} of {len(losses)} tracks that we receive lose packets: look at our own line first."
        )
        return Diagnosis("the network", "warning", sentence)
    return Diagnosis("nothing", "fine", "All is well.")


def _is_expired(snapshot: Snapshot) -> bool:
    life = token_life(snapshot)
    return life is not None and life <= timedelta(0) and not snapshot.is_token_renewable


def suspect_of(reason: VideoError) -> Suspect:
    """Where to look for the cause of an error that ended the room."""
    if reason.code is None:
        return "this end"
    if reason.code in _SUSPECTS:
        return _SUSPECTS[reason.code]
    if isinstance(reason, TokenError):
        return "the token"
    return "the network" if isinstance(reason, MediaError) else "the server"
