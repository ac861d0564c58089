"""SignalingBackend: what the session needs of any signaling, whatever protocol it speaks."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from videocli.engine.reports import DescriptionType, LocalTrackInfo
from videocli.media.peer import IceCandidate
from videocli.protocol.subscribe_rules import EVERYTHING, Rules

TokenSource = Callable[[], Awaitable[str]]
"""Gives the access token at hand without delay while it is valid; else it gets another, which may take long.

Raises `TokenError` when there is none. It may be cancelled, and asked again.
"""


@dataclass(frozen=True, slots=True)
class SignalingConfig:
    """Where to and as whom."""

    url: str
    room: str | None
    """None: the token decides."""
    token: TokenSource
    subscribe: Rules = EVERYTHING
    """What to receive."""
    network_quality: bool = False
    """Ask the server for its verdicts on networks, which it says on a data channel."""


class SignalingBackend(Protocol):
    """Reports go to the function it was made with, on the loop's thread; the last one is `SignalingEnded`.

    What is asked for while signaling is down is said once, when it is back.
    """

    async def run(self) -> None:
        """Connect and serve until the session has ended. Cancelling it leaves at once, without a word."""
        ...

    def connect(self, peer_id: str, offer: str, tracks: Sequence[LocalTrackInfo]) -> None:
        """Ask to be let in, with the first offer (revision 1), after `IceServersGiven`."""
        ...

    def set_tracks(self, tracks: Sequence[LocalTrackInfo]) -> None:
        """All the tracks we want published now."""
        ...

    def set_subscriptions(self, rules: Rules) -> None:
        """All we want to receive from now on."""
        ...

    def describe(self, peer_id: str, kind: DescriptionType, revision: int, sdp: str | None) -> None:
        """Send a description; it is also the one that a later resume repeats."""
        ...

    def trickle(self, peer_id: str, ufrag: str, candidates: Sequence[IceCandidate], complete: bool) -> None:
        """Send all local candidates gathered so far under `ufrag`."""
        ...

    def renew_ice_servers(self) -> None:
        """Media is lost: get fresh STUN and TURN servers if there were any; `IceServersRenewed` has them."""
        ...

    def forget_peer(self, peer_id: str) -> None:
        """The peer connection is closed; a resume no longer mentions it."""
        ...

    def drop(self, seconds: float) -> None:
        """Lose the connection on purpose, as to a failing network, and for so long dial nobody.

        Then the session is resumed on another one.
        """
        ...

    def leave(self) -> None:
        """Say goodbye (`disconnect`, `bye`, close) and end within a grace period of 1 s."""
        ...
